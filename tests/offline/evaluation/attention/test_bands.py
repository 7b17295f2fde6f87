"""Band attention taken apart on two simulated people."""

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from moodring.configs.schema.evaluate import EvaluateBandsConfig
from moodring.models.contract import BANDS, LEVELS
from moodring.models.networks.look_policy import LONGEST_WAIT_FRAMES
from moodring.offline.evaluation.attention import band_weights
from moodring.offline.evaluation.attention.bands import evaluate_bands, table
from moodring.offline.evaluation.attention.inside import attention_record
from moodring.offline.evaluation.attention.system import AttentionSystem
from moodring.offline.training.attention.feature_bank import FeatureBank
from moodring.offline.training.attention.prepare import PreparedSession
from moodring.offline.training.attention.roll_out import Rollout

PEOPLE = (2201, 2202)
SECONDS = 40.0


@pytest.fixture(scope="module")
def rollout(system: AttentionSystem, bank: FeatureBank, hidden: Tensor) -> Rollout:
    return band_weights.decoded(system, bank, hidden)


def test_shuffled_weights_keep_each_persons_mean_and_lose_their_order(rollout: Rollout) -> None:
    learned, moved = rollout.attention, band_weights.shuffled(rollout.attention, 0)
    torch.testing.assert_close(moved.mean(dim=0), learned.mean(dim=0))
    torch.testing.assert_close(moved.sum(dim=-1), torch.ones(moved.shape[:2]))
    for person in range(learned.shape[1]):
        rows, others = ({tuple(row) for row in one[:, person].tolist()} for one in (learned, moved))
        assert rows == others
        assert (moved[:, person] == learned[:, person]).all(dim=-1).float().mean() < 0.2
    assert torch.equal(moved, band_weights.shuffled(learned, 0))
    assert not torch.equal(moved, band_weights.shuffled(learned, 1))


def test_held_weights_never_move_and_keep_the_mean(rollout: Rollout) -> None:
    held = band_weights.held(rollout.attention)
    assert held.shape == rollout.attention.shape
    assert (held == held[0, 0]).all()
    torch.testing.assert_close(held.mean(dim=(0, 1)), rollout.attention.mean(dim=(0, 1)))


def test_the_learned_weights_decide_as_the_bundle_does(
    system: AttentionSystem, bank: FeatureBank, rollout: Rollout
) -> None:
    own = band_weights.decide(system, bank, rollout.looks, None)
    with torch.no_grad():
        expected = system.networks.net.logits(rollout.cores)
    torch.testing.assert_close(own.logits, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(own.weights, rollout.attention, atol=1e-5, rtol=1e-4)
    given = band_weights.decide(system, bank, rollout.looks, rollout.attention)
    torch.testing.assert_close(given.logits, expected, atol=1e-4, rtol=1e-4)


def test_given_weights_are_the_weights(system: AttentionSystem, bank: FeatureBank, rollout: Rollout) -> None:
    alone = torch.zeros_like(rollout.attention)
    alone[..., 1] = 1.0
    decided = band_weights.decide(system, bank, rollout.looks, alone)
    assert torch.equal(decided.weights, alone)
    # Under alpha alone the other bands say nothing, whatever they hold.
    other = band_weights.without_band(band_weights.without_band(bank, 0), 2)
    torch.testing.assert_close(band_weights.decide(system, other, rollout.looks, alone).logits, decided.logits)
    less = band_weights.decide(system, band_weights.without_band(bank, 1), rollout.looks, alone)
    assert (less.logits - decided.logits).abs().mean() > 0.1


@pytest.mark.parametrize("band", range(3))
def test_a_band_taken_out_tells_nothing_of_the_moment(bank: FeatureBank, band: int) -> None:
    left = band_weights.without_band(bank, band).bands
    assert left[..., band, :].flatten(0, 2).unique(dim=0).shape[0] == 1
    others = [one for one in range(3) if one != band]
    assert torch.equal(left[..., others, :], bank.bands[..., others, :])
    there = bank.eeg_there
    mean = bank.bands[:, 0][there][:, band].float().mean(dim=0)
    torch.testing.assert_close(left[0, 0, 0, band].float(), mean, atol=2e-3, rtol=2e-3)


@pytest.mark.parametrize("band", range(3))
def test_noise_drowns_one_band_alone(people: list[PreparedSession], band: int) -> None:
    noisy = band_weights.drowned(people, band, 0.5, 0)
    for person, other in zip(people, noisy, strict=True):
        rest = [one for one in range(3) if one != band]
        np.testing.assert_array_equal(other.power[..., rest], person.power[..., rest])
        np.testing.assert_array_equal(other.power[~person.eeg_there], person.power[~person.eeg_there])
        good = person.eeg_there[:, None] & np.isfinite(person.power[..., band])
        added = (other.power - person.power)[..., band][good]
        assert added.std() == pytest.approx(0.5, rel=0.05)
        assert abs(added.mean()) < 0.05


def test_a_record_shows_looks_where_the_gain_exceeds_the_price_or_the_wait_is_over(
    system: AttentionSystem, bank: FeatureBank, hidden: Tensor, rollout: Rollout
) -> None:
    record = attention_record(system, bank, hidden, rollout, 1, PEOPLE[1], (0.5, 39.0))
    worth = record.gain > record.price
    assert worth.any()
    assert record.looked[worth].all()
    at = np.flatnonzero(record.looked)
    waits = np.diff(at)
    assert (waits[~worth[at[1:]]] >= LONGEST_WAIT_FRAMES).all()
    np.testing.assert_allclose(record.weights.sum(axis=1), 1.0, atol=1e-5)
    assert len(record.frames_s) == len(record.looked) == len(record.expressed)
    assert record.frames_s[0] >= 0.5
    assert record.frames_s[-1] <= 39.0
    assert (np.abs(record.expected) <= 2.0 / 3.0).all()
    assert (np.diff(record.frames_s) == 0.125).all()
    np.testing.assert_array_equal(record.expressed, bank.expressed[1, 4 : 39 * 8 + 1, 0])


def config(cache: Path, **changes: object) -> EvaluateBandsConfig:
    values = {
        "name": "bands", "seeds": PEOPLE, "pictured": PEOPLE[:1], "span_s": (5.0, 35.0), "seconds": SECONDS,
        "known": ((1, 500),), "cache": cache, "workers": 1,
    }  # fmt: skip
    return EvaluateBandsConfig.model_validate(values | changes)


def test_everything_stands_in_one_result(cache: Path) -> None:
    result = evaluate_bands(config(cache), lambda _: None)
    rows = {(row["name"], row["axis"]): row for row in result.values["rows"]}
    apart = next(row for row in result.values["paired"] if (row["b"], row["axis"]) == ("without alpha", "mean"))
    expected = rows[band_weights.LEARNED, "mean"]["uar"] - rows["without alpha", "mean"]["uar"]
    assert apart["difference"] == pytest.approx(expected, abs=2e-4)
    assert result.bands.ablations[-3:] == tuple(f"without {band}" for band in BANDS)
    assert result.bands.losses[list(result.bands.ablations).index("without alpha"), 0] == pytest.approx(
        expected, abs=1e-3
    )
    assert result.bands.conditions == ("as recorded", *(f"noise on {band}" for band in BANDS))
    np.testing.assert_allclose(result.bands.condition_weights[..., 0].sum(axis=1), 1.0, atol=1e-3)
    assert [one.person for one in result.people] == ["simulated person 2201"]
    text = table(result.values)
    assert "| without alpha |" in text
    assert "| noise on beta |" in text


def test_states_are_those_that_people_were_in(cache: Path, people: list[PreparedSession]) -> None:
    states = evaluate_bands(config(cache, pictured=()), lambda _: None).values["states"]
    met = {(one["valence"], one["arousal"]) for one in states if one["people"]}
    felt = {(LEVELS[v], LEVELS[a]) for one in people for v, a in one.levels.tolist() if v >= 0}
    assert met == felt
    assert len(states) == 27
    for state in felt:
        three = [one["weight"]["value"] for one in states if (one["valence"], one["arousal"]) == state]
        assert sum(three) == pytest.approx(1.0, abs=1e-3)


def test_strangers_and_spans_beyond_the_session_are_refused(cache: Path) -> None:
    with pytest.raises(ValidationError, match="seeds: 7 are among the people 1-500"):
        config(cache, seeds=(7, 2201))
    with pytest.raises(ValidationError, match="pictured: 9 are not among the seeds"):
        config(cache, pictured=(9,))
    with pytest.raises(ValidationError, match="span_s: 20 to 80 s"):
        config(cache, span_s=(20.0, 80.0))
