"""Voices are noise in syllables, coloured as a voice's spectrum falls; rooms delay, reverberate and add noise."""

import numpy as np
import pytest

from moodring.models.signals.speech.loudspeaker import (
    LoudspeakerRules,
    LoudspeakerState,
    after_gap,
    correlation_peak,
    step,
)

RATE, WINDOW = 16_000, 512
RULES = LoudspeakerRules()
DELAY_S = 0.12


def _voice(seed, seconds, level_db=-26.0):
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE)
    sound = np.convolve(rng.normal(size=n), 0.8 ** np.arange(30))[:n]
    knots = np.arange(0, n + 3200, 3200)
    syllables = np.interp(np.arange(n), knots, rng.uniform(0.02, 1, len(knots)))
    sound *= syllables
    return (sound / np.sqrt(np.mean(sound**2)) * 10 ** (level_db / 20)).astype(np.float32)


def _in_the_room(played, gain_db, seed=9):
    """What the microphone gets of it: delayed, with 0.3 s of reverberation."""
    rng = np.random.default_rng(seed)
    echo = rng.normal(size=4800) * 10 ** (-3 * np.arange(4800) / 4800)
    echo[0] = 6.0
    echo *= 10 ** (gain_db / 20) / np.sqrt(np.sum(echo**2))
    delayed = np.concatenate((np.zeros(round(DELAY_S * RATE)), np.convolve(played, echo)))
    return delayed[: len(played)].astype(np.float32)


def _room_noise(seconds, level_db=-62.0):
    return np.random.default_rng(5).normal(0, 10 ** (level_db / 20), round(seconds * RATE)).astype(np.float32)


def _verdicts(microphone, reference, state=None):
    state, verdicts = state or LoudspeakerState(), []
    for low in range(0, len(microphone) - WINDOW + 1, WINDOW):
        verdict, state = step(state, microphone[low : low + WINDOW], reference[low : low + WINDOW], RULES)
        verdicts.append(verdict)
    return verdicts, state


def _silence(seconds):
    return np.zeros(round(seconds * RATE), np.float32)


def test_the_participant_alone_passes():
    verdicts, _ = _verdicts(_voice(1, 4) + _room_noise(4), _silence(4))
    assert set(verdicts) == {"open"}


def test_noise_of_the_reference_is_no_sound():
    verdicts, _ = _verdicts(_voice(1, 4), _room_noise(4, -65.0))
    assert set(verdicts) == {"open"}


@pytest.mark.parametrize("participant_db", [None, -32.0, -26.0, -14.0])
def test_while_the_loudspeaker_plays_nothing_passes(participant_db):
    """Alone, and with a participant who is quieter, as loud, and 12 dB louder."""
    played = _voice(2, 12)
    heard = _in_the_room(played, 0.0) + _room_noise(12)
    if participant_db is not None:
        heard += _voice(1, 12, participant_db)
    verdicts, _ = _verdicts(heard, played)
    assert set(verdicts) == {"playing"}


def test_a_participant_who_speaks_in_the_pauses_passes():
    played = np.concatenate((_voice(2, 3), _silence(3), _voice(3, 3), _silence(3)))
    spoken = np.concatenate((_silence(3.7), _voice(1, 2.3), _silence(3.7), _voice(4, 2.3)))
    verdicts, _ = _verdicts(_in_the_room(played, 0.0) + spoken + _room_noise(12), played)
    at = {name: [i * WINDOW / RATE for i, v in enumerate(verdicts) if v == name] for name in ("open", "playing")}
    assert all(3 < t < 6 or t > 9 for t in at["open"])
    # Open again half a second after the loudspeaker fell silent, which is later than its reverberation.
    assert min(at["open"]) == pytest.approx(3 + 0.55, abs=0.07)
    assert all(t < 3.6 or 5.9 < t < 9.6 for t in at["playing"])


def test_short_pauses_of_what_is_played_do_not_open():
    played = np.concatenate([np.concatenate((_voice(seed, 0.8), _silence(0.4))) for seed in range(8)])
    verdicts, _ = _verdicts(_in_the_room(played, 0.0), played)
    assert set(verdicts) == {"playing"}


def test_a_loudspeaker_that_the_microphone_does_not_hear_withholds_nothing_for_long():
    """Its volume is down: after some seconds in which nothing of it was found, the participant is heard."""
    played, spoken = _voice(2, 12), _voice(1, 12) + _room_noise(12)
    verdicts, state = _verdicts(spoken, played)
    assert verdicts[0] == "playing"
    opened = verdicts.index("open") * WINDOW / RATE
    assert 3.0 < opened < 6.0
    assert set(verdicts[verdicts.index("open") :]) == {"open"}
    # And withheld within a second and a half once somebody turns it up.
    turned_up, _ = _verdicts(_voice(7, 4) + _in_the_room(_voice(8, 4), 0.0), _voice(8, 4), state)
    assert turned_up.index("playing") * WINDOW / RATE < 1.5
    assert set(turned_up[turned_up.index("playing") :]) == {"playing"}


def test_without_word_of_the_loudspeaker_nothing_is_known():
    verdict, state = step(LoudspeakerState(), _voice(1, 0.032), None, RULES)
    assert verdict == "unknown"
    # What it played meanwhile may still sound.
    verdict, _ = step(state, _voice(1, 0.032), _silence(0.032), RULES)
    assert verdict == "playing"


def test_only_the_past_counts():
    played, spoken = np.concatenate((_silence(2), _voice(2, 2))), _voice(1, 4)
    both, _ = _verdicts(spoken, played)
    first, _ = _verdicts(spoken[: 2 * RATE], played[: 2 * RATE])
    assert both[: len(first)] == first


def test_a_gap_keeps_what_was_learned_and_drops_the_samples():
    _, state = _verdicts(_voice(1, 12), _voice(2, 12))
    after = after_gap(state)
    assert len(after.microphone) == len(after.reference) == 0
    assert after.unheard == state.unheard > RULES.unheard_blocks
    assert after.since_active == 0


def test_the_correlation_finds_a_sound_below_the_voice_and_no_other_voice():
    length, delay = 42 * WINDOW, 10 * WINDOW
    played, spoken = _voice(2, 2)[:length], _voice(1, 2)[:length]
    assert correlation_peak(spoken, played, delay) < 6
    assert correlation_peak(spoken + _in_the_room(played, -8.0), played, delay) > 8
    assert correlation_peak(np.zeros(length, np.float32), played, delay) == 0.0
