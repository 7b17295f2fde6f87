"""What band attention is worth, where it puts its weight, and pictures of both."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch

from ....configs.schema.errors import MoodringError
from ....configs.schema.evaluate import EvaluateBandsConfig
from ....models.contract import BANDS, LEVELS, SIMULATED
from ....models.contract.attention_records import AttentionRecord, BandRecord
from ....models.networks.attention import AXES
from ...simulate.difficulty import BENCHMARK
from ...training.attention.feature_bank import FeatureBank
from ...training.attention.prepare import PreparedSession, read_prepared
from ...training.common.optimization import Report
from ..intervals import mean_over_people
from ..markdown import markdown_table
from ..result import evaluation_values
from . import band_weights
from .band_weights import HELD, LEARNED, BandDecisions, without
from .inside import attention_record
from .system import (
    BOTH,
    Array,
    AttentionSystem,
    decision_count,
    load_system,
    paired_rows,
    plain,
    recall_of,
    uar_rows,
    written,
)

_PROTOCOL = (
    "people apart: none was trained on, chosen by or calibrated on; stimuli shared between people; decisions every "
    "half second after the rest, offline on the grid of the training, on the looks of the learned weights; intervals "
    "over people"
)


@dataclass(frozen=True)
class BandEvaluation:
    """The result: plain values for JSON, and what pictures show."""

    values: dict[str, Any]
    bands: BandRecord
    people: tuple[AttentionRecord, ...]


def evaluate_bands(config: EvaluateBandsConfig, report: Report) -> BandEvaluation:
    """Decide with and without band attention, with and without each band, on EEG as recorded and in noise.

    Raises
    ------
    MoodringError
        The bundle is missing, is no attention bundle of simulated people, or has another policy than the hazard's.
    """
    began = time.monotonic()
    torch.set_num_threads(1)  # the networks are small and go tick by tick
    system = load_system(config.bundle)
    paths = system.prepare(config.seeds, BENCHMARK, config, report)
    people = [read_prepared(path) for path in paths]
    bank = system.features(paths, system.images(people))
    hidden = system.periphery(bank)
    if hidden is None:
        raise MoodringError(
            f"the bundle looks by the policy '{system.policy}'; gain and price are those of 'hazard': give another"
        )
    rollout = band_weights.decoded(system, bank, hidden)
    found = band_weights.ablations(system, bank, rollout, config.seed)
    recalls = {name: recall_of(one.logits, bank) for name, one in found.items()}
    for name, recall in recalls.items():
        report(f"{name}: UAR {recall[:, 2].mean():.3f}")
    rows = [row for name, recall in recalls.items() for row in uar_rows(name, recall)]
    paired = [
        row
        for name in recalls
        if name != LEARNED
        for row in paired_rows(LEARNED, name, recalls[LEARNED], recalls[name])
    ]
    conditions = []
    for name, noisy in band_weights.noise_conditions(people, config.noise, config.seed).items():
        one = _condition(system, name, noisy, paths, hidden)
        conditions.append(one)
        report(f"{name}: UAR {next(row['uar'] for row in one['rows'] if row['axis'] == BOTH):.3f}")
    states = _states(bank, found)
    values = evaluation_values(
        protocol=_PROTOCOL,
        groups=[str(seed) for seed in config.seeds],
        n=decision_count(bank),
        seeds=config.seeds,
        domain=(SIMULATED,),
        rows=rows,
        paired=paired,
        wall_s=time.monotonic() - began,
        bundle=system.sha256,
        weights=_spread(found[LEARNED], bank, states),
        states=states,
        conditions=conditions,
        noise=config.noise,
    )
    records = tuple(
        attention_record(system, bank, hidden, rollout, config.seeds.index(seed), seed, config.span_s)
        for seed in config.pictured
    )
    return BandEvaluation(values, _record(values), records)


def table(values: Mapping[str, Any]) -> str:
    """Return the result as Markdown tables."""
    rows = {(row["name"], row["axis"]): row for row in values["rows"]}
    apart = {(row["b"], row["axis"]): row for row in values["paired"]}
    cells = [
        (
            name,
            *(written(rows[name, one]) for one in AXES),
            "" if name == LEARNED else written(apart[name, BOTH], "difference"),
        )
        for name, axis in rows
        if axis == BOTH
    ]
    heads = ("decided with", *(f"UAR {axis}" for axis in AXES), "learned weights less this, mean of both")
    noisy = [
        (
            one["name"],
            *(written(_of(one["rows"], "axis", axis)) for axis in AXES),
            *(f"{weight['weight']:.3f}" for weight in one["weights"]),
            written(_of(one["paired"], "axis", BOTH), "difference"),
        )
        for one in values["conditions"]
    ]
    noisy_heads = ("EEG", *(f"UAR {axis}" for axis in AXES), *BANDS, f"learned less {HELD}, mean of both")
    spread = [
        (one["band"], *("–" if one[key] is None else f"{one[key]:.3f}" for key in _SPREADS))
        for one in values["weights"]
    ]
    return "\n\n".join(
        (
            markdown_table(heads, cells),
            markdown_table(noisy_heads, noisy),
            markdown_table(("band", *_SPREADS.values()), spread),
        )
    )


_SPREADS = {
    "mean": "mean weight",
    "over_time": "sd over time, within a person",
    "over_states": "sd over the nine states, of the mean over people",
    "over_people": "sd over people",
    "with_worth": "correlation with its worth over the nine states",
}


def _condition(
    system: AttentionSystem,
    name: str,
    people: Sequence[PreparedSession],
    paths: Sequence[Any],
    hidden: torch.Tensor,
) -> dict[str, Any]:
    """Decode people in one kind of EEG, with learned weights and with their mean."""
    bank = system.features(paths, system.images(people))
    rollout = band_weights.decoded(system, bank, hidden)
    learned = band_weights.decide(system, bank, rollout.looks, None)
    held = band_weights.decide(system, bank, rollout.looks, band_weights.held(learned.weights))
    first, second = recall_of(learned.logits, bank), recall_of(held.logits, bank)
    counted = _counted(bank)
    each = np.array([learned.weights[counted[:, one], one].mean(dim=0).numpy() for one in range(bank.people)])
    return {
        "name": name,
        "rows": uar_rows(LEARNED, first),
        "paired": paired_rows(LEARNED, HELD, first, second),
        "weights": [
            {"band": band, **plain(mean_over_people(one), "weight")} for band, one in zip(BANDS, each.T, strict=True)
        ],
    }


def _counted(bank: FeatureBank) -> torch.Tensor:
    """Return which decisions have a truth and EEG, ``(ticks, people)`` bool."""
    return ((bank.levels[:, 1:] >= 0).all(dim=-1) & bank.eeg_there[:, 1:]).transpose(0, 1)


def _cells(bank: FeatureBank, values: Array) -> Array:
    """Return each person's mean of values ``(ticks, people)`` in each state, ``(people, 3, 3)``; NaN where never."""
    levels, counted = bank.levels[:, 1:].transpose(0, 1), _counted(bank)
    found = np.full((bank.people, len(LEVELS), len(LEVELS)), np.nan)
    for person, valence, arousal in product(range(bank.people), range(len(LEVELS)), range(len(LEVELS))):
        here = counted[:, person] & (levels[:, person] == torch.tensor([valence, arousal])).all(dim=-1)
        if here.any():
            found[person, valence, arousal] = values[here.numpy(), person].mean()
    return found


def _right(one: BandDecisions, bank: FeatureBank) -> Array:
    """Return the share of both axes that each decision gets right, ``(ticks, people)``."""
    levels = bank.levels[:, 1:].transpose(0, 1)
    return (one.logits.argmax(dim=-1) == levels).double().mean(dim=-1).numpy()


def _states(bank: FeatureBank, found: Mapping[str, BandDecisions]) -> list[dict[str, Any]]:
    """Return weight and worth of each band in each state."""
    learned = found[LEARNED]
    rows = []
    for band, name in enumerate(BANDS):
        weight = _cells(bank, learned.weights[..., band].double().numpy())
        worth = _cells(bank, _right(learned, bank) - _right(found[without(name)], bank))
        for valence, arousal in product(range(len(LEVELS)), range(len(LEVELS))):
            met = np.isfinite(weight[:, valence, arousal])
            about = {"band": name, "valence": LEVELS[valence], "arousal": LEVELS[arousal], "people": int(met.sum())}
            for key, values in (("weight", weight), ("worth", worth)):
                interval = mean_over_people(values[met, valence, arousal]) if met.any() else None
                about[key] = {"value": None} if interval is None else plain(interval, "value")
            rows.append(about)
    return rows


def _spread(learned: BandDecisions, bank: FeatureBank, states: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return how much the weights move over time, states and people, and whether with what a band is worth."""
    counted = _counted(bank)
    rows = []
    for band, name in enumerate(BANDS):
        weights = learned.weights[..., band].double()
        each = [weights[counted[:, person], person].numpy() for person in range(bank.people)]
        met = [row for row in states if row["band"] == name and row["people"]]
        weight, worth = (np.array([row[key]["value"] for row in met]) for key in ("weight", "worth"))
        moves = min(weight.std(), worth.std()) > 0
        rows.append(
            {
                "band": name,
                "mean": float(np.mean([one.mean() for one in each])),
                "over_time": float(np.mean([one.std() for one in each])),
                "over_states": float(weight.std()),
                "over_people": float(np.std([one.mean() for one in each])),
                "with_worth": float(np.corrcoef(weight, worth)[0, 1]) if moves else float("nan"),
            }
        )
    return rows


def _record(values: Mapping[str, Any]) -> BandRecord:
    def grid(key: str) -> Any:
        shape = (len(BANDS), len(LEVELS), len(LEVELS))
        return np.array([row[key]["value"] for row in values["states"]], np.float32).reshape(shape)

    losses = [row for row in values["paired"] if row["axis"] == BOTH]
    weights = [[[w["weight"], w["low"], w["high"]] for w in one["weights"]] for one in values["conditions"]]
    return BandRecord(
        people=len(values["groups"]),
        worth=grid("worth"),
        weight=grid("weight"),
        conditions=tuple(one["name"] for one in values["conditions"]),
        condition_weights=np.array(weights, np.float32),
        ablations=tuple(row["b"] for row in losses),
        losses=np.array([[row["difference"], row["low"], row["high"]] for row in losses], np.float32),
    )


def _of(rows: Sequence[Mapping[str, Any]], key: str, value: str) -> dict[str, Any]:
    return dict(next(row for row in rows if row[key] == value))
