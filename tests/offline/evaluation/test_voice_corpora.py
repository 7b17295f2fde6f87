"""Training on several corpora of speech: who is trained on, and what each corpus is worth to the others."""

from pathlib import Path

import numpy as np
import pytest

from moodring.configs.schema.errors import ConfigError
from moodring.configs.schema.load import load
from moodring.configs.schema.train_recogniser import EvaluateVoiceCorporaConfig
from moodring.models.signals.speech.voice_summary import functional_weights
from moodring.offline.evaluation.voice import corpora
from moodring.offline.evaluation.voice.corpora import FourEmotions, evaluate_voice_corpora
from moodring.offline.evaluation.voice.table import table

CONFIGS = Path(__file__).resolve().parents[3] / "configs"
N = len(functional_weights())


def corpus(name: str, folder: Path, cache: Path, report: object) -> FourEmotions:
    """Four speakers; what tells the emotions of one corpus apart is noise in the other."""
    rng = np.random.default_rng(4020 + len(name))
    labels, speakers = np.tile(np.arange(4), 12), np.repeat(list("abcd"), 12)
    numbers = rng.standard_normal((48, N)).astype(np.float32)
    start = 0 if name == "emodb" else 1600
    for label in range(4):
        numbers[labels == label, start + 400 * label : start + 400 * (label + 1)] += 1.5
    return FourEmotions(name, numbers, labels, speakers)


def test_a_corpus_is_learned_from_itself_and_not_from_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpora, "read_four", corpus)
    config = load(CONFIGS / "evaluate_voice_corpora.toml", EvaluateVoiceCorporaConfig)
    asked = config.model_copy(update={"data": Path("e"), "nemo": Path("n"), "seeds": (0,), "folds": 2})
    values = evaluate_voice_corpora(asked, lambda line: None)
    found = {(row["corpus"], row["name"]): row["uar"] for row in values["rows"]}
    assert len(found) == 2 * 3 * 2
    assert found["emodb", "trained on emodb"] > 0.9 < found["nemo", "trained on emodb + nemo"]
    assert found["emodb", "trained on emodb + nemo, adapted, random order"] > 0.9
    assert found["emodb", "trained on nemo"] < 0.6 > found["nemo", "trained on emodb"]
    assert "no bundle of it ships" in table(values)


def test_nobody_is_trained_on_and_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    def by_heart(name: str, folder: Path, cache: Path, report: object) -> FourEmotions:
        """Emotions that only who knows the speaker tells apart."""
        one = corpus(name, folder, cache, report)
        rng = np.random.default_rng(4022)
        numbers = rng.standard_normal((48, N)).astype(np.float32)
        for speaker in "abcd":
            for label in range(4):
                numbers[(one.speakers == speaker) & (one.labels == label)] += 2 * rng.standard_normal(N)
        return FourEmotions(name, numbers.astype(np.float32), one.labels, one.speakers)

    monkeypatch.setattr(corpora, "read_four", by_heart)
    asked = EvaluateVoiceCorporaConfig(data=Path("e"), ravdess=Path("r"), seeds=(0,), folds=4)
    values = evaluate_voice_corpora(asked, lambda line: None)
    assert max(row["uar"] for row in values["rows"] if row["name"] == f"trained on {row['corpus']}") < 0.6


def test_one_corpus_is_too_few() -> None:
    with pytest.raises(ConfigError, match="needs two corpora at least"):
        evaluate_voice_corpora(EvaluateVoiceCorporaConfig(data=Path("e")), lambda line: None)
