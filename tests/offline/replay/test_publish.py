"""Replays over LSL: samples, stamps, descriptions, steering, and the child process."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.live import LslSection
from moodring.models.contract import Recording
from moodring.models.io.stream_descriptions import STREAM_KINDS, StreamKind
from moodring.offline.recordings.read_session import read_session
from moodring.offline.recordings.write_session import write_session
from moodring.offline.replay.playhead import HOLE_S
from moodring.offline.replay.process import SimulatedSource, start_replay
from moodring.offline.replay.publish import Published, ReplayOptions
from tests.support.toy.signal import MODALITY, simulate

Make = Callable[..., Recording]


def waited_for(get: Callable[[], Any]) -> Any:
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s:
        value = get()
        if value is not None:
            return value
    raise AssertionError("nothing came in 10 s")


@dataclass(frozen=True)
class Received:
    """What a consumer got of one stream."""

    info: Any
    values: np.ndarray
    stamps_s: np.ndarray

    def session(self, field: str) -> str:
        return str(self.info.desc().child("moodring").child_value(field))


def receive(
    names: dict[StreamKind, str], counts: dict[StreamKind, int], timeout_s: float
) -> dict[StreamKind, Received]:
    """Connect as the engine does, and take samples until the numbers expected have come."""
    import pylsl

    inlets = {}
    for kind, name in names.items():
        found = pylsl.resolve_byprop("name", name, 1, timeout_s)
        assert len(found) == 1, f"{name} was not found"
        inlets[kind] = pylsl.StreamInlet(found[0], max_buflen=8 if kind == "face" else 60)
    infos = {kind: inlet.info(timeout_s) for kind, inlet in inlets.items()}
    for inlet in inlets.values():
        inlet.open_stream(timeout_s)
    parts: dict[StreamKind, list[Any]] = {kind: [] for kind in names}
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        for kind, inlet in inlets.items():
            values, stamps_s = inlet.pull_chunk(
                0.005, max_samples=8 if kind == "face" else 4096, as_numpy=True, min_samples=1
            )
            if len(stamps_s):
                parts[kind].append((values.copy(), stamps_s.copy()))
        if all(sum(len(stamps) for _, stamps in parts[kind]) >= counts[kind] for kind in names):
            break
    received = {}
    for kind in names:
        assert parts[kind], f"nothing came of {kind}"
        values, stamps_s = (np.concatenate(columns) for columns in zip(*parts[kind], strict=True))
        received[kind] = Received(infos[kind], values, stamps_s)
    return received


def open_inlet(name: str) -> Any:
    import pylsl

    (found,) = pylsl.resolve_byprop("name", name, 1, 20.0)
    inlet = pylsl.StreamInlet(found, max_buflen=60)
    inlet.open_stream(20.0)
    return inlet


SECONDS = 2.5
SECOND = np.arange(16_000) / 16_000
COUNTS: dict[StreamKind, int] = {
    "eeg": 640, "face": 62, "speech": 40_000, "truth": 20, "markers": 2, "loudspeaker": 16_000, MODALITY: 25
}  # fmt: skip


@pytest.fixture(scope="module")
def replayed(
    fake_recording: Make, lsl_session: LslSection, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Recording, dict[StreamKind, Received], float, Published]:
    """A session folder, published by a child and received here."""
    recording = fake_recording(SECONDS, height=120, width=160)
    assert recording.speech is not None
    later = replace(
        recording.speech, samples=-recording.speech.samples[:16_000], stamps_s=recording.t0_s + 1.2 + SECOND
    )
    skin = {MODALITY: simulate(5, SECONDS, recording.t0_s)}
    folder = write_session(
        replace(recording, loudspeaker=later, signals=skin), tmp_path_factory.mktemp("replay") / "one"
    )
    with start_replay(folder, ReplayOptions(lsl=lsl_session, patience_s=30.0)) as replay:
        names = replay.wait_ready(30.0)
        kinds = (*STREAM_KINDS, MODALITY)
        assert names == tuple(f"simulated_{kind}" for kind in kinds)
        received = receive(dict(zip(kinds, names, strict=True)), COUNTS, 30.0)
        start_s = replay.wait_started(5.0)
        published = replay.wait(10.0)
    assert published is not None
    return read_session(folder), received, start_s, published


@pytest.mark.lsl
def test_every_sample_arrives(replayed: tuple[Recording, dict[StreamKind, Received], float, Published]) -> None:
    recording, received, _, published = replayed
    assert recording.eeg is not None
    assert recording.face is not None
    assert recording.speech is not None
    assert recording.truth is not None
    np.testing.assert_array_equal(received["eeg"].values, recording.eeg.samples)
    np.testing.assert_array_equal(received["speech"].values, recording.speech.samples)
    np.testing.assert_array_equal(received[MODALITY].values, recording.signals[MODALITY].samples)
    assert recording.loudspeaker is not None
    np.testing.assert_array_equal(received["loudspeaker"].values, recording.loudspeaker.samples)
    np.testing.assert_array_equal(recording.loudspeaker.samples, -recording.speech.samples[:16_000])
    np.testing.assert_array_equal(received["truth"].values[:, :2], recording.truth.latents)
    np.testing.assert_array_equal(received["truth"].values[:, 2:4], recording.truth.levels)
    np.testing.assert_array_equal(received["truth"].values[:, 4], recording.truth.stimulus)
    assert [row[0].decode() for row in received["markers"].values] == [marker.text for marker in recording.markers]
    frames = received["face"].values.view(np.uint8).reshape(-1, 120, 160, 3)
    assert len(frames) == len(recording.face.frames) == 62
    for index, frame in enumerate(frames):
        np.testing.assert_array_equal(frame, recording.face.frames[index])
    assert published.complete
    assert published.samples == {f"simulated_{kind}": count for kind, count in COUNTS.items()}


@pytest.mark.lsl
def test_stamps_are_the_recordings_moved_by_one_constant(
    replayed: tuple[Recording, dict[StreamKind, Received], float, Published],
) -> None:
    recording, received, start_s, _ = replayed
    assert recording.eeg is not None
    assert recording.face is not None
    assert recording.speech is not None
    assert recording.truth is not None
    original = {
        "eeg": recording.eeg.stamps_s,
        "face": recording.face.stamps_s,
        "speech": recording.speech.stamps_s,
        "truth": recording.truth.stamps_s,
        "markers": np.array([marker.stamp_s for marker in recording.markers]),
        "loudspeaker": recording.t0_s + 1.2 + SECOND,
        MODALITY: recording.signals[MODALITY].stamps_s,
    }
    moved_by_s = start_s - recording.t0_s
    for kind, one in received.items():
        np.testing.assert_allclose(one.stamps_s - original[kind], moved_by_s, atol=1e-6, rtol=0, err_msg=kind)


@pytest.mark.lsl
def test_descriptions_give_the_session(
    replayed: tuple[Recording, dict[StreamKind, Received], float, Published],
) -> None:
    _, received, start_s, _ = replayed
    for kind, one in received.items():
        assert one.session("origin") == "simulated"
        assert one.session("participant") == "p 01"
        assert float(one.session("rest_s")) == 0.75
        t0_s = one.stamps_s[0] - float(one.session("first_sample_after_t0_s"))
        assert t0_s == pytest.approx(start_s, abs=1e-6), kind
    assert {kind: one.info.type() for kind, one in received.items()} == {
        "eeg": "EEG",
        "face": "VideoFrames",
        "speech": "Audio",
        "truth": "EmotionTruth",
        "markers": "Markers",
        "loudspeaker": "LoudspeakerAudio",
        MODALITY: MODALITY,
    }
    assert received[MODALITY].info.get_channel_labels() == ["left hand", "right hand"]
    assert received[MODALITY].info.nominal_srate() == 10.0
    assert received["eeg"].info.get_channel_labels() == ["Fp1", "Fp2", "O1", "count"]
    assert received["eeg"].info.get_channel_units() == ["microvolts"] * 4
    assert received["eeg"].info.nominal_srate() == 256.0
    assert received["face"].info.channel_count() == 120 * 160 * 3
    video = received["face"].info.desc().child("moodring").child("video")
    assert [video.child_value(field) for field in ("width", "height", "encoding")] == ["160", "120", "bgr24"]


@pytest.mark.lsl
@pytest.mark.deadline
def test_nothing_is_pushed_late(replayed: tuple[Recording, dict[StreamKind, Received], float, Published]) -> None:
    # Other tests share the cores; `moodring bench replay` measures how late on a quiet machine (docs/measured.md).
    assert max(replayed[3].worst_late_s.values()) < 0.2


@pytest.mark.lsl
def test_part_of_a_recording_twice_as_fast_again_and_again(
    fake_recording: Make, lsl_session: LslSection, tmp_path: Path
) -> None:
    folder = write_session(replace(fake_recording(1.5), face=None, speech=None), tmp_path / "one")
    options = ReplayOptions(
        only=("eeg",), prefix="quick", speed=2.0, start_s=1.0, loop=True, patience_s=30.0, lsl=lsl_session
    )
    with start_replay(folder, options) as replay:
        assert replay.wait_ready(30.0) == ("quick_eeg",)
        received = receive({"eeg": "quick_eeg"}, {"eeg": 300}, 30.0)["eeg"]
        assert replay.running
    assert not replay.running
    assert received.info.nominal_srate() == 512.0
    assert received.session("rest_s") == "0.375"
    counts = received.values[:, 3]
    first, lap = counts[0], 384 - counts[0]
    assert 255 <= first <= 257
    np.testing.assert_array_equal(counts[:300], first + np.arange(300) % lap)
    steps_s = np.diff(received.stamps_s)
    seams = np.flatnonzero(np.diff(counts) < 0)
    assert len(seams) == 2
    np.testing.assert_allclose(steps_s[seams], 1 / 512 + HOLE_S, atol=0.002)
    np.testing.assert_allclose(np.delete(steps_s, seams), 1 / 512, atol=1e-6)


@pytest.mark.lsl
def test_a_running_replay_is_paused_moved_and_sped_up(
    fake_recording: Make, lsl_session: LslSection, tmp_path: Path
) -> None:
    folder = write_session(replace(fake_recording(12.0), face=None, speech=None), tmp_path / "one")
    options = ReplayOptions(only=("eeg",), prefix="steered", patience_s=30.0, lsl=lsl_session)
    with start_replay(folder, options) as replay:
        replay.wait_ready(30.0)
        inlet, parts = open_inlet("steered_eeg"), []

        def heard_until(sample: int) -> None:
            deadline_s = time.monotonic() + 20.0
            while not parts or parts[-1][0][-1, 3] < sample:
                values, stamps_s = inlet.pull_chunk(0.05, max_samples=256, as_numpy=True, min_samples=1)
                if len(stamps_s):
                    parts.append((values.copy(), stamps_s.copy()))
                assert time.monotonic() < deadline_s

        heard_until(100)
        replay.pause()
        (paused,) = waited_for(lambda: replay.answers() or None)
        assert not paused.playing
        replay.seek(99.0)
        (refused,) = waited_for(lambda: replay.answers() or None)
        assert "seek 99 is outside the recording, which goes from 0.0 to 12.0 s" in refused.refused
        replay.resume()
        heard_until(300)
        replay.seek(10.0)
        heard_until(2600)
        replay.set_speed(4.0)
        heard_until(2900)
        sped_up = replay.answers()[-1]
        assert (sped_up.speed, sped_up.playing) == (4.0, True)
    counts = np.concatenate([values[:, 3] for values, _ in parts])
    stamps_s = np.concatenate([stamps for _, stamps in parts])
    steps, steps_s = np.diff(counts), np.diff(stamps_s)
    jumps = np.flatnonzero(steps_s > 0.1)
    # One hole where it was paused, one at the seek, one at the change of speed; everything else goes on evenly.
    assert len(jumps) == 3
    assert (steps_s[jumps] >= HOLE_S).all()
    (sought,) = np.flatnonzero(steps != 1)
    assert sought == jumps[1]
    assert abs(counts[sought + 1] - 2560) <= 1
    np.testing.assert_allclose(np.delete(steps_s[: jumps[2]], jumps[:2]), 1 / 256, atol=1e-6)
    np.testing.assert_allclose(steps_s[jumps[2] + 1 :], 1 / 1024, atol=1e-6)


@pytest.mark.lsl
def test_whoever_comes_late_hears_where_t0_was(fake_recording: Make, lsl_session: LslSection, tmp_path: Path) -> None:
    folder = write_session(replace(fake_recording(8.0), face=None, speech=None), tmp_path / "one")
    options = ReplayOptions(only=("eeg",), prefix="passing", patience_s=30.0, lsl=lsl_session)
    with start_replay(folder, options) as replay:
        replay.wait_ready(30.0)
        eeg = open_inlet("passing_eeg")
        start_s = replay.wait_started(10.0)
        first_stamp_s = eeg.pull_sample(10.0)[1]
        late = open_inlet("passing_timeline")
        values, t0_s = late.pull_sample(10.0)
        assert values == [1.0, 1.0]
        assert t0_s == pytest.approx(start_s - 0.0013, abs=1e-4)
        assert t0_s == pytest.approx(first_stamp_s - 0.0013, abs=1e-4)
        replay.seek(6.0)
        (moved,) = waited_for(lambda: replay.answers() or None)
        assert moved.position_s == pytest.approx(6.0, abs=0.01)
        sought_t0_s = waited_for(lambda: t if (t := late.pull_sample(10.0)[1]) != pytest.approx(t0_s) else None)
        stamps_s = np.zeros(1)
        while (stamps_s[-1] - sought_t0_s) < 6.0:
            values, stamps_s = eeg.pull_chunk(5.0, max_samples=1, as_numpy=True, min_samples=1)
        assert stamps_s[0] - sought_t0_s == pytest.approx(0.0013 + values[0, 3] / 256, abs=1e-4)


@pytest.mark.lsl
@pytest.mark.data
def test_a_foreign_recording_is_named_replay_and_published(lsl_session: LslSection, data_dir: Path) -> None:
    options = ReplayOptions(only=("eeg", "face"), patience_s=30.0, lsl=lsl_session)
    with start_replay(data_dir / "xdf" / "switch_example.xdf", options) as replay:
        assert replay.wait_ready(30.0) == ("replay_eeg",)
        received = receive({"eeg": "replay_eeg"}, {"eeg": 256}, 30.0)["eeg"]
    assert received.session("origin") == "switch_example.xdf"
    assert received.info.channel_count() == 16


@pytest.mark.lsl
def test_a_simulated_participant_is_made_in_the_child(lsl_session: LslSection) -> None:
    options = ReplayOptions(only=("eeg", "face"), prefix="made", patience_s=30.0, lsl=lsl_session)
    with start_replay(SimulatedSource(seed=5, duration_s=4.0), options) as replay:
        assert replay.wait_ready(60.0) == ("made_eeg", "made_face")
        received = receive({"eeg": "made_eeg", "face": "made_face"}, {"eeg": 64, "face": 5}, 30.0)
    assert received["eeg"].info.channel_count() == 32
    assert received["face"].session("origin") == "simulated"


@pytest.mark.lsl
def test_nobody_listening_is_told(fake_recording: Make, lsl_session: LslSection, tmp_path: Path) -> None:
    folder = write_session(replace(fake_recording(0.5), face=None), tmp_path / "one")
    options = ReplayOptions(prefix="unheard", patience_s=0.1, lsl=lsl_session)
    with start_replay(folder, options) as replay, pytest.raises(MoodringError, match="nobody connected to unheard_eeg"):
        replay.wait(30.0)


def test_what_the_child_cannot_open_reaches_the_parent_as_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    path.write_bytes(b"nonsense")
    with start_replay(path, ReplayOptions()) as replay:
        with pytest.raises(MoodringError, match="not an XDF file") as caught:
            replay.wait_ready(30.0)
        assert "\n" not in str(caught.value)
        assert replay.error == str(caught.value)


@pytest.mark.lsl
def test_a_child_that_is_killed_is_told(tmp_path: Path, lsl_session: LslSection, fake_recording: Make) -> None:
    folder = write_session(replace(fake_recording(0.5), face=None), tmp_path / "one")
    with start_replay(folder, ReplayOptions(prefix="killed", lsl=lsl_session)) as replay:
        replay.wait_ready(30.0)
        psutil.Process(replay.pid).kill()
        with pytest.raises(MoodringError, match=r"the replay died \(exit status -9\); start it again"):
            replay.wait(30.0)
