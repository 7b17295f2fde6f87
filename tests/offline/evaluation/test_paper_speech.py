"""The paper's systems, fold by fold: what is kept apart, what is kept, and what the table says."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

import moodring
from moodring.cli.app import main
from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.configs.schema.load import check
from moodring.configs.schema.papers.speech import PaperConfig, RunSection, load_systems
from moodring.offline.datasets.speech import emodb
from moodring.offline.evaluation.paper_speech import FoldResult, RunResult, evaluate_systems, folds
from moodring.offline.evaluation.paper_table import row, table
from moodring.offline.evaluation.splits import Items

SHIPPED = Path(moodring.__file__).parent / "configs" / "paper_speech"
CLASSES = ("anger", "neutral", "sadness")
SMALL = {
    "sizes": {"channels": [4, 4, 4, 4], "strides": [16, 1, 1, 1], "pools": [4, 4, 4, 2], "lstm_units": 6},
    "units": 4,
    "epochs": 2,
    "patience": 2,
    "batch": 8,
}
PERSONS, PROMPTS, LETTERS = ("03", "08", "09", "10"), ("a01", "a02", "b01"), "WNTF"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four speakers, three prompts, four emotions; the emotion is a pitch."""
    root = tmp_path_factory.mktemp("emodb")
    for n, (person, prompt, letter) in enumerate((s, p, e) for s in PERSONS for p in PROMPTS for e in LETTERS):
        rng = np.random.default_rng(n)
        times_s = np.arange(14_000 + 4_000 * (n % 2)) / 16_000
        sound = 0.2 * np.sin(2 * np.pi * 250.0 * 2 ** LETTERS.index(letter) * times_s)
        sound += rng.normal(0, 0.02, len(sound))
        soundfile.write(str(root / f"{person}{prompt}{letter}a.wav"), sound.astype(np.float32), 16_000)
    return root


def system(
    corpus: Path, cache: Path, *runs: dict[str, object], name: str = "cnn_lstm", **changes: object
) -> PaperConfig:
    asked = [{"classes": CLASSES, **run} for run in runs]
    values = {"name": name, "system": name, "corpus": str(corpus), "cache": str(cache), "runs": asked}
    return check({**SMALL, **values, **changes}, PaperConfig, "test")


def no_lines(line: str) -> None:
    raise AssertionError(f"nothing was to be trained, but: {line}")


def test_a_run_that_is_started_again_trains_only_what_is_missing(corpus: Path, tmp_path: Path) -> None:
    asked = system(corpus, tmp_path, {"seeds": [0, 1]}, {"protocol": "speakers"})
    lines: list[str] = []
    first = evaluate_systems([asked], lines.append)
    assert len(lines) == 2 + len(PERSONS)
    assert evaluate_systems([asked], no_lines) == first

    gone = sorted(tmp_path.glob("*.json"))[0]
    gone.unlink()
    again: list[str] = []
    second = evaluate_systems([asked], again.append)
    assert len(again) == 1
    assert [[f.probabilities for f in fs] for r in second for _, fs in r.folds] == [
        [f.probabilities for f in fs] for r in first for _, fs in r.folds
    ]
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".json"]


def test_another_recipe_is_another_fold_and_another_name_is_not(corpus: Path, tmp_path: Path) -> None:
    asked = system(corpus, tmp_path, {})
    evaluate_systems([asked], [].append)
    evaluate_systems([asked.model_copy(update={"name": "renamed", "threads": 2})], no_lines)
    lines: list[str] = []
    evaluate_systems([asked.model_copy(update={"learning_rate": 0.005})], lines.append)
    assert len(lines) == 1
    (longer,) = evaluate_systems([system(corpus, tmp_path, {"epochs": 3}, patience=3)], lines.append)
    assert len(lines) == 2
    assert longer.folds[0][1][0].epochs == 3


def test_the_table_of_an_unfinished_run_says_how_many_seeds_are_there(corpus: Path, tmp_path: Path) -> None:
    evaluate_systems([system(corpus, tmp_path, {"seeds": [1]})], [].append)
    asked = system(corpus, tmp_path, {"seeds": [0, 1, 2]}, {"protocol": "speakers"}, only_finished=True)
    results = evaluate_systems([asked], no_lines)
    assert [seed for result in results for seed, _ in result.folds] == [1]
    assert "| 1 of 3 |" in table([row(one) for one in results])


def test_a_damaged_fold_is_named(corpus: Path, tmp_path: Path) -> None:
    asked = system(corpus, tmp_path, {})
    evaluate_systems([asked], [].append)
    path = next(tmp_path.glob("*.json"))
    path.write_text(path.read_text()[:50])
    with pytest.raises(MoodringError, match=rf"{path.name}' cannot be read.*remove it"):
        evaluate_systems([asked], no_lines)


def test_the_random_split_is_the_papers_and_its_row_says_that_it_leaks(corpus: Path, tmp_path: Path) -> None:
    items = Items.of(emodb.read(corpus).trials, "speaker", "prompt")
    run = RunSection(classes=CLASSES)
    (fold,) = folds(run, items, seed=3)
    everything = [fold.training, fold.stopping, fold.split.test]
    assert [len(one) / len(items.names) for one in everything] == pytest.approx([0.64, 0.16, 0.2], abs=0.02)
    np.testing.assert_array_equal(np.sort(np.concatenate(everything)), np.arange(len(items.names)))
    (other,) = folds(run, items, seed=4)
    assert set(fold.split.test) != set(other.split.test)
    (half,) = folds(run.model_copy(update={"training_share": 0.5}), items, seed=3)
    assert len(half.training) == round(len(fold.training) / 2)
    assert set(half.training) < set(fold.training)
    np.testing.assert_array_equal(half.split.test, fold.split.test)
    results = evaluate_systems([system(corpus, tmp_path, {}, {"protocol": "speakers"})], [].append)
    assert [("leaky" in row(one).protocol) for one in results] == [True, False]


def test_leaving_speakers_out_tests_everybody_once_and_stops_by_somebody_else(corpus: Path) -> None:
    items = Items.of(emodb.read(corpus).trials, "speaker", "prompt")
    speakers = items.group("speaker")
    tested = []
    for fold in folds(RunSection(classes=CLASSES, protocol="speakers"), items, seed=0):
        train, stop, test = (set(speakers[one]) for one in (fold.training, fold.stopping, fold.split.test))
        assert len(stop) == len(test) == 1
        assert len(train) == len(PERSONS) - 2
        assert not train & stop
        assert not (train | stop) & test
        tested.extend(fold.split.test)
    assert sorted(tested) == list(range(len(items.names)))


def result(truth: list[int], said: list[list[int]], seeds: int = 2) -> RunResult:
    """Verdicts of some seeds on the same six files of two speakers."""
    names = tuple(f"{n}.wav" for n in range(len(truth)))
    fold = FoldResult(names, ("a", "b") * (len(truth) // 2), tuple(truth), (), 20, 5, 3, 9, 0.5, 60.0)
    sure = [tuple(tuple(0.8 if k == label else 0.1 for k in range(3)) for label in one) for one in said]
    run = RunSection(classes=CLASSES, seeds=tuple(range(seeds)), published_accuracy=57.83)
    config = check({"name": "a system", "system": "cnn", "runs": [run.model_dump()]}, PaperConfig, "test")
    done = tuple((k, (replace(fold, probabilities=one),)) for k, one in enumerate(sure))
    return RunResult(config, run, "leaky: random", (3, 2, 1), done, "0" * 64)


def test_the_figures_are_means_over_seeds() -> None:
    one = row(result([0, 0, 0, 1, 1, 2], [[0, 0, 0, 1, 1, 2], [0, 0, 0, 0, 0, 0]]))
    assert one.accuracy_by_seed == pytest.approx((1.0, 0.5))
    assert one.uar_by_seed == pytest.approx((1.0, 1 / 3))
    assert one.accuracy.value == pytest.approx(0.75)
    assert one.uar.value == pytest.approx(2 / 3)
    assert one.accuracy.low <= one.accuracy.value <= one.accuracy.high
    assert one.pooled.majority_accuracy == pytest.approx(0.5)
    text = table([one])
    assert "**75.0** [" in text
    assert ", 50.0 to 100.0 |" in text
    assert text.splitlines()[2].endswith("| 57.83 |")
    assert "anger 3, neutral 2, sadness 1; 6 files" in text


def test_the_shipped_configs_hold_the_four_systems_and_the_published_figures() -> None:
    systems = load_systems(SHIPPED, ("corpus=somewhere",))
    assert sorted(one.system for one in systems) == ["cnn", "cnn_lstm", "lstm", "network"]
    published = {
        (one.system, len(run.classes)): run.published_accuracy
        for one in systems
        for run in one.runs
        if run.protocol == "random" and run.training_share == 1.0
    }
    assert published == {
        ("network", 7): 53.30, ("cnn", 7): 45.80, ("lstm", 7): 50.50, ("cnn_lstm", 7): 57.83,
        ("network", 4): 77.90, ("cnn", 4): None, ("lstm", 4): None, ("cnn_lstm", 4): 83.00,
    }  # fmt: skip
    for one in systems:
        assert {(len(run.classes), run.protocol) for run in one.runs} == {
            (n, protocol) for n in (7, 4) for protocol in ("random", "speakers")
        }


@pytest.mark.parametrize("twice", [{"classes": ["anger", "fear", "anger"]}, {"seeds": [3, 3]}])
def test_a_class_or_seed_named_twice_is_refused(corpus: Path, tmp_path: Path, twice: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=rf"runs.0.*{next(iter(twice))} names one twice"):
        system(corpus, tmp_path, twice)


def test_what_is_missing_is_named(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--set corpus=FOLDER"):
        load_systems(SHIPPED / "cnn.toml")
    with pytest.raises(ConfigError, match="holds no config"):
        load_systems(tmp_path)
    asked = system(corpus, tmp_path, {"classes": ["anger", "boredom"]})
    with pytest.raises(ConfigError, match="has no 'boredom', only anger"):
        evaluate_systems([asked], no_lines)


def test_the_command_makes_one_table_of_a_folder(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("lstm", "network"):
        lines = ['kind = "paper"', f'name = "{name}"', f'system = "{name}"', "units = 4", "epochs = 2"]
        (tmp_path / f"{name}.toml").write_text("\n".join([*lines, "[[runs]]", f"classes = {json.dumps(CLASSES)}"]))
    options = ["--set", f"corpus={corpus}", "--set", f"cache={tmp_path / 'cache'}", "--json", f"{tmp_path / 'p.json'}"]
    monkeypatch.setattr("sys.argv", ["moodring", "evaluate", str(tmp_path), *options, "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 0
    said = capsys.readouterr().out
    assert [line.split("|")[1].strip() for line in said.splitlines() if line.startswith("| ")][1:] == [
        "lstm",
        "network",
    ]
    assert said.strip() in (tmp_path / "out" / "evaluation.md").read_text()
    result = json.loads((tmp_path / "p.json").read_text())
    assert [len(one["pooled"]["confusion"]) for one in result["rows"]] == [3, 3]
    assert set(result) - {"written_by"} == {"protocol", "groups", "n", "seeds", "domain", "rows", "paired", "wall_s"}
    assert set(result["groups"]) < set(PERSONS)  # a random fifth of the files is tested
    one, other = result["rows"]
    (gain,) = result["paired"]
    assert (gain["a"], gain["b"]) == (one["name"], other["name"])
    assert gain["difference"] == pytest.approx(one["uar"] - other["uar"], abs=1e-3)
    assert gain["low"] <= gain["difference"] <= gain["high"]
