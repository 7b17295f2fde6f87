"""What is handed to recorders that die, hang or find no room: scripted chunks, recorders in threads, real files."""

import json
import multiprocessing
import threading
import time

import numpy as np
import pytest

from moodring.models.io.source_streams import RecordedSource, SourceChunk
from moodring.offline.recordings.session_streams import read_parts
from moodring.realtime.recorder import supervisor as module
from moodring.realtime.recorder.messages import STOP, chunk_message, chunk_of, header_of, source_message, source_of
from moodring.realtime.recorder.part_writer import PartWriter
from moodring.realtime.recorder.supervisor import Supervisor

EEG = RecordedSource("eeg", "signal", "amp", 256.0, ("Fp1", "Fp2"), jitter_s=0.1, delay_s=0.02)
FACE = RecordedSource("face", "film", "camera", None)
SOUND = RecordedSource("speech", "sound", "mic", 16000.0)


def eeg_chunk(index, rng):
    """Chunk ``index`` of 8 samples whose first channel counts, with stamps that jitter and jump."""
    first = 8 * index
    values = np.column_stack([np.arange(first, first + 8), rng.normal(size=8)]).astype(np.float32)
    stamps_s = 100.0 + np.arange(first, first + 8) / 256 + rng.normal(0, 1e-3, 8) - (1000.0 if index % 20 > 15 else 0)
    return SourceChunk(stamps_s, 100.0 + first / 256 + 0.01, index == 5, 3 * (index == 7), values)


def face_chunk(index):
    return SourceChunk(np.array([100.0 + index / 25]), 100.02 + index / 25, first_in_file=index)


def sound_chunk(index):
    stamps_s = 100.0 + 0.02 * index + np.arange(320) / 16000
    return SourceChunk(stamps_s if index % 2 else stamps_s - 0.03, 100.1 + 0.02 * index, first_in_file=320 * index)


class ThreadRecorder:
    """A recorder in a thread: writes as the real one does, until it is told how to end."""

    def __init__(self, path, dies_after=None, hangs_after=None, refuses=False, slow=None):
        self.pipe, self._theirs = multiprocessing.Pipe()
        self._writer = PartWriter(path)
        self._dies_after, self._hangs_after, self._refuses, self._slow = dies_after, hangs_after, refuses, slow
        self._killed = threading.Event()
        self.finished = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        taken = 0
        while not self._killed.is_set():
            if self._slow is not None:
                self._slow.wait(20)
            if not self._theirs.poll(0.01):
                continue
            try:
                message = self._theirs.recv_bytes()
            except (EOFError, OSError):
                break
            if message == STOP:
                written = self._writer.flush()
                self._writer.close()
                self.finished = True
                self._theirs.send_bytes(json.dumps({"written": written, "complete": True}).encode())
                break
            if self._refuses:
                self._theirs.send_bytes(json.dumps({"error": "no space left on device"}).encode())
                break
            self._writer.take(message)
            taken += 1
            if taken == self._dies_after:
                break  # what it took since the last flush is lost with it
            if taken == self._hangs_after:
                self._killed.wait(20)
                break
            if taken % 4 == 0:
                self._theirs.send_bytes(json.dumps({"written": self._writer.flush(), "complete": True}).encode())
        # As the system does for one that is killed: what was not flushed is gone.
        self._writer._writer._file.close()
        self._theirs.close()

    def end(self, grace_s):
        self._killed.set()
        self._thread.join(20)


class Session:
    """A supervisor with recorders that end as scripted; what it said."""

    def __init__(self, folder, *scripts, **kwargs):
        self.said, self.failures, self.children = [], [], []
        scripts = list(scripts)

        def start(number):
            self.children.append(
                ThreadRecorder(folder / f"part-{number:03}.xdf", **(scripts.pop(0) if scripts else {}))
            )
            return self.children[-1]

        self.supervisor = Supervisor(start, lambda line, _: self.said.append(line), self.failures.append, **kwargs)
        self.supervisor.start()

    def run(self, chunks, rng):
        for source in (EEG, FACE, SOUND):
            self.supervisor.add(source)
        put = [eeg_chunk(index, rng) for index in range(chunks)]
        for index, chunk in enumerate(put):
            self.supervisor.put("eeg", chunk)
            self.supervisor.put("face", face_chunk(index))
            self.supervisor.put("speech", sound_chunk(index))
        return put


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "_AGAIN_S", 0.0)
    monkeypatch.setattr(module, "_POLL_S", 0.01)


def came_whole(folder, put):
    """Everything that was handed over is there once, in order, with how it arrived, bit for bit."""
    said = []
    sources, others = read_parts(folder, said.append)
    assert others == []
    assert all("holds no streams" in line for line in said), "one that died at once"
    eeg = sources["eeg"]
    np.testing.assert_array_equal(eeg.values, np.concatenate([chunk.values for chunk in put]))
    np.testing.assert_array_equal(eeg.stamps_s, np.concatenate([chunk.stamps_s for chunk in put]))
    np.testing.assert_array_equal(eeg.arrivals.stop, 8 * np.arange(1, len(put) + 1))
    np.testing.assert_array_equal(eeg.arrivals.received_s, [chunk.received_s for chunk in put])
    np.testing.assert_array_equal(eeg.arrivals.gap, [chunk.gap for chunk in put])
    np.testing.assert_array_equal(eeg.arrivals.skipped, [chunk.skipped for chunk in put])
    assert (eeg.arrivals.rate_hz, eeg.arrivals.delay_s) == (256.0, 0.02)
    face, sound = sources["face"], sources["speech"]
    np.testing.assert_array_equal(face.values[:, 0], np.arange(len(put)))
    assert face.arrivals.rate_hz is None
    np.testing.assert_array_equal(sound.values[:, 0], np.arange(320 * len(put)))
    np.testing.assert_array_equal(
        sound.stamps_s, np.concatenate([sound_chunk(index).stamps_s for index in range(len(put))])
    )


@pytest.mark.parametrize("deaths", [(), (1,), (2, 3), (31,), (10, 1, 44), (90, 90)])
def test_whenever_recorders_die_nothing_that_was_handed_over_is_lost(tmp_path, deaths):
    session = Session(tmp_path, *({"dies_after": count} for count in deaths))
    put = session.run(60, np.random.default_rng(0))
    assert session.supervisor.stop(20)
    assert (session.supervisor.parts, session.supervisor.restarts) == (len(deaths) + 1, len(deaths))
    assert session.children[-1].finished
    assert len([line for line in session.said if "has died" in line]) == len(deaths)
    assert session.supervisor.lost == {}
    came_whole(tmp_path, put)


def test_a_recorder_that_hangs_is_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_START_S", 0.6)
    monkeypatch.setattr(module, "_SILENT_S", 0.6)
    session = Session(tmp_path, {"hangs_after": 17})
    put = session.run(40, np.random.default_rng(1))
    assert session.supervisor.stop(20)
    assert any("does not answer" in line for line in session.said)
    assert session.supervisor.restarts >= 1
    came_whole(tmp_path, put)


def test_a_disk_that_refuses_is_told_and_no_other_recorder_is_started(tmp_path):
    session = Session(tmp_path, {"refuses": True})
    session.run(3, np.random.default_rng(2))
    end_s = time.monotonic() + 20
    while not session.failures:
        assert time.monotonic() < end_s
        time.sleep(0.01)
    assert session.failures == ["no space left on device"]
    assert not session.supervisor.stop(5)
    assert session.supervisor.parts == 1


def test_recorders_that_die_at_once_again_and_again_are_given_up(tmp_path):
    session = Session(tmp_path, *[{"dies_after": 1}] * 50)
    session.run(3, np.random.default_rng(2))
    end_s = time.monotonic() + 20
    while not session.failures:
        assert time.monotonic() < end_s
        time.sleep(0.01)
    assert session.failures == ["5 recorders died before they wrote anything"]
    assert (session.supervisor.parts, session.supervisor.stop(5)) == (5, False)


def test_a_recorder_that_is_too_slow_holds_nobody_up_and_what_does_not_fit_is_counted(tmp_path):
    go = threading.Event()
    session = Session(tmp_path, {"slow": go}, outbox_bytes=100_000)
    session.run(400, np.random.default_rng(3))
    go.set()
    assert session.supervisor.stop(20)
    lost = session.supervisor.lost
    assert lost["eeg"] > 0
    sources, _ = read_parts(tmp_path, pytest.fail)
    assert len(sources["eeg"].stamps_s) == 8 * (400 - lost["eeg"])
    assert sources["eeg"].arrivals.stop[-1] == len(sources["eeg"].stamps_s)


def test_a_part_that_is_cut_anywhere_keeps_whole_chunks_with_how_they_arrived(tmp_path):
    """As where the recorder and the engine die together."""
    whole = tmp_path / "whole"
    whole.mkdir()
    session = Session(whole)
    put = session.run(40, np.random.default_rng(4))
    assert session.supervisor.stop(20)
    content = (whole / "part-001.xdf").read_bytes()
    folder = tmp_path / "cut"
    folder.mkdir()
    lengths = set()
    for end in np.random.default_rng(5).integers(3000, len(content), 25).tolist():
        (folder / "part-001.xdf").write_bytes(content[:end])
        sources, _ = read_parts(folder, lambda _line: None)
        eeg = sources.get("eeg")
        if eeg is None:
            continue
        count = len(eeg.stamps_s)
        assert count == eeg.arrivals.stop[-1]
        np.testing.assert_array_equal(eeg.values[:, 0], np.arange(count))
        np.testing.assert_array_equal(eeg.stamps_s, np.concatenate([chunk.stamps_s for chunk in put])[:count])
        lengths.add(count)
    assert len(lengths) > 3


def test_samples_that_both_lost_are_counted_and_the_rest_keeps_its_place(tmp_path, caplog):
    rng = np.random.default_rng(6)
    put = [eeg_chunk(index, rng) for index in range(10)]
    for number, part in ((1, range(4)), (2, range(6, 10))):
        writer = PartWriter(tmp_path / f"part-{number:03}.xdf")
        writer.take(source_message(0, EEG))
        for index in part:
            writer.take(chunk_message(index, "eeg", 8 * index, put[index]))
        writer.close()
    sources, _ = read_parts(tmp_path, pytest.fail)
    eeg = sources["eeg"]
    assert eeg.values[:, 0].tolist() == [*range(32), *range(48, 80)]
    assert eeg.arrivals.stop.tolist() == [8, 16, 24, 32, 40, 48, 56, 64]
    assert "16 samples of eeg were lost between two parts" in caplog.text


def test_a_chunk_that_is_missing_in_the_middle_is_told_and_keeps_its_place(tmp_path, caplog):
    writer = PartWriter(tmp_path / "part-001.xdf")
    writer.take(source_message(0, EEG))
    rng = np.random.default_rng(7)
    for index in range(6):
        writer.take(chunk_message(index, "eeg", 8 * index, eeg_chunk(index, rng)))
        writer.flush()
    writer.close()
    path = tmp_path / "part-001.xdf"
    raw = path.read_bytes()
    # The third chunk of samples: 8 samples of stream 1, each a stamp and two numbers.
    mark = bytes([3, 0, 1, 0, 0, 0, 4, 8, 0, 0, 0])
    place = -1
    for _ in range(3):
        place = raw.index(mark, place + 1)
    stop = place - 5 + 5 + int.from_bytes(raw[place - 4 : place], "little")
    path.write_bytes(raw[: place - 5] + raw[stop:])
    sources, _ = read_parts(tmp_path, pytest.fail)
    eeg = sources["eeg"]
    # The samples of the lost chunk keep their places, without stamps, so that arrivals and journal still fit.
    assert eeg.arrivals is not None
    assert eeg.arrivals.stop[-1] == 48
    assert np.isnan(eeg.stamps_s[16:24]).all()
    assert np.isnan(eeg.values[16:24]).all()
    assert eeg.values[np.r_[0:16, 24:48], 0].tolist() == [*range(16), *range(24, 48)]
    assert "8 samples are missing" in caplog.text


def test_messages_come_back(tmp_path):
    rng = np.random.default_rng(8)
    for chunk in (eeg_chunk(5, rng), face_chunk(3), sound_chunk(1)):
        message = chunk_message(7, "eeg", 40, chunk)
        header = header_of(message)
        assert (header["number"], header["key"], header["first"]) == (7, "eeg", 40)
        again = chunk_of(header, message)
        np.testing.assert_array_equal(again.stamps_s, chunk.stamps_s)
        assert (again.received_s, again.gap, again.skipped) == (chunk.received_s, chunk.gap, chunk.skipped)
        assert again.first_in_file == chunk.first_in_file
        assert (again.values is None) == (chunk.values is None)
        if chunk.values is not None:
            np.testing.assert_array_equal(again.values, chunk.values)
    for source in (EEG, FACE, SOUND):
        assert source_of(header_of(source_message(0, source))) == source
