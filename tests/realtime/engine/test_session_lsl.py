import dataclasses
import queue
import threading
from uuid import uuid4

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.live import (
    DecisionSection,
    EegSection,
    FaceSection,
    LiveConfig,
    OutletSection,
    SpeechSection,
    StreamQuery,
)
from tests.support.recorded import MemoryRecorder, assert_equal, recording_of

pytestmark = pytest.mark.lsl
NAMES = ("Fp1", "Fp2", "C3", "C4")
CHANNELS = [(name, "microvolts", "EEG") for name in NAMES]


@pytest.fixture
def live(lsl_session, fakes, tmp_path):
    """Make sessions with scripted models; they are stopped at the end."""
    from moodring.realtime.engine.lsl_clock import LslClock
    from moodring.realtime.engine.session import Session

    made = []

    def make(models=None, recorder=None, **sections):
        config = LiveConfig(
            name="test",
            lsl=lsl_session.model_copy(update={"resolve_timeout_s": sections.pop("patience_s", 20.0)}),
            outlet=OutletSection(name=f"estimates-{uuid4().hex}"),
            **sections,
        )
        clock = LslClock()
        made.append(Session(config, models or fakes.fake_models(), clock, tmp_path, clock.now(), recorder))
        return made[-1]

    yield make
    for session in made:
        session.stop()


def _named(name):
    return StreamQuery(name=name)


def test_where_nothing_is_it_says_what_was_expected_and_what_is_there(live, stand, lsl_session):
    session = live(eeg=EegSection(stream=_named("nowhere")), patience_s=1.0)
    with stand({"name": "another one", "channels": CHANNELS}), pytest.raises(MoodringError) as caught:
        session.connect(threading.Event())
    assert "name='nowhere'" in str(caught.value)
    assert "'another one'" in str(caught.value)


def test_a_camera_that_does_not_open_ends_the_start_and_is_told_once(live, caplog):
    session = live(face=FaceSection(camera="no/such/film.mp4"))
    with pytest.raises(MoodringError, match="does not open"):
        session.connect(threading.Event())
    session.stop()
    assert "does not open" not in caplog.text, "whoever started the session prints what it raises"


def test_a_stream_that_does_not_fit_the_bundle_ends_the_start(live, stand):
    name = f"slow-{uuid4().hex}"
    with stand({"name": name, "channels": CHANNELS, "rate": 100.0}):
        session = live(eeg=EegSection(stream=_named(name)))
        with pytest.raises(MoodringError, match="needs at least 128 Hz"):
            session.connect(threading.Event())


@pytest.mark.deadline
def test_a_source_that_dies_is_noticed_and_another_takes_its_place(live, stand, stepping):
    name = f"amp-{uuid4().hex}"
    mic = {"name": f"mic-{uuid4().hex}", "type": "Audio", "count": 1, "rate": 16000.0}
    with stand(mic):
        amplifier = stand({"name": name, "channels": CHANNELS})
        session = live(eeg=EegSection(stream=_named(name)), speech=SpeechSection(stream=_named(mic["name"])))
        session.connect(threading.Event())
        session.start()
        wait = stepping(session)

        def state():
            return session.source_channels[0].health.state

        wait(lambda: session.tally.decisions >= 4, 10)
        amplifier.kill()
        _, noticed_s = wait(lambda: state() == "lost", 3)
        assert noticed_s < 1.2
        decisions = session.tally.decisions
        wait(lambda: session.tally.decisions >= decisions + 4, 4)
        assert "eeg" not in session.snapshot().estimate.used
        # Another device under the same name takes its place (the same one returns in faults/test_device_faults.py).
        amplifier = stand({"name": name, "channels": CHANNELS, "source_id": f"other-{uuid4().hex}"})
        _, back_s = wait(lambda: state() in ("recovered", "live", "gap"), 8)
        assert back_s < 3.5
        wait(lambda: "eeg" in session.snapshot().estimate.used, 8)
        amplifier.kill()
        wait(lambda: state() == "lost", 3)
        status = session.snapshot().sources[0]
        assert status.lost_samples > 256
        states = [change.state for change in status.transitions]
        lost = states.index("lost")
        assert "live" in states[:lost]
        assert states[lost - 1 : lost + 2] == ["stale", "lost", "recovered"]
        assert states[-2:] == ["stale", "lost"]
        assert status.error is None
        assert session.error is None


@pytest.mark.deadline
def test_a_modality_that_comes_late_joins(live, stand, stepping):
    name, late = f"amp-{uuid4().hex}", f"mic-{uuid4().hex}"
    with stand({"name": name, "channels": CHANNELS}):
        session = live(eeg=EegSection(stream=_named(name)), speech=SpeechSection(stream=_named(late)), patience_s=2.0)
        session.connect(threading.Event())
        session.start()
        wait = stepping(session)
        wait(lambda: session.tally.decisions >= 2, 10)
        snapshot = session.snapshot()
        assert snapshot.sources[2].health == "searching"
        assert any(late in notice for notice in snapshot.notices)
        with stand({"name": late, "type": "Audio", "count": 1, "rate": 16000.0}):
            wait(lambda: "speech" in session.snapshot().estimate.used, 10)
            assert not any(late in notice for notice in session.snapshot().notices)


class Unsteered:
    """A replay that is only started and ended."""

    def __init__(self):
        self.done = threading.Event()
        self.stopped = self.done.is_set
        self._news = queue.SimpleQueue()

    def commands(self):
        return ()

    def report(self, news):
        self._news.put(news)

    def started_s(self):
        """Wait until it plays; the LSL time of its first moment."""
        while not hasattr(news := self._news.get(timeout=20.0), "start_s"):
            pass
        return news.start_s


@pytest.mark.deadline
def test_who_attaches_late_to_a_replay_decodes_what_its_recording_gives(live, lsl_session, fakes, stepping):
    import pylsl

    from moodring.offline.decoding.decode import decode
    from moodring.offline.replay.publish import ReplayOptions, publish

    recording = fakes.recording(12.0)
    prefix = f"s{uuid4().hex}"
    control = Unsteered()
    options = ReplayOptions(prefix=prefix, only=("eeg", "face"))
    replay = threading.Thread(target=publish, args=(recording, options, control), daemon=True)
    replay.start()
    others = []
    for kind in ("eeg", "face"):
        (found,) = pylsl.resolve_byprop("name", f"{prefix}_{kind}", 1, 20.0)
        others.append(pylsl.StreamInlet(found, max_buflen=4))
        others[-1].open_stream(20.0)
    # The engine comes in the middle, and not by a whole number of looks or decisions.
    started_s = control.started_s()
    while pylsl.local_clock() < started_s + 3.3:
        others[0].pull_chunk(0.1)
    session = live(eeg=EegSection(stream=_named(f"{prefix}_eeg")), face=FaceSection(stream=_named(f"{prefix}_face")))
    heard = []
    publish_one = session.publisher.publish
    session.publisher.publish = lambda estimate: (heard.append(estimate), publish_one(estimate))
    session.connect(threading.Event())
    session.start()
    first_s = min(recording.eeg.stamps_s[0], recording.face.stamps_s[0])
    assert session.plan.t0_s == pytest.approx(started_s - (first_s - recording.t0_s), abs=1e-3)
    stepping(session)(lambda: heard and heard[-1].session_time_s >= 9.0, 40)
    eeg_first_s = session.source_channels[0].ingest.figures.first_s
    session.stop()
    control.done.set()
    replay.join(10)
    del others
    config = LiveConfig(eeg=EegSection(stream=_named("x")))
    decoded = decode(recording, config, models=fakes.fake_models(), only=("eeg", "face"))
    again = {round(e.session_time_s, 3): e for e in decoded.estimates}
    missed = round((eeg_first_s - session.plan.t0_s) * 256)
    assert missed > 2 * 256
    assert len(heard) >= 4
    for estimate in heard:
        # The same samples of the recording are decided on at the same times.
        assert estimate.ranges["eeg"].stop + missed == again[round(estimate.session_time_s, 3)].ranges["eeg"].stop


@pytest.mark.deadline
def test_live_and_decoded_are_the_same(live, lsl_session, fakes, stepping):
    import pylsl

    from moodring.offline.decoding.decode import decode
    from moodring.offline.replay.publish import ReplayOptions, publish

    recording = fakes.recording(14.0)
    prefix = f"s{uuid4().hex}"
    control = Unsteered()
    options = ReplayOptions(prefix=prefix, only=("eeg", "face", "speech"))
    replay = threading.Thread(target=publish, args=(recording, options, control), daemon=True)
    replay.start()
    recorder = MemoryRecorder()
    session = live(
        fakes.pooled_models(),
        recorder,
        eeg=EegSection(stream=_named(f"{prefix}_eeg")),
        face=FaceSection(stream=_named(f"{prefix}_face")),
        speech=SpeechSection(stream=_named(f"{prefix}_speech")),
    )
    session.connect(threading.Event())
    session.start()
    journal = recorder.decisions
    stepping(session)(lambda: journal and journal[-1].session_time_s >= 12.5, 40)
    published = pylsl.resolve_byprop("type", "Emotion", timeout=10)[0]
    info = pylsl.StreamInlet(published).info(10)
    session.stop()
    rows = session.publisher.rows.latest(60).samples
    control.done.set()
    replay.join(10)
    config = LiveConfig(eeg=EegSection(stream=_named("x")))
    # What was recorded says the same at every decision, the first included.
    rest_s = session.plan.rest_s
    again = decode(
        recording_of(recorder.sources, journal, rest_s), config, models=fakes.pooled_models(), journal=journal
    )
    assert_equal(again.estimates, journal)
    for estimate, other in zip(journal, again.estimates, strict=True):
        assert estimate.ranges.get("eeg") == other.ranges.get("eeg")
        assert estimate.ranges.get("face") == other.ranges.get("face")
        np.testing.assert_allclose(
            estimate.answer("pooled_valence").probabilities, other.answer("pooled_valence").probabilities, atol=1e-6
        )
        np.testing.assert_allclose(
            estimate.answer("pooled_arousal").probabilities, other.answer("pooled_arousal").probabilities, atol=1e-6
        )
        assert estimate.answer("pooled_valence").shares["voice"] == pytest.approx(
            other.answer("pooled_valence").shares["voice"], abs=1e-6
        )
        assert estimate.answer("pooled_valence").kept == other.answer("pooled_valence").kept
    # The file that was replayed says it too, once its stamps are smoothed.
    replayed = decode(recording, config, models=fakes.pooled_models()).estimates
    theirs = {round(one.session_time_s, 2): one for one in replayed}
    settled = [one for one in journal if one.session_time_s >= 8.0]
    assert len(settled) >= 8
    for estimate in settled:
        other = theirs[round(estimate.session_time_s, 2)]
        np.testing.assert_allclose(
            estimate.answer("valence").probabilities, other.answer("valence").probabilities, atol=1e-3
        )
        np.testing.assert_allclose(
            estimate.answer("arousal").probabilities, other.answer("arousal").probabilities, atol=1e-3
        )
    assert max(one.answer("pooled_valence").ages_s.get("speech", 0.0) for one in journal) > 2.5, (
        "the voice is heard, and fades"
    )
    # Six levels, two categories, the flag, and what pooling adds: six levels and two shares.
    shown = 6 + 2 + 1 + 8
    # The ring adds whether each of the five heads is undecided; the outlet whether it abstains, its kept classes,
    # calibrated, demonstration and the age of each input; and six levels without each of EEG, face and last look.
    assert rows.shape[1] == shown + 5
    assert info.channel_count() == shown + 5 + (6 + 2 + 6) + 2 + 3 + 3 * 6
    assert "beside both" in info.desc().child("moodring").child_value("pooled")
    fused = [journal[-1].answer(f"pooled_{axis}") for axis in ("valence", "arousal")]
    values = [*fused[0].probabilities, *fused[1].probabilities, *(head.shares["voice"] for head in fused)]
    np.testing.assert_allclose(rows[-1][9:17], values, rtol=1e-6)
    assert session.tally.skipped == 0
    assert session.tally.latency_ms().p50 <= 200


@pytest.mark.deadline
def test_an_overloaded_engine_leaves_decisions_out_counts_them_and_does_not_fall_behind(live, fakes, stand, stepping):
    import time

    from moodring.models.streaming.summary import Costs, summarise
    from moodring.realtime.screens.plain_line import line

    class Slow(fakes.FakeAttention):
        def read(self):
            time.sleep(0.6)
            return super().read()

    from moodring.models.streaming.streaming_attention import StreamingAttention

    models = dataclasses.replace(fakes.fake_models(), decoders=(StreamingAttention(Slow()),))
    name = f"amp-{uuid4().hex}"
    with stand({"name": name, "channels": CHANNELS}):
        session = live(models, eeg=EegSection(stream=_named(name)), decisions=DecisionSection(interval_s=0.25))
        heard = []
        publish_one = session.publisher.publish
        session.publisher.publish = lambda estimate: (publish_one(estimate), heard.append(estimate))
        session.connect(threading.Event())
        session.start()
        stepping(session)(lambda: len(heard) >= 8, 20)
        session.stop()
    numbers = [round((estimate.time_s - session.plan.t0_s) / 0.25) for estimate in heard]
    assert session.tally.skipped == numbers[-1] - numbers[0] + 1 - len(heard) >= 10
    lags_s = [estimate.ledger.inference_s - estimate.time_s for estimate in heard]
    assert max(lags_s[5:]) < 0.6 + 0.25 + 0.15 + 0.3
    snapshot = session.snapshot()
    assert snapshot.skipped_decisions == session.tally.skipped
    assert f"{session.tally.skipped} decisions skipped" in line(snapshot)
    summary = summarise(session.tally, 0.0, 1.0, snapshot.sources, Costs(None, None), (), (), ())
    assert summary["skipped_decisions"] == session.tally.skipped
