import subprocess

import numpy as np
import pytest
import soundfile

from moodring.models.io.ring import rings_in
from moodring.models.streaming.ingest.stream_ingest import ingest_factory
from moodring.realtime.engine.lsl_clock import LslClock

pytestmark = [pytest.mark.audio, pytest.mark.deadline]
RATE_HZ = 48_000


def test_what_is_played_arrives_at_its_rate_and_in_time(null_sink, tmp_path):
    from moodring.configs.schema.errors import MoodringError
    from moodring.realtime.sources.microphone import Microphone

    tone = np.sin(2 * np.pi * 440 * np.arange(12 * RATE_HZ) / RATE_HZ) * 0.4
    soundfile.write(tmp_path / "tone.wav", tone, RATE_HZ)
    clock = LslClock()
    microphone = Microphone("pulse", None, clock)
    try:
        info = microphone.open()
    except MoodringError as error:
        pytest.skip(f"PortAudio does not see PulseAudio: {error}")
    ingest = ingest_factory(None, rings_in(None))(info)
    player = subprocess.Popen(["paplay", "--device", null_sink, str(tmp_path / "tone.wav")])
    try:
        begin_s = clock.now()
        # The sound server settles on a latency first, which takes it seconds.
        while clock.now() < begin_s + 8.0:
            chunk = microphone.poll()
            if chunk is not None:
                ingest.append(chunk)
    finally:
        microphone.close()
        player.terminate()
        player.wait(10)
    piece = ingest.ring.latest(32000)
    assert piece.valid[1:].all(), "a steady microphone has no gaps"
    sound = piece.samples[:, 0]
    assert 0.1 < np.sqrt(np.mean(sound**2)) < 0.6
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert np.argmax(spectrum) * 16000 / len(sound) == pytest.approx(440, abs=2)
    assert ingest.figures.observed_rate_hz == pytest.approx(16000, rel=0.03)
    assert -0.05 < piece.received_s[-1] - piece.stamps_s[-1] < 0.5


@pytest.mark.data
def test_a_voice_played_to_the_microphone_is_decoded(null_sink, data_dir):
    from moodring.configs.schema.errors import MoodringError
    from moodring.models.contract import AUDIO_RATE_HZ
    from moodring.models.decoders.speech import UtteranceCutter
    from moodring.models.decoders.voice_activity import VoiceActivity
    from moodring.realtime.sources.microphone import Microphone

    wav = sorted((data_dir / "emodb" / "wav").glob("*.wav"))[0]
    clock = LslClock()
    microphone = Microphone("pulse", None, clock)
    try:
        ingest = ingest_factory(None, rings_in(None))(microphone.open())
    except MoodringError as error:
        pytest.skip(f"PortAudio does not see PulseAudio: {error}")
    length_s = soundfile.info(wav).duration
    player = subprocess.Popen(["paplay", "--device", null_sink, str(wav)])
    cutter, segments, at = UtteranceCutter(VoiceActivity()), [], 0
    try:
        begin_s = clock.now()
        while clock.now() < begin_s + length_s + 1.5:
            chunk = microphone.poll()
            if chunk is not None:
                ingest.append(chunk)
                piece = ingest.ring.between(at, ingest.ring.count)
                at = piece.stop
                segments += cutter.feed(piece.samples[:, 0], float(piece.stamps_s[0]))
    finally:
        microphone.close()
        player.terminate()
        player.wait(10)
    assert segments
    assert segments[0].first
    assert sum(segment.n_samples for segment in segments) > 0.5 * AUDIO_RATE_HZ
    assert all(begin_s - 0.5 < segment.start_s < clock.now() for segment in segments)
