"""A stimulus's sound through PortAudio and a sound server, heard by a microphone: when it begins, and how far it is."""

import time

import numpy as np
import pytest
import soundfile

from moodring.configs.schema.errors import MoodringError
from moodring.realtime.engine.lsl_clock import LslClock
from moodring.realtime.lab.protocol.frames import Sound
from moodring.realtime.lab.protocol.stimulus_files import Stimulus
from tests.support.lsl_stand import wait_for

HZ, SECONDS = 1000.0, 2.0


@pytest.mark.audio
@pytest.mark.deadline
def test_sound_begins_when_it_is_said_to_and_is_heard_whole(null_sink, tmp_path):
    from moodring.realtime.lab.protocol.loudspeaker import Loudspeaker
    from moodring.realtime.sources.microphone import Microphone

    clock = LslClock()
    try:
        speaker = Loudspeaker("pulse", clock)
    except MoodringError as error:
        pytest.skip(f"PortAudio does not see PulseAudio: {error}")
    tone = 0.5 * np.sin(2 * np.pi * HZ * np.arange(round(SECONDS * 44_100)) / 44_100)
    soundfile.write(tmp_path / "tone.wav", tone, 44_100)
    microphone = Microphone("pulse", None, clock)
    microphone.open()
    samples, stamps_s = [], []

    def listen(for_s):
        until_s = time.monotonic() + for_s
        while time.monotonic() < until_s:
            chunk = microphone.poll()
            if chunk is not None:
                samples.append(chunk.samples[:, 0])
                stamps_s.append(chunk.stamps_s)

    listen(1.5)
    sound = Sound(Stimulus("tone", "sound", tmp_path / "tone.wav", SECONDS, True), speaker.rate_hz)
    wait_for(lambda: sound.ready, 20)
    assert speaker.begins_s is None
    speaker.arm(sound)
    listen(0.5)
    begins_s = speaker.begins_s
    assert speaker.heard_s(clock.now()) == pytest.approx(clock.now() - begins_s, abs=0.2)
    listen(SECONDS + 1.0)
    assert speaker.heard_s(clock.now()) > SECONDS, "time goes on behind the end, for the pictures of a film"
    speaker.silence()
    speaker.close()
    microphone.close()
    sound.close()
    heard, at_s = np.concatenate(samples), np.concatenate(stamps_s)
    loud = np.flatnonzero(np.abs(heard) > 0.1)
    off_ms = 1000 * (at_s[loud[-1]] - begins_s - SECONDS)
    print(f"heard {off_ms:+.0f} ms from its said end")
    # The microphone's own stamps are coarse through a sound server, at its beginning most of all: samples count there.
    assert -150.0 < off_ms < 150.0
    assert (loud[-1] - loud[0]) / 16_000 == pytest.approx(SECONDS, abs=0.1)
    middle = heard[loud[0] : loud[-1]]
    spectrum = np.abs(np.fft.rfft(middle))
    assert np.argmax(spectrum) * 16_000 / len(middle) == pytest.approx(HZ, abs=5.0)


def test_a_loudspeaker_that_is_not_there_is_told():
    from moodring.realtime.lab.protocol.loudspeaker import Loudspeaker

    with pytest.raises(MoodringError, match=r'protocol.loudspeaker = "none"|PortAudio'):
        Loudspeaker("no such device", LslClock())
