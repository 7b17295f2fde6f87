"""Workers do their work, and end when their parent is killed."""

import os
import subprocess
import sys

import psutil

from moodring.offline.training.common.workers import worker_pool

PARENT = """
import os, signal
from moodring.offline.training.common.workers import worker_pool
if __name__ == "__main__":
    pool = worker_pool(1)
    print(pool.submit(os.getpid).result(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_workers_are_other_processes() -> None:
    with worker_pool(1) as pool:
        assert pool.submit(os.getpid).result() != os.getpid()


def test_workers_of_a_killed_parent_end(tmp_path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    done = subprocess.run([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, timeout=60, check=False)
    worker = int(done.stdout)
    _, alive = psutil.wait_procs([p for p in psutil.process_iter() if p.pid == worker], timeout=20)
    assert not alive
