"""Features of every utterance of a corpus, as it is and in changed copies, cached between runs."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from ....configs.schema.errors import MoodringError
from ....models.contract import AUDIO_RATE_HZ, FloatArray
from ....models.decoders.speech import UtteranceCutter
from ....models.decoders.voice_activity import VoiceActivity
from ....models.io.files import PRIVATE_FILE, atomic_write
from ....models.signals.speech.voice_frames import FrameState, frame_features
from ....models.signals.speech.voice_summary import VOICE_NUMBERS, functionals
from ...datasets.speech_corpus import SpeechCorpus, file_of
from ...evaluation.leakage import digest
from ..common.stages import Stage
from .augment import CONDITIONS, apply_condition, augment

FEATURES = Stage("recogniser features", 1, (Stage("voice numbers", VOICE_NUMBERS),))
"""Raise its version whenever the same sound gives other copies or utterances."""
Report = Callable[[str], None]


@dataclass(frozen=True)
class FeatureSets:
    """Features of one corpus and one seed, each ``(n_items, n_features)`` float32.

    Attributes
    ----------
    conditions : mapping of name to array
        Tested on; ``"whole"`` is trained on, too.
    copies : tuple of arrays
        Trained on besides.
    """

    conditions: dict[str, FloatArray]
    copies: tuple[FloatArray, ...]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all of them."""
        return digest(*self.conditions.values(), *self.copies)


def trim_silence(samples: FloatArray, voice: VoiceActivity) -> FloatArray:
    """Cut off the silence before the first and after the last utterance; all of it where no speech is found."""
    cutter = UtteranceCutter(voice)
    segments = (*cutter.feed(samples, 0.0), *cutter.close())
    if not segments:
        return samples
    first, last = (round(time_s * AUDIO_RATE_HZ) for time_s in (segments[0].start_s, segments[-1].end_s))
    return samples[max(first, 0) : last]


def utterance_features(samples: FloatArray) -> FloatArray:
    """Summarise an utterance, as the recogniser does live when it has ended."""
    rows, _ = frame_features(samples if len(samples) >= 640 else np.pad(samples, (0, 640 - len(samples))), FrameState())
    return functionals(rows)


def corpus_digest(corpus: SpeechCorpus) -> str:
    """Return the SHA-256 over names and contents of a corpus's files."""
    total = hashlib.sha256()
    for trial in corpus.trials:
        total.update(trial.name.encode())
        total.update(hashlib.sha256(file_of(trial).read_bytes()).digest())
    return total.hexdigest()


class FeatureCache:
    """Features computed once and cached in a folder: an interrupted run goes on where it stopped.

    Parameters
    ----------
    corpus : SpeechCorpus
    folder : Path
    report : callable
        Takes lines of progress.
    """

    def __init__(self, corpus: SpeechCorpus, folder: Path, report: Report) -> None:
        self.corpus, self.folder, self.sha256 = corpus, folder, corpus_digest(corpus)
        self._report = report
        self._sounds: tuple[FloatArray, ...] = ()

    def features(self, copies: tuple[str, ...], seed: int) -> FeatureSets:
        """Return the features for a seed, computing those that are not there yet."""
        conditions = {name: self._cached(f"condition {name}", partial(apply_condition, name)) for name in CONDITIONS}
        changed = tuple(
            self._cached(
                f"copy {index} {kind}" + ("" if kind.startswith("first") else f" seed {seed}"), partial(augment, kind)
            )
            for index, kind in enumerate(copies)
        )
        return FeatureSets(conditions, changed)

    def whole(self) -> FloatArray:
        """Return the features of the utterances as they are, computing them where they are not there yet."""
        return self._cached(f"condition {CONDITIONS[0]}", partial(apply_condition, CONDITIONS[0]))

    def path(self, stage: Stage, *settings: str) -> Path:
        """Return where a result of a stage on this corpus is kept."""
        return self.folder / f"{stage.key(self.sha256, *settings)[:20]}.npy"

    def _cached(self, what: str, change: Callable[[FloatArray, np.random.Generator], FloatArray]) -> FloatArray:
        path = self.path(FEATURES, what)
        if path.is_file():
            cached: FloatArray = np.load(path, allow_pickle=False)
            return cached
        if not self._sounds:
            voice = VoiceActivity()
            self._sounds = tuple(trim_silence(self.corpus.load(trial), voice) for trial in self.corpus.trials)
        # A random generator of its own for each utterance and change, so that neither order nor interruption matters.
        stream = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8])
        features = np.stack(
            [
                utterance_features(change(samples, np.random.default_rng((stream, index))))
                for index, samples in enumerate(self._sounds)
            ]
        )
        write_array(path, features)
        self._report(f"measured {what}: {len(features)} utterances")
        return features


def write_array(path: Path, values: FloatArray) -> None:
    """Write an array in one move.

    Raises
    ------
    MoodringError
        It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path, mode=PRIVATE_FILE) as file:
            np.save(file, values, allow_pickle=False)
    except OSError as error:
        raise MoodringError(f"'{path}' cannot be written: {error.strerror}; set cache to another folder") from error
