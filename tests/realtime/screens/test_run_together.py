"""Several participants under one command: an engine each, started, watched, recorded and stopped as a user does."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
import tomllib
from contextlib import ExitStack

import psutil
import pytest

from moodring.configs.schema.liblsl import own_session
from moodring.processes import Child
from moodring.realtime.bench.workload import Load, publish
from moodring.realtime.ipc.run_dir import running

pytestmark = [pytest.mark.lsl, pytest.mark.deadline, pytest.mark.timeout(900)]
TOKEN = "the-token-of-two-in-one-room"
LOAD = Load(32, 256.0, 16)


@pytest.fixture
def lab(tmp_path):
    """Two streams of EEG, and the configs of two participants."""
    lsl = own_session("test", 120.0)
    settings = "".join(
        f"{key} = {json.dumps(value)}\n" for key, value in lsl.model_dump(exclude_none=True).items() if value != []
    )
    with ExitStack() as stack:
        configs = []
        for name in ("anna", "ben"):
            stream = f"{name}-{lsl.session_id}"
            sender = stack.enter_context(Child("load", publish, LOAD, stream, lsl))
            sender.wait_for("ready", 120.0)
            path = tmp_path / f"{name}.toml"
            path.write_text(
                f'name = "{name}"\n[eeg]\nstream = {{ name = "{stream}" }}\n'
                f'[session]\nparticipant = "{name}"\n[models]\nallow_simulated = true\n[lsl]\n{settings}'
            )
            configs.append(path)
        yield configs


def live(*words):
    return subprocess.Popen(
        [sys.executable, "-m", "moodring", "live", *map(str, words), "--headless"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def told_by_page(port, goes_on):
    """The participants of the page's tiles, once both engines answer."""
    while goes_on():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60.0)
        try:
            connection.request("GET", "/events", headers={"Authorization": f"Bearer {TOKEN}"})
            tiles = json.loads(connection.getresponse().readline()[len(b"data: ") :])["tiles"]
        finally:
            connection.close()
        if sum(one["state"] == "attached" for one in tiles) == 2:
            return [one["participant"] for one in tiles]
        time.sleep(0.5)
    return []


def test_two_participants_are_decoded_recorded_and_shown_each_for_itself(lab, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for path in lab:
        path.write_text(path.read_text() + f'[web]\naddress = "127.0.0.1"\nport = {port}\ntoken = "{TOKEN}"\n')
    result = tmp_path / "both.json"
    command = live(*lab, "--duration", 15, "--json", result, "--record", tmp_path / "data")
    assert command.stdout.readline() == f"page for browsers: http://127.0.0.1:{port}/#{TOKEN}\n"
    told = sorted(told_by_page(port, lambda: command.poll() is None))
    out, err = command.communicate(timeout=800)
    assert command.returncode == 0, err
    assert told == ["anna", "ben"], err
    for file in (tmp_path / "data").rglob("*"):
        assert file.is_dir() or TOKEN.encode() not in file.read_bytes(), file
    engines = json.loads(result.read_text())["engines"]
    assert [one["engine"] for one in engines] == ["anna", "ben"]
    for one in engines:
        assert one["decisions"] > 0
        assert one["modalities"]["eeg"]["used_fraction"] > 0
    for name in ("anna", "ben"):
        assert f"{name}: " in out
        (session,) = (tmp_path / "data" / f"sub-{name}").rglob("session.toml")
        assert tomllib.loads(session.read_text())["ended_at"]


def test_one_that_fails_ends_alone_and_says_why(lab, tmp_path):
    lab[1].write_text(lab[1].read_text().replace('name = "ben-', 'name = "nobody-').replace("120.0", "1.0"))
    result = tmp_path / "both.json"
    command = live(*lab, "--duration", 8, "--json", result)
    out, err = command.communicate(timeout=800)
    assert command.returncode == 1
    assert "anna: " in out
    assert err.strip().splitlines()[-1].startswith("moodring: ben: no source was found")


def test_ctrl_c_ends_all_in_order_and_leaves_nothing(lab):
    command = live(*lab)
    deadline = time.monotonic() + 600
    while not {"anna", "ben"} <= {card.name for card in running()}:
        assert time.monotonic() < deadline
        assert command.poll() is None
        time.sleep(0.2)
    children = psutil.Process(command.pid).children(recursive=True)
    command.send_signal(signal.SIGINT)
    out, err = command.communicate(timeout=600)
    assert command.returncode == 0, err
    assert "anna: " in out
    assert "ben: " in out
    _, alive = psutil.wait_procs(children, timeout=60)
    assert alive == []
    assert not {card.name for card in running()} & {"anna", "ben"}
