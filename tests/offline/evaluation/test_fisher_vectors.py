"""Fisher vectors beside the recogniser: the same folds, people apart, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import moodring
from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.configs.schema.load import check, load
from moodring.configs.schema.papers.fisher_vectors import FisherVectorsConfig
from moodring.configs.schema.train_recogniser import TrainRecogniserConfig
from moodring.offline.evaluation.voice.fisher_vectors import FISHER, RECOGNISER, evaluate_fisher_vectors, table

CONFIGS = Path(moodring.__file__).parent / "configs"
EMOTIONS = "WFNT"


def _speak(path: Path, emotion: int, seed: int) -> None:
    """Write a voice whose pitch and tilt are the emotion's."""
    rng = np.random.default_rng(seed)
    times_s = np.arange(12_000) / 16_000
    pitch_hz = 110.0 * 1.4**emotion * rng.uniform(0.95, 1.05)
    sound = sum(np.sin(2 * np.pi * pitch_hz * k * times_s) / k ** (1.0 + 0.3 * emotion) for k in range(1, 12))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(str(path), (0.1 * sound + 0.005 * rng.normal(size=12_000)).astype(np.float32), 16_000)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("emodb")
    for number, (person, prompt, emotion) in enumerate(
        (p, s, e) for p in ("03", "08", "09", "10") for s in ("a01", "b02") for e in range(4)
    ):
        _speak(root / f"{person}{prompt}{EMOTIONS[emotion]}a.wav", emotion, number)
    return root


def _recipe() -> TrainRecogniserConfig:
    return load(CONFIGS / "train_emodb.toml", TrainRecogniserConfig, ("prompt_folds=2",))


def _config(data: Path | None, cache: Path, **changes: Any) -> FisherVectorsConfig:
    values = {"corpus": "emodb", "data": data, "copies": False, "components": 4, "cache": cache, **changes}
    return check(values, FisherVectorsConfig, "test")


def test_both_systems_are_judged_on_the_same_folds(corpus: Path, tmp_path: Path) -> None:
    values = evaluate_fisher_vectors(_config(corpus, tmp_path), _recipe(), lambda _: None)
    assert [(one["name"], one["protocol"][:5]) for one in values["rows"]] == [
        (FISHER, "leave"),
        (RECOGNISER, "leave"),
        (FISHER, "4 fol"),
        (RECOGNISER, "4 fol"),
    ]
    assert values["rows"][0]["uar"] > 0.45  # chance 0.25
    for one, (ours, theirs) in zip(values["paired"], ((0, 1), (2, 3)), strict=True):
        expected = values["rows"][ours]["uar"] - values["rows"][theirs]["uar"]
        assert one["difference"] == pytest.approx(expected, abs=2e-4)
    assert values["n"] == 32
    assert FISHER in table(values)


def test_a_corpus_without_neutral_speech_is_refused(corpus: Path, tmp_path: Path) -> None:
    for path in corpus.glob("*.wav"):
        if path.stem[5] != "N":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(MoodringError, match="no neutral speech"):
        evaluate_fisher_vectors(_config(tmp_path, tmp_path / "cache"), _recipe(), print)


def test_the_corpus_has_to_be_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="add --set data=FOLDER"):
        evaluate_fisher_vectors(_config(None, tmp_path), _recipe(), print)
