"""Forward against windows: what ways to decide with one core reach, embed, cost, and how fast they follow."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ....configs.schema.errors import MoodringError
from ....configs.schema.evaluate import EvaluateForwardConfig
from ....models.contract import SIMULATED
from ....models.io.bundle import bundled
from ....models.networks.attention import AXES, TICK_HZ
from ....models.signals.face.detection import FaceDetector
from ...decoding.response_lag import STEPPED, cut_steps, expected_level, response_lag
from ...decoding.response_lag import Step as LagStep
from ...simulate.difficulty import BENCHMARK
from ...simulate.latents import ground_truth, simulate_latents
from ...simulate.simulated_session import simulate
from ...training.attention.feature_bank import FeatureBank
from ...training.attention.prepare import found_faces, grids, read_prepared
from ...training.common.optimization import Report
from ..markdown import markdown_table
from ..result import evaluation_values
from . import cost, ways
from .system import (
    BOTH,
    Array,
    AttentionSystem,
    decision_count,
    load_system,
    paired_rows,
    recall_of,
    uar_rows,
    written,
)

FORWARD = "forward"
_COSTS = {"cost": "networks alone", "cost_with_search": "with the search for the face"}
_PROTOCOL = (
    "people apart: none was trained on, chosen by or calibrated on; stimuli shared between people; decisions every "
    "half second after the rest, offline on the grid of the training; intervals over people; processor time of one "
    "person's decisions on one thread, from faces and scalp images to logits; lag on people whose emotion changes in "
    "steps"
)


@dataclass(frozen=True)
class _Way:
    """A way to decide: over a bank of people, and step by step over one."""

    name: str
    decide: Callable[[FeatureBank, torch.Tensor | None], ways.WayDecisions]
    steps: Callable[[cost.OnePerson], Iterator[cost.Step]]


def evaluate_forward(config: EvaluateForwardConfig, report: Report) -> dict[str, Any]:
    """Decide in each way on every person.

    Raises
    ------
    MoodringError
        The bundle is missing, is no attention bundle of simulated people, or has another policy than the hazard's.
    """
    began = time.monotonic()
    torch.set_num_threads(1)  # the networks are small and go tick by tick
    system = load_system(config.bundle)
    if system.policy != "hazard":
        raise MoodringError(
            f"the bundle looks by the policy '{system.policy}'; decisions are timed for 'hazard' alone: give another"
        )
    bank = _bank(system, system.prepare(config.seeds, BENCHMARK, config, report))
    stepped = _bank(system, system.prepare(config.step_seeds, STEPPED, config, report))
    one = read_prepared(system.prepare((config.timed_seed,), BENCHMARK, config, report)[0])
    hidden, stepped_hidden = system.periphery(bank), system.periphery(stepped)
    images = system.images([one])[0, 0]
    after_rest = int(one.resting.sum())
    found = _ways(system, config.windows_s)
    searches = (None, _search(config.timed_seed, config.seconds))
    costs = {
        kind: cost.timed(
            {way.name: way.steps(cost.OnePerson(system, one, images, search)) for way in found}, after_rest
        )
        for kind, search in zip(_COSTS, searches, strict=True)
    }
    recalls: dict[str, Array] = {}
    rows = []
    for way in found:
        decided = way.decide(bank, hidden)
        recalls[way.name] = recall_of(decided.logits, bank)
        on_steps = way.decide(stepped, stepped_hidden).logits
        rows += uar_rows(
            way.name, recalls[way.name],
            embedded=float(decided.embedded.mean()), different=float(decided.different.mean()),
            **{kind: asdict(of_ways[way.name]) for kind, of_ways in costs.items()},
            lag=response_lag(_lag_steps(system, on_steps, config.step_seeds, config.seconds)),
        )  # fmt: skip
        report(f"{way.name}: UAR {recalls[way.name][:, 2].mean():.3f}")
    first = recalls[FORWARD]
    paired = [row for name in recalls if name != FORWARD for row in paired_rows(FORWARD, name, first, recalls[name])]
    return evaluation_values(
        protocol=_PROTOCOL,
        groups=[str(seed) for seed in config.seeds],
        n=decision_count(bank),
        seeds=config.seeds,
        domain=(SIMULATED,),
        rows=rows,
        paired=paired,
        wall_s=time.monotonic() - began,
        bundle=system.sha256,
        threads=1,
    )


def table(values: dict[str, Any]) -> str:
    """Return the result as Markdown tables."""
    rows = {(row["name"], row["axis"]): row for row in values["rows"]}
    cells = [
        (
            name,
            *(written(rows[name, one]) for one in (*AXES, BOTH)),
            f"{row['embedded']:.3f}",
            f"{row['different']:.3f}",
            *(f"{row[kind]['cpu_median_ms']:.1f} / {row[kind]['cpu_p99_ms']:.1f}" for kind in _COSTS),
            _lag(row["lag"]),
        )
        for (name, axis), row in rows.items()
        if axis == BOTH
    ]
    heads = (
        "way", *(f"UAR {axis}" for axis in (*AXES, BOTH)), "frames embedded per frame arrived",
        "of different frames", *(f"ms per decision, {what}, median / p99" for what in _COSTS.values()), "lag (s)",
    )  # fmt: skip
    pairs = [(f"{one['a']} − {one['b']}", one["axis"], written(one, "difference")) for one in values["paired"]]
    return f"{markdown_table(heads, cells)}\n\n{markdown_table(('difference', 'axis', 'UAR'), pairs)}"


def _ways(system: AttentionSystem, windows_s: Sequence[float]) -> list[_Way]:
    found = [_Way(FORWARD, partial(ways.forward, system), cost.forward_steps)]
    for window_s in windows_s:
        width = round(window_s * TICK_HZ)
        found += [
            _Way(
                f"re-scan of {window_s:g} s",
                partial(ways.rescanned, system, window_s=window_s),
                partial(cost.rescanned_steps, width=width),
            ),
            _Way(
                f"cached, {window_s:g} s",
                lambda bank, _hidden, within=window_s: ways.cached(system, bank, within),  # type: ignore[misc]
                partial(cost.cached_steps, width=width),
            ),
        ]
    every = _Way("every frame, state carried", lambda bank, _hidden: ways.carried(system, bank), cost.carried_steps)
    return [*found, every]


def _search(seed: int, seconds: float) -> Callable[[int], object]:
    """Return the search for the face in each frame of a simulated person, whose pictures are drawn beforehand."""
    recording = simulate(seed, seconds, BENCHMARK)
    detector = FaceDetector(bundled("yunet").read_bytes())
    pictures = {frame: image for frame, image, _ in found_faces(recording.face, grids(recording)[1], detector)}
    return lambda frame: detector.find_all(pictures[frame])


def _bank(system: AttentionSystem, paths: Sequence[Path]) -> FeatureBank:
    return system.features(paths, system.images([read_prepared(path) for path in paths]))


def _lag_steps(system: AttentionSystem, logits: torch.Tensor, seeds: Sequence[int], seconds: float) -> list[LagStep]:
    """Cut the decisions on people whose emotion changes in steps around the steps."""
    levels = expected_level(system.probabilities(logits))
    times_s = (1 + np.arange(len(levels))) / TICK_HZ
    found = []
    for person, seed in enumerate(seeds):
        latents = simulate_latents(seed, seconds, STEPPED)
        onsets_s = [shown.start_s for shown in latents.presentations]
        found += cut_steps(str(seed), ground_truth(latents, 0.0, seconds), onsets_s, times_s, levels[:, person])
    return found


def _lag(lag: dict[str, Any]) -> str:
    """Write the half time of the mean over all steps, and how many of them were followed."""
    curve = lag["mean_curve_s"]
    if curve is None or not all(isinstance(value, float) and math.isfinite(value) for value in curve.values()):
        return "–"
    return f"{curve['value_s']:.1f} [{curve['low_s']:.1f}, {curve['high_s']:.1f}]"
