"""Scores of decisions on simulated people: whole stimuli, pairs, sets, looks, and who may be decoded."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import moodring
from moodring.configs.schema.errors import ConfigError
from moodring.configs.schema.evaluate import EvaluateConfig
from moodring.configs.schema.load import load
from moodring.models.contract import Look
from moodring.offline.evaluation.people.baselines import _by_stimulus, _so_far, _Training, permuted_uar
from moodring.offline.evaluation.people.decode import DecodedPerson, PersonDecisions
from moodring.offline.evaluation.people.look_facts import SHOWN, expression_free, look_facts
from moodring.offline.evaluation.people.scores import (
    coverage_rows,
    paired_rows,
    risk_coverage_rows,
    score_rows,
    whole_stimuli,
)
from moodring.offline.evaluation.people.table import controls
from moodring.offline.evaluation.result import evaluation_values
from moodring.offline.evaluation.stimulus_found import found_row
from moodring.offline.simulate.simulated_session import simulate_expressions

SHIPPED = Path(moodring.__file__).parent / "configs" / "evaluate_simulated.toml"
ONSETS_S = np.array([20.0, 30.0, 40.0, 50.0])


def decisions(truth: np.ndarray, said: np.ndarray, sure: float = 0.8, name: str = "full") -> PersonDecisions:
    """Decisions every half second from 20 s on, of both axes alike, with ``sure`` on the class said."""
    probabilities = np.where(np.eye(3)[said] > 0, sure, (1 - sure) / 2)
    times_s = 20.0 + 0.5 * np.arange(len(truth))
    return PersonDecisions(
        person="p",
        name=name,
        times_s=times_s,
        presentation=np.searchsorted(ONSETS_S, times_s, side="right") - 1,
        truth=np.stack([truth, truth], axis=1),
        probabilities=np.stack([probabilities, probabilities], axis=1).astype(np.float32),
        kept=np.stack([probabilities > 0.15] * 2, axis=1),
        glimpsed_fraction=0.12,
    )


def decoded(one: PersonDecisions, seed: int = 1) -> DecodedPerson:
    stimuli, nothing = np.array([3, 7, 3, 5]), np.zeros((len(one.truth), 1))
    return DecodedPerson("p", seed, 60.0, ONSETS_S, stimuli, (one,), (), (), nothing, nothing, (), ())


def slow_truth(n: int) -> np.ndarray:
    return np.repeat([0, 1, 2], 20)[:n]


def test_a_stimulus_is_answered_by_the_mean_of_its_decisions_and_short_ones_are_left_out() -> None:
    truth = np.array([0] * 20 + [1] * 20 + [2] * 20 + [0] * 3)
    said = truth.copy()
    said[:8] = 1  # wrong at first, right in the mean
    said[20:35] = 0  # wrong for most of the second stimulus
    whole = whole_stimuli(decisions(truth, said), ONSETS_S)
    assert whole.truth[:, 0].tolist() == [0, 1, 2]
    assert whole.probabilities[:, 0].argmax(axis=1).tolist() == [0, 0, 2]
    np.testing.assert_allclose(whole.probabilities.sum(axis=-1), 1.0, rtol=1e-6)
    assert whole.times_s.tolist() == [29.5, 39.5, 49.5]
    last = whole_stimuli(decisions(truth, said), ONSETS_S, averaged=True)
    assert last.probabilities[:, 0].argmax(axis=1).tolist() == [0, 1, 2]


def test_rows_hold_every_axis_and_pairs_are_differences_person_by_person() -> None:
    rng = np.random.default_rng(0)
    truth = slow_truth(60)
    said = {"full": 0.2, "no_face": 0.25, "no_eeg": 0.6}
    people = {
        name: [
            decisions(truth, np.where(rng.uniform(size=60) < wrong, rng.integers(3, size=60), truth), name=name)
            for _ in range(12)
        ]
        for name, wrong in said.items()
    }
    rows = score_rows(people, "decision", "full", seed=0)
    assert {(row["name"], row["axis"]) for row in rows} == {
        (name, axis) for name in (*said, "permutation") for axis in ("valence", "arousal")
    }
    by_name = {row["name"]: row for row in rows if row["axis"] == "valence"}
    assert by_name["permutation"]["uar"] == pytest.approx(1 / 3, abs=0.03)
    paired = paired_rows(people, "decision")
    assert {(row["a"], row["b"]) for row in paired} == {("full", "no_face"), ("full", "no_eeg")}
    assert {row["axis"] for row in paired} == {"valence", "arousal", "mean"}
    for row in paired:
        assert row["low"] < row["difference"] < row["high"]
        if row["axis"] == "valence":
            assert row["difference"] == pytest.approx(by_name["full"]["uar"] - by_name[row["b"]]["uar"])
    assert next(row for row in paired if row["b"] == "no_eeg")["low"] > 0


def test_sets_are_counted_person_by_person_and_confident_answers_are_judged_apart() -> None:
    truth = slow_truth(60)
    said = truth.copy()
    said[:15] = 2
    sure, unsure = decisions(truth, truth, 0.9), decisions(truth, said, 0.5)
    rows = coverage_rows({"full": [sure, unsure]}, ["full"])
    assert rows[0]["coverage_by_group"] == pytest.approx([1.0, 1.0])
    assert rows[0]["mean_set_size"] == pytest.approx((1 + 3) / 2)
    assert rows[0]["abstained"] == pytest.approx(0.5)
    risk = risk_coverage_rows({"full": [sure, unsure]}, ["full"])[0]
    assert risk["risk"].tolist() == pytest.approx([15 / 120, 15 / 90, 0.0, 0.0], abs=0.01)


def test_an_axis_that_nobody_rated_has_no_rows_and_unrated_decisions_do_not_count() -> None:
    truth = slow_truth(60)
    said = np.where(truth == 2, 0, truth)
    one = decisions(truth, said)
    unrated = replace(one, truth=np.stack([np.where(np.arange(60) < 40, truth, -1), np.full(60, -1)], axis=1))
    rows = score_rows({"full": [unrated, unrated]}, "decision", "full", seed=0)
    assert {row["axis"] for row in rows} == {"valence"}
    row = next(row for row in rows if row["name"] == "full")
    assert (row["uar"], row["n"], row["class_counts"].tolist()) == (1.0, 80, [40, 40, 0])
    assert [row["axis"] for row in coverage_rows({"full": [unrated]}, ["full"])] == ["valence"]
    assert [row["axis"] for row in paired_rows({"full": [unrated], "other": [unrated]}, "decision")] == ["valence"]
    nobody = replace(one, truth=np.full((60, 2), -1))
    mixed = score_rows({"full": [unrated, nobody, unrated]}, "decision", "full", seed=0)
    assert next(row for row in mixed if row["name"] == "full")["uar"] == 1.0


def test_decisions_free_of_expressions_have_none_in_the_two_seconds_before() -> None:
    seed, seconds = 4001, 120.0
    times_s = np.arange(20.0, seconds, 0.5)
    free = expression_free(seed, seconds, times_s)
    plan = simulate_expressions(seed, seconds)
    for time_s, is_free in zip(times_s, free, strict=True):
        before_s = np.arange(np.ceil((time_s - 2.0) * 8), np.floor(time_s * 8) + 1) / 8
        assert is_free == bool((plan.expression_at(before_s)[0] < SHOWN).all())
    assert 0.3 < free.mean() < 0.95


def test_the_stimulus_alone_says_what_others_felt_at_that_moment_of_it() -> None:
    one = decoded(decisions(slow_truth(60), slow_truth(60)))
    since = np.tile(np.arange(40), 2)
    stimulus = np.repeat([3, 5], 40)
    felt = np.where(stimulus == 3, np.where(since < 10, 0, 2), 1)
    nothing = np.zeros((1, 1))
    training = _Training(
        nothing, nothing, np.zeros((1, 2), np.int64), np.stack([stimulus, since], axis=1), np.stack([felt] * 2, axis=1)
    )
    said = _by_stimulus(one, training).probabilities[:, 0].argmax(axis=1)
    # Presented are 3, 7, 3 and 5, for 10 s each; of 7 nobody knows anything.
    assert said[:8].tolist() == [0] * 8
    assert said[12:20].tolist() == [2] * 8
    assert said[40:48].tolist() == [0] * 8


def test_the_people_of_the_lag_are_strangers_to_the_bundle() -> None:
    assert load(SHIPPED, EvaluateConfig).lag_people == (2001, 2010)
    with pytest.raises(
        ConfigError, match="lag_people: 498, 499, 500 are among the people 1-500 whom the bundle was made with"
    ):
        load(SHIPPED, EvaluateConfig, ["lag_people=[498, 510]"])


def test_controls_are_printed() -> None:
    mean = {"value_s": 2.5, "low_s": 2.0, "high_s": 3.0}
    found = {"steps": 9, "followed": 7, "median_s": 2.25, "low_s": None, "high_s": None, "mean_curve_s": mean}
    lag = {"people": 2} | {name: dict(found) for name in ("eeg_and_face", "eeg", "face")}
    people = [decisions(slow_truth(60), slow_truth(60))] * 3
    values = {
        "rows": score_rows({"full": people}, "expression_free", "full", seed=0),
        "paired": [],
        "stimulus_found": found_row("band_power", [("a", True, 0.25), ("b", False, 0.25)]),
        "lag": lag,
    }
    text = controls(values)
    assert "no expression in the 2 s before" in text
    assert "| log band power | 0.500 [0.000, 1.000] | 0.250 | 2 |" in text
    assert "| EEG and face | 9, 7 | 2.2 s | 2.5 s [2.0, 3.0] |" in text


def test_lda_averages_over_the_stimulus_so_far_and_never_over_the_one_before() -> None:
    truth = slow_truth(60)
    person = decoded(decisions(truth, truth))
    logs = np.arange(60.0)[:, None, None] * np.ones((1, 2, 3))
    averaged = _so_far(logs, person)[:, 0, 0]
    # The first windows that lie within a stimulus end 2 s after its onset.
    assert averaged[:5].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert averaged[19] == pytest.approx(np.arange(4, 20).mean())
    assert averaged[24] == 24.0
    assert averaged[25] == 24.5


def test_chance_is_what_shifted_truth_comes_to() -> None:
    truth = slow_truth(60)
    constant = permuted_uar([decisions(truth, np.zeros(60, int))] * 3, 0, seed=1)
    assert [constant.mean, constant.low, constant.high, constant.p_value] == pytest.approx([1 / 3] * 3 + [1.0])
    perfect = permuted_uar([decisions(truth, truth)] * 12, 0, seed=1)
    assert perfect.low < 1 / 3 < perfect.high < 0.6
    assert perfect.p_value < 0.01


def test_looks_that_wait_for_expressions_are_told_from_looks_that_do_not() -> None:
    seed, seconds = 31, 120.0
    plan = simulate_expressions(seed, seconds)
    grid_s = np.arange(1, seconds * 8) / 8
    shown_s = grid_s[plan.expression_at(grid_s)[0] >= SHOWN]

    attention = np.tile(np.array([0.2, 0.5, 0.3], np.float32), (5, 1))

    def looks(times_s: np.ndarray) -> list[Look]:
        waits = [None, *np.diff(times_s * 8).round().astype(int).tolist()]
        return [Look(t, t, None, wait) for t, wait in zip(times_s, waits, strict=True)]

    timed = look_facts("full", [(seed, seconds, looks(shown_s), attention)])
    blind = look_facts("uniform", [(seed, seconds, looks(grid_s[::8]), attention)])
    assert timed["on_expression"] == 1.0
    assert 0.0 < blind["expression_base_rate"] < 0.2
    assert blind["on_expression"] == pytest.approx(blind["expression_base_rate"], abs=0.06)
    assert (blind["wait_mean"], blind["wait_sd"], blind["waits"]) == (8.0, 0.0, {"8": len(grid_s[::8]) - 1})
    assert blind["band_attention_sd"] == pytest.approx([0.0] * 3)


def test_any_people_can_be_decoded_but_nobody_whom_the_bundle_or_lda_knows() -> None:
    config = load(SHIPPED, EvaluateConfig)
    assert len(config.seeds) >= 40
    assert load(SHIPPED, EvaluateConfig, ["seeds=[31001, 31002]"]).seeds == (31001, 31002)
    for seeds, why in (
        ("[150, 2101]", "bundle was made with"),
        ("[850, 2101]", "LDA is trained on"),
        ("[5, 5]", "twice"),
    ):
        with pytest.raises(ConfigError, match=why):
            load(SHIPPED, EvaluateConfig, [f"seeds={seeds}", "known=[[1, 500]]"])


def test_the_json_has_the_keys_of_every_evaluation_and_nothing_that_json_lacks() -> None:
    values = evaluation_values(
        protocol="p", groups=("a",), n=np.int64(3), seeds=(1,), domain=("simulated",), wall_s=1.26,
        rows=[{"name": "full", "uar": np.float64(1 / 3), "low": float("nan"), "counts": np.array([1, 2])}], paired=[],
    )  # fmt: skip
    assert list(values) == ["protocol", "groups", "n", "seeds", "domain", "rows", "paired", "wall_s"]
    assert values["wall_s"] == 1.3
    parts = {"protocol": "p", "groups": (), "n": 0, "seeds": (), "domain": (), "rows": (), "paired": ()}
    unknown = evaluation_values(**parts, wall_s=float("nan"))
    assert unknown["wall_s"] is None, "of results that were joined nobody knows it, and JSON has no NaN"
    assert values["rows"] == [{"name": "full", "uar": 0.3333, "low": None, "counts": [1, 2]}]
