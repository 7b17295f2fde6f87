"""Tracks of a replay: chunks, timetable, lateness, and frames read ahead."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.models.contract import Arrivals, Recording
from moodring.models.io.stream_descriptions import StreamKind
from moodring.offline.replay.frame_prefetch import FramePrefetcher
from moodring.offline.replay.publish import ReplayOptions, publish
from moodring.offline.replay.tracks import Lateness, Timetable, Track, chunk_stops, stream_kinds, tracks_of
from tests.support.toy.signal import MODALITY, simulate

Make = Callable[..., Recording]


def test_chunks_have_their_size_and_end_at_gaps() -> None:
    stamps_s = np.arange(30) / 256
    stamps_s[13:] += 0.5
    assert chunk_stops(stamps_s, 8).tolist() == [8, 13, 21, 29, 30]
    assert chunk_stops(stamps_s[:3], 1).tolist() == [1, 2, 3]
    assert chunk_stops(stamps_s[:0], 8).tolist() == []


def test_a_timetable_goes_from_the_start_asked_for_to_one_sample_after_the_last(fake_recording: Make) -> None:
    timetable = Timetable.of(fake_recording(2.0), ("eeg",), 0.5, 4.0)
    assert (timetable.begin_s, timetable.first_s) == (5000.75, 5000.25 + 0.0013)
    assert timetable.end_s == pytest.approx(5002.25 + 0.0013)


def test_a_track_goes_on_where_it_was_sent(fake_recording: Make) -> None:
    stamps_s = np.arange(20) / 10
    track = Track("eeg", None, np.arange(20.0, dtype=np.float32)[:, np.newaxis], stamps_s, 8)
    track.seek(0.25)
    got = []
    while not track.done:
        assert track.unsent_s == stamps_s[3 + len(got)]
        chunk = track.next_chunk()
        assert chunk.stamps_s[-1] == track.due_s
        got += chunk.values[:, 0].tolist()
        track.mark_sent(len(chunk.stamps_s), 0.001 * len(got))
    assert got == list(range(3, 20))
    assert track.pushed == 17
    track.seek(1.95)
    assert track.done
    track.seek(0.0)
    assert len(track.next_chunk().stamps_s) == 8


def test_lateness_is_counted_in_steps() -> None:
    late = Lateness()
    assert late.percentile_s(99) == 0.0
    for index in range(1000):
        late.add(0.01 if index < 980 else 0.2)
    late.add(-1.0)
    assert late.percentile_s(50) == pytest.approx(0.01, abs=1.1e-4)
    assert late.percentile_s(99) == pytest.approx(0.2, abs=1.1e-4)
    assert late.worst_s == 0.2


@pytest.mark.parametrize(
    ("only", "start_s", "speed", "words"),
    [
        (("eeg",), 99.0, 1.0, "ends at 2.0 s"),
        ((), 0.0, 1.0, "holds none of"),
        (("eeg",), 0.0, 0.0, "speed 0 is outside"),
        (("eeg",), 0.0, float("nan"), "speed nan is outside"),
    ],
)
def test_impossible_replays_give_one_line(
    fake_recording: Make, only: tuple[StreamKind, ...], start_s: float, speed: float, words: str
) -> None:
    with pytest.raises(MoodringError, match=words):
        Timetable.of(fake_recording(2.0), only, start_s, speed)


def test_a_further_signal_is_a_track_under_its_name(fake_recording: Make) -> None:
    recording = fake_recording(2.0)
    skin = simulate(5, 4.0, recording.t0_s)
    recording = replace(recording, signals={MODALITY: skin})
    timetable = Timetable.of(recording, (MODALITY,), 1.0, 2.0)
    assert timetable.end_s == pytest.approx(recording.t0_s + 4.0)
    (track,) = tracks_of(recording, (MODALITY,), {MODALITY: "lab_skin"}, timetable)
    assert (track.kind, track.description.name, track.description.type) == (MODALITY, "lab_skin", MODALITY)
    assert (track.description.rate_hz, track.description.channel_count) == (20.0, 2)
    track.seek(timetable.begin_s)
    chunk = track.next_chunk()
    assert chunk is not None
    np.testing.assert_array_equal(chunk.values, skin.samples[10:11])
    everything = tracks_of(recording, stream_kinds(recording), dict.fromkeys(stream_kinds(recording), "any"), timetable)
    assert MODALITY in [one.kind for one in everything]


def test_an_unknown_stream_is_refused_with_what_there_is(fake_recording: Make) -> None:
    recording = replace(fake_recording(2.0), signals={MODALITY: simulate(5, 2.0)})
    with pytest.raises(ConfigError, match=f"has no 'smell'; choose among eeg, .*, loudspeaker, {MODALITY}"):
        publish(recording, ReplayOptions(only=("eeg", "smell")), None)  # type: ignore[arg-type]


def test_a_clock_that_jumped_is_played_corrected(fake_recording: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    class StopError(Exception):
        pass

    taken: list[Recording] = []

    def tracks(recording: Recording, *_: Any) -> None:
        taken.append(recording)
        raise StopError

    recording = replace(fake_recording(4.0), face=None, speech=None)
    assert recording.eeg is not None
    count = len(recording.eeg.stamps_s)
    stop = np.arange(8, count + 1, 8)
    none = np.zeros(len(stop), np.bool_)
    arrivals = Arrivals(stop, recording.eeg.stamps_s[stop - 1] + 0.01, none, none.astype(np.int64), 256.0)
    jumped_s = recording.eeg.stamps_s + np.where(np.arange(count) >= count // 2, 1e6, 0.0)
    jumped = replace(recording, eeg=replace(recording.eeg, stamps_s=jumped_s, arrivals=arrivals))
    monkeypatch.setattr("moodring.offline.replay.publish.tracks_of", tracks)
    with pytest.raises(StopError):
        publish(jumped, ReplayOptions(only=("eeg",)), None)  # type: ignore[arg-type]
    assert taken[0].eeg is not None
    np.testing.assert_allclose(taken[0].eeg.stamps_s, recording.eeg.stamps_s, atol=0.02)


def test_frames_are_read_ahead_in_order(fake_recording: Make) -> None:
    face = fake_recording(1.0).face
    assert face is not None
    ahead = FramePrefetcher(face, 22)
    try:
        for index in (22, 23, 24):
            frame = waited_for(ahead.get)
            np.testing.assert_array_equal(frame.view(np.uint8).reshape(72, 96, 3), face.frames[index])
    finally:
        ahead.close()


def test_frames_that_cannot_be_read_are_told(fake_recording: Make) -> None:
    class Broken:
        def __len__(self) -> int:
            return 25

        def __getitem__(self, index: int, /) -> np.ndarray:
            raise MoodringError("the film ends here")

    face = fake_recording(1.0).face
    assert face is not None
    ahead = FramePrefetcher(replace(face, frames=Broken()), 0)
    with pytest.raises(MoodringError, match="the film ends here"):
        waited_for(ahead.get)
    ahead.close()


def waited_for(get: Callable[[], Any]) -> Any:
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s:
        value = get()
        if value is not None:
            return value
    raise AssertionError("nothing came in 10 s")
