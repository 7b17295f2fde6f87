"""Evaluate training on one corpus of speech, on the others, and on all of them: four emotions, speakers apart."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....configs.schema.errors import ConfigError
from ....configs.schema.train_recogniser import EvaluateVoiceCorporaConfig
from ....models.contract import FloatArray
from ....models.signals.speech.voice_summary import functional_weights
from ...datasets.open_corpus import read_corpus
from ...training.common.ridge import fit_linear
from ...training.recogniser.adaptation import adapted_logits, fit_adapted
from ...training.recogniser.features import FeatureCache
from ..splits import IntArray
from .rows import Row, as_plain

FOUR = ("anger", "happiness", "neutral", "sadness")
Report = Callable[[str], None]


@dataclass(frozen=True)
class FourEmotions:
    """The utterances of a corpus that are of :data:`FOUR`; calm counts as neutral.

    Attributes
    ----------
    name : str
    numbers : (n, n_numbers) float32
    labels : (n,) int64
    speakers : (n,) str
    """

    name: str
    numbers: FloatArray
    labels: IntArray
    speakers: NDArray[np.str_]


def read_four(corpus: str, folder: Path, cache: Path, report: Report) -> FourEmotions:
    """Read and measure a corpus.

    Raises
    ------
    MoodringError
        It cannot be read.
    """
    read = read_corpus(corpus, folder, "stop")
    words = np.asarray(["neutral" if one.labels["emotion"] == "calm" else one.labels["emotion"] for one in read.trials])
    chosen = np.flatnonzero(np.isin(words, FOUR))
    numbers = FeatureCache(read, cache, report).whole()[chosen]
    speakers = np.array([one.subject for one in read.trials])[chosen]
    return FourEmotions(corpus, numbers, np.searchsorted(FOUR, words[chosen]), speakers)


def evaluate_voice_corpora(config: EvaluateVoiceCorporaConfig, report: Report) -> dict[str, Any]:
    """Evaluate, and return the content of ``--json``.

    Raises
    ------
    ConfigError
        Fewer than two corpora are named.
    MoodringError
        A corpus cannot be read.
    """
    named = (("emodb", config.data), ("nemo", config.nemo), ("ravdess", config.ravdess))
    folders = [(name, folder) for name, folder in named if folder is not None]
    if len(folders) < 2:
        raise ConfigError(
            f"config '{config.name}' needs two corpora at least: add --set data=FOLDER, nemo=FOLDER or ravdess=FOLDER"
        )
    began = time.monotonic()
    corpora = [read_four(name, folder, config.cache, report) for name, folder in folders]
    rows = [row for taught in _together(corpora) for row in _rows(config, corpora, taught, report)]
    domain = [one.name for one in corpora]
    return {
        "protocol": f"four emotions; {config.folds} folds by speaker, nobody both trained on and tested; a benchmark: "
        "nEMO and RAVDESS are for non-commercial use, so that no bundle of it ships",
        "groups": sorted({f"{one.name} {speaker}" for one in corpora for speaker in one.speakers.tolist()}),
        "n": sum(len(one.labels) for one in corpora),
        "seeds": list(config.seeds),
        "domain": domain,
        "rows": [as_plain(row) for name in domain for row in rows if row.corpus == name],
        "paired": [],
        "wall_s": round(time.monotonic() - began, 1),
    }


def _together(corpora: Sequence[FourEmotions]) -> Iterator[tuple[FourEmotions, ...]]:
    for n in range(1, len(corpora) + 1):
        yield from combinations(corpora, n)


def _rows(
    config: EvaluateVoiceCorporaConfig, corpora: Sequence[FourEmotions], taught: Sequence[FourEmotions], report: Report
) -> list[Row]:
    """Return, for each corpus, the answers of models of some corpora's speakers, unadapted and adapted."""
    answers = {
        (one.name, adapted): np.full((len(config.seeds), len(one.labels), len(FOUR)), np.nan)
        for one in corpora
        for adapted in (False, True)
    }
    for draw, seed in enumerate(config.seeds):
        rng = np.random.default_rng(seed)
        for fold in range(config.folds):
            away = {one.name: np.isin(one.speakers, np.unique(one.speakers)[fold :: config.folds]) for one in corpora}
            numbers = np.concatenate([one.numbers[~away[one.name]] for one in taught])
            labels = np.concatenate([one.labels[~away[one.name]] for one in taught])
            speakers = np.concatenate([np.char.add(f"{one.name} ", one.speakers[~away[one.name]]) for one in taught])
            model = fit_linear(
                numbers, labels, speakers, len(FOUR), functional_weights(), config.penalty, config.speaker_penalty
            )
            relative = fit_adapted([numbers], labels, speakers, len(FOUR), model, config.adaptation, seed)
            for one in corpora:
                for speaker in np.unique(one.speakers[away[one.name]]):
                    order = rng.permutation(np.flatnonzero(one.speakers == speaker))
                    heard = one.numbers[order]
                    answers[one.name, False][draw, order] = model.scores(heard)
                    answers[one.name, True][draw, order] = adapted_logits(heard, model, relative)
    names = " + ".join(one.name for one in taught)
    report(f"trained on {names}: done")
    return [
        Row(
            f"trained on {names}" + (", adapted, random order" if adapted else ""),
            one.name,
            "speakers apart",
            FOUR,
            one.labels,
            one.speakers,
            answers[one.name, adapted],
        )
        for one in corpora
        for adapted in (False, True)
    ]
