"""Baselines on the simulated people: classical methods that share no code with the networks.

Log band power with shrinkage LDA is the usual baseline of affective EEG (Koelstra et al. 2012,
https://doi.org/10.1109/T-AFFC.2011.15; Lotte et al. 2018, https://doi.org/10.1088/1741-2552/aab2f2); for the face,
histograms of oriented gradients (Dalal and Triggs 2005, https://doi.org/10.1109/CVPR.2005.177) with the same
classifier.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import recall_score
from sklearn.pipeline import Pipeline, make_pipeline

from ...configs.schema.errors import MoodringError
from ...models.contract import Signal
from .difficulty import BENCHMARK, Difficulty
from .eeg import EEG_RATE_HZ
from .face import FRAME_RATE_HZ
from .latents import levels
from .randomness import aspect_rng
from .simulated_session import SimulatedSession, simulate_parts

TRAIN_SEEDS = tuple(range(801, 861))
TEST_SEEDS = tuple(range(861, 885))
FINAL_SEEDS = tuple(range(1001, 1011))
_BANDS_HZ = ((4.0, 8.0), (8.0, 13.0), (13.0, 30.0))
WINDOW_S = 2.0

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Score:
    """Unweighted average recall over low, medium and high, for each axis."""

    valence: float
    arousal: float


@dataclass(frozen=True)
class BaselineFigures:
    """Recall of the baselines on people that they were not trained on.

    Attributes
    ----------
    difficulty, digest : str
    train_seeds, test_seeds : tuple of int
    duration_s : float
    n_windows, n_presentations : int
        In the test.
    eeg_window : Score
        One 2-s window of log band power.
    eeg_so_far : Score
        Log probabilities averaged over all windows of the stimulus so far.
    eeg_stimulus : Score
        The same at the end of each stimulus.
    strongest_frame : Score
        The frame of each presentation that expresses most.
    random_frame : Score
        Any frame of each presentation, by a classifier trained on random frames.
    majority : Score
    """

    difficulty: str
    digest: str
    train_seeds: tuple[int, ...]
    test_seeds: tuple[int, ...]
    duration_s: float
    n_windows: int
    n_presentations: int
    eeg_window: Score
    eeg_so_far: Score
    eeg_stimulus: Score
    strongest_frame: Score
    random_frame: Score
    majority: Score


@dataclass(frozen=True)
class EegWindows:
    """EEG windows of people: features (n, 96), levels (n, 2), presentation and end from the session's start (n,)."""

    features: Floats
    levels: Labels
    presentation: Labels
    ends_s: Floats


@dataclass(frozen=True)
class _FaceFrames:
    """Frames of presentations: gradients (n, d) of the strongest and of a random one, with levels (n, 2) each."""

    strongest: Floats
    strongest_levels: Labels
    random: Floats
    random_levels: Labels


def baseline_figures(
    difficulty: Difficulty = BENCHMARK,
    train_seeds: tuple[int, ...] = TRAIN_SEEDS,
    test_seeds: tuple[int, ...] = TEST_SEEDS,
    duration_s: float = 180.0,
) -> BaselineFigures:
    """Measure the baselines, with other people to train on than to test.

    Raises
    ------
    MoodringError
        A seed is in both groups, or belongs to the final test (1001-1010).
    """
    shared = set(train_seeds) & set(test_seeds)
    final = (set(train_seeds) | set(test_seeds)) & set(FINAL_SEEDS)
    if shared or final:
        raise MoodringError(
            f"Expected people apart and none of 1001-1010, got shared {sorted(shared)} and final {sorted(final)}. "
            "Choose other seeds."
        )
    eeg_train, face_train = _gather(train_seeds, duration_s, difficulty)
    eeg_test, face_test = _gather(test_seeds, duration_s, difficulty)
    logs = log_probabilities(lda(), eeg_train.features, eeg_train.levels, eeg_test.features)
    so_far, last = _averaged(logs, eeg_test.presentation)
    strongest = log_probabilities(
        _face_lda(len(face_train.strongest)), face_train.strongest, face_train.strongest_levels, face_test.strongest
    )
    random = log_probabilities(
        _face_lda(len(face_train.random)), face_train.random, face_train.random_levels, face_test.random
    )
    return BaselineFigures(
        difficulty=difficulty.name,
        digest=difficulty.digest(),
        train_seeds=train_seeds,
        test_seeds=test_seeds,
        duration_s=duration_s,
        n_windows=len(eeg_test.levels),
        n_presentations=len(face_test.strongest_levels),
        eeg_window=_score(eeg_test.levels, logs),
        eeg_so_far=_score(eeg_test.levels, so_far),
        eeg_stimulus=_score(eeg_test.levels[last], so_far[last]),
        strongest_frame=_score(face_test.strongest_levels, strongest),
        random_frame=_score(face_test.random_levels, random),
        majority=_majority(eeg_train.levels, eeg_test.levels),
    )


def figures_table(figures: BaselineFigures) -> str:
    """Return the figures as a Markdown table."""
    rows = (
        ("log band power + shrinkage LDA, one 2-s window", "0.45-0.60", figures.eeg_window),
        ("the same, averaged over the stimulus so far", "", figures.eeg_so_far),
        ("the same, at the end of each stimulus", "", figures.eeg_stimulus),
        ("strongest frame of each presentation, gradients + LDA", "0.50-0.70", figures.strongest_frame),
        ("random frame of each presentation, gradients + LDA", "<= 0.42", figures.random_frame),
        ("majority", "0.33", figures.majority),
    )
    lines = ["| UAR of low, medium, high | asked | valence | arousal |", "|---|---|---|---|"]
    lines += [f"| {name} | {asked} | {score.valence:.3f} | {score.arousal:.3f} |" for name, asked, score in rows]
    return "\n".join(lines)


def _gather(seeds: tuple[int, ...], duration_s: float, difficulty: Difficulty) -> tuple[EegWindows, _FaceFrames]:
    """Simulate people and keep only features."""
    windows, faces = [], []
    for seed in seeds:
        session = simulate_parts(seed, duration_s, difficulty)
        windows.append(eeg_windows(session))
        faces.append(_frames(session, aspect_rng(seed, "reference")))
    # Presentations are counted on over people.
    shifts = np.concatenate([[0], np.cumsum([one.presentation.max() + 1 for one in windows])])
    eeg = EegWindows(
        np.concatenate([one.features for one in windows]),
        np.concatenate([one.levels for one in windows]),
        np.concatenate([one.presentation + shift for one, shift in zip(windows, shifts, strict=False)]),
        np.concatenate([one.ends_s for one in windows]),
    )
    face = _FaceFrames(
        np.concatenate([one.strongest for one in faces]),
        np.concatenate([one.strongest_levels for one in faces]),
        np.concatenate([one.random for one in faces]),
        np.concatenate([one.random_levels for one in faces]),
    )
    return eeg, face


def log_band_power(eeg: Signal, ends_s: Floats, rest_s: float, window_s: float = WINDOW_S) -> Floats:
    """Return the log band power of windows, minus its mean over windows that half overlap in the rest.

    Parameters
    ----------
    eeg : Signal
        Of a simulated session.
    ends_s : (n,)
        When each window ends, from the session's start; at least ``window_s``.
    rest_s : float
        The session begins with a rest of this length.
    window_s : float

    Returns
    -------
    (n, 3 * n_channels) float64
        Theta, alpha and beta of every channel.
    """
    resting_s = np.arange(window_s, rest_s + 1e-9, window_s / 2.0)
    return np.asarray(_log_powers(eeg, ends_s, window_s) - _log_powers(eeg, resting_s, window_s).mean(axis=0))


def _log_powers(eeg: Signal, ends_s: Floats, window_s: float) -> Floats:
    length = int(window_s * EEG_RATE_HZ)
    hertz = np.fft.rfftfreq(length, 1.0 / EEG_RATE_HZ)
    taper = np.hanning(length)[:, None]
    power = []
    for end_s in ends_s:
        first = round((end_s - window_s) * EEG_RATE_HZ)
        window = eeg.samples[first : first + length].astype(np.float64)
        spectrum = np.abs(np.fft.rfft((window - window.mean(axis=0)) * taper, axis=0)) ** 2
        power.append(
            np.concatenate([spectrum[(hertz >= low) & (hertz < high)].mean(axis=0) for low, high in _BANDS_HZ])
        )
    return np.asarray(np.log(np.array(power)))


def eeg_windows(session: SimulatedSession) -> EegWindows:
    """Return the 2-s windows, one a second, that lie within one presentation, with the levels at their centres."""
    eeg = session.recording.eeg
    if eeg is None:
        raise MoodringError("Expected a simulated session with EEG, got one without. Simulate it with all modalities.")
    starts_s = np.arange(0.0, len(eeg.samples) / EEG_RATE_HZ - WINDOW_S + 1e-9, WINDOW_S / 2.0)
    ends_s = starts_s + WINDOW_S
    presentation = np.full(len(ends_s), -1, dtype=np.int64)
    for index, shown in enumerate(session.presentations):
        presentation[(starts_s >= shown.start_s) & (ends_s <= shown.stop_s + 1e-9)] = index
    used = presentation >= 0
    return EegWindows(
        log_band_power(eeg, ends_s[used], session.latents.rest_s),
        levels(session.latents.at(ends_s[used] - WINDOW_S / 2.0)),
        presentation[used],
        ends_s[used],
    )


def _frames(session: SimulatedSession, rng: np.random.Generator) -> _FaceFrames:
    """Return the strongest and a random frame of each presentation."""
    face = session.face
    times_s = np.arange(len(face)) / FRAME_RATE_HZ
    strength = np.array([face.intensity(index) for index in range(len(face))])
    strongest, random = [], []
    for shown in session.presentations:
        first, last = np.searchsorted(times_s, (shown.start_s, shown.stop_s))
        if last - first < 2:
            continue
        strongest.append(int(first + np.argmax(strength[first:last])))
        random.append(int(rng.integers(first, last)))
    return _FaceFrames(
        np.stack([_gradients(face[index]) for index in strongest]),
        levels(session.latents.at(times_s[strongest])),
        np.stack([_gradients(face[index]) for index in random]),
        levels(session.latents.at(times_s[random])),
    )


def _gradients(frame: NDArray[np.uint8]) -> Floats:
    """Return histograms of oriented gradients of the middle of a frame."""
    side = frame.shape[0]
    middle = frame[side // 4 : side * 9 // 10, side // 6 : side * 5 // 6]
    grey = cv2.resize(cv2.cvtColor(middle, cv2.COLOR_BGR2GRAY), (64, 64), interpolation=cv2.INTER_AREA)
    describe = cv2.HOGDescriptor((64, 64), (16, 16), (8, 8), (8, 8), 9)
    return np.asarray(describe.compute(np.asarray(grey)), np.float64).ravel()


def lda() -> Pipeline:
    """Return shrinkage LDA with equal priors."""
    return make_pipeline(LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=np.full(3, 1.0 / 3.0)))


def _face_lda(n_frames: int) -> Pipeline:
    """Return the same after PCA, because gradients outnumber the frames."""
    return make_pipeline(
        PCA(min(60, n_frames // 2), random_state=0),
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=np.full(3, 1.0 / 3.0)),
    )


def log_probabilities(model: Pipeline, features: Floats, targets: Labels, queries: Floats) -> Floats:
    """Fit each axis and return log probabilities, ``(n, 2, 3)``."""
    axes = [model.fit(features, targets[:, axis]).predict_proba(queries) for axis in range(2)]
    return np.asarray(np.log(np.maximum(np.stack(axes, axis=1), 1e-9)))


def _averaged(logs: Floats, presentation: Labels) -> tuple[Floats, Labels]:
    """Return the running mean within each presentation, and the index of the last window of each."""
    out = np.empty_like(logs)
    last = []
    for one in np.unique(presentation):
        (rows,) = np.nonzero(presentation == one)
        out[rows] = np.cumsum(logs[rows], axis=0) / np.arange(1, len(rows) + 1)[:, None, None]
        last.append(int(rows[-1]))
    return out, np.array(last, dtype=np.int64)


def _score(targets: Labels, logs: Floats) -> Score:
    """Return the UAR of both axes."""
    recalls = [recall_score(targets[:, axis], logs[:, axis].argmax(axis=1), average="macro") for axis in range(2)]
    return Score(valence=float(recalls[0]), arousal=float(recalls[1]))


def _majority(train: Labels, test: Labels) -> Score:
    """Return the score of the most frequent class of the training people."""
    guess = np.zeros((len(test), 2, 3))
    for axis in range(2):
        guess[:, axis, np.bincount(train[:, axis], minlength=3).argmax()] = 1.0
    return _score(test, guess)
