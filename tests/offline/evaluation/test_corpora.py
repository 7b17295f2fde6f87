"""Evaluation of the attention model on fake corpora: who is kept apart, what is leaky, and what every figure says."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import moodring
from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.configs.schema.evaluate import EvaluateCorpusConfig
from moodring.configs.schema.load import load
from moodring.configs.schema.train_attention import EarlyStoppingSection
from moodring.configs.schema.training import StageSection
from moodring.offline.datasets.open_affect import read_affect
from moodring.offline.evaluation.corpora.baselines import by_lda, by_majority, by_stimulus
from moodring.offline.evaluation.corpora.evaluate import evaluate_corpus
from moodring.offline.evaluation.corpora.fold import Answers, DecidedTrial, _free, run_fold
from moodring.offline.evaluation.corpora.folds import Plan, cross_plan, plans_of
from moodring.offline.evaluation.corpora.signals import TrialSignals, muscle_names, muscle_signals, posterior
from moodring.offline.evaluation.corpora.table import table
from moodring.offline.evaluation.leakage import audit
from moodring.offline.evaluation.muscles_and_eyes import MuscleEyePower
from moodring.offline.evaluation.stimulus_found import Shown, accuracies, found_right
from moodring.offline.training.attention.corpora import data as corpus_data
from moodring.offline.training.attention.corpora import trials as corpus_trials
from moodring.offline.training.attention.corpora.bank import Sitting, TrialRows
from moodring.offline.training.attention.corpora.data import CorpusData
from moodring.offline.training.attention.corpora.trials import PreparedTrial
from moodring.offline.training.attention.prepare import read_prepared
from tests.support.deap_fake import write_original, write_preprocessed
from tests.support.mat_corpora_fake import write_seed

SHIPPED = Path(moodring.__file__).parent / "configs" / "evaluate_corpus.toml"
STAGES = ("expression", "bands", "teacher", "student", "thumbnail", "periphery", "gains", "reinforce", "own")
PEOPLE, VIDEOS, SECONDS = (1, 2, 3, 23), 4, 6


def quiet(_: str) -> None:
    """Take a report and say nothing."""


def config_for(root: Path, cache: Path, **more: object) -> EvaluateCorpusConfig:
    few = {name: StageSection(batches=1, learning_rate=5e-3).model_dump() for name in STAGES}
    training = {"batch": 8, "clip_ticks": 24, "horizon_ticks": 8, "people": {"workers": 1}, **few}
    values = {"data": root, "people_folds": 2, "stimulus_folds": 2, "cache": cache, "training": training, **more}
    return EvaluateCorpusConfig.model_validate(values)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("above") / "DEAP"
    return write_preprocessed(folder, PEOPLE, VIDEOS, SECONDS, missing={(1, 2)})


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def trials(root: Path, cache: Path) -> tuple[PreparedTrial, ...]:
    return corpus_trials.prepare_trials(read_affect(root), cache, 1, "stop", quiet)


@pytest.fixture(scope="module")
def values(root: Path, cache: Path) -> Any:
    """A whole evaluation under the headline, and under a leaky protocol that was asked for."""
    config = config_for(root, cache, protocols=("both_apart", "paper"), leaky=True)
    return json.loads(json.dumps(evaluate_corpus(config, quiet)))


def plan(root: Path, cache: Path, trials: Sequence[PreparedTrial], name: str, **more: object) -> Plan:
    config = config_for(root, cache, protocols=(name,), **more)
    return plans_of(config, read_affect(root), trials)[0]


def people(trials: Sequence[PreparedTrial]) -> set[str]:
    return {one.trial.subject for one in trials}


def stimuli(trials: Sequence[PreparedTrial]) -> set[str]:
    return {one.trial.stimulus for one in trials}


def test_leave_one_subject_out_keeps_the_person_out(root: Path, cache: Path, trials: tuple[PreparedTrial, ...]) -> None:
    loso = plan(root, cache, trials, "leave_one_subject_out")
    assert [people(fold.parts.validation) for fold in loso.folds] == [{"s01"}, {"s02"}, {"s03"}, {"s23"}]
    for fold in loso.folds:
        assert len(fold.parts.validation) == VIDEOS
        fitted = people(fold.parts.training) | people(fold.parts.calibration)
        assert fitted == {"s01", "s02", "s03", "s23"} - people(fold.parts.validation)
        assert not people(fold.parts.training) & people(fold.parts.calibration)
        assert stimuli(fold.parts.training) == stimuli(fold.parts.validation)
    assert (loso.leaky, loso.shared, loso.mark) == (False, ("stimuli",), "people apart, stimuli shared")


def test_people_and_stimuli_apart_keeps_both_out_and_tests_every_trial_once(
    root: Path, cache: Path, trials: tuple[PreparedTrial, ...]
) -> None:
    both = plan(root, cache, trials, "both_apart")
    assert len(both.folds) == 4
    for fold in both.folds:
        fitted = fold.parts.training + fold.parts.calibration
        assert not people(fitted) & people(fold.parts.validation)
        assert not stimuli(fitted) & stimuli(fold.parts.validation)
    tested = [one.trial.name for fold in both.folds for one in fold.parts.validation]
    assert sorted(tested) == sorted(one.trial.name for one in trials)
    assert (both.leaky, both.shared, both.mark) == (False, (), "people and stimuli apart")


def test_a_leaky_protocol_is_refused_unless_asked_for_and_says_what_it_shares(
    root: Path, cache: Path, trials: tuple[PreparedTrial, ...]
) -> None:
    for name, shared in (("paper", ("stimuli",)), ("random_trials", ("people", "stimuli"))):
        with pytest.raises(ConfigError, match=f"{name} leaks between training and test; add leaky=true"):
            load(SHIPPED, EvaluateCorpusConfig, [f'protocols=["{name}"]'])
        leaky = plan(root, cache, trials, name, leaky=True)
        assert (leaky.leaky, leaky.shared) == (True, shared)
        assert leaky.description.startswith("leaky: ")
        assert leaky.mark.startswith("leaky: ")
    assert load(SHIPPED, EvaluateCorpusConfig).protocols == ("both_apart", "leave_one_subject_out")


def test_the_papers_draw_parts_people_five_to_one_to_one(
    root: Path, cache: Path, trials: tuple[PreparedTrial, ...]
) -> None:
    many = tuple(
        replace(one, trial=replace(one.trial, subject=f"p{n:02d}", file=None)) for n, one in enumerate(trials[:14])
    )
    (fold,) = plan(root, cache, many, "paper", leaky=True).folds
    counts = [len(people(part)) for part in (fold.parts.training, fold.parts.calibration, fold.parts.validation)]
    assert counts == [10, 2, 2]
    assert len(people(fold.parts.all)) == 14
    (other,) = plan(root, cache, many, "paper", leaky=True, seed=1).folds
    assert people(other.parts.validation) != people(fold.parts.validation)


def test_what_crosses_all_the_same_stops_before_anything_is_fitted(
    root: Path, cache: Path, trials: tuple[PreparedTrial, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed = replace(trials[0].trial, name="copy", subject="s99", stimulus="99", file=Path("copy.dat"))
    doubled = (*trials, PreparedTrial(renamed, trials[0].path))
    with pytest.raises(MoodringError, match="one recording under two names is on both sides"):
        plan(root, cache, doubled, "leave_one_subject_out")
    with pytest.raises(MoodringError, match="one recording under two names is on both sides"):
        plan(root, cache, doubled, "random_trials", leaky=True, people_folds=len(doubled))
    audited: list[str] = []
    monkeypatch.setattr(
        "moodring.offline.evaluation.corpora.folds.audit",
        lambda items, split, apart, **more: (audited.append(split.name), audit(items, split, apart, **more)),
    )
    plan(root, cache, trials, "both_apart")
    assert len(audited) == 4, "every fold"


def test_every_row_says_whether_it_is_leaky_and_so_does_every_line_of_the_table(values: Any) -> None:
    assert list(values)[:8] == ["protocol", "groups", "n", "seeds", "domain", "rows", "paired", "wall_s"]
    assert values["leaky"] is True
    for part in ("rows", "paired", "coverage", "risk_coverage", "stimulus_found"):
        marks = {(row["protocol"], row["leaky"], tuple(row["shared"])) for row in values[part]}
        assert marks <= {("both_apart", False, ()), ("paper", True, ("stimuli",))}, part
        assert part == "stimulus_found" or len(marks) == 2, part
    clean, leaky = table(values).split("## paper: leaky: people apart, stimuli shared")
    assert "leaky" not in clean
    named = [line for line in leaky.splitlines() if line.startswith("| ") and "which stimulus it was" not in line]
    assert named
    assert all("(leaky)" in line for line in named)
    assert "; beside it leaky: the paper's 5:1:1" in values["protocol"]


def test_a_fold_stops_early_on_people_of_its_training_side_alone(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_preprocessed(tmp_path / "DEAP", range(1, 10), 2, 4, films=False)
    config = config_for(root, cache, protocols=("leave_one_subject_out",))
    corpus = read_affect(root)
    trials = corpus_trials.prepare_trials(corpus, cache, 1, "stop", quiet)
    fold = plans_of(config, corpus, trials)[0].folds[0]
    drawn: list[set[str]] = []
    draw_rows = corpus_data.draw_rows

    def note(sittings: Sequence[Sitting], *rest: Any) -> TrialRows:
        drawn.append({one.person for one in sittings})
        return draw_rows(sittings, *rest)

    monkeypatch.setattr(corpus_data, "draw_rows", note)
    result = run_fold(config.fold_training, corpus, fold, cache, quiet, stimuli_shared=True)
    fitted, stopped_on, tested, calibrated = drawn
    assert stopped_on == set(result.stopped_on)
    assert len(stopped_on) == 1
    assert fitted | stopped_on == people(fold.parts.training)
    assert (tested, calibrated) == (people(fold.parts.validation), people(fold.parts.calibration))
    assert not stopped_on & (fitted | tested | calibrated)
    assert {one.person for one in result.trained} == fitted
    never = config.fold_training.model_copy(update={"early_stopping": EarlyStoppingSection(on="never")})
    assert CorpusData.split(never, corpus, fold.parts, quiet).parts == fold.parts
    found = evaluate_corpus(config_for(root, cache, protocols=("paper",), leaky=True), quiet)
    assert any("stop early on people taken from those to train on" in note for note in found["protocols"][0]["notes"])


def test_rows_hold_the_model_its_parts_plain_methods_and_controls(values: Any) -> None:
    headline = [row for row in values["rows"] if row["protocol"] == "both_apart"]
    assert values["groups"] == ["s01", "s02", "s03", "s23"]
    assert values["n"] == len(PEOPLE) * VIDEOS * 2 * SECONDS
    names = {row["name"] for row in headline if row["unit"] == "decision" and row["axis"] == "valence"}
    always = {"full", "lda", "lda_window", "lda_posterior", "muscles_and_eyes", "stimulus", "majority", "permutation"}
    assert always <= names <= always | {"no_face", "no_eeg"}
    decision = {row["name"]: row for row in headline if row["unit"] == "decision" and row["axis"] == "valence"}
    assert len(decision["full"]["uar_by_group"]) == len(PEOPLE)
    assert decision["full"]["low"] <= decision["full"]["uar"] <= decision["full"]["high"]
    # A stimulus nobody rated tells nothing: what is left is the majority of the others.
    assert decision["stimulus"]["uar"] == decision["majority"]["uar"]
    paired = [row for row in values["paired"] if row["protocol"] == "both_apart" and row["unit"] == "decision"]
    gains = {row["b"]: row for row in paired if row["axis"] == "valence"}
    assert gains["lda"]["difference"] == pytest.approx(decision["full"]["uar"] - decision["lda"]["uar"], abs=2e-4)
    held = next(row for row in values["coverage"] if row["protocol"] == "both_apart")
    assert len(held["coverage_by_group"]) == len(PEOPLE)
    # One person to calibrate on leaves no set but that of all classes.
    assert (held["coverage"], held["mean_set_size"]) == (1.0, 3.0)


def test_another_folder_of_the_same_corpus_is_leaky_and_one_of_another_is_not(
    root: Path, cache: Path, trials: tuple[PreparedTrial, ...], tmp_path: Path
) -> None:
    corpus = read_affect(root)
    other = read_affect(write_original(tmp_path / "original", (1, 5), 2, 4, films=False))
    strangers = corpus_trials.prepare_trials(other, cache, 1, "stop", quiet)
    config = config_for(root, cache)
    with pytest.raises(
        MoodringError, match=r"data and test share the people s01 and the stimuli 1, 2: that leaks; add"
    ):
        cross_plan(config, corpus, trials, other, strangers)
    allowed = config.model_copy(update={"leaky": True})
    leaky = cross_plan(allowed, corpus, trials, other, strangers)
    assert (leaky.leaky, leaky.shared) == (True, ("people", "stimuli"))
    assert leaky.description.startswith("leaky: trained on DEAP, tested on DEAP original")
    foreign = cross_plan(config, corpus, trials, replace(other, name="MAHNOB-HCI", release_of=""), strangers)
    assert (foreign.leaky, foreign.mark) == (False, "people and stimuli apart")
    (fold,) = foreign.folds
    assert people(fold.parts.training + fold.parts.calibration) == people(trials)
    assert [one.trial.name for one in fold.parts.validation] == [one.trial.name for one in strangers]
    with pytest.raises(MoodringError, match="nothing may train and be tested"):
        cross_plan(allowed, corpus, trials, corpus, trials)


def test_a_corpus_is_tested_by_a_model_of_another_on_the_axes_that_both_rated(cache: Path, tmp_path: Path) -> None:
    deap = write_preprocessed(tmp_path / "DEAP", (1, 2), 3, 4, films=False)
    seed = write_seed(tmp_path / "SEED")
    found = evaluate_corpus(config_for(deap, cache, test=seed), quiet)
    assert found["domain"] == ["DEAP", "SEED"]
    assert found["groups"] == ["1", "2"]
    assert found["leaky"] is False
    assert found["protocol"] == "trained on DEAP, tested on SEED, people and stimuli apart"
    assert {row["axis"] for row in found["rows"]} == {"valence"}
    assert found["protocols"][0]["trials"] == 9
    decision = {row["name"]: row for row in found["rows"] if row["unit"] == "decision"}
    # Clip 1 of one corpus is not video 1 of the other.
    assert decision["stimulus"]["uar"] == decision["majority"]["uar"]
    assert "no_face" not in decision
    assert "the model reads the EEG alone" in found["protocols"][0]["notes"][0]
    assert "## cross corpus: people and stimuli apart" in table(found)


def test_folds_that_people_or_stimuli_do_not_fill_are_named_with_their_key(
    root: Path, cache: Path, trials: tuple[PreparedTrial, ...]
) -> None:
    with pytest.raises(
        MoodringError, match=r"DEAP has 4 people with usable trials, people_folds is 5; lower it: --set"
    ):
        plan(root, cache, trials, "both_apart", people_folds=5)
    with pytest.raises(MoodringError, match=r"DEAP has 4 stimuli with usable trials, stimulus_folds is 9"):
        plan(root, cache, trials, "both_apart", stimulus_folds=9)
    unnamed = tuple(replace(one, trial=replace(one.trial, stimulus="")) for one in trials)
    with pytest.raises(MoodringError, match=r"trial 's01 video .*' of DEAP names no stimulus"):
        plan(root, cache, unnamed, "both_apart")
    assert len(plan(root, cache, unnamed, "leave_one_subject_out").folds) == 4


def test_a_corpus_one_folder_too_high_is_named_and_no_folder_too(root: Path, cache: Path) -> None:
    with pytest.raises(MoodringError, match=rf"'{root}' has that of deap; give that"):
        evaluate_corpus(config_for(root.parent, cache), quiet)
    with pytest.raises(ConfigError, match="add --set data=FOLDER"):
        evaluate_corpus(config_for(root, cache).model_copy(update={"data": None}), quiet)
    with pytest.raises(ConfigError, match=r"training\.data: the folder of an evaluation is data"):
        load(SHIPPED, EvaluateCorpusConfig, ["training.data=/somewhere"])


def decided(key: str, level: int, stimulus: str = "1", ticks: int = 8) -> DecidedTrial:
    one = Answers.plain(np.full((ticks, 2, 3), 1 / 3))
    return DecidedTrial(
        key, key, stimulus, ("", 0), np.arange(1, ticks + 1), 0.5 * np.arange(ticks), np.full((ticks, 2), level),
        np.ones(ticks, bool), np.zeros(4, np.float32), {"full": one},
    )  # fmt: skip


def test_lda_reads_the_levels_that_features_hold_and_averages_over_the_stimulus() -> None:
    rng = np.random.default_rng(0)

    def signals(level: int) -> TrialSignals:
        features = rng.normal(0, 1.0, (60, 4)) + level
        return TrialSignals(features, np.ones(60, bool), np.full((60, 2), level))

    training = {f"t{n}": signals(n % 3) for n in range(12)}
    asked = [decided(f"a{n}", n % 3, ticks=40) for n in range(3)]
    so_far, window = by_lda(training, {one.key: signals(n) for n, one in enumerate(asked)}, asked)
    right = [np.mean([a.probabilities[-10:, 0].argmax(axis=1) == n for n, a in enumerate(said)])
             for said in (so_far, window)]  # fmt: skip
    assert right[0] == 1.0
    assert 0.5 < right[1] < 1.0
    only = by_lda(training, {one.key: signals(n) for n, one in enumerate(asked)}, asked, np.array([0]))[1]
    assert np.mean([a.probabilities[:, 0].argmax(axis=1) == n for n, a in enumerate(only)]) < right[1]


def test_levels_that_no_training_trial_has_are_never_said() -> None:
    features = np.random.default_rng(0).normal(size=(40, 2))
    levels = np.where(np.arange(40) % 2, 2, 0)[:, None] * np.ones((1, 2), np.int64)
    training = {"t": TrialSignals(features, np.ones(40, bool), levels)}
    one = decided("a", 1)
    said = by_lda(training, {"a": TrialSignals(features, np.ones(40, bool), levels)}, [one])[0][0]
    assert (said.probabilities[..., 1] < 1e-6).all()
    assert np.allclose(said.probabilities.sum(axis=-1), 1.0)


def test_the_stimulus_alone_says_what_others_said_of_it(trials: tuple[PreparedTrial, ...]) -> None:
    levels = ["low", "medium", "high"]
    others = [one for one in trials if one.trial.subject != "s01"]
    asked = [decided(one.key, 0, one.trial.stimulus) for one in trials if one.trial.subject == "s01"]
    for one, said in zip(
        [o for o in trials if o.trial.subject == "s01"], by_stimulus(others, others, asked), strict=True
    ):
        for axis, name in enumerate(("valence", "arousal")):
            assert levels[said.probabilities[0, axis].argmax()] == one.trial.labels[name]
    new = by_stimulus(others, others, [decided("a", 0, "unheard of")])[0]
    assert np.array_equal(
        new.probabilities.argmax(axis=-1), by_majority(others, [decided("a", 0)])[0].probabilities.argmax(axis=-1)
    )


def test_decisions_free_of_expressions_saw_a_face_that_showed_none_for_two_seconds() -> None:
    ticks, frames = 21, 81
    there, presence = torch.ones(1, frames, dtype=torch.bool), torch.full((1, frames), -3.0)
    presence[0, 20] = 2.0
    there[0, 56:] = False
    free = _free(SimpleNamespace(face_there=there, presence=presence, ticks=ticks), 0)  # type: ignore[arg-type]
    # Too little seen at first; frame 20 shows until 16 frames later; of the two seconds before tick 16 half is blind.
    assert np.flatnonzero(free).tolist() == [2, 3, 4, 9, 10, 11, 12, 13, 14, 15]


def test_muscles_are_measured_against_the_rest_so_far(trials: tuple[PreparedTrial, ...]) -> None:
    theirs = [one for one in trials if one.trial.subject == "s01"]
    first, second = sorted(theirs, key=lambda one: one.trial.order)[:2]
    ticks = {one.key: read_prepared(one.path) for one in (first, second)}

    def measured(one: PreparedTrial, rest: float, later: float) -> MuscleEyePower:
        resting = ticks[one.key].resting
        power = np.where(resting, rest, later)[:, None].astype(np.float32)
        return MuscleEyePower(("muscles T7",), power, np.ones(len(resting), bool))

    powers = {first.key: measured(first, 1.0, 5.0), second.key: measured(second, 3.0, 5.0)}
    assert muscle_names((first, second), powers) == ("muscles T7",)
    both = muscle_signals((first, second), ("muscles T7",), powers, (first, second))
    alone = muscle_signals((second,), ("muscles T7",), powers, (first, second))
    assert both[first.key].features[-1, 0] == pytest.approx(4.0)
    assert both[second.key].features[-1, 0] == pytest.approx(3.0), "both rests, as many ticks of each"
    assert alone[second.key].features[-1, 0] == pytest.approx(2.0)


def test_posterior_electrodes_leave_out_front_and_temples() -> None:
    names = ("Fp1", "AF3", "F7", "FC5", "T7", "TP9", "Cz", "CP1", "P3", "PO4", "Oz")
    assert sorted(set(posterior(names) // 3)) == [6, 7, 8, 9, 10]


def test_a_stimulus_is_found_from_other_people_and_never_from_the_person_asked() -> None:
    rng = np.random.default_rng(0)
    who = tuple(f"p{n // 4}" for n in range(32))
    shown = tuple(str(n % 4) for n in range(32))
    places = rng.normal(size=(4, 6))
    alike = Shown(who, shown, np.array([places[int(s)] for s in shown]) + rng.normal(0, 0.2, (32, 6)))
    shares, chance = accuracies(found_right(alike, alike))
    assert chance == 0.25
    assert np.mean(shares) > 0.9
    # Every person has places of their own: known of themselves, and of no use to others.
    own = {person: rng.normal(size=(4, 6)) for person in who}
    features = np.array([own[p][int(s)] for p, s in zip(who, shown, strict=True)])
    shares, _ = accuracies(found_right(Shown(who, shown, features), Shown(who, shown, features)))
    assert np.mean(shares) < 0.6
    assert found_right(Shown(("a",), ("1",), features[:1]), alike) == []
