"""Children and workers do what they are for, end, and are never left behind."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import cv2
import psutil
import pytest
import torch

from moodring import processes
from moodring.configs.schema.errors import ConfigError, failure_of
from moodring.processes import Child, ChildError, hold_interrupts, in_workers


def _talk(parent, word):
    """Send more than a pipe holds, then wait for the end."""
    parent.send({"word": word * 400_000})
    parent.ended.wait()


def _ignore(parent):
    parent.send({"ready": True})
    time.sleep(600)


def _echo(parent):
    while not parent.ended.is_set():
        message = parent.receive(1.0)
        if message is not None:
            parent.send(message)


def _fail(parent, error):
    parent.send({"ready": True})
    raise error


def _count_bytes(pipe):
    count = 0
    while part := pipe.recv_bytes():
        count += len(part)
    pipe.send_bytes(json.dumps({"bytes": count}).encode())


def _ignore_all(_):
    time.sleep(600)


def _die(parent):
    os.kill(os.getpid(), signal.SIGKILL)


def _care_for_nothing(parent):
    processes._ORPHAN_S = 0.1
    parent.send({"ready": True})
    time.sleep(600)


def _have_a_child(parent, target):
    with Child("grandchild", target, daemon=False) as child:
        child.send({"ready": True})
        child.wait_for("ready", 60.0)
        parent.send({"pid": child.pid})
        time.sleep(600)


def test_a_child_that_still_talks_is_listened_to_until_it_ends():
    child = Child("talker", _talk, "word")
    child.end(60.0)
    assert len(child.latest["word"]) == 1_600_000
    assert child.exit_status == 0
    assert not child.running
    assert child.error is None


@pytest.mark.parametrize("grace_s", [0.0, 0.2])
def test_a_child_that_does_not_end_is_killed(grace_s):
    child = Child("deaf", _ignore)
    assert child.wait_for("ready", 60.0) is True
    begun_s = time.monotonic()
    child.end(grace_s)
    assert time.monotonic() - begun_s >= grace_s
    assert child.exit_status not in (0, None)
    child.send({"more": 1})
    assert child.receive(0.0) == {"ready": True}
    assert child.receive(0.0) is None


def test_messages_go_both_ways_in_order():
    with Child("echo", _echo) as child:
        for number in range(5):
            child.send({"number": number})
        assert [child.receive(60.0) for _ in range(5)] == [{"number": number} for number in range(5)]
        assert child.receive(0.05) is None
        with pytest.raises(ChildError, match=r"the echo was not there within 0\.1 s; give it longer"):
            child.wait_for("there", 0.1)


def test_the_line_of_a_failure_reaches_the_parent_with_its_status():
    with Child("picky", _fail, ConfigError("a number was expected"), failure=failure_of) as child:
        with pytest.raises(ConfigError, match=r"^a number was expected$"):
            child.wait_for("done", 60.0)
        assert child.error == "a number was expected"
        child.join(60.0)
        assert child.exit_status == ConfigError.exit_status
    with Child("broken", _fail, ValueError("7")) as child:
        assert child.receive(60.0) == {"ready": True}
        with pytest.raises(ChildError, match=r"^the broken failed: ValueError: 7$") as caught:
            child.receive(60.0)
        assert caught.value.exit_status == 1


def test_a_death_is_told_with_what_to_do():
    with (
        Child("victim", _die, advice="call for help") as child,
        pytest.raises(ChildError, match=r"^the victim died \(exit status -9\); call for help$"),
    ):
        child.wait_for("ready", 60.0)


@pytest.mark.parametrize("target", [_echo, _care_for_nothing])
def test_a_child_ends_when_its_parent_is_killed(target):
    with Child("parent", _have_a_child, target, daemon=False) as child:
        grandchild = psutil.Process(child.wait_for("pid", 60.0))
        psutil.Process(child.pid).kill()
        grandchild.wait(30.0)


def test_bulk_goes_through_the_pipe_itself_and_a_child_that_does_not_read_can_be_killed():
    with Child("store", _count_bytes, plain=True) as child:
        for _ in range(3):
            child.pipe.send_bytes(bytes(1_000_000))
        child.pipe.send_bytes(b"")
        assert child.wait_for("bytes", 60.0) == 3_000_000
    child = Child("deaf", _ignore_all, plain=True)
    failed = []

    def feed():
        try:
            while True:
                child.pipe.send_bytes(bytes(1_000_000))
        except OSError as error:
            failed.append(error)

    feeder = threading.Thread(target=feed)
    feeder.start()
    child.end(0.0)
    feeder.join(30.0)
    assert failed


def test_an_interrupt_while_a_child_starts_is_held_back():
    entered = []

    def start():
        with hold_interrupts():
            signal.raise_signal(signal.SIGINT)
            entered.append(True)

    with pytest.raises(KeyboardInterrupt):
        start()
    assert entered == [True]


PARENT = """
import os, signal
from moodring.processes import in_workers
def pid(task):
    return os.getpid()
if __name__ == "__main__":
    print(next(in_workers(pid, range(4), 2)), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def threads_of(task):
    """The task, the process, and how many threads torch and OpenCV use in it."""
    return task, os.getpid(), torch.get_num_threads(), cv2.getNumThreads()


def test_workers_are_other_processes_of_one_thread_each_and_leave_nobody_behind():
    found = list(in_workers(threads_of, range(4), 2))
    assert [task for task, _, _, _ in found] == [0, 1, 2, 3]
    workers = {pid for _, pid, _, _ in found}
    assert os.getpid() not in workers
    assert {torch_threads for _, _, torch_threads, _ in found} == {1}
    assert {opencv_threads for _, _, _, opencv_threads in found} == {1}
    assert not [pid for pid in workers if psutil.pid_exists(pid)]


def test_one_worker_or_one_task_is_done_in_this_process():
    assert [pid for _, pid, _, _ in in_workers(threads_of, range(2), 1)] == [os.getpid()] * 2
    assert [pid for _, pid, _, _ in in_workers(threads_of, range(1), 2)] == [os.getpid()]
    assert list(in_workers(threads_of, [], 2)) == []


def test_workers_of_a_killed_parent_end(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    done = subprocess.run([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, timeout=60, check=False)
    worker = int(done.stdout)
    _, alive = psutil.wait_procs([p for p in psutil.process_iter() if p.pid == worker], timeout=20)
    assert not alive


def test_a_backend_that_is_set_outside_does_the_work_and_is_left_running():
    import joblib

    def where(task):
        return task, os.getpid(), threading.current_thread().name

    with joblib.parallel_config("threading", n_jobs=2):
        found = list(in_workers(where, range(4), 3))
    assert [task for task, _, _ in found] == [0, 1, 2, 3]
    assert {pid for _, pid, _ in found} == {os.getpid()}
    assert threading.main_thread().name not in {name for _, _, name in found}


def _where(parent):
    parent.send({"ready": [os.getppid(), "torch" in sys.modules]})
    parent.ended.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="children are copied on Linux only")
def test_children_that_share_libraries_are_copies_of_one_process_that_has_them():
    with Child("one", _where, shared="torch") as one, Child("other", _where, shared="torch") as other:
        (parent, has), (same, too) = one.wait_for("ready", 120.0), other.wait_for("ready", 120.0)
        assert parent == same != os.getpid()
        assert has
        assert too
        assert one.pid != other.pid
    assert (one.exit_status, other.exit_status) == (0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="children are copied on Linux only")
def test_the_failure_and_the_death_of_a_copied_child_are_told_as_of_any():
    with Child("copy", _fail, ConfigError("no such key"), shared="torch", failure=failure_of) as child:
        with pytest.raises(ConfigError, match="no such key"):
            child.wait_for("never", 120.0)
        child.join(60.0)
        assert child.exit_status == 2
    with Child("copy", _die, shared="torch") as child, pytest.raises(ChildError, match="the copy died"):
        child.wait_for("ready", 120.0)
