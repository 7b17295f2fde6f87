"""A loudspeaker and a microphone in rings; the voices are tones, for the scripted speech model hears only loudness."""

import numpy as np
import pytest

from moodring.models.contract import AUDIO_RATE_HZ, Head, ModelSpec, SpeechInput
from moodring.models.io.ring import rings_in
from moodring.models.streaming.clock import VirtualClock
from moodring.models.streaming.decision_schedule import ModalityInput, Plan, identity
from moodring.models.streaming.ingest.sources import Chunk, SourceInfo
from moodring.models.streaming.ingest.stream_ingest import ingest_factory
from moodring.models.streaming.streaming_speech import StreamingSpeech
from tests.support.heads import spoken

T0 = 100.0
WINDOW_S = 512 / AUDIO_RATE_HZ


class Scripted:
    """Remembers what it was fed; an utterance is open from the first loud sample to the next gap."""

    withheld = None
    head = Head("speech", "expressed", ("calm",))
    spec = ModelSpec("speech", (SpeechInput(),), (head,), "none", ("simulated",), "none", (), 0, {})

    def __init__(self):
        self.reset()

    def reset(self):
        self.voiced, self.fed, self.closed = False, [], 0

    def feed(self, samples, start_s):
        self.fed.append((start_s, len(samples)))
        if not np.abs(samples).max() > 0.05:
            return ()
        self.voiced = True
        return (spoken(start_s, start_s + 1, ("calm",), (1.0,)),)

    def close(self):
        self.closed += 1
        was, self.voiced = self.voiced, False
        return (spoken(0.0, 1.0, ("calm",), (1.0,), True),) if was else ()

    @property
    def spans(self):
        """The stretches heard, joined where one continues the other."""
        joined = []
        for start_s, n in self.fed:
            if joined and abs(joined[-1][1] - start_s) < 1e-6:
                joined[-1][1] = start_s + n / AUDIO_RATE_HZ
            else:
                joined.append([start_s, start_s + n / AUDIO_RATE_HZ])
        return joined


def _input(sound, begin_s=T0):
    ingest = ingest_factory(None, rings_in(None))(SourceInfo("speech", "mic", 16000.0, (1,), "<f4", ("audio",)))
    stamps = begin_s + np.arange(len(sound)) / AUDIO_RATE_HZ
    ingest.append(Chunk(sound[:, None].astype(np.float32), stamps, stamps[-1]))
    return ModalityInput(ingest, ingest.ring.view(), identity)


def _noise(seconds, loud, seed):
    return np.random.default_rng(seed).normal(0, loud, round(seconds * AUDIO_RATE_HZ))


def _loud_between(seconds, begin_s, end_s, seed):
    at = np.arange(round(seconds * AUDIO_RATE_HZ)) / AUDIO_RATE_HZ
    return _noise(seconds, 0.1, seed) * ((at >= begin_s) & (at < end_s))


def _run(speech, clock, microphone, reference, seconds, step_s=0.5, referenced=False):
    decoder, steps = StreamingSpeech(speech), []
    decoder.start(Plan(T0, step_s, 0, 0.0, loudspeaker=referenced), clock)
    inputs = {"speech": microphone} if reference is None else {"speech": microphone, "loudspeaker": reference}
    for k in range(1, round(seconds / step_s) + 1):
        time_s = T0 + k * step_s
        steps.append((time_s - T0, decoder.step(time_s, inputs)))
    return steps


def _gated(*given):
    return _run(*given, referenced=True)


@pytest.fixture
def clock():
    return VirtualClock(T0)


def test_without_a_reference_all_is_fed(clock):
    speech = Scripted()
    said = _run(speech, clock, _input(_loud_between(6, 1, 3, 1)), None, 5)
    assert speech.spans == [[T0, pytest.approx(T0 + 5, abs=1e-3)]]
    assert all(one.hearing.withheld is None for _, one in said)
    assert said[3][1].hearing.speaking


def test_what_the_loudspeaker_plays_is_not_fed_and_the_reason_is_told(clock):
    speech = Scripted()
    played = _loud_between(9, 3, 5, 2)
    heard = played + _loud_between(9, 1, 2.5, 1) + _loud_between(9, 6.5, 8, 3) + _noise(9, 1e-3, 4)
    said = _gated(speech, clock, _input(heard), _input(played), 8)
    (first, second) = speech.spans
    assert first == [T0, pytest.approx(T0 + 3, abs=WINDOW_S + 1e-6)]
    assert second[0] == pytest.approx(T0 + 5 + 17 * WINDOW_S, abs=2 * WINDOW_S)
    reasons = {time_s: one.hearing.withheld for time_s, one in said}
    assert reasons[4.0] == reasons[5.0] == "the loudspeaker is playing"
    assert reasons[2.0] is None
    assert reasons[7.0] is None
    assert speech.closed == 1
    talked = {time_s: one.heads[0].answered for time_s, one in said}
    assert talked[2.0]
    assert talked[7.5]
    assert not talked[4.0]
    final = next(one.heads[0] for time_s, one in said if time_s == 3.5)
    assert final.final, "what the loudspeaker cut off has its last word"


def test_chopping_changes_nothing(clock):
    played = _loud_between(8, 2, 4, 2)
    heard = played + _loud_between(8, 5, 7, 1)
    spans = []
    for step_s in (0.25, 0.5, 2.0):
        speech = Scripted()
        _gated(speech, clock, _input(heard), _input(played), 8, step_s)
        spans.append(np.array(speech.spans))
    for one in spans[1:]:
        np.testing.assert_allclose(one[:, 0], spans[0][:, 0], atol=1e-6)
        np.testing.assert_allclose(one[:-1, 1], spans[0][:-1, 1], atol=1e-6)


def test_both_are_aligned_by_their_stamps_not_by_their_counts(clock):
    speech = Scripted()
    played = _loud_between(9, 3, 5, 2)
    begun_later = played[round(1.7 * AUDIO_RATE_HZ) :]
    _gated(speech, clock, _input(played), _input(begun_later, T0 + 1.7), 8)
    # Before the reference began, nothing is known of the loudspeaker.
    assert [span[0] for span in speech.spans] == [
        pytest.approx(T0 + 1.7 + 16 * WINDOW_S, abs=2 * WINDOW_S),
        pytest.approx(T0 + 5 + 17 * WINDOW_S, abs=2 * WINDOW_S),
    ]
    assert speech.spans[0][1] == pytest.approx(T0 + 3, abs=WINDOW_S + 1e-6)


def test_a_reference_that_is_a_little_late_is_waited_for(clock):
    speech, heard = Scripted(), _loud_between(9, 0, 9, 1)
    reference = _input(np.zeros(round(3.9 * AUDIO_RATE_HZ)))
    said = _gated(speech, clock, _input(heard), reference, 4)
    assert speech.spans[0][1] == pytest.approx(T0 + 3.9, abs=WINDOW_S)
    assert said[-1][1].hearing.withheld is None


def test_a_reference_that_is_lost_withholds_and_says_so(clock):
    speech, heard = Scripted(), _loud_between(9, 0, 9, 1)
    reference = _input(np.zeros(4 * AUDIO_RATE_HZ))
    said = _gated(speech, clock, _input(heard), reference, 8)
    assert said[-1][1].hearing.withheld == "nothing comes from the loudspeaker reference"
    assert not said[-1][1].heads[0].answered
    assert len(speech.spans) == 1
    assert speech.spans[0][1] == pytest.approx(T0 + 4, abs=2 * WINDOW_S)
    never = _gated(Scripted(), clock, _input(heard), None, 3)
    assert {one.hearing.withheld for _, one in never} == {"nothing comes from the loudspeaker reference"}


def test_trouble_with_the_microphone_is_told_with_its_figures(clock):
    clipped = np.clip(_noise(3, 0.6, 1), -1, 1)
    (_, last) = _run(Scripted(), clock, _input(clipped), None, 2)[-1]
    assert last.hearing.trouble.startswith("clipping")
    assert last.hearing.clipped_fraction == pytest.approx(0.1, abs=0.02)
    (_, last) = _run(Scripted(), clock, _input(np.zeros(4 * AUDIO_RATE_HZ)), None, 3)[-1]
    assert last.hearing.trouble == "one value for 3 s: muted, or the wrong device"
    assert last.hearing.level_db == -120
    (_, first) = _run(Scripted(), clock, _input(np.zeros(4 * AUDIO_RATE_HZ)), None, 0.5)[-1]
    assert first.hearing.trouble is None
    assert first.hearing.level_db is None


def test_a_dead_sound_track_is_not_used_and_says_so(clock):
    said = _run(Scripted(), clock, _input(np.full(6 * AUDIO_RATE_HZ, 0.25)), None, 5)
    last = said[-1][1]
    assert last.described_s == {}, "no decision rests on it"
    assert last.heads[0].abstained.startswith("one value for 3 s")
    assert last.hearing.fault == "stuck"
