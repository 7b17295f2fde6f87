"""Simulated speech-like voice whose pitch, energy, rate and timbre follow the expressed emotion.

Source and filter (Fant 1960): a train of glottal pulses and a noise, shaped by moving formants of English vowels
(Peterson and Barney 1952) and by consonants. The effects of emotion follow Juslin and Laukka (2003, table 7,
https://doi.org/10.1037/0033-2909.129.5.770): high
arousal is loud, fast, high and bright with large pitch movement; low arousal the reverse; positive valence has
rising pitch, smiling (shorter vocal tract) and regular voice, negative valence falling pitch and roughness.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .difficulty import BENCHMARK, Difficulty
from .latents import Latents, levels, simulate_latents
from .randomness import aspect_rng, ornstein_uhlenbeck

VOICE_RATE_HZ = 16_000
_HOP = 128
_WINDOW = 512
_FRAME_HZ = VOICE_RATE_HZ / _HOP
# First three formants in Hz of /i e ae a o u uh er/.
_VOWELS = np.array(
    [
        (270, 2290, 3010),
        (530, 1840, 2480),
        (660, 1720, 2410),
        (730, 1090, 2440),
        (570, 840, 2410),
        (300, 870, 2240),
        (640, 1190, 2390),
        (490, 1350, 1690),
    ],
    dtype=np.float64,
)
_BANDWIDTHS_HZ = np.array((70.0, 100.0, 140.0, 220.0))


@dataclass(frozen=True)
class Syllable:
    """One syllable; ``consonant_s`` of its start is noise centred at ``noise_hz``."""

    start_s: float
    stop_s: float
    consonant_s: float
    noise_hz: float
    vowel: int
    stress: float


@dataclass(frozen=True)
class Utterance:
    """One stretch of speech without a pause.

    Attributes
    ----------
    start_s, stop_s : float
        From the session's start.
    valence, arousal : float
        Expressed by the voice: felt emotion plus noise.
    label : str
        Category of what is felt, see `speech_label`.
    syllables : tuple of Syllable
    """

    start_s: float
    stop_s: float
    valence: float
    arousal: float
    label: str
    syllables: tuple[Syllable, ...]


@dataclass(frozen=True)
class VocalTract:
    """Individual parameters of a voice: pitch in Hz, vocal tract length (1 is an adult man's), gain, rate, breath."""

    f0_hz: float
    tract: float
    gain: float
    rate_hz: float
    breath: float


def speech_label(valence_level: int, arousal_level: int) -> str:
    """Return the category of vocal emotion for a cell of the valence-arousal plane (after Russell 1980).

    Parameters
    ----------
    valence_level, arousal_level : int
        0 low, 1 medium, 2 high.

    Returns
    -------
    str
        ``anger`` (low valence, high arousal), ``sadness`` (low valence otherwise), ``happiness`` (high valence,
        medium or high arousal) or ``neutral``.
    """
    if valence_level == 0:
        return "anger" if arousal_level == 2 else "sadness"
    if valence_level == 2 and arousal_level >= 1:
        return "happiness"
    return "neutral"


def draw_vocal_tract(seed: int) -> VocalTract:
    """Draw the voice parameters of one person."""
    rng = aspect_rng(seed, "throat")
    high = bool(rng.random() < 0.5)
    return VocalTract(
        f0_hz=float(np.exp(rng.normal(np.log(205.0 if high else 118.0), 0.10))),
        tract=float(rng.normal(0.87 if high else 1.0, 0.03)),
        gain=float(np.exp(rng.normal(0.0, 0.25))),
        rate_hz=float(rng.uniform(4.2, 5.2)),
        breath=float(rng.uniform(0.01, 0.04)),
    )


def plan_voice(seed: int, duration_s: float, latents: Latents, difficulty: Difficulty) -> tuple[Utterance, ...]:
    """Draw the utterances of a session, which fill about ``speech_share`` of the time, and what each expresses."""
    rng = aspect_rng(seed, "utterances")
    rate_hz = draw_vocal_tract(seed).rate_hz
    mean_s = 2.5
    pause_s = mean_s * (1.0 / difficulty.speech_share - 1.0)
    utterances: list[Utterance] = []
    now_s = float(rng.uniform(0.5, 2.0))
    while True:
        length_s = float(rng.uniform(1.0, 4.0))
        if now_s + length_s > duration_s:
            return tuple(utterances)
        felt = latents.at(np.linspace(now_s, now_s + length_s, 9)).mean(axis=0)
        noise = difficulty.voice_noise * rng.standard_normal(2)
        valence, arousal = np.clip(difficulty.voice_gain * felt + noise, -1.2, 1.2)
        syllables = _syllables(rng, now_s, length_s, rate_hz * float(np.exp(0.25 * arousal)))
        level = levels(felt)
        label = speech_label(int(level[0]), int(level[1]))
        utterances.append(Utterance(now_s, syllables[-1].stop_s, float(valence), float(arousal), label, syllables))
        now_s += length_s + 0.6 + float(rng.gamma(3.0, (pause_s - 0.6) / 3.0))


def mouth_opening(utterances: tuple[Utterance, ...], times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the opening of the mouth by speech, 0..1, at ascending times."""
    opening = np.zeros(len(times_s))
    for utterance in utterances:
        for syllable in utterance.syllables:
            first, last = np.searchsorted(times_s, (syllable.start_s, syllable.stop_s))
            share = (times_s[first:last] - syllable.start_s) / (syllable.stop_s - syllable.start_s)
            # Open vowels have a high first formant.
            size = float(_VOWELS[syllable.vowel, 0]) / 730.0
            opening[first:last] = size * np.sin(np.pi * share) ** 2
    return opening


def render_voice(
    seed: int, duration_s: float, utterances: tuple[Utterance, ...], difficulty: Difficulty
) -> NDArray[np.float32]:
    """Return the microphone's signal of one session.

    Returns
    -------
    (n_times,) float32
        16 kHz mono in -1..1, room noise included.
    """
    person = draw_vocal_tract(seed)
    rng = aspect_rng(seed, "voice")
    level = 0.15 * person.gain
    audio = rng.standard_normal(round(duration_s * VOICE_RATE_HZ), dtype=np.float32)
    audio *= np.float32(level * 10.0 ** (difficulty.room_db / 20.0))
    for utterance in utterances:
        first = round(utterance.start_s * VOICE_RATE_HZ)
        voice = level * _speak(rng, utterance, person)[: len(audio) - first]
        audio[first : first + len(voice)] += voice
    return np.clip(audio, -1.0, 1.0)


def simulate_voice(seed: int, duration_s: float, difficulty: Difficulty = BENCHMARK) -> NDArray[np.float32]:
    """Return the microphone's signal of a session without simulating other modalities; see :func:`render_voice`."""
    utterances = plan_voice(seed, duration_s, simulate_latents(seed, duration_s, difficulty), difficulty)
    return render_voice(seed, duration_s, utterances, difficulty)


def _syllables(rng: np.random.Generator, start_s: float, length_s: float, rate_hz: float) -> tuple[Syllable, ...]:
    """Fill one utterance with syllables."""
    count = max(2, round(length_s * rate_hz))
    lengths = rng.uniform(0.7, 1.3, count)
    borders = start_s + length_s * np.concatenate([[0.0], np.cumsum(lengths) / lengths.sum()])
    return tuple(
        Syllable(
            start_s=float(borders[index]),
            stop_s=float(borders[index + 1]),
            consonant_s=float(rng.uniform(0.03, 0.09)),
            noise_hz=float(rng.choice([1800.0, 3200.0, 5500.0])),
            vowel=int(rng.integers(len(_VOWELS))),
            stress=float(rng.uniform(0.0, 1.0)),
        )
        for index in range(count)
    )


def _speak(rng: np.random.Generator, utterance: Utterance, person: VocalTract) -> NDArray[np.float32]:
    """Render one utterance; a neutral one has an RMS of about 1."""
    valence, arousal = utterance.valence, utterance.arousal
    n_frames = int(np.ceil((utterance.stop_s - utterance.start_s) * _FRAME_HZ)) + 4
    frames_s = utterance.start_s + np.arange(n_frames) / _FRAME_HZ
    formants, loud, hiss, hiss_hz, stress = _articulate(utterance, frames_s)
    voiced = _glottis(rng, utterance, person, frames_s, stress)
    noise = rng.standard_normal(len(voiced))
    hertz: NDArray[np.float64] = np.asarray(np.fft.rfftfreq(_WINDOW, 1.0 / VOICE_RATE_HZ), np.float64)
    # Effort makes a voice brighter: excitement lifts the spectrum by about 3 dB per octave.
    tilt = (np.maximum(hertz, 100.0) / 500.0) ** (0.45 * arousal - 0.1)
    tract = _resonance(hertz, formants * (1.0 + 0.05 * valence) / person.tract) * tilt
    consonant = np.exp(-0.5 * ((hertz - hiss_hz[:, None]) / 900.0) ** 2)
    breath = person.breath * (1.0 + max(0.0, -arousal))
    taper = np.hanning(_WINDOW + 1)[:-1]
    spectrum = _frames(voiced, n_frames, taper) * (tract * loud[:, None])
    spectrum += _frames(noise, n_frames, taper) * (0.5 * consonant * hiss[:, None] + breath * tract * loud[:, None])
    blocks = np.fft.irfft(spectrum, _WINDOW, axis=1)
    sound = np.zeros((n_frames + 3) * _HOP)
    for part in range(_WINDOW // _HOP):
        piece = blocks[:, part * _HOP : (part + 1) * _HOP].ravel()
        sound[part * _HOP : part * _HOP + len(piece)] += piece
    gain = 1.1 * 10.0 ** (5.0 * arousal / 20.0)
    return np.asarray(gain * sound[_WINDOW // 2 :], np.float32)


def _articulate(
    utterance: Utterance, frames_s: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Move the mouth: formants (n, 4) in Hz, loudness, consonant noise, its centre in Hz, and stress, each (n,)."""
    syllables = utterance.syllables
    middles = [(one.start_s + one.consonant_s + one.stop_s) / 2.0 for one in syllables]
    targets = _VOWELS[[one.vowel for one in syllables]]
    formants = np.stack([np.interp(frames_s, middles, column) for column in targets.T], axis=1)
    formants = np.concatenate([formants, np.full((len(frames_s), 1), 3500.0)], axis=1)
    loud, hiss = np.zeros((2, len(frames_s)))
    hiss_hz = np.full(len(frames_s), 3000.0)
    for one in syllables:
        first, turn, last = np.searchsorted(frames_s, (one.start_s, one.start_s + one.consonant_s, one.stop_s))
        hiss[first:turn] = 1.0
        hiss_hz[first:turn] = one.noise_hz
        loud[first:turn] = 0.15
        share = (frames_s[turn:last] - frames_s[turn]) / max(one.stop_s - frames_s[turn], 0.02)
        loud[turn:last] = (0.7 + 0.5 * one.stress) * np.clip(4.0 * share + 0.3, 0.0, 1.0) * (1.0 - 0.6 * share**2)
    stress = np.interp(frames_s, middles, [one.stress for one in syllables])
    return formants, loud, hiss, hiss_hz, stress


def _glottis(
    rng: np.random.Generator,
    utterance: Utterance,
    person: VocalTract,
    frames_s: NDArray[np.float64],
    stress: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Draw the glottal flow's derivative over the utterance, ``((n_frames + 3) * hop,)``."""
    valence, arousal = utterance.valence, utterance.arousal
    share = (frames_s - utterance.start_s) / (utterance.stop_s - utterance.start_s)
    movement = (stress - 0.5) * (0.14 + 0.10 * arousal + 0.06 * valence)
    slope = (0.5 - share) * (0.18 - 0.14 * valence)
    rough = 0.012 * (1.0 + max(0.0, -valence) + max(0.0, arousal))
    log_f0 = np.log(person.f0_hz) + 0.22 * arousal + movement + slope
    log_f0 += rough * ornstein_uhlenbeck(rng, len(frames_s), 1, _FRAME_HZ, 0.02)[:, 0]
    n_times = (len(frames_s) + 3) * _HOP
    f0 = np.exp(np.interp(np.arange(n_times), np.arange(len(frames_s)) * _HOP + _WINDOW // 2, log_f0))
    phase = np.cumsum(f0) / VOICE_RATE_HZ % 1.0
    # Rosenberg's (1971) pulse: slow opening, fast closing, then shut; excitement shortens the open part.
    opening = 0.45 - 0.08 * arousal
    closing = 0.16 - 0.04 * arousal
    rising = np.where(phase < opening, np.sin(np.pi * phase / opening), 0.0) / opening
    falling = np.where(
        (phase >= opening) & (phase < opening + closing), -np.sin(np.pi / 2.0 * (phase - opening) / closing), 0.0
    )
    return np.asarray(0.2 * rising + falling / closing * 0.5)


def _resonance(hertz: NDArray[np.float64], formants: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the vocal tract's gain, ``(n_frames, n_frequencies)``, as a cascade of resonances."""
    squared = (formants**2)[:, :, None]
    width = (_BANDWIDTHS_HZ[:, None] * hertz)[None]
    gain = squared / np.sqrt((squared - hertz**2) ** 2 + width**2)
    return np.asarray(np.prod(gain, axis=1) * 0.12)


def _frames(sound: NDArray[np.float64], n_frames: int, taper: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Cut overlapping frames and transform them; the Hann taper sums to 2 at a quarter hop, so halve."""
    windows = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[::_HOP][:n_frames]
    return np.asarray(np.fft.rfft(windows * (taper / 2.0), axis=1))
