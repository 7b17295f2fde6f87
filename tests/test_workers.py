"""Worker processes do their work in order, with one thread each, and end when their parent is killed."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import psutil
import torch

from moodring.processes import in_workers

PARENT = """
import os, signal
from moodring.processes import in_workers
def pid(task):
    return os.getpid()
if __name__ == "__main__":
    print(next(in_workers(pid, range(4), 2)), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def threads_of(task: int) -> tuple[int, int, int, int]:
    """The task, the process, and how many threads torch and OpenCV use in it."""
    return task, os.getpid(), torch.get_num_threads(), cv2.getNumThreads()


def test_workers_are_other_processes_of_one_thread_each_and_leave_nobody_behind() -> None:
    found = list(in_workers(threads_of, range(4), 2))
    assert [task for task, _, _, _ in found] == [0, 1, 2, 3]
    workers = {pid for _, pid, _, _ in found}
    assert os.getpid() not in workers
    assert {torch_threads for _, _, torch_threads, _ in found} == {1}
    assert {opencv_threads for _, _, _, opencv_threads in found} == {1}
    assert not [pid for pid in workers if psutil.pid_exists(pid)]


def test_one_worker_or_one_task_is_done_in_this_process() -> None:
    assert [pid for _, pid, _, _ in in_workers(threads_of, range(2), 1)] == [os.getpid()] * 2
    assert [pid for _, pid, _, _ in in_workers(threads_of, range(1), 2)] == [os.getpid()]
    assert list(in_workers(threads_of, [], 2)) == []


def test_workers_of_a_killed_parent_end(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    done = subprocess.run([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, timeout=60, check=False)
    worker = int(done.stdout)
    _, alive = psutil.wait_procs([p for p in psutil.process_iter() if p.pid == worker], timeout=20)
    assert not alive
