import multiprocessing
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moodring.configs.schema.errors import MoodringError
from moodring.models.io.ring import Ring


def _fill(ring: Ring, first: int, n: int) -> None:
    index = np.arange(first, first + n, dtype=np.float64)
    ring.append(np.stack((index, -index), 1).astype(np.float32), index / 10, float(first), index % 3 != 0)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=20), st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_any_chunking_gives_the_newest_samples(sizes, n):
    ring = Ring.create(16, (2,), np.float32, 10.0, ("a", "b"))
    total = 0
    for size in sizes:
        _fill(ring, total, size)
        total += size
    part = ring.latest(n)
    expected = np.arange(max(0, total - min(n, 16)), total)
    assert ring.count == total
    np.testing.assert_array_equal(part.samples[:, 0], expected)
    np.testing.assert_array_equal(part.samples[:, 1], -expected)
    np.testing.assert_allclose(part.stamps_s, expected / 10)
    np.testing.assert_array_equal(part.valid, expected % 3 != 0)
    assert (part.first, part.stop) == (expected[0], total)


def test_until_takes_samples_at_or_before_the_time():
    ring = Ring.create(8, (2,), np.float32)
    _fill(ring, 0, 13)
    part = ring.until(0.9, 3)
    np.testing.assert_array_equal(part.samples[:, 0], [7, 8, 9])
    assert ring.start_at(0.9) == 9
    assert len(ring.until(0.3, 4)) == 0, "those are overwritten"
    assert ring.newest_s == pytest.approx(1.2)


def test_an_empty_ring_has_nothing():
    ring = Ring.create(8, (2,), np.float32)
    assert ring.newest_s is None
    assert len(ring.latest(3)) == 0
    assert len(ring.until(1e9, 3)) == 0
    assert ring.latest(3).samples.shape == (0, 2)


def _read_in_another_process(path: str, answer) -> None:
    ring = Ring.attach(path)
    answer.send((ring.layout.names, ring.layout.rate_hz, ring.latest(2).samples.tolist(), ring.count))
    ring.close()


def test_another_process_reads_it(tmp_path):
    ring = Ring.create(8, (2,), np.float32, 256.0, ("Fp1", "Fp2"), tmp_path / "eeg.ring")
    _fill(ring, 0, 11)
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=_read_in_another_process, args=(str(ring.path), there))
    child.start()
    assert here.poll(60)
    assert here.recv() == (("Fp1", "Fp2"), 256.0, [[9.0, -9.0], [10.0, -10.0]], 11)
    child.join(10)
    assert (tmp_path / "eeg.ring").exists(), "a reader that ends takes nothing away"
    ring.close()


def test_readers_never_see_torn_samples():
    ring = Ring.create(64, (512,), np.int64)
    done = threading.Event()

    def write() -> None:
        for index in range(4000):
            ring.append(np.full((1, 512), index, np.int64), np.array([float(index)]), 0.0)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = 0
    while not done.is_set() or not seen:
        part = ring.latest(64)
        np.testing.assert_array_equal(
            part.samples, np.broadcast_to(np.arange(part.first, part.stop)[:, None], part.samples.shape)
        )
        np.testing.assert_array_equal(part.stamps_s, np.arange(part.first, part.stop))
        seen += len(part)
    writer.join()


def test_what_is_no_ring_is_refused(tmp_path):
    foreign = tmp_path / "foreign"
    foreign.write_bytes(b"x" * 5000)
    with pytest.raises(MoodringError, match="no ring"):
        Ring.attach(foreign)
    (tmp_path / "short").write_bytes(b"x")
    with pytest.raises(MoodringError, match="no ring"):
        Ring.attach(tmp_path / "short")
    with pytest.raises(MoodringError, match="engine has ended"):
        Ring.attach(tmp_path / "gone")


def test_a_view_stays_at_its_moment_while_the_ring_goes_on():
    ring = Ring.create(64, (1,), np.float32)
    ring.append(np.arange(40, dtype=np.float32)[:, None], np.arange(40) / 10, 0.0)
    view, earlier = ring.view(), ring.view(25)
    before = view.between(30, 40)
    # Stamps up to the same moment that come later are not seen, nor any after it.
    ring.append(np.arange(40, 60, dtype=np.float32)[:, None], np.full(20, 3.9), 1.0)
    assert (view.count, view.newest_s) == (40, 3.9)
    assert view.stop_at(3.9) == 40
    assert view.stop_at(99.0) == view.start_at(99.0) == 40
    assert ring.stop_at(3.9) == 60
    piece = view.between(30, 60)
    np.testing.assert_array_equal(piece.samples, before.samples)
    assert (piece.first, piece.stop) == (30, 40)
    assert (earlier.newest_s, earlier.stop_at(3.9), len(earlier.between(0, 60))) == (2.4, 25, 25)
    assert ring.view(0).newest_s is None
    assert len(ring.view(0).between(-1, 0)) == 0
