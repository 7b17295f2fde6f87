"""Cut speech into one-second segments, utterance by utterance, causally: pure functions with explicit state.

The rules that open and close an utterance are those of silero-vad's ``VADIterator`` (threshold, threshold - 0.15,
padding of about 30 ms, here one window) with its ``get_speech_timestamps``'s shortest speech of 0.25 s. The pause that
closes an utterance is longer (0.5 s instead of 0.1 s), since an utterance here is a phrase, not a word.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from ...contract import AUDIO_RATE_HZ, FloatArray, SpeechSegment

WINDOW_SAMPLES = 512
SEGMENT_SAMPLES = 16_000
QUIETEST_RMS = 1e-4


@dataclass(frozen=True)
class UtteranceRules:
    """Rules that open and close an utterance.

    Attributes
    ----------
    onset, offset : float
        Speech probability at which speech starts, and below which a pause starts; in between nothing changes.
    hangover_samples : int
        A pause that lasts this long closes the utterance; a shorter one belongs to it.
    shortest_samples : int
        An utterance with less speech is dropped (a cough, a door); so is a last segment with less.
    longest_segments : int
        An utterance is cut after so many segments, so that recurrent state stays within the training distribution.
    """

    onset: float = 0.5
    offset: float = 0.35
    hangover_samples: int = 8_000
    shortest_samples: int = 4_000
    longest_segments: int = 12


@dataclass(frozen=True)
class RunningRms:
    """Root mean square of an utterance so far, as sum of squares and number of samples."""

    sum_squares: float = 0.0
    count: int = 0

    def level(self) -> float:
        """Return the root mean square, at least ``QUIETEST_RMS``."""
        return max(float((self.sum_squares / max(self.count, 1)) ** 0.5), QUIETEST_RMS)


def _no_samples() -> FloatArray:
    return np.zeros(0, np.float32)


@dataclass(frozen=True)
class UtteranceState:
    """State between two windows.

    Attributes
    ----------
    speaking : bool
        Whether an utterance is open.
    before : (512,) or (0,) float32
        The window before this one, which opens the utterance (padding).
    pending : (n,) float32
        Samples of the open utterance that are not yet part of a segment.
    held : (n,) float32
        Samples of a pause that may end the utterance.
    pausing : bool
    rms : RunningRms
        Of the segments cut so far.
    segments : int
        Number of segments cut from the open utterance.
    end_s : float
        End of the last window.
    """

    speaking: bool = False
    before: FloatArray = field(default_factory=_no_samples)
    pending: FloatArray = field(default_factory=_no_samples)
    held: FloatArray = field(default_factory=_no_samples)
    pausing: bool = False
    rms: RunningRms = RunningRms()
    segments: int = 0
    end_s: float = 0.0


def normalise(samples: FloatArray, rms: RunningRms) -> tuple[FloatArray, RunningRms]:
    """Divide by the root mean square of the utterance up to and including these samples.

    Parameters
    ----------
    samples : (n,) float32
    rms : RunningRms
        Of the utterance before these samples.

    Returns
    -------
    normalised : (n,) float32
    rms : RunningRms
        With these samples. Below ``QUIETEST_RMS`` nothing is amplified further.
    """
    squares = rms.sum_squares + float(np.sum(np.square(samples, dtype=np.float64)))
    grown = RunningRms(squares, rms.count + len(samples))
    return (samples / np.float32(grown.level())).astype(np.float32), grown


def step(
    state: UtteranceState, window: FloatArray, probability: float, end_s: float, rules: UtteranceRules
) -> tuple[tuple[SpeechSegment, ...], UtteranceState]:
    """Process one more window of samples.

    Parameters
    ----------
    state : UtteranceState
    window : (512,) float32
    probability : float
        Of speech in this window.
    end_s : float
        End of the window.
    rules : UtteranceRules

    Returns
    -------
    segments : tuple of SpeechSegment
        Segments that this window completed.
    state : UtteranceState
    """
    state = replace(state, end_s=end_s)
    if not state.speaking:
        if probability < rules.onset:
            return (), replace(state, before=window)
        pending = np.concatenate((state.before, window))
        return _cut(replace(state, speaking=True, pending=pending, before=_no_samples()), rules)
    if state.pausing and probability < rules.onset:
        state = replace(state, held=np.concatenate((state.held, window)), before=window)
        return close(state, rules) if len(state.held) >= rules.hangover_samples else ((), state)
    pending = np.concatenate((state.pending, state.held, window))
    pausing = probability < rules.offset
    return _cut(replace(state, pending=pending, held=_no_samples(), pausing=pausing), rules)


def close(state: UtteranceState, rules: UtteranceRules) -> tuple[tuple[SpeechSegment, ...], UtteranceState]:
    """Close the open utterance, if there is one, and return its last segment, zero-padded.

    The last segment has no samples of its own (``n_samples`` 0) where less than ``rules.shortest_samples`` remained;
    an utterance that is shorter than that gives none.
    """
    quiet = UtteranceState(before=state.before, end_s=state.end_s)
    if not state.speaking:
        return (), quiet
    first = state.segments == 0
    rest = state.pending
    if first and len(rest) - 2 * WINDOW_SAMPLES < rules.shortest_samples:
        return (), quiet
    end_s = state.end_s - len(state.held) / AUDIO_RATE_HZ
    if not first and len(rest) < rules.shortest_samples:
        end_s -= len(rest) / AUDIO_RATE_HZ
        rest = _no_samples()
    samples, rms = normalise(rest, state.rms)
    padded = np.concatenate((samples, np.zeros(SEGMENT_SAMPLES - len(rest), np.float32)))
    return (
        SpeechSegment(padded, end_s - len(rest) / AUDIO_RATE_HZ, end_s, first, True, len(rest), rms.level()),
    ), quiet


def segments_of(samples: FloatArray, rules: UtteranceRules) -> FloatArray:
    """Return the segments of a whole utterance, the same as from :func:`step` and :func:`close`.

    Parameters
    ----------
    samples : (n,) float32
        The utterance's own samples.
    rules : UtteranceRules

    Returns
    -------
    (n_segments, 16000) float32
        Normalised by the running RMS; the last zero-padded, or left out where less than ``rules.shortest_samples``
        remain after another.
    """
    rms = RunningRms()
    cut: list[FloatArray] = []
    for start in range(0, len(samples), SEGMENT_SAMPLES):
        part = samples[start : start + SEGMENT_SAMPLES]
        if cut and len(part) < rules.shortest_samples:
            break
        normal, rms = normalise(part, rms)
        cut.append(np.pad(normal, (0, SEGMENT_SAMPLES - len(part))))
    return np.stack(cut) if cut else np.zeros((0, SEGMENT_SAMPLES), np.float32)


def _cut(state: UtteranceState, rules: UtteranceRules) -> tuple[tuple[SpeechSegment, ...], UtteranceState]:
    """Cut every complete segment from the pending samples."""
    done: list[SpeechSegment] = []
    while len(state.pending) >= SEGMENT_SAMPLES:
        samples, rms = normalise(state.pending[:SEGMENT_SAMPLES], state.rms)
        rest = state.pending[SEGMENT_SAMPLES:]
        end_s = state.end_s - len(rest) / AUDIO_RATE_HZ
        final = state.segments + 1 >= rules.longest_segments
        start_s = end_s - SEGMENT_SAMPLES / AUDIO_RATE_HZ
        done.append(SpeechSegment(samples, start_s, end_s, state.segments == 0, final, SEGMENT_SAMPLES, rms.level()))
        state = replace(
            state, pending=rest, rms=RunningRms() if final else rms, segments=0 if final else state.segments + 1
        )
    return tuple(done), state
