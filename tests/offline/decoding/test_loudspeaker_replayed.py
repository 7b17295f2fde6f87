"""A recording with what the loudspeaker played, replayed over LSL to a session."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from moodring.configs.schema.live import LiveConfig, OutletSection, ReferenceSection, SpeechSection, StreamQuery
from moodring.offline.decoding.decode import decode
from moodring.offline.recordings.read_session import read_session
from moodring.offline.recordings.write_session import write_session
from moodring.offline.replay.process import start_replay
from moodring.offline.replay.publish import ReplayOptions

pytestmark = [pytest.mark.lsl, pytest.mark.deadline]


def _recording(fakes, seconds=7.0):
    """Somebody speaks from 1.5 s to 3.5 s and at the end; the loudspeaker plays from 3 s to 4.5 s."""
    whole = fakes.recording(seconds)
    at, noise = np.arange(round(seconds * 16_000)) / 16_000, np.random.default_rng(1)
    voice = noise.normal(0, 0.2, len(at)) * (((at > 1.5) & (at < 3.5)) | (at > 5.5))
    played = noise.normal(0, 0.1, len(at)) * ((at > 3.0) & (at < 4.5))
    heard = voice + np.roll(played, 800)
    sounds = [replace(whole.speech, samples=one[:, None].astype(np.float32)) for one in (heard, played)]
    return replace(whole, eeg=None, face=None, speech=sounds[0], loudspeaker=sounds[1])


def test_a_replay_withholds_what_decoding_the_recording_withholds(lsl_session, fakes, stepping, tmp_path):
    from moodring.realtime.engine.lsl_clock import LslClock
    from moodring.realtime.engine.session import Session

    folder = write_session(_recording(fakes), tmp_path / "one")
    config = LiveConfig(
        speech=SpeechSection(
            stream=StreamQuery(name="played_speech"),
            reference=ReferenceSection(stream=StreamQuery(type="LoudspeakerAudio")),
        ),
        lsl=lsl_session.model_copy(update={"resolve_timeout_s": 20.0}),
        outlet=OutletSection(enabled=False),
        journal=tmp_path / "decisions.jsonl",
    )
    again = decode(read_session(folder), config.model_copy(update={"journal": None}), models=fakes.fake_models())
    told = {round(one.session_time_s, 3): _said(one) for one in again.estimates}
    assert {said[0] for said in told.values()} == {None, "the loudspeaker is playing"}
    clock = LslClock()
    with (
        start_replay(folder, ReplayOptions(prefix="played", patience_s=30.0, lsl=lsl_session)) as replay,
        Session(config, fakes.fake_models(), clock, None, clock.now()) as session,
    ):
        assert replay.wait_ready(30.0) == ("played_speech", "played_loudspeaker")
        session.connect(threading.Event())
        session.start()
        stepping(session)(lambda: len(_heard(config, told)) == len(told), 15)
    assert _heard(config, told) == told


def _heard(config, told):
    from moodring.models.io.journal import read_journal

    said = read_journal(config.journal) if config.journal.exists() else ()
    return {time_s: _said(one) for one in said if (time_s := round(one.session_time_s, 3)) in told}


def _said(estimate):
    """What was withheld, and which second was heard as what."""
    speech = estimate.answer("speech")
    return estimate.hearing.withheld, None if speech is None else np.round(speech.probabilities, 3).tolist()
