"""Source and engine on two hosts: two network namespaces joined by a cable, whose clocks may differ.

Runs wherever root can make namespaces. What is measured is printed (``pytest -s``).
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

SUPPORT = Path(__file__).parents[2] / "support"
RATE_HZ = 256.0
CHANNELS = [[name, "microvolts", "EEG"] for name in ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "O1", "O2")]

pytestmark = [pytest.mark.lsl, pytest.mark.deadline]


def _ran(*words):
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    return done.returncode == 0, (done.stderr or done.stdout).strip()


class TwoHosts:
    """Two network namespaces and a cable between them."""

    def __init__(self):
        own = f"{os.getpid() % 100_000:05}{uuid4().hex[:3]}"
        self.source, self.engine = f"mrs{own}", f"mre{own}"
        self._ends = (f"vs{own}", f"ve{own}")
        self._children = []

    def build(self):
        """Make them; the reason where that is not possible."""
        steps = [("ip", "netns", "add", name) for name in (self.source, self.engine)]
        steps.append(("ip", "link", "add", self._ends[0], "type", "veth", "peer", "name", self._ends[1]))
        for number, (name, end) in enumerate(zip((self.source, self.engine), self._ends, strict=True), 1):
            steps += [
                ("ip", "link", "set", end, "netns", name),
                ("ip", "-n", name, "addr", "add", f"10.211.7.{number}/24", "dev", end),
                ("ip", "-n", name, "link", "set", "lo", "up"),
                ("ip", "-n", name, "link", "set", end, "up"),
                ("ip", "-n", name, "route", "add", "default", "dev", end),
            ]
        for step in steps:
            worked, why = _ran(*step)
            if not worked:
                return f"'{' '.join(step)}': {why}"
        return None

    def cable(self, state):
        worked, why = _ran("ip", "-n", self.source, "link", "set", self._ends[0], state)
        assert worked, why
        if state == "up":
            # A link that goes down takes its routes with it.
            _ran("ip", "-n", self.source, "route", "add", "default", "dev", self._ends[0])

    def start(self, host, *words, prefix=()):
        child = subprocess.Popen(
            ["ip", "netns", "exec", host, *prefix, sys.executable, *map(str, words)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        self._children.append(child)
        return child

    def tear_down(self):
        for child in self._children:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait(10)
            child.stdout.close()
            child.stderr.close()
        for name in (self.source, self.engine):
            _ran("ip", "netns", "delete", name)
        _ran("ip", "link", "delete", self._ends[0])  # where it never reached its namespace


@contextlib.contextmanager
def _two_hosts():
    if sys.platform != "linux" or shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("two hosts need Linux, root and the command 'ip' (iproute2)")
    made = TwoHosts()
    try:
        why = made.build()
        if why is not None:
            pytest.skip(f"network namespaces cannot be made here: {why}")
        yield made
    finally:
        made.tear_down()


@pytest.fixture
def hosts():
    with _two_hosts() as made:
        yield made


def publish(hosts, name, session_id, prefix=()):
    """Start a counting stream of EEG on the first host."""
    settings = f"[lab]\nSessionID = {session_id}\n[multicast]\nResolveScope = link\n[log]\nlevel = -3\n"
    stream = {"name": name, "count": len(CHANNELS), "rate": RATE_HZ, "channels": CHANNELS}
    child = hosts.start(hosts.source, SUPPORT / "lsl_stand.py", json.dumps([settings, [stream]]), prefix=prefix)
    assert child.stdout.readline() == "there\n", child.stderr.read()
    return child


def lines_of(child, timeout_s):
    out, error = child.communicate(timeout=timeout_s)
    assert child.returncode == 0, error[-2000:]
    return [json.loads(line) for line in out.splitlines()]


def test_a_cable_that_is_out_for_five_seconds(hosts):
    name, session_id = f"amp-{uuid4().hex[:8]}", f"two-{uuid4().hex[:8]}"
    publish(hosts, name, session_id)
    engine = hosts.start(hosts.engine, SUPPORT / "netns_host.py", "decode", name, session_id, 16)
    told = [json.loads(engine.stdout.readline())]
    while told[-1].get("decision", 0) < 2.0:
        told.append(json.loads(engine.stdout.readline()))
    hosts.cable("down")
    out_s = time.time()
    time.sleep(5.0)  # so long it is out
    hosts.cable("up")
    back_s = time.time()
    told += lines_of(engine, 40)
    states = [(row["at"], row["state"]) for row in told if "state" in row]
    lost_s = next(at for at, state in states if state in ("stale", "lost") and at > out_s)
    gone_s = next(at for at, state in states if state == "lost" and at > out_s)
    live_s = next(at for at, state in states if state in ("recovered", "live", "gap") and at > back_s - 0.05)
    print([(round(at - out_s, 2), state) for at, state in states], told[-1])
    print(
        f"noticed after {lost_s - out_s:.2f} s, lost after {gone_s - out_s:.2f} s, again {live_s - back_s:.2f} s after"
    )
    assert gone_s - out_s <= 1.0
    assert live_s - back_s <= 3.0
    decisions = [row for row in told if "decision" in row]
    # What did not come late after all is a gap in the ring, and counted.
    assert (told[-1]["lost_samples"] > 0) == (told[-1]["largest_step_s"] > 2 / RATE_HZ)
    # Decoding went on all the time, without what was not there, and with it again.
    assert max(np.diff([row["decision"] for row in decisions])) == pytest.approx(0.5)
    dark = [row for row in decisions if gone_s + 0.5 < row["at"] < back_s]
    assert len(dark) >= 6
    assert all(row["used"] == [] and all(row["abstained"]) for row in dark[2:])
    bright = [row for row in decisions if row["at"] > live_s + 2.5]
    assert bright
    assert all(row["used"] == ["eeg"] for row in bright)


FAR = ("unshare", "--time", "--monotonic", "1000", "--fork", "--kill-child")
DRIFTING = ("faketime", "-f", "+0s x1.001")


@pytest.fixture(scope="module")
def stamps_read():
    """What a reader on the other host sees of two sources whose clocks are wrong, each in its own way, at once."""
    possible = [FAR] * _ran(*FAR, "true")[0] + [DRIFTING] * (shutil.which("faketime") is not None)
    told = {}
    with _two_hosts() as hosts:
        readers = {}
        for prefix in possible:
            name, session_id = f"amp-{uuid4().hex[:8]}", f"two-{uuid4().hex[:8]}"
            publish(hosts, name, session_id, prefix)
            readers[prefix] = hosts.start(hosts.engine, SUPPORT / "netns_host.py", "stamps", name, session_id, 12)
        for prefix, reader in readers.items():
            (row,) = lines_of(reader, 40)
            told[prefix] = {key: np.asarray(value) if isinstance(value, list) else value for key, value in row.items()}
    for row in told.values():
        assert len(row["index"]) > 6 * RATE_HZ
        assert np.diff(row["index"]).tolist() == [1.0] * (len(row["index"]) - 1)
    return told


def test_a_source_whose_clock_is_a_thousand_seconds_ahead(stamps_read):
    if FAR not in stamps_read:
        pytest.skip(f"time namespaces cannot be made here: {_ran(*FAR, 'true')[1]}")
    told = stamps_read[FAR]
    # Sent every 10 ms: a sample is milliseconds old, tens of them where other tests take the processor, and never comes
    # from the future; with a clock that is not corrected it would be a thousand seconds off.
    print(f"age p50 {np.median(told['age']) * 1e3:.2f} ms, p99 {np.percentile(told['age'], 99) * 1e3:.2f} ms")
    assert np.percentile(told["age"], 1) >= -0.001
    assert np.median(told["age"]) <= 0.1
    steady = told["smooth"] - told["index"] / RATE_HZ
    print(f"stamps apart from a line by at most {np.ptp(steady) * 1e3:.3f} ms")
    assert np.ptp(steady) <= 0.002


def test_a_source_whose_clock_drifts_is_followed(stamps_read):
    if DRIFTING not in stamps_read:
        pytest.skip("a drifting clock needs 'faketime' (Debian: apt install faketime)")
    told = stamps_read[DRIFTING]
    # The card's samples come 1000 ppm faster than it says: unfollowed, stamps would run ahead by 1 ms a second.
    late_s = told["smooth"] - told["index"] / RATE_HZ / 1.001
    seconds = len(late_s) / RATE_HZ
    settled = late_s[int(3 * RATE_HZ) :]
    ppm = (told["observed_rate_hz"] / told["nominal_rate_hz"] - 1) * 1e6
    print(f"stamps within {np.ptp(settled) * 1e3:.2f} ms over {seconds - 3:.0f} s; {ppm:.0f} ppm observed")
    assert np.ptp(settled) <= 0.004
    assert 500 <= ppm <= 1500
