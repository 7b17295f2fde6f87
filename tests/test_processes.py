"""Children are heard, ended and never left behind."""

import time

import pytest

from moodring.processes import Child


def _talk(word, pipe):
    """Say more than a pipe holds, then wait to be told to end, or for the parent to be gone."""
    pipe.send_bytes(word.encode() * 400_000)
    try:
        pipe.recv_bytes()
    except EOFError:
        return


def _deaf(pipe):
    pipe.send_bytes(b"there")
    time.sleep(600)


def test_a_child_that_still_talks_is_listened_to_until_it_ends():
    child = Child("talker", _talk, "word")
    child.pipe.send_bytes(b"end")
    heard = []

    def listen(wait_s):
        try:
            while child.pipe.poll(wait_s):
                heard.append(len(child.pipe.recv_bytes()))
        except EOFError:
            return

    child.end(60.0, listen)
    assert heard == [1_600_000]
    assert child.exit_status == 0
    assert not child.running


@pytest.mark.parametrize("grace_s", [0.0, 0.2])
def test_a_child_that_does_not_end_is_killed(grace_s):
    child = Child("deaf", _deaf)
    assert child.pipe.recv_bytes() == b"there"
    begun_s = time.monotonic()
    child.end(grace_s)
    assert time.monotonic() - begun_s >= grace_s
    assert child.exit_status not in (0, None)
    with pytest.raises(OSError, match="closed"):
        child.pipe.poll()


def test_a_child_notices_that_its_parent_let_go():
    child = Child("talker", _talk, "word")
    assert len(child.pipe.recv_bytes()) == 1_600_000
    child.pipe.close()
    child.join(30.0)
    assert child.exit_status == 0
