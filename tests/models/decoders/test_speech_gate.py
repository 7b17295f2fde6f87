"""The speech decoder with a gate of scripted verdicts: its estimates, what is withheld, and what the model gets."""

import numpy as np
import pytest
import torch

from moodring.models.contract import AUDIO_RATE_HZ, FloatArray, HeadOutput, SpeechSegment
from moodring.models.decoders.speaker import ANOTHER_VOICE, UNCLEAR_VOICE
from moodring.models.decoders.speech import SpeechDecoder
from moodring.models.decoders.voice_adaptation import VoiceHistory
from moodring.models.io.bundle import bundled, load_bundle
from moodring.offline.simulate.voice import simulate_voice

BLOCK = AUDIO_RATE_HZ // 10


class Told:
    """Gives the verdicts of a script, one for each segment with samples, and keeps the segments."""

    def __init__(self, *verdicts: str) -> None:
        self.verdicts = list(verdicts)
        self.segments: list[SpeechSegment] = []

    def step(self, segment: SpeechSegment) -> str | None:
        self.segments.append(segment)
        return self.verdicts.pop(0) if segment.n_samples else None


@pytest.fixture(scope="module")
def speech() -> FloatArray:
    """Six seconds and a half that voice activity takes for one utterance, with silence around them."""
    syllables = simulate_voice(3, 60.0)
    loud = np.abs(syllables.reshape(-1, 160)).max(axis=1) > 0.02
    words = syllables.reshape(-1, 160)[loud].ravel()[: round(6.5 * AUDIO_RATE_HZ)]
    silence = np.zeros(AUDIO_RATE_HZ, np.float32)
    return np.concatenate((silence, words, silence)).astype(np.float32)


def decoder(*verdicts: str) -> tuple[SpeechDecoder, Told]:
    gate = Told(*verdicts)
    return SpeechDecoder(load_bundle(bundled("speech")), torch.device("cpu"), gate), gate  # type: ignore[arg-type]


def run(one: SpeechDecoder, sound: FloatArray) -> list[tuple[bool, str | None, tuple[HeadOutput, ...]]]:
    steps = []
    for at in range(0, len(sound), BLOCK):
        said = one.feed(sound[at : at + BLOCK], at / AUDIO_RATE_HZ)
        steps.append((one.voiced, one.withheld, said))
    return steps


def said_in(steps: list[tuple[bool, str | None, tuple[HeadOutput, ...]]]) -> list[HeadOutput]:
    return [one for _, _, said in steps for one in said]


def test_the_enrolled_voice_is_decoded_as_without_a_gate(speech: FloatArray) -> None:
    gated, gate = decoder(*["own"] * 7)
    steps = run(gated, speech)
    assert len(gate.segments) >= 7, "the sound is one long utterance"
    assert [s.first for s in gate.segments] == [True] + [False] * (len(gate.segments) - 1)
    plain = SpeechDecoder(load_bundle(bundled("speech")), torch.device("cpu"))
    assert said_in(steps) == said_in(run(plain, speech))
    assert all(withheld is None for _, withheld, _ in steps)


def test_another_voice_says_nothing_and_does_not_speak(speech: FloatArray) -> None:
    gated, gate = decoder(*["another"] * 7)
    steps = run(gated, speech)
    assert said_in(steps) == []
    verified = round(gate.segments[0].end_s * 10) + 1
    after = steps[verified : verified + 50]
    assert not any(voiced for voiced, _, _ in after)
    assert {withheld for _, withheld, _ in after} == {ANOTHER_VOICE}
    assert any(voiced for voiced, _, _ in steps[:verified]), "until it is verified, it may be the participant"
    assert steps[-1][:2] == (False, None), "once it has ended, nothing is withheld any more"


def test_where_another_takes_over_the_first_has_a_last_word(speech: FloatArray) -> None:
    gated, gate = decoder("own", "own", *["another"] * 5)
    said = said_in(run(gated, speech))
    assert [one.final for one in said] == [False, False, True]
    assert said[2].probabilities == said[1].probabilities
    assert said[2].end_s == gate.segments[1].end_s


def test_what_another_said_is_not_in_what_the_model_remembers(speech: FloatArray) -> None:
    gated, gate = decoder("another", "another", *["own"] * 5)
    said = said_in(run(gated, speech))
    assert said[0].start_s == gate.segments[2].start_s
    alone = SpeechDecoder(load_bundle(bundled("speech")), torch.device("cpu"))
    first = alone._decode(gate.segments[2])
    assert said[0].probabilities == first.probabilities


def test_an_unclear_beginning_is_withheld_and_says_so(speech: FloatArray) -> None:
    short = np.concatenate((speech[: round(1.7 * AUDIO_RATE_HZ)], np.zeros(AUDIO_RATE_HZ, np.float32)))
    gated, gate = decoder("unclear")
    steps = run(gated, short)
    assert len(gate.segments) == 1
    assert gate.segments[0].final
    assert said_in(steps) == []
    assert UNCLEAR_VOICE in {withheld for _, withheld, _ in steps}
    assert steps[-1][1] is None


def test_a_gap_ends_the_utterance_for_the_gate_too(speech: FloatArray) -> None:
    gated, gate = decoder(*["own"] * 12)
    middle = 4 * AUDIO_RATE_HZ
    gated.feed(speech[:middle], 0.0)
    gated.feed(speech[middle:], middle / AUDIO_RATE_HZ + 5.0)
    assert [s.first for s in gate.segments].count(True) == 2
    assert gated.withheld is None


def test_reset_forgets_whose_voice_it_was(speech: FloatArray) -> None:
    gated, _ = decoder(*["another"] * 12)
    gated.feed(speech[: 4 * AUDIO_RATE_HZ], 0.0)
    assert gated.withheld == ANOTHER_VOICE
    gated.reset()
    assert gated.withheld is None


@pytest.mark.parametrize(
    ("verdicts", "heard"),
    [(["own"] * 7, 1), (["another"] * 7, 0), (["unclear"] * 7, 0), (["own", "own", *["another"] * 5], 0)],
)
def test_only_what_is_verified_to_its_end_is_remembered_of_the_voice(
    speech: FloatArray, verdicts: list[str], heard: int
) -> None:
    start = VoiceHistory().heard(np.ones(VoiceHistory().numbers.shape[1], np.float32))
    gate = Told(*verdicts)
    adapting = SpeechDecoder(load_bundle(bundled("emodb")), torch.device("cpu"), gate, start)  # type: ignore[arg-type]
    run(adapting, speech)
    adapting.close()
    assert adapting.voice is not None
    assert len(adapting.voice) == 1 + heard
    np.testing.assert_array_equal(adapting.voice.numbers[0], start.numbers[0])
    adapting.reset()
    assert adapting.voice is start
