"""Enrolling from a source on a virtual clock, and what a session keeps of enrolments."""

from pathlib import Path

import numpy as np
import pytest

from moodring.cli.decode import session_config
from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.configs.schema.live import LiveConfig, SpeechSection
from moodring.configs.schema.load import check
from moodring.configs.schema.session_folder import CONFIG_FILE
from moodring.models.contract import AUDIO_RATE_HZ
from moodring.models.streaming.clock import VirtualClock
from moodring.models.streaming.ingest.sources import Chunk, SourceInfo
from moodring.offline.simulate.voice import simulate_voice
from moodring.realtime.lab.enrol import record_speech
from moodring.realtime.recorder.enrolments import with_copied_enrolments
from moodring.realtime.recorder.folder import SessionFolder

BLOCK = AUDIO_RATE_HZ // 50


class Played:
    """Gives a sound in blocks of 20 ms, each at its time; then nothing."""

    def __init__(self, clock, sound, appears=True):
        self._clock, self._sound, self._appears, self.at, self.closed = clock, sound, appears, 0, False

    def open(self):
        self._clock.advance_to(self._clock.now() + 0.1)
        if not self._appears:
            return None
        return SourceInfo("speech", "mic", float(AUDIO_RATE_HZ), (1,), "<f4", ("audio",))

    def poll(self):
        self._clock.advance_to(self._clock.now() + BLOCK / AUDIO_RATE_HZ)
        block = self._sound[self.at : self.at + BLOCK]
        if not len(block):
            return None
        stamps = 100.0 + (self.at + np.arange(len(block))) / AUDIO_RATE_HZ
        self.at += len(block)
        return Chunk(block[:, None], stamps, self._clock.now())

    def close(self):
        self.closed = True


@pytest.fixture
def clock():
    return VirtualClock(100.0)


def test_what_is_spoken_into_a_microphone_is_cut_as_live(clock):
    sound, lines = simulate_voice(3, 90.0), []
    source = Played(clock, sound)
    found = record_speech(source, "microphone 'x'", 60.0, clock, lines.append)
    assert source.closed
    assert source.at / AUDIO_RATE_HZ == pytest.approx(60.0, abs=1.0)
    assert all(100.0 <= one.start_s < one.end_s <= 161.0 for one in found if one.n_samples)
    spoken_s = sum(one.n_samples for one in found) / AUDIO_RATE_HZ
    assert 15 < spoken_s < 60
    assert len(lines) == 12
    assert lines[0].startswith("5 of 60 s, ")
    assert lines[-1] == f"60 of 60 s, {spoken_s:.0f} s of speech"


def test_trouble_is_told_while_there_is_time(clock):
    lines = []
    loud = np.clip(simulate_voice(3, 40.0) * 60, -1, 1).astype(np.float32)
    record_speech(Played(clock, loud), "microphone 'x'", 30.0, clock, lines.append)
    assert any("; clipping" in line for line in lines)


def test_a_source_that_is_not_there_or_falls_silent_is_one_line(clock):
    absent = Played(clock, np.zeros(0, np.float32), appears=False)
    with pytest.raises(MoodringError, match=r"^microphone 'x' was not found within 10 s"):
        record_speech(absent, "microphone 'x'", 30.0, clock, print)
    assert absent.closed
    dying = Played(clock, np.zeros(3 * AUDIO_RATE_HZ, np.float32))
    with pytest.raises(MoodringError, match=r"^microphone 'x' sent nothing for 5 s"):
        record_speech(dying, "microphone 'x'", 30.0, clock, print)
    assert dying.closed


def test_a_session_folder_keeps_the_enrolments(tmp_path: Path):
    own, other = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    own.write_bytes(b"own")
    other.write_bytes(b"other")
    speech = SpeechSection(microphone="default", enrolment=own, others=[other])
    config = LiveConfig(speech=speech)
    folder = SessionFolder.create(tmp_path / "data", config, ()).path
    assert str(own) in (folder / CONFIG_FILE).read_text()
    own.unlink()
    # A setting of speech other than who is heard leaves the session's own copies in place.
    again = session_config(folder, None, None, ("speech.adaptation=false",)).speech
    assert (again.adaptation, again.enrolment.read_bytes()) == (False, b"own")
    assert (
        session_config(folder, None, None, (f"speech.enrolment={other}", "speech.others=[]")).speech.enrolment == other
    )
    kept = with_copied_enrolments(config, folder).speech
    assert kept.enrolment.read_bytes() == b"own"
    assert [one.read_bytes() for one in kept.others] == [b"other"]
    assert folder in kept.enrolment.parents
    kept.others[0].unlink()
    with pytest.raises(MoodringError, match=r"other-1\.safetensors' is missing.*b\.safetensors.*put it back"):
        with_copied_enrolments(config, folder)
    plain = LiveConfig(speech=SpeechSection(microphone="default"))
    assert with_copied_enrolments(plain, folder) == plain
    with pytest.raises(MoodringError, match="session folder cannot be made"):
        SessionFolder.create(tmp_path / "data", config, ())


def test_others_without_the_participant_are_refused():
    with pytest.raises(ConfigError, match="others need an enrolment of the participant"):
        check({"speech": {"microphone": "default", "others": ["x.safetensors"]}}, LiveConfig, "x")


def test_a_session_recorded_before_there_was_adaptation_is_decoded_as_it_was(tmp_path: Path):
    config = LiveConfig(speech=SpeechSection(microphone="default"))
    folder = SessionFolder.create(tmp_path / "data", config, ()).path
    assert session_config(folder, None, None, ()).speech.adaptation
    file = folder / CONFIG_FILE
    file.write_text("".join(line for line in file.read_text().splitlines(True) if "adaptation" not in line))
    assert not session_config(folder, None, None, ()).speech.adaptation
    assert session_config(folder, None, None, ("speech.adaptation=true",)).speech.adaptation
