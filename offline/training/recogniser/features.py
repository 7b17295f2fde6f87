"""What the recogniser is trained and judged on: each utterance's numbers, as it is and changed, kept between runs."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ....configs.schema.errors import MoodringError
from ....models.contract import AUDIO_RATE_HZ, FloatArray
from ....models.decoders.speech import UtteranceCutter
from ....models.decoders.voice_activity import VoiceActivity
from ....models.io.files import atomic_write
from ....models.signals.speech.voice_frames import FrameState, frame_features
from ....models.signals.speech.voice_summary import functionals
from ...datasets.speech_corpus import SpeechCorpus, file_of
from .augment import CONDITIONS, condition, varied

FORMAT = 1
"""Raised when the same sound gives other numbers than before."""
Report = Callable[[str], None]


@dataclass(frozen=True)
class Numbers:
    """Of one corpus and one seed, each ``(n_items, n_numbers)`` float32.

    Attributes
    ----------
    conditions : mapping of name to array
        What is tested on; ``"whole"`` is trained on, too.
    copies : tuple of arrays
        What is trained on besides.
    """

    conditions: dict[str, FloatArray]
    copies: tuple[FloatArray, ...]


def spoken_part(samples: FloatArray, voice: VoiceActivity) -> FloatArray:
    """Cut off the silence before the first and after the last utterance; all of it where no speech is found."""
    cutter = UtteranceCutter(voice)
    segments = (*cutter.feed(samples, 0.0), *cutter.close())
    if not segments:
        return samples
    first, last = (round(time_s * AUDIO_RATE_HZ) for time_s in (segments[0].start_s, segments[-1].end_s))
    return samples[max(first, 0) : last]


def numbers_of(samples: FloatArray) -> FloatArray:
    """Sum up an utterance, as the recogniser does live when it has ended."""
    rows, _ = frame_features(samples if len(samples) >= 640 else np.pad(samples, (0, 640 - len(samples))), FrameState())
    return functionals(rows)


def digest(corpus: SpeechCorpus) -> str:
    """Give the SHA-256 over names and contents of a corpus's files."""
    total = hashlib.sha256()
    for trial in corpus.trials:
        total.update(trial.name.encode())
        total.update(hashlib.sha256(file_of(trial).read_bytes()).digest())
    return total.hexdigest()


class Cabinet:
    """Numbers computed once and kept in a folder: an interrupted run goes on where it stopped.

    Parameters
    ----------
    corpus : SpeechCorpus
    folder : Path
    report : callable
        Takes lines of progress.
    """

    def __init__(self, corpus: SpeechCorpus, folder: Path, report: Report) -> None:
        self.corpus, self.folder, self.sha256 = corpus, folder, digest(corpus)
        self._report = report
        self._spoken: tuple[FloatArray, ...] = ()

    def numbers(self, copies: tuple[str, ...], seed: int) -> Numbers:
        """Give the numbers for a seed, computing those that are not there yet."""
        conditions = {name: self._kept(f"condition {name}", partial(condition, name)) for name in CONDITIONS}
        varieties = tuple(
            self._kept(
                f"copy {index} {kind}" + ("" if kind.startswith("first") else f" seed {seed}"), partial(varied, kind)
            )
            for index, kind in enumerate(copies)
        )
        return Numbers(conditions, varieties)

    def path(self, what: str) -> Path:
        """Give where something about this corpus is kept."""
        key = hashlib.sha256(f"{FORMAT} {self.sha256} {what}".encode()).hexdigest()[:20]
        return self.folder / f"{key}.npy"

    def _kept(self, what: str, change: Callable[[FloatArray, np.random.Generator], FloatArray]) -> FloatArray:
        path = self.path(what)
        if path.is_file():
            kept: FloatArray = np.load(path, allow_pickle=False)
            return kept
        if not self._spoken:
            voice = VoiceActivity()
            self._spoken = tuple(spoken_part(self.corpus.load(trial), voice) for trial in self.corpus.trials)
        # A stream of chance of its own for each item and change, so that neither order nor interruption matters.
        stream = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8])
        numbers = np.stack(
            [
                numbers_of(change(samples, np.random.default_rng((stream, index))))
                for index, samples in enumerate(self._spoken)
            ]
        )
        keep(path, numbers)
        self._report(f"measured {what}: {len(numbers)} utterances")
        return numbers


def keep(path: Path, values: FloatArray) -> None:
    """Write an array in one move.

    Raises
    ------
    MoodringError
        It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as file:
            np.save(file, values, allow_pickle=False)
    except OSError as error:
        raise MoodringError(f"'{path}' cannot be written: {error.strerror}; set cache to another folder") from error
