"""Votes of several brains: rows, paired differences, what is kept apart, and both commands from end to end."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

import moodring
from moodring.cli.app import main
from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.configs.schema.load import check, load
from moodring.configs.schema.papers.voting import FusionSection, HtfaVotingConfig, SimulatedVotingConfig
from moodring.offline.datasets.fmri.htfa import halves, read
from moodring.offline.datasets.fmri.scans import ResponseWindows
from moodring.offline.evaluation.leakage import LeakageGuard
from moodring.offline.evaluation.metrics import uar
from moodring.offline.evaluation.splits import LeaveBlocksOut, Split
from moodring.offline.evaluation.voting.evaluate import evaluate_htfa_voting, story_windows
from moodring.offline.evaluation.voting.folds import (
    DVFN,
    INDIVIDUAL,
    LEAKY_DVFN,
    SVM_VOTING,
    SYSTEMS,
    answer_fold,
    fold_features,
    items_of,
)
from moodring.offline.evaluation.voting.kept import KeptAnswers, fold_key
from moodring.offline.evaluation.voting.rows import (
    Repetition,
    agreement_values,
    difference_over_seeds,
    over_blocks,
    over_listeners,
)
from moodring.offline.scheduling.work import Serial
from moodring.offline.training.voting.fusion import fit_fusion
from moodring.offline.training.voting.systems import (
    FoldFeatures,
    average,
    decisions,
    hidden_classes,
    inner_recalls,
    network_classes,
    voted,
)

CONFIGS = Path(moodring.__file__).parent / "configs"
FUSION = {"epochs": 2, "learning_rate": 1e-3, "thresholds": [1e-4, 1e-3]}
SMALL: dict[str, Any] = {
    **{"kind": "voting_simulated", "seeds": [1, 2], "listeners": 4, "silent": 1, "contrary": 1, "blocks": 3},
    **{"utterances": [8, 8, 8, 8], "n_images": 4, "inner_folds": 2, "cnn": {"epochs": 2}, "fusion": FUSION},
}


def _windows(n_listeners: int = 3, n: int = 36, strength: float = 3.0, seed: int = 0) -> ResponseWindows:
    """Return windows in which all but the last listener respond to two classes, in four blocks of one timeline."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % 2)
    windows = rng.normal(size=(n_listeners, n, 5, 4)).astype(np.float32)
    windows[:-1, :, 0] += strength * (2 * labels - 1)[None, :, None]
    starts = np.arange(n) * 10.0
    names = tuple(f"S{s}" for s in range(n_listeners))
    blocks = np.arange(n) * 4 // n
    return ResponseWindows(names, ("a", "b"), windows, labels, blocks, np.zeros(n, np.int64), starts, starts + 8.0)


def _config(**changes: Any) -> SimulatedVotingConfig:
    return check({**SMALL, **changes}, SimulatedVotingConfig, "test")


def test_the_gap_is_left_out_on_both_sides_of_what_tests() -> None:
    data = _windows()
    items, protocol = items_of(data), LeaveBlocksOut("block", 20.0)
    split = list(protocol.splits(items))[1]
    assert set(data.blocks[split.test]) == {1}
    first, last = data.start_s[split.test].min(), data.end_s[split.test].max()
    before, after = (data.end_s[split.train] <= first - 20.0), (data.start_s[split.train] >= last + 20.0)
    assert (before | after).all()
    assert before.sum() == 7  # of nine, those that end at 68 s or before
    with pytest.raises(MoodringError, match="choose a shorter gap"):
        next(LeaveBlocksOut("block", 1000.0).splits(items))


def test_runs_of_their_own_need_no_gap() -> None:
    data = _windows()
    items = items_of(ResponseWindows(**{**vars(data), "runs": data.blocks}))
    split = next(LeaveBlocksOut("block", 1000.0).splits(items))
    assert len(split.train) + len(split.test) == len(data.labels)


def test_networks_of_listeners_never_learn_what_tests() -> None:
    data, protocol, config = _windows(), LeaveBlocksOut("block", 4.0), _config()
    items = items_of(data)
    split = next(protocol.splits(items))
    leaking = Split("leaking", np.arange(len(data.labels)), split.test)
    guard = LeakageGuard(items, split, protocol.apart, [data.windows.swapaxes(0, 1)])
    with pytest.raises(MoodringError, match="the networks of listeners is fitted on test items"):
        fold_features(data, items, leaking, protocol, config, 0, guard)


def test_changed_test_items_change_no_feature_that_is_trained_on() -> None:
    data, protocol, config = _windows(), LeaveBlocksOut("block", 4.0), _config()
    items = items_of(data)
    split = next(protocol.splits(items))
    windows, labels = data.windows.copy(), data.labels.copy()
    windows[:, split.test] += 5.0
    labels[split.test] = 1 - labels[split.test]
    changed = ResponseWindows(**{**vars(data), "windows": windows, "labels": labels})
    found = []
    for one in (data, changed):
        guard = LeakageGuard(items_of(one), split, protocol.apart, [one.windows.swapaxes(0, 1)])
        found.append(fold_features(one, items_of(one), split, protocol, config, 0, guard))
    np.testing.assert_array_equal(found[0].train, found[1].train)
    assert not np.allclose(found[0].test, found[1].test)


def test_tested_items_are_read_by_the_networks_that_read_the_training_items() -> None:
    """What is tested and what is trained on, given the same images, have the same features."""
    data, protocol, config = _windows(), LeaveBlocksOut("block", 4.0), _config()
    items = items_of(data)
    split = next(protocol.splits(items))
    guard = LeakageGuard(items, split, protocol.apart, [data.windows.swapaxes(0, 1)])
    first = fold_features(data, items, split, protocol, config, 0, guard)
    windows = data.windows.copy()
    n = min(len(split.test), int((first.inner == 1).sum()))
    windows[:, split.test[:n]] = windows[:, split.train[first.inner == 1][:n]]
    same = ResponseWindows(**{**vars(data), "windows": windows})
    guard = LeakageGuard(items_of(data), split, protocol.apart, [data.windows.swapaxes(0, 1)])
    second = fold_features(same, items, split, protocol, config, 0, guard)
    np.testing.assert_allclose(second.test[1][:, :n], second.train[:, first.inner == 1][:, :n], atol=1e-5)


def test_features_to_fuse_come_from_networks_that_did_not_learn_the_item() -> None:
    """Labels of an inner fold turned round change the features of the other inner folds, and not its own."""
    data, protocol, config = _windows(), LeaveBlocksOut("block", 4.0), _config()
    items = items_of(data)
    split = next(protocol.splits(items))
    guard = LeakageGuard(items, split, protocol.apart, [data.windows.swapaxes(0, 1)])
    first = fold_features(data, items, split, protocol, config, 0, guard)
    own = first.inner == 0
    labels = data.labels.copy()
    labels[split.train[own]] = 1 - labels[split.train[own]]
    second = fold_features(
        ResponseWindows(**{**vars(data), "labels": labels}), items, split, protocol, config, 0, guard
    )
    np.testing.assert_array_equal(first.train[:, own], second.train[:, own])
    assert not np.allclose(first.train[:, ~own], second.train[:, ~own])
    assert not np.allclose(first.learned[:, own], second.learned[:, own])


def test_every_system_answers_every_tested_item_with_all_and_without_each_listener() -> None:
    data, protocol = _windows(), LeaveBlocksOut("block", 4.0)
    items = items_of(data)
    config = _config(cnn={"epochs": 15, "learning_rate": 0.01}, fusion={**FUSION, "epochs": 15})
    split = next(protocol.splits(items))
    answers = answer_fold(data, split, protocol, config, 0)
    for system in set(SYSTEMS) - {LEAKY_DVFN}:
        rows = 3 if system == INDIVIDUAL else 4
        assert answers.classes[system].shape == (rows, len(split.test))
    assert uar(data.labels[split.test], answers.classes[DVFN][0]) == 1.0
    assert answers.masked[2] < min(answers.masked[:2])


def test_a_finished_fold_is_kept_and_found_again_by_what_it_depends_on(tmp_path: Path) -> None:
    data, protocol, config = _windows(), LeaveBlocksOut("block", 4.0), _config()
    items = items_of(data)
    first, second = list(protocol.splits(items))[:2]
    answers = answer_fold(data, first, protocol, config, 0)
    path = tmp_path / "fold.npz"
    with path.open("wb") as file:
        KeptAnswers().write(file, answers)
    again = KeptAnswers().read(path)
    np.testing.assert_equal(vars(again), vars(answers))
    key = fold_key(data, first, config, 0)
    assert fold_key(data, first, config.model_copy(update={"seeds": (7,), "cache": tmp_path}), 0) == key
    turned = ResponseWindows(**{**vars(data), "labels": data.labels[::-1].copy()})
    others = [
        fold_key(data, second, config, 0),
        fold_key(data, first, config, 1),
        fold_key(data, first, _config(cnn={"epochs": 3}), 0),
        fold_key(turned, first, config, 0),
    ]
    assert key not in others
    assert len(set(others)) == 4
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(MoodringError, match="cannot be read"):
        KeptAnswers().read(path)


def _separable(seed: int = 0) -> FoldFeatures:
    rng = np.random.default_rng(seed)
    labels, tested = np.arange(60) % 3, np.arange(30) % 3
    centres = 2.0 * rng.normal(size=(4, 3, 6))
    centres[3] = 0.0
    train, test = (
        (centres[:, which] + rng.normal(size=(4, len(which), 6))).astype(np.float32) for which in (labels, tested)
    )
    return FoldFeatures(train, labels, np.arange(60) // 20, test[None], train, test[None])


def test_what_a_system_says_is_the_mean_over_the_networks_that_read_the_item() -> None:
    fold = _separable()
    other = fold.test[0][:, ::-1].copy()  # read as the other items are
    alone = [decisions(replace(fold, test=one[None]), 0.01) for one in (fold.test[0], other)]
    both = replace(fold, test=np.stack((fold.test[0], other)))
    np.testing.assert_allclose(decisions(both, 0.01), np.mean(alone, axis=0))
    swapped = replace(both, test=both.test[::-1].copy())
    network = fit_fusion(fold.train, fold.labels, 3, check(FUSION, FusionSection, "test"), 0)
    for said in (
        lambda one: average(one, 0.01),
        lambda one: network_classes(network, one.test),
        lambda one: hidden_classes(network, one, 0.01),
    ):
        np.testing.assert_array_equal(said(both), said(swapped))
        assert (said(both) != said(replace(fold, test=other[None]))).any()


def test_votes_are_sums_of_scores_and_each_can_be_left_out() -> None:
    scores = decisions(_separable(), 0.01)
    said = voted(scores)
    np.testing.assert_array_equal(said[0], scores.sum(axis=0).argmax(axis=1))
    np.testing.assert_array_equal(said[2], scores[[0, 2, 3]].sum(axis=0).argmax(axis=1))
    weights = np.array([0.0, 0.0, 1.0, 0.0])
    np.testing.assert_array_equal(voted(scores, weights)[0], scores[2].argmax(axis=1))


def test_a_listener_who_knows_nothing_has_little_weight() -> None:
    weights = inner_recalls(_separable(), 0.01)
    assert weights[3] < 0.5 * weights[:3].min()


def _repetition(seed: int, right: dict[str, float]) -> Repetition:
    rng = np.random.default_rng(seed)
    truth = np.arange(120) % 4
    classes = {}
    for system, share in right.items():
        said = np.where(rng.random((3, 120)) < share, truth, (truth + 1) % 4)
        classes[system] = said if system == INDIVIDUAL else np.concatenate((said[:1], said))
    return Repetition(
        f"group {seed}",
        seed,
        ("a", "b", "c"),
        truth,
        np.arange(120) // 20,
        classes,
        (0.1,),
        0.1,
        np.ones(3),
        np.ones(3),
    )


def test_rows_and_differences_are_means_over_groups() -> None:
    repetitions = [_repetition(seed, {DVFN: 0.9, SVM_VOTING: 0.5, INDIVIDUAL: 0.3}) for seed in range(5)]
    each = [uar(one.truth, one.classes[DVFN][0]) - uar(one.truth, one.classes[SVM_VOTING][0]) for one in repetitions]
    found = difference_over_seeds(repetitions, DVFN, SVM_VOTING)
    assert found.value == pytest.approx(np.mean(each))
    assert found.low > 0.2
    individual = over_blocks(repetitions, INDIVIDUAL)
    assert individual.value == pytest.approx(
        np.mean([uar(one.truth, said) for one in repetitions for said in one.classes[INDIVIDUAL]])
    )
    people = over_listeners(repetitions, INDIVIDUAL)
    assert people.low < people.value < people.high


def test_weights_that_rank_listeners_as_their_own_recalls_do_agree() -> None:
    rng = np.random.default_rng(0)
    truth = np.arange(200) % 4
    repetitions = []
    for seed in range(3):
        shares = rng.permutation(np.linspace(0.1, 0.9, 8))
        said = np.stack([np.where(rng.random(200) < share, truth, (truth + 1) % 4) for share in shares])
        blank = np.zeros(200, np.int64)
        repetitions.append(
            Repetition("g", seed, tuple("abcdefgh"), truth, blank, {INDIVIDUAL: said}, (), 0.1, shares, shares)
        )
    found = agreement_values(repetitions)
    assert found["spearman"] > 0.9
    assert found["p_value"] < 0.01
    turned = [replace(one, masked=rng.permutation(8).astype(float)) for one in repetitions]
    assert agreement_values(turned)["p_value"] > 0.01


def test_configs_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least 2 listeners respond"):
        _config(silent=2)
    with pytest.raises(ConfigError, match="each fold trains on 2 blocks"):
        _config(inner_folds=3)
    with pytest.raises(ConfigError, match="gap_s"):
        load(CONFIGS / "voting_htfa.toml", HtfaVotingConfig, ("gap_s=5.0",))
    with pytest.raises(ConfigError, match="add --set data=FOLDER"):
        evaluate_htfa_voting(load(CONFIGS / "voting_htfa.toml", HtfaVotingConfig), print, Serial())


def test_the_shipped_configs_are_the_papers_experiment() -> None:
    shipped = load(CONFIGS / "voting_simulated.toml", SimulatedVotingConfig)
    assert (shipped.listeners, shipped.utterances, len(shipped.seeds)) == (18, (33, 79, 69, 70), 5)
    assert load(CONFIGS / "voting_htfa.toml", HtfaVotingConfig).gap_s > 20.0


def test_the_command_scores_simulated_listeners(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config, out = tmp_path / "small.toml", tmp_path / "out.json"
    config.write_text(
        f"cache = '{tmp_path / 'kept'}'\n"
        'kind = "voting_simulated"\nseeds = [1, 2]\nlisteners = 4\nsilent = 1\ncontrary = 1\nblocks = 3\n'
        "utterances = [8, 8, 8, 8]\nn_images = 4\ninner_folds = 2\n[cnn]\nepochs = 2\n"
        "[fusion]\nepochs = 2\nlearning_rate = 1e-3\nthresholds = [1e-4, 1e-3]\n"
    )
    monkeypatch.setattr("sys.argv", ["moodring", "evaluate", str(config), "--json", str(out)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    values = json.loads(out.read_text())
    assert [row["name"] for row in values["rows"]] == list(SYSTEMS)
    assert {row["name"] for row in values["rows"] if row["leaky"]} == {LEAKY_DVFN}
    assert all({"uar", "low", "high"} <= set(row) for row in values["rows"])
    assert {one["b"] for one in values["paired"]} == set(SYSTEMS) - {DVFN}
    assert len(values["found"]) == 3
    assert all(0.0 <= one["auc"] <= 1.0 for one in values["found"])
    assert "leaky" in capsys.readouterr().out


def _story(folder: Path, n_listeners: int = 6, n_images: int = 150) -> Path:
    """Write a story whose three states all listeners follow with topographies of their own."""
    rng = np.random.default_rng(0)
    states = np.repeat(rng.integers(0, 3, n_images // 5), 5)
    cells = np.empty((1, n_listeners), object)
    for number in range(n_listeners):
        centres = np.random.default_rng(5).normal(size=(3, 8)) + 0.3 * rng.normal(size=(3, 8))
        cells[0, number] = (centres[states] + 0.5 * rng.normal(size=(n_images, 8))).astype(np.float32)
    savemat(folder / "weights.mat", {"weights": cells})
    return folder


def _htfa(data: Path, **changes: Any) -> HtfaVotingConfig:
    return check(
        {
            **{
                "kind": "voting_htfa",
                "data": data,
                "cache": data / "kept",
                "seeds": [1],
                "states": 3,
                "blocks": 3,
                "inner_folds": 2,
            },
            **{"n_images": 3, "trim_s": 3.0, "shifts": 20, "cnn": {"epochs": 2}, "fusion": FUSION, **changes},
        },
        HtfaVotingConfig,
        "test",
    )


def test_labels_of_a_story_come_from_those_who_do_not_vote(tmp_path: Path) -> None:
    config = _htfa(_story(tmp_path))
    first, second = halves(read(tmp_path, 1.5))
    data = story_windows(first, second, config, pytest.fail)
    assert data.start_s[0] == 3.0 - 1.5  # centred on the first moment
    for one in first.images:
        one += 100.0
    np.testing.assert_array_equal(story_windows(first, second, config, pytest.fail).labels, data.labels)
    for one in second.images:
        one[20:80] = -one[20:80]
    assert not np.array_equal(story_windows(first, second, config, pytest.fail).labels, data.labels)


def test_both_halves_of_a_story_vote_and_a_null_is_beside_them(tmp_path: Path) -> None:
    values = evaluate_htfa_voting(_htfa(_story(tmp_path)), lambda _: None, Serial())
    assert {one["group"] for one in values["listeners"]} == {"first half", "second half"}
    row = next(one for one in values["rows"] if one["name"] == SVM_VOTING)
    assert row["uar"] > 0.6
    assert row["null"] < 0.45
    assert row["p_value"] == pytest.approx(1 / 21, abs=1e-4)
    assert values["groups"] == ["block 1", "block 2", "block 3"]
