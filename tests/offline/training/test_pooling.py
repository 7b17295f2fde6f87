"""The fit of a pool recovers what is true of made-up people, and keeps its own apart."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.configs.schema.load import check, load
from moodring.configs.schema.train_pooling import TrainPoolingConfig
from moodring.models.fusion.opinion_pool import VoiceLevels, Weights, levels_of
from moodring.models.fusion.pool_file import Pool, PooledBundle, PoolFile, WeightsTable, load_pool
from moodring.models.io.bundle import bundled, load_bundle
from moodring.offline.evaluation.metrics import ece
from moodring.offline.simulate import simulate
from moodring.offline.training.pooling import train as training
from moodring.offline.training.pooling.fit import (
    add_thresholds,
    fit_axis,
    fit_weights,
    held_out_loss,
    pool_decisions,
    pool_person,
    select_decisions,
)
from moodring.offline.training.pooling.people import DecodedPerson, decoded_person
from moodring.offline.training.pooling.scores import SELECTIONS
from moodring.offline.training.pooling.train import train_pooling
from tests.support.heads import levels, spoken

CONFIG = Path(training.__file__).resolve().parents[3] / "configs" / "train_pooling.toml"
TRUE_FELT, TRUE_VOICE, FELT_WHILE_SPEAKING = 0.6, 0.5, 0.2
HALF_LIFE_S = 3.0
UNHEARD = Weights(TRUE_FELT, 0.0)


def softmax(scores: np.ndarray) -> np.ndarray:
    return np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)


def person(seed: int, n: int = 600) -> DecodedPerson:
    """Two sides that are overconfident in a known way: true odds are their log ratios times the true weights.

    Somebody speaks for the first 5 s of every 20; face and EEG are worth less then, and the voice less and less later.
    """
    rng = np.random.default_rng(seed)
    times_s = np.arange(n) / 2
    phase = times_s % 20
    speaks = phase < 5
    felt, voice = softmax(rng.normal(0, 1.5, (n, 2, 3))), softmax(rng.normal(0, 1.2, (n, 2, 3)))
    end_s = np.where(speaks, times_s, times_s - phase + 5)
    left = 2.0 ** (-(times_s - end_s) / HALF_LIFE_S)
    weight = np.where(speaks, FELT_WHILE_SPEAKING, TRUE_FELT)
    odds = weight[:, None, None] * np.log(felt) + (TRUE_VOICE * left)[:, None, None] * np.log(voice)
    truth = (rng.random((n, 2, 1)) > np.cumsum(softmax(odds), axis=2)).sum(axis=2)
    return DecodedPerson(times_s, np.minimum(truth, 2), felt, voice, end_s, speaks)


@pytest.fixture(scope="module")
def people() -> list[DecodedPerson]:
    return [person(seed) for seed in range(24)]


def test_the_true_weights_are_found(people) -> None:
    after = fit_weights(select_decisions(people, 0, "after", HALF_LIFE_S), "after", UNHEARD)
    assert after.felt == pytest.approx(TRUE_FELT, abs=0.06)
    assert after.voice == pytest.approx(TRUE_VOICE, abs=0.06)
    assert max(abs(x) for x in after.prior) < 0.1
    assert sum(after.prior) == pytest.approx(0.0, abs=1e-5)
    fitted = fit_axis(people, 0, HALF_LIFE_S)
    assert fitted["speaking"].felt == pytest.approx(FELT_WHILE_SPEAKING, abs=0.06)
    assert fitted["speaking"].voice == pytest.approx(TRUE_VOICE, abs=0.06)
    assert FELT_WHILE_SPEAKING < fitted["quiet"].felt < TRUE_FELT, "of all decisions, speaking or not"
    assert fitted["quiet"].voice == fitted["voice_alone"].felt == 0.0


def test_pooling_calibrates_new_people_and_beats_either_side(people) -> None:
    fitted = fit_axis(people, 1, HALF_LIFE_S)
    others = [person(seed) for seed in range(100, 112)]
    truth = np.concatenate([one.truth[:, 1] for one in others])
    said = np.concatenate([pool_person(one, fitted, 1, HALF_LIFE_S) for one in others])
    felt = np.concatenate([one.felt[:, 1] for one in others])
    assert ece(truth, felt) > 0.1
    assert ece(truth, said) < 0.03
    assert (said.argmax(axis=1) == truth).mean() > (felt.argmax(axis=1) == truth).mean() + 0.02


def test_a_side_that_misleads_gets_no_weight(people) -> None:
    misled = [replace(one, voice=1.0 - one.voice) for one in people]
    assert fit_axis(misled, 0, HALF_LIFE_S)["after"].voice == 0.0


def test_the_fit_is_the_best_there_is(people) -> None:
    found = select_decisions(people[:4], 0, "after", HALF_LIFE_S)
    best = fit_weights(found, "after", UNHEARD)

    def loss(weights) -> float:
        said = pool_decisions({"quiet": UNHEARD, "after": weights}, found, "after")
        logs = -np.log(said[np.arange(len(said)), found.truth])
        return float(np.mean([logs[found.people == one].mean() for one in range(4)]))

    rng = np.random.default_rng(0)
    for _ in range(30):
        prior = np.array(best.prior) + rng.normal(0, 0.05, 3)
        moved = replace(
            best,
            felt=max(0.0, best.felt + rng.normal(0, 0.05)),
            voice=max(0.0, best.voice + rng.normal(0, 0.05)),
            prior=tuple(prior - prior.mean()),
        )
        assert loss(moved) >= loss(best) - 1e-6


def test_people_count_alike_however_much_they_said(people) -> None:
    names = [field.name for field in fields(DecodedPerson)]
    talkative = DecodedPerson(**{name: np.concatenate([getattr(people[0], name)] * 20) for name in names})
    few = fit_weights(select_decisions([people[0], people[1]], 0, "after", HALF_LIFE_S), "after", UNHEARD)
    many = fit_weights(select_decisions([talkative, people[1]], 0, "after", HALF_LIFE_S), "after", UNHEARD)
    assert many.felt == pytest.approx(few.felt, abs=1e-3)
    assert many.voice == pytest.approx(few.voice, abs=1e-3)


def test_sets_hold_the_truth_of_new_people_as_often_as_promised(people) -> None:
    fitted = add_thresholds(fit_axis(people, 0, HALF_LIFE_S), people, 0, HALF_LIFE_S, 0.8)
    hits = []
    for seed in range(200, 212):
        one = person(seed)
        said = pool_person(one, fitted, 0, HALF_LIFE_S)
        limits = np.array([fitted[case].threshold for case in one.situations])
        hits.append((said[np.arange(len(said)), one.truth[:, 0]] >= limits).mean())
    assert 0.78 <= np.mean(hits) <= 0.9


def test_the_time_for_which_the_voice_counts_shows_on_people_left_out(people) -> None:
    losses = {half_life_s: held_out_loss(people[:12], half_life_s, 3) for half_life_s in (0.7, HALF_LIFE_S, 20.0)}
    assert min(losses, key=losses.__getitem__) == HALF_LIFE_S


def test_evidence_keeps_the_voices_newest_word_and_leaves_rest_out(fake_estimate) -> None:
    recording = simulate(5, 60.0)
    rest_s = recording.rest_s
    times_s = recording.t0_s + np.arange(4, 100) / 2
    said = {times_s[60]: spoken(0.0, times_s[60] - 0.2, ("anger", "neutral"), (0.8, 0.2), True)}
    estimates = [fake_estimate(time_s, said.get(time_s), speaks=time_s == times_s[61]) for time_s in times_s]
    found = decoded_person(recording, estimates)
    assert found.times_s[0] >= recording.t0_s + rest_s
    where = int(np.flatnonzero(found.times_s == times_s[60])[0])
    assert np.isnan(found.voice_end_s[:where]).all()
    assert (found.voice_end_s[where:] == times_s[60] - 0.2).all()
    np.testing.assert_allclose(found.voice[-1], levels_of(("anger", "neutral"), (0.8, 0.2)))
    assert found.speaks.sum() == 1
    assert found.situations[where - 1 : where + 3] == ["quiet", "after", "speaking", "after"]
    np.testing.assert_allclose(
        found.fade(0.5)[where - 1 : where + 3], [1.0, *(0.5 ** (2 * (0.2 + 0.5 * k)) for k in range(3))]
    )


def test_what_was_fitted_is_what_decides_live(people) -> None:
    fitted = [fit_axis(people[:4], axis, HALF_LIFE_S) for axis in range(2)]
    tables = [{case: WeightsTable(**one.__dict__) for case, one in cases.items()} for cases in fitted]
    named = PooledBundle(file="x", sha256="0" * 64)
    table = PoolFile(
        video_eeg=named, speech=named, domain=("made",), protocol="made", people=4, coverage=0.8,
        half_life_s=HALF_LIFE_S, weights={"valence": tables[0], "arousal": tables[1]},
    )  # fmt: skip
    pool = Pool(table, "x", "0" * 64)
    one = person(77, 60)
    unseen = np.arange(60) % 7 == 3
    one = replace(one, felt=np.where(unseen[:, None, None], np.nan, one.felt))
    said = [pool_person(one, fitted[axis], axis, HALF_LIFE_S) for axis in range(2)]
    for k, time_s in enumerate(one.times_s.tolist()):
        felt = None if unseen[k] else one.felt[k]
        live = pool.decide(time_s, felt, VoiceLevels(one.voice[k], float(one.voice_end_s[k])), bool(one.speaks[k]))
        np.testing.assert_allclose(live[0].probabilities, said[0][k], atol=1e-5)
        np.testing.assert_allclose(live[1].probabilities, said[1][k], atol=1e-5)


@pytest.fixture
def fake_estimate():
    from types import SimpleNamespace

    felt = {axis: levels(axis, np.full(3, 1 / 3)) for axis in ("valence", "arousal")}

    def make(time_s, speech, speaks):
        answers = {**felt, "speech": speech}
        return SimpleNamespace(time_s=time_s, answer=answers.get, degraded="the participant speaks" if speaks else None)

    return make


def test_the_shipped_config_keeps_everybody_apart() -> None:
    config = load(CONFIG, TrainPoolingConfig)
    assert not set(config.people.seeds) & set(config.people.test_seeds)
    values = config.model_dump()
    for name, seeds in (("seeds", [1001, 1, 2, 3, 4]), ("test_seeds", [1101, 1201]), ("seeds", [801, 2, 3, 4, 5])):
        people = {**values["people"], name: seeds, "known": [[801, 808]]}
        with pytest.raises(ConfigError, match=r"two groups|final test"):
            check({**values, "people": people}, TrainPoolingConfig, "made up")


def test_a_pool_and_its_card_are_written(tmp_path, monkeypatch) -> None:
    """All but the decoding, which takes minutes: what would come of it is made up."""
    seen = {}

    def decode_people(seeds, config, bundles, cache, report):
        seen.update(seeds=seeds, bundles=bundles)
        return [person(seed, 80) for seed in seeds]

    monkeypatch.setattr(training, "decode_people", decode_people)
    smaller = ("half_life_s=[0.5, 3.0]", "folds=2", "people.seeds=[1101, 1102, 1103, 1104, 1105, 1106]")
    config = load(CONFIG, TrainPoolingConfig, [*smaller, "people.test_seeds=[1301, 1302]"])
    lines: list[str] = []
    out = tmp_path / "made.json"
    train_pooling(config, out, lines.append, tmp_path / "cache")
    names = {kind: load_bundle(bundled(name)) for kind, name in (("video_eeg", "attention"), ("speech", "speech"))}
    pool = load_pool(out, {kind: PooledBundle(file=one.name, sha256=one.sha256) for kind, one in names.items()})
    assert seen["seeds"] == [*config.people.seeds, *config.people.test_seeds]
    assert seen["bundles"] == (names["video_eeg"].sha256, names["speech"].sha256)
    assert (pool.table.half_life_s, pool.table.people, pool.table.coverage) == (3.0, 6, 0.8)
    card = out.with_suffix(".md").read_text()
    assert pool.sha256 in card
    assert "not valid for people" in card
    for name in SELECTIONS:
        assert f"| {name} (" in card
    assert lines[-1].startswith("wrote ")
    assert load_pool(out, {}).table.weights["valence"]["speaking"].voice == pytest.approx(TRUE_VOICE, abs=0.2)


def test_a_voice_without_places_cannot_be_pooled(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(training, "PLACES", {"anger": None, "neutral": None})
    with pytest.raises(MoodringError, match=r"without a place on valence and arousal \(happiness, sadness\)"):
        train_pooling(load(CONFIG, TrainPoolingConfig), tmp_path / "x.json", print, tmp_path)
