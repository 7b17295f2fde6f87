"""Policies of looks compared over several trainings: every system on the same people, differences person by person.

A person's figure is the mean over the trainings, and intervals are t intervals over people: they hold for these
trainings. How much trainings differ is reported beside them (the standard deviation over trainings of the mean over
people).
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import torch
from numpy.typing import NDArray

from ....configs.schema.errors import MoodringError
from ....configs.schema.evaluate import OBSERVER, EvaluatePoliciesConfig
from ....models.contract import SIMULATED
from ....models.decoders.attention import networks_of
from ....models.decoders.bundle_parts import normalisation_of
from ....models.decoders.looking import policy_of
from ....models.io.bundle import Bundle, load_bundle
from ....models.networks.attention import AXES, Sizes
from ...simulate.difficulty import BENCHMARK
from ...training.attention.data import Networks
from ...training.attention.feature_bank import FeatureBank, draw_images, extract_features, whole_sessions
from ...training.attention.prepare import prepare_people, read_prepared
from ...training.attention.roll_out import roll_out, rule_of
from ...training.attention.scores import answers_of_stimuli, decisions_of, hit_rate, recall_of_decisions
from ...training.common.optimization import Report
from ..attention.system import BOTH, plain
from ..intervals import Interval, mean_over_people, over_groups, paired_difference
from ..markdown import markdown_table
from ..metrics import uar
from ..result import evaluation_values
from .observer import Observer

Array = NDArray[np.float64]
_PROTOCOL = (
    "people apart: none was trained on, chosen by or calibrated on; stimuli shared between people; decisions every "
    "half second after the rest, offline on the grid of the training; intervals over people of the mean over trainings"
)


@dataclass(frozen=True)
class Looked:
    """One bundle on all people.

    Attributes
    ----------
    recall, no_face : (people, 2)
        UAR of half-second decisions, with the policy's looks and without a face.
    share : float
        Of frames looked at.
    hits, base : float
        Share of looks, and of all frames, with a visible expression.
    waits : (2,)
        Mean and standard deviation of the frames between looks.
    stimuli : tuple of arrays
        Person, truth and answer of whole stimuli whose onsets are told.
    """

    recall: Array
    no_face: Array
    share: float
    hits: float
    base: float
    waits: Array
    stimuli: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def evaluate_policies(config: EvaluatePoliciesConfig, report: Report) -> dict[str, Any]:
    """Score every bundle on every person.

    Raises
    ------
    MoodringError
        A bundle is missing, or is no attention bundle.
    """
    began = time.monotonic()
    torch.set_num_threads(1)  # several would only wait for each other: the networks are small and go tick by tick
    _check_there(config)
    bundles = {system: [_bundle(config, system, seed) for seed in config.trainings] for system in config.systems}
    cache = config.cache or Path(platformdirs.user_cache_dir("moodring", appauthor=False)) / "training"
    paths = prepare_people(config.seeds, config.seconds, BENCHMARK, cache, config.workers, report)
    found: dict[str, list[Looked]] = {system: [] for system in config.systems}
    for number, seed in enumerate(config.trainings):
        banks: dict[str, FeatureBank] = {}
        for system in config.systems:
            bundle = bundles[system][number]
            key = _digest(bundle)
            banks[key] = banks[key] if key in banks else _features(bundle, paths)
            found[system].append(_looked(bundle, banks[key], seed))
            one = found[system][-1]
            report(f"training {seed}, {system}: UAR {one.recall.mean():.3f}, looked at {one.share:.3f}")
    observed = _observed(config)
    return _values(config, found, observed, time.monotonic() - began)


def table(values: dict[str, Any]) -> str:
    """Return the result as Markdown tables."""
    both = {row["name"]: row for row in values["rows"] if row["axis"] == BOTH}
    cells = [
        (
            name,
            *(_interval(_row(values, name, axis)) for axis in AXES),
            _number(row.get("looked"), ".3f"),
            f"{_number(row.get('hits'), '.2f')} ({_number(row.get('base'), '.2f')})",
            f"{_number(row.get('wait_frames'), '.1f')} ± {_number(row.get('wait_sd'), '.1f')}",
            _number(row["trainings_sd"], ".3f"),
        )
        for name, row in both.items()
        if "looked" in row or name == OBSERVER
    ]
    heads = (
        "system", *AXES, "looked at", "looks that hit (base)", "wait (frames)", "sd over trainings",
    )  # fmt: skip
    pairs = [(f"{one['a']} − {one['b']}", one["axis"], _interval(one, "difference")) for one in values["paired"]]
    stimuli = [(one["name"], one["axis"], _interval(one)) for one in values["stimuli"]]
    return "\n\n".join(
        (
            markdown_table(heads, cells),
            markdown_table(("difference", "axis", "UAR"), pairs),
            "Whole stimuli, onsets told:",
            markdown_table(("system", "axis", "UAR"), stimuli),
        )
    )


def _check_there(config: EvaluatePoliciesConfig) -> None:
    wanted = [f"{system}-{seed}.safetensors" for system in config.systems for seed in config.trainings]
    missing = [name for name in wanted if not (config.folder / name).is_file()]
    if missing:
        raise MoodringError(
            f"folder '{config.folder}' lacks {len(missing)} of {len(wanted)} bundles ({', '.join(missing[:3])} …): "
            "train them as the head of configs/evaluate_policies.toml says, or name others in systems and trainings"
        )


def _bundle(config: EvaluatePoliciesConfig, system: str, seed: int) -> Bundle:
    bundle = load_bundle(config.folder / f"{system}-{seed}.safetensors", "attention")
    if SIMULATED not in bundle.spec.domain:
        raise MoodringError(
            f"bundle '{bundle.name}' is of {', '.join(bundle.spec.domain)}; policies are compared on simulated people: "
            "give bundles trained on them"
        )
    return bundle


def _digest(bundle: Bundle) -> str:
    """Return what the features depend on: the fixed layers and the normalisation."""
    parts = hashlib.sha256()
    for name in sorted(bundle.tensors):
        if name.startswith(("net.face_net", "net.band_net", "normalisation")):
            parts.update(bundle.tensors[name].numpy().tobytes())
    return parts.hexdigest()


def _features(bundle: Bundle, paths: Sequence[Path]) -> FeatureBank:
    net = networks_of(bundle)[0]
    people = [read_prepared(path) for path in paths]
    return extract_features(paths, draw_images(people, normalisation_of(bundle), net.sizes.image_size, 1, 0), net)


def _looked(bundle: Bundle, bank: FeatureBank, seed: int) -> Looked:
    networks = Networks(Sizes.of(bundle.spec.network))
    networks.net, networks.hazard, networks.gaussian = networks_of(bundle)
    policy, budget = policy_of(bundle), float(bundle.spec.network["budget"])
    found = []
    for clips in (whole_sessions(bank), whole_sessions(bank, face=False), whole_sessions(bank, told=True)):
        rollout = roll_out(networks.net, bank, clips, rule_of(policy, budget, networks, bank, clips, seed))
        found.append(decisions_of(networks.net, bank, clips, rollout.cores, rollout.looks))
    full, no_face, told = found
    hits, base = hit_rate(bank, whole_sessions(bank), full.looks)
    return Looked(
        recall_of_decisions(full), recall_of_decisions(no_face), float(full.looked.mean()), hits, base,
        _waits(full.looks.numpy()), answers_of_stimuli(told),
    )  # fmt: skip


def _waits(looks: NDArray[np.bool_]) -> Array:
    """Return mean and standard deviation of the frames between looks, ``(ticks, 4, people)``."""
    each = looks.reshape(-1, looks.shape[-1])
    waits = np.concatenate([np.diff(np.flatnonzero(person)) for person in each.T])
    return np.array([waits.mean(), waits.std()]) if len(waits) else np.full(2, np.nan)


def _values(
    config: EvaluatePoliciesConfig, found: dict[str, list[Looked]], observed: dict[str, Array], wall_s: float
) -> dict[str, Any]:
    recalls = {system: [one.recall for one in looked] for system, looked in found.items()}
    recalls |= {_blind(system): [one.no_face for one in looked] for system, looked in found.items()}
    recalls |= {name: [recall] for name, recall in observed.items()}
    rows = [
        {"name": name, "axis": axis, **plain(mean_over_people(by_training.mean(axis=0)), "uar"),
         "trainings_sd": _spread(by_training), **(_facts(found[name]) if name in found else {})}
        for name, each in recalls.items()
        for axis, by_training in _by_axis(each).items()
    ]  # fmt: skip
    pairs = [*config.paired, *((name, _blind(name)) for name in recalls if _blind(name) in recalls)]
    paired = [
        {"a": a, "b": b, "axis": axis, **plain(one, "difference")}
        for a, b in pairs
        for axis, one in _differences(recalls[a], recalls[b]).items()
    ]
    stimuli = [
        {"name": system, "axis": axis, **plain(one, "uar")} for system in found for axis, one in _whole(found[system])
    ]
    return evaluation_values(
        protocol=_PROTOCOL,
        groups=[str(seed) for seed in config.seeds],
        n=len(next(iter(found.values()))[0].recall) * len(config.trainings),
        seeds=config.trainings,
        domain=(SIMULATED,),
        rows=rows,
        paired=paired,
        wall_s=wall_s,
        stimuli=stimuli,
    )


def _observed(config: EvaluatePoliciesConfig) -> dict[str, Array]:
    if config.observer_people is None:
        return {}
    first, last = config.observer_people
    observer = Observer(range(first, last + 1), config.seconds, config.workers)
    full, no_face = observer.recalls(config.seeds, config.seconds, config.workers)
    return {OBSERVER: full, _blind(OBSERVER): no_face}


def _blind(system: str) -> str:
    return f"{system} without face"


def _facts(looked: Sequence[Looked]) -> dict[str, float]:
    return {
        "looked": float(np.mean([one.share for one in looked])),
        "hits": float(np.mean([one.hits for one in looked])),
        "base": looked[0].base,
        "wait_frames": float(np.mean([one.waits[0] for one in looked])),
        "wait_sd": float(np.mean([one.waits[1] for one in looked])),
    }


def _spread(by_training: Array) -> float:
    """Return the standard deviation over trainings of the mean over people."""
    return float(by_training.mean(axis=1).std(ddof=1)) if len(by_training) > 1 else float("nan")


def _by_axis(recalls: Sequence[Array]) -> dict[str, Array]:
    """Return the recall by axis, and of the mean of both, ``(trainings, people)`` each."""
    stacked = np.stack(recalls)
    return {**{axis: stacked[..., index] for index, axis in enumerate(AXES)}, BOTH: stacked.mean(axis=-1)}


def _differences(first: Sequence[Array], second: Sequence[Array]) -> dict[str, Interval]:
    one, other = _by_axis(first), _by_axis(second)
    return {axis: paired_difference(one[axis].mean(axis=0), other[axis].mean(axis=0)) for axis in one}


def _whole(looked: Sequence[Looked]) -> list[tuple[str, Interval]]:
    """Return the UAR over whole stimuli by axis: mean over trainings, jackknife over people."""
    person = looked[0].stimuli[0]

    def metric(axis: int, chosen: NDArray[np.int64]) -> float:
        return float(np.mean([uar(one.stimuli[1][chosen, axis], one.stimuli[2][chosen, axis]) for one in looked]))

    names = [str(one) for one in person]
    return [
        (axis, over_groups(lambda chosen, at=index: metric(at, chosen), names))  # type: ignore[misc]
        for index, axis in enumerate(AXES)
    ]


def _row(values: dict[str, Any], name: str, axis: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in values["rows"] if one["name"] == name and one["axis"] == axis)
    return found


def _number(value: float | None, how: str) -> str:
    return "–" if value is None else format(value, how)


def _interval(row: dict[str, Any], key: str = "uar") -> str:
    return f"{row[key]:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
