"""Trials of corpora of felt valence and arousal: EEG, face video where there is one, ratings and their levels."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ...models.contract import LEVELS, FloatArray, Marker, Recording, Signal, Truth, Video
from ...models.io.stream_descriptions import TRUTH_RATE_HZ
from ..recordings.media import read_video
from .base import Trial

AXES = ("valence", "arousal")
_SHORTER_S = 1.0
_LOWEST, _HIGHEST = -1.0, 1.0


@dataclass(frozen=True)
class AffectTrial(Trial):
    """A trial of one person: rest where the corpus has one, then the stimulus.

    ``labels`` hold the level of each axis that is known ("low", "medium" or "high"), ``ratings`` the numbers as rated,
    and the group ``session`` in which sitting it was. ``start_s`` and ``stop_s`` count in ``file``.

    Attributes
    ----------
    order : int
        Place in the session, in the order of presentation.
    rest_s, wait_s : float
        The trial begins with a rest of this length; so long after its end the stimulus begins.
    video : Path or None
        Film of the face.
    video_start_s : float
        Seconds from the first moment of the trial, its rest, to the first frame of the film.
    """

    order: int = 0
    rest_s: float = 0.0
    wait_s: float = 0.0
    video: Path | None = None
    video_start_s: float = 0.0

    @property
    def onset_s(self) -> float:
        """Seconds from the first moment of the trial to the stimulus."""
        return self.rest_s + self.wait_s


@dataclass(frozen=True)
class Scale:
    """A rating scale cut into three levels.

    Attributes
    ----------
    lowest, highest : float
        Ends of the scale.
    low_to, medium_to : float
        Ratings up to ``low_to`` are low, those above it up to ``medium_to`` medium, all others high: a rating on an
        edge belongs to the lower level.
    """

    lowest: float
    highest: float
    low_to: float
    medium_to: float

    def level(self, rating: float, what: str) -> str:
        """Return the level of a rating.

        Raises
        ------
        MoodringError
            It lies outside the scale; ``what`` says whose it is.
        """
        if not self.lowest <= rating <= self.highest:
            raise MoodringError(
                f"{what} is {rating:g}; {self.lowest:g} to {self.highest:g} was expected: correct the table, or "
                'train with on_bad = "skip"'
            )
        return LEVELS[int(rating > self.low_to) + int(rating > self.medium_to)]

    def __str__(self) -> str:
        cuts = f"low up to {self.low_to:g}, medium up to {self.medium_to:g}, else high"
        return f"{self.lowest:g} to {self.highest:g}: {cuts}"


NINE_POINTS = Scale(1.0, 9.0, 4.5, 5.5)
"""Three classes of the nine-point manikin: 1 to 4.5, 4.5 to 5.5, 5.5 to 9 (Liu et al. 2020)."""


class TrialLoader(Protocol):
    """Reads the EEG of trials."""

    def __call__(self, trial: AffectTrial, /) -> Signal:
        """Return the EEG from the trial's first moment, at 0 s, on; microvolts."""
        ...


class FilmLoader(Protocol):
    """Reads the films of trials from their recordings."""

    def __call__(self, trial: AffectTrial, /) -> Video | None:
        """Return the film from the trial's first moment, at 0 s, on; None where there is none."""
        ...


@dataclass(frozen=True)
class AffectCorpus:
    """Trials of felt valence and arousal.

    Attributes
    ----------
    name : str
    trials : tuple of AffectTrial
        By person, in the order of presentation.
    loader : TrialLoader
    label_source : str
        Whose labels they are, and how they were cut into levels.
    problems : tuple of str
        What was left out, and why.
    line_hz : float
        Of the mains where it was recorded.
    scale : Scale
        Of the people's own ratings.
    film : FilmLoader or None
        Of trials whose films lie within their recordings.
    release_of : str
        What several corpora are releases of; see :attr:`family`.
    """

    name: str
    trials: tuple[AffectTrial, ...]
    loader: TrialLoader
    label_source: str
    problems: tuple[str, ...] = ()
    line_hz: float = 50.0
    scale: Scale = NINE_POINTS
    film: FilmLoader | None = None
    release_of: str = ""

    @property
    def family(self) -> str:
        """Within a family, people and stimuli of one name are the same; by default a corpus is one of its own."""
        return self.release_of or self.name

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody who was recorded, sorted."""
        return tuple(sorted({trial.subject for trial in self.trials}))

    def load(self, trial: AffectTrial, /) -> Recording:
        """Return a trial as a recording that begins at 0 s; frames of the film are decoded on access.

        Raises
        ------
        MoodringError
            A file cannot be read, or the film ends before the EEG.
        """
        eeg = self.loader(trial)
        end_s = float(eeg.stamps_s[-1]) + 1.0 / eeg.rate_hz
        face = None if trial.video is None else _film(trial, trial.video, end_s)
        if face is None and self.film is not None:
            face = self.film(trial)
        markers = [Marker(0.0, f"rest {self.name}")] if trial.rest_s else []
        markers.append(Marker(trial.onset_s, f"stimulus {trial.stimulus or trial.name}"))
        return Recording(
            name=trial.name,
            participant=trial.subject,
            origin=self.name,
            t0_s=0.0,
            rest_s=trial.rest_s,
            eeg=eeg,
            face=face,
            speech=None,
            truth=truth_of(trial, end_s),
            markers=tuple(markers),
        )


def labelled_by_ratings(corpus: AffectCorpus) -> AffectCorpus:
    """Return a corpus whose levels are those of the people's own ratings.

    Raises
    ------
    MoodringError
        Nobody rated, or a rating lies outside the scale.
    """
    scale = corpus.scale
    trials = tuple(replace(one, labels=levels_of(one.ratings, scale, one.name)) for one in corpus.trials)
    if not any(one.labels for one in trials):
        raise MoodringError(f'nobody rated the trials of {corpus.name}; take labels = "corpus"')
    source = f"rated by the person after each trial, {scale}"
    return replace(corpus, trials=trials, label_source=source)


def file_of(trial: Trial) -> Path:
    """Return the file of a trial; raise MoodringError where it has none."""
    if trial.file is None:
        raise MoodringError(f"trial '{trial.name}' has no file; take the trials of the corpus")
    return trial.file


def _film(trial: AffectTrial, path: Path, end_s: float) -> Video:
    """Return the film of a trial on the time of the trial; raise MoodringError where it ends before the EEG."""
    film = read_video(path)
    stamps_s = film.stamps_s + trial.video_start_s
    last_s = float(stamps_s[-1]) + 1.0 / film.rate_hz
    if last_s < end_s - _SHORTER_S:
        raise MoodringError(
            f"trial '{trial.name}': film '{path}' ends {end_s - last_s:.1f} s before the EEG ({last_s:.1f} of "
            f'{end_s:.1f} s); copy it again, or train with on_bad = "skip"'
        )
    return replace(film, stamps_s=stamps_s)


def truth_of(trial: AffectTrial, end_s: float) -> Truth | None:
    """Return the levels of a trial eight times a second, none before the stimulus; None for a trial without any."""
    if not trial.labels:
        return None
    known = [LEVELS.index(trial.labels[axis]) if axis in trial.labels else -1 for axis in AXES]
    stamps_s = np.arange(int(np.ceil(end_s * TRUTH_RATE_HZ))) / TRUTH_RATE_HZ
    shown = stamps_s >= trial.onset_s
    levels: NDArray[np.int64] = np.where(shown[:, None], np.array(known, np.int64), -1)
    latents: FloatArray = (np.clip(levels - 1.0, _LOWEST, _HIGHEST) * (levels >= 0)).astype(np.float32)
    return Truth(stamps_s, latents, levels, np.where(shown, trial.order, -1).astype(np.int64))


def levels_of(ratings: Mapping[str, float], scale: Scale, trial: str) -> dict[str, str]:
    """Return the levels of the axes that were rated; raise MoodringError where a rating lies outside the scale."""
    return {
        axis: scale.level(ratings[axis], f"trial '{trial}': {axis}")
        for axis in AXES
        if np.isfinite(ratings.get(axis, np.nan))
    }


def regular_signal(samples_uv: NDArray[np.floating], rate_hz: float, names: tuple[str, ...], source: str) -> Signal:
    """Return samples, ``(n_times, n_channels)`` in microvolts, as a signal from 0 s on.

    Raises
    ------
    MoodringError
        There is less than a second of it.
    """
    if len(samples_uv) < rate_hz:
        raise MoodringError(
            f"{source} has {len(samples_uv)} samples at {rate_hz:g} Hz; a second is the least: copy it again"
        )
    samples: FloatArray = np.ascontiguousarray(samples_uv, dtype=np.float32)
    return Signal(samples, np.arange(len(samples)) / rate_hz, rate_hz, names, source)


def not_here(name: str, root: Path, expected: str, inside: Path | None = None) -> MoodringError:
    """Return the error of a folder that is not a corpus's: what was expected, and where it may lie."""
    hint = f"; give '{inside}'" if inside is not None else "; give the folder that holds them"
    return MoodringError(f"'{root}' holds no {expected}, which {name} has{hint}")
