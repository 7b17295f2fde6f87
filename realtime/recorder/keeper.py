"""Keeps one LabRecorder: a small process of its own that outlives the engine by a moment.

LabRecorder writes what came every half second and drops the newest when it is told to stop, so it is told a little
later than the engine ends or dies. Run as a file, with nothing but the standard library:
``python keeper.py LINGER_S CLOSING_S LABRECORDER FILE QUERY…``; it ends when its input closes or LabRecorder does.
A LabRecorder that hangs when it is told to stop (it may, where a source went away) is killed after ``CLOSING_S``: left
alone it would hold its ports for ever, and others would not be found.
"""

import contextlib
import os
import subprocess
import sys
import threading
import time


def keep(linger_s: float, closing_s: float, command: list[str]) -> int:
    """Run LabRecorder until the input closes; give its exit status."""
    # LabRecorder stops in order when its own input closes, so it ends even where this process is killed.
    with subprocess.Popen(command, stdin=subprocess.PIPE) as recorder:  # noqa: S603 - a list, from the engine
        threading.Thread(target=_end_with, args=(recorder,), daemon=True).start()
        while os.read(0, 4096):
            pass
        time.sleep(linger_s)
        if recorder.stdin is not None:
            with contextlib.suppress(OSError):
                recorder.stdin.close()
        try:
            return recorder.wait(closing_s)
        except subprocess.TimeoutExpired:
            recorder.kill()
            return recorder.wait()


def _end_with(recorder: "subprocess.Popen[bytes]") -> None:
    status = recorder.wait()
    # The main thread waits for input that may never come.
    os._exit(status if 0 <= status < 256 else 1)


if __name__ == "__main__":
    sys.exit(keep(float(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
