"""A process that runs many cases, and the one that watches it: a hang, a crash or too much memory is a finding."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

SECONDS_EACH = 30
"""Of the processor; a case that waits is ended after four times as long, for a machine may be busy."""
MOST_BYTES = 1_000_000_000
_SPARE_BYTES = 3_000_000_000


@dataclass(frozen=True)
class Findings:
    """What came of the cases: how many of each outcome, and a line for each finding."""

    outcomes: dict[str, int]
    findings: tuple[str, ...]
    peak_bytes: int
    took_s: float


def fuzz(kind, template, folder, seeds):
    """Run cases in a worker; another takes over where one dies."""
    outcomes, findings, peak, begin_s = {}, [], 0, time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    left = list(seeds)
    while left:
        errors = folder / "errors.txt"
        with errors.open("w+") as said:
            home = folder / "home"
            home.mkdir(exist_ok=True)
            paths = os.pathsep.join(sys.path)
            command = [sys.executable, "-W", "ignore", "-m", "tests.support.fuzz.worker"]
            child = subprocess.Popen(
                [*command, kind, str(template), str(folder / "case")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                env={**os.environ, "HOME": str(home), "OMP_NUM_THREADS": "1", "PYTHONPATH": paths},
                cwd=Path(__file__).parents[3],
            )
            child.stdin.write("\n".join(map(str, left)))
            child.stdin.close()
            for line in child.stdout:
                answer = json.loads(line)
                assert answer["seed"] == left.pop(0)
                outcomes[answer["outcome"]] = outcomes.get(answer["outcome"], 0) + 1
                peak = max(peak, answer["peak_bytes"])
                if answer["finding"]:
                    findings.append(f"{kind} {answer['seed']}: {answer['finding']}")
            child.stdout.close()
            child.wait()
            if left:
                said.seek(0)
                findings.append(f"{kind} {left.pop(0)}: hung or died\n{said.read()[-2500:]}")
    return Findings(outcomes, tuple(findings), peak, time.monotonic() - begin_s)


def _peak_bytes():
    """Largest resident size of this process itself; what it inherited from the one that started it is left out."""
    import resource

    status = Path("/proc/self/status")
    if status.is_file():
        return int(next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(kind, template, folder):
    """Run the cases whose seeds come on standard input; answer each with a line of JSON."""
    import faulthandler
    import logging
    import resource
    import traceback

    from tests.support.fuzz.cases import run_case

    logging.disable(logging.CRITICAL)
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    warm = False
    for line in sys.stdin:
        faulthandler.dump_traceback_later(4 * SECONDS_EACH, exit=True)
        finding, outcome, begin_s = "", "found", time.process_time()
        try:
            outcome = run_case(kind, Path(template), Path(folder), int(line))
        except Exception:
            finding = traceback.format_exc()[-2500:]
        faulthandler.cancel_dump_traceback_later()
        took_s = time.process_time() - begin_s
        if took_s > SECONDS_EACH and not finding:
            outcome, finding = "found", f"{took_s:.0f} s were taken"
        peak = _peak_bytes()
        if peak > MOST_BYTES and not finding:
            outcome, finding = "found", f"{peak / 1e6:.0f} MB were taken"
        answer = {"seed": int(line), "outcome": outcome, "finding": finding, "peak_bytes": peak}
        print(json.dumps(answer), file=out, flush=True)
        if peak > MOST_BYTES:
            return  # the next worker begins with less
        if not warm:
            warm = True
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + _SPARE_BYTES,) * 2)


if __name__ == "__main__":
    main(*sys.argv[1:])
