"""The evaluation of adaptation: which utterances each row hears and judges, and its figures."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from moodring.configs.schema.errors import ConfigError
from moodring.configs.schema.load import load
from moodring.configs.schema.train_recogniser import EvaluateVoiceAdaptationConfig, TrainRecogniserConfig
from moodring.models.contract import AUDIO_RATE_HZ, FloatArray
from moodring.offline.evaluation.voice.evaluate import evaluate_voice_adaptation
from moodring.offline.evaluation.voice.histories import (
    ANOTHER_SPEAKER,
    ENROLLED,
    IN_CORPUS_ORDER,
    IN_RANDOM_ORDER,
    STRESS_ORDERS,
    TWO_SPEAKERS,
    Speaker,
    answered,
    only_heard,
)
from moodring.offline.evaluation.voice.rows import Row
from moodring.offline.evaluation.voice.table import table
from moodring.offline.simulate.voice import simulate_voice

CONFIGS = Path(__file__).resolve().parents[3] / "configs"


def test_every_row_hears_what_its_name_says_and_judges_the_rest() -> None:
    own = np.arange(20, dtype=np.float32)[:, None]
    emotions = np.array(["anger"] * 6 + ["sadness"] * 14)
    calls: list[tuple[list[float], list[float]]] = []

    def answer(numbers: FloatArray, before: FloatArray) -> FloatArray:
        calls.append((numbers[:, 0].tolist(), before[:, 0].tolist()))
        return np.repeat(numbers, 2, axis=1)

    speaker = Speaker(own, emotions, 100 + np.arange(30, dtype=np.float32)[:, None])
    rows = list(answered(speaker, answer, ("anger", "fear"), 2, np.random.default_rng(0)))
    names = [name for name, _ in rows]
    assert names.count(IN_RANDOM_ORDER) == 2
    assert names.count(IN_CORPUS_ORDER) == 1
    assert names.count(ENROLLED) == names.count(only_heard("anger")) == STRESS_ORDERS
    assert only_heard("fear") not in names
    for name, logits in rows:
        judged = ~np.isnan(logits[:, 0])
        assert logits[judged, 0].tolist() == own[judged, 0].tolist()
        left_out = {IN_RANDOM_ORDER: 0, IN_CORPUS_ORDER: 0, ENROLLED: 8, TWO_SPEAKERS: 4, ANOTHER_SPEAKER: 0}
        assert (~judged).sum() == left_out.get(name, 6)
    for numbers, before in calls[3:]:
        assert not set(numbers) & set(before)
    foreign = [sum(value >= 100 for value in before) for _, before in calls[3:]]
    assert set(foreign) == {0, 4, 8}
    alone = [before for _, before in calls[3:] if len(before) == 6]
    assert alone
    assert all(max(before) < 6 for before in alone)


def test_a_row_counts_what_it_judges_and_an_error_lowers_it() -> None:
    labels, speakers = np.array([0, 1, 0, 1]), np.array(["a", "a", "b", "b"])
    right = np.array([[[9.0, 0.0], [0.0, 9.0], [9.0, 0.0], [np.nan, np.nan]]])
    row = Row("x", "c", "p", ("u", "v"), labels, speakers, right)
    assert row.recall(np.arange(4)) == 1.0
    assert row.calibration() < 0.01
    wrong = Row("x", "c", "p", ("u", "v"), labels, speakers, right[..., ::-1])
    assert wrong.recall(np.arange(4)) == 0.0
    assert wrong.calibration() > 0.9


def test_the_shipped_config_names_no_folder_and_asks_for_one() -> None:
    config = load(CONFIGS / "evaluate_voice_adaptation.toml", EvaluateVoiceAdaptationConfig)
    recipe = load(CONFIGS / config.recipe, TrainRecogniserConfig)
    assert recipe.adaptation is not None
    with pytest.raises(ConfigError, match="--set data=FOLDER, nemo=FOLDER or ravdess=FOLDER"):
        evaluate_voice_adaptation(config, recipe, lambda line: None)


def test_the_command_answers_on_another_corpus(run, tmp_path: Path) -> None:
    seed = 4030
    for speaker in ("AB1", "CD2"):
        for emotion in ("anger", "happiness", "neutral", "sadness", "surprised"):
            for sentence in range(3):
                sound = simulate_voice(seed := seed + 1, 3.0)
                soundfile.write(tmp_path / f"{speaker}_{emotion}_{sentence}.wav", sound, AUDIO_RATE_HZ)
    out = tmp_path / "out.json"
    status, _, error = run(
        "evaluate", CONFIGS / "evaluate_voice_adaptation.toml", "--set", f"nemo={tmp_path}", "--set", "orders=2",
        "--set", f"cache={tmp_path / 'cache'}", "--json", out,
    )  # fmt: skip
    assert status == 0, error
    values = json.loads(out.read_text())
    assert (values["n"], values["groups"], values["domain"]) == (24, ["nemo AB1", "nemo CD2"], ["nemo"])
    names = [row["name"] for row in values["rows"]]
    assert names[0] == "as shipped"
    assert {IN_RANDOM_ORDER, IN_CORPUS_ORDER, ENROLLED, only_heard("sadness"), ANOTHER_SPEAKER} <= set(names)
    assert all(0.0 <= row["uar"] <= 1.0 and 0.0 <= row["ece"] <= 1.0 for row in values["rows"])
    assert {pair["a"] for pair in values["paired"]} == set(names[1:])
    assert "24 utterances" in table(values)
