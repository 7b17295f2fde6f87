"""Forward, re-scanning and cached embeddings on two simulated people."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.evaluate import EvaluateForwardConfig
from moodring.models.contract import EegInput
from moodring.models.io.bundle import bundled, load_bundle, save_bundle
from moodring.models.networks.attention import FRAMES_PER_TICK
from moodring.offline.evaluation.attention import cost, ways
from moodring.offline.evaluation.attention.forward import evaluate_forward, table
from moodring.offline.evaluation.attention.system import AttentionSystem, load_system
from moodring.offline.simulate.difficulty import BENCHMARK
from moodring.offline.training.attention.feature_bank import FeatureBank, whole_sessions
from moodring.offline.training.attention.prepare import PreparedSession, read_prepared
from moodring.offline.training.attention.roll_out import fixed, roll_out

PEOPLE = (2201, 2202)
SECONDS = 40.0
WIDTH = 8


def test_rescanning_all_since_the_session_began_is_forward(
    system: AttentionSystem, bank: FeatureBank, hidden: Tensor
) -> None:
    once, again = ways.forward(system, bank, hidden), ways.rescanned(system, bank, hidden, math.inf)
    torch.testing.assert_close(again.logits, once.logits, atol=1e-4, rtol=1e-4)
    np.testing.assert_allclose(again.different, once.different)
    assert (again.embedded > 5 * once.embedded).all(), "each decision embeds its frames anew"


def test_a_short_window_forgets_what_lies_before_it(system: AttentionSystem, bank: FeatureBank, hidden: Tensor) -> None:
    window_s = WIDTH / 2
    short = ways.rescanned(system, bank, hidden, window_s).logits
    forward = ways.forward(system, bank, hidden).logits
    torch.testing.assert_close(short[:WIDTH], forward[:WIDTH], atol=1e-4, rtol=1e-4)
    assert (short[WIDTH:] - forward[WIDTH:]).abs().mean() > 0.1
    changed = bank.bands.clone()
    changed[:, :, : bank.ticks // 2] += 1.0
    other = type(bank)(**{**vars(bank), "bands": changed})
    after = bank.ticks // 2 + WIDTH
    again = ways.rescanned(system, other, hidden, window_s).logits
    torch.testing.assert_close(again[after:], short[after:], atol=1e-4, rtol=1e-4)
    assert not torch.allclose(again[: bank.ticks // 2], short[: bank.ticks // 2])


def test_cached_embeds_each_frame_that_arrived_once(system: AttentionSystem, bank: FeatureBank) -> None:
    decided = ways.cached(system, bank, WIDTH / 2)
    assert decided.embedded.tolist() == decided.different.tolist() == [1.0, 1.0]


def test_cached_over_the_whole_session_is_the_core_on_every_frame(system: AttentionSystem, bank: FeatureBank) -> None:
    clips = whole_sessions(bank)
    every = torch.ones(clips.length, FRAMES_PER_TICK, bank.people, dtype=torch.bool)
    cores = roll_out(system.networks.net, bank, clips, fixed(every)).cores
    with torch.no_grad():
        expected = system.networks.net.logits(cores)
    for decided in (ways.cached(system, bank, math.inf), ways.carried(system, bank)):
        torch.testing.assert_close(decided.logits, expected, atol=1e-4, rtol=1e-4)
        assert decided.embedded.tolist() == [1.0, 1.0]


Steps = Callable[[cost.OnePerson], Iterator[cost.Step]]


@pytest.mark.parametrize("way", ["forward", "rescanned", "cached", "carried"])
def test_what_is_timed_decides_as_what_is_scored(
    way: str, system: AttentionSystem, bank: FeatureBank, hidden: Tensor, people: list[PreparedSession]
) -> None:
    window_s = WIDTH / 2
    scored, steps = {
        "forward": (lambda: ways.forward(system, bank, hidden), cost.forward_steps),
        "rescanned": (
            lambda: ways.rescanned(system, bank, hidden, window_s),
            lambda one: cost.rescanned_steps(one, WIDTH),
        ),
        "cached": (lambda: ways.cached(system, bank, window_s), lambda one: cost.cached_steps(one, WIDTH)),
        "carried": (lambda: ways.carried(system, bank), cost.carried_steps),
    }[way]
    decided = scored()
    images = system.images(people)
    for person, prepared in enumerate(people):
        with torch.inference_mode():
            taken = list(steps(cost.OnePerson(system, prepared, images[person, 0])))
        # The scored features are kept in half precision.
        torch.testing.assert_close(
            torch.stack([step.logits for step in taken]), decided.logits[:, person], atol=0.05, rtol=0.02
        )
        embedded = sum(step.embedded for step in taken) / (FRAMES_PER_TICK * len(taken))
        assert embedded == pytest.approx(decided.embedded[person], rel=0.1)


def test_rescanning_costs_more_than_going_forward(system: AttentionSystem, people: list[PreparedSession]) -> None:
    images = system.images(people)[0, 0]

    def one() -> cost.OnePerson:
        return cost.OnePerson(system, people[0], images)

    costs = cost.timed({"forward": cost.forward_steps(one()), "again": cost.rescanned_steps(one(), 20)}, 50)
    assert costs["again"].cpu_median_ms > 2 * costs["forward"].cpu_median_ms > 0
    assert costs["again"].decisions == costs["forward"].decisions == people[0].n_ticks - 1 - 50


def test_each_frame_is_searched_once_before_it_is_embedded(
    system: AttentionSystem, people: list[PreparedSession]
) -> None:
    images = system.images(people)[0, 0]
    frames = FRAMES_PER_TICK * (people[0].n_ticks - 1)

    def searched(steps: Steps) -> list[int]:
        found: list[int] = []
        with torch.inference_mode():
            list(steps(cost.OnePerson(system, people[0], images, found.append)))
        return found

    assert searched(lambda one: cost.cached_steps(one, WIDTH)) == list(range(1, frames + 1))
    forward, again = searched(cost.forward_steps), searched(lambda one: cost.rescanned_steps(one, WIDTH))
    assert len(set(again)) == len(again), "what was embedded again was searched before"
    assert 0 < len(forward) < len(again) < frames


def config(cache: Path, **changes: object) -> EvaluateForwardConfig:
    values = {
        "name": "three ways", "windows_s": (4.0,), "seeds": PEOPLE, "step_seeds": (2201,), "timed_seed": 2201,
        "seconds": SECONDS, "known": ((1, 500),), "cache": cache, "workers": 1,
    }  # fmt: skip
    return EvaluateForwardConfig.model_validate(values | changes)


def test_the_ways_stand_in_one_table(cache: Path) -> None:
    values = evaluate_forward(config(cache), lambda _: None)
    rows = {(row["name"], row["axis"]): row for row in values["rows"]}
    assert {name for name, _ in rows} == {"forward", "re-scan of 4 s", "cached, 4 s", "every frame, state carried"}
    assert rows["cached, 4 s", "mean"]["embedded"] == 1.0
    forward, scanned = rows["forward", "mean"], rows["re-scan of 4 s", "mean"]
    assert forward["embedded"] == forward["different"] < scanned["different"] < scanned["embedded"]
    apart = next(pair for pair in values["paired"] if (pair["b"], pair["axis"]) == ("cached, 4 s", "mean"))
    assert apart["difference"] == pytest.approx(forward["uar"] - rows["cached, 4 s", "mean"]["uar"], abs=2e-4)
    assert forward["cost_with_search"]["cpu_p99_ms"] > forward["cost"]["cpu_p99_ms"]
    for kind, median_ms in (("cost", 12.0), ("cost_with_search", 34.0)):
        forward[kind] |= {"cpu_median_ms": median_ms, "cpu_p99_ms": 2 * median_ms}
    text = table(values)
    assert text.count("| forward − cached, 4 s |") == 3
    assert "| 12.0 / 24.0 | 34.0 / 68.0 |" in next(line for line in text.splitlines() if line.startswith("| forward |"))


def test_people_that_the_bundle_knows_are_refused(cache: Path) -> None:
    for key, value in (("seeds", (7, 2201)), ("step_seeds", (7,)), ("timed_seed", 7)):
        with pytest.raises(ValidationError, match=f"{key}: 7 are among the people 1-500"):
            config(cache, **{key: value})


def test_a_bundle_that_is_missing_is_named(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(MoodringError, match="does not exist"):
        evaluate_forward(config(cache, bundle=tmp_path / "none.safetensors"), lambda _: None)


def test_people_are_prepared_as_the_bundle_reads_them(cache: Path, tmp_path: Path) -> None:
    shipped = load_bundle(bundled("attention"))
    few = ("Fp1", "Fp2", "T7", "T8", "C3", "C4", "O1", "O2")
    inputs = tuple(replace(one, electrodes=few) if isinstance(one, EegInput) else one for one in shipped.spec.inputs)
    network = {**shipped.spec.network, "artifact": "soft"}
    path = tmp_path / "few.safetensors"
    save_bundle(path, replace(shipped.spec, inputs=inputs, network=network), shipped.tensors)
    system = load_system(path)
    prepared = read_prepared(system.prepare(PEOPLE[:1], BENCHMARK, config(cache), lambda _: None)[0])
    assert tuple(prepared.channel_names) == few
    all_of_them = load_system(None)
    clipped = read_prepared(all_of_them.prepare(PEOPLE[:1], BENCHMARK, config(cache), lambda _: None)[0])
    assert len(clipped.channel_names) == 32
    assert clipped.eeg_there.sum() > prepared.eeg_there.sum(), "the soft threshold comes late"


def test_bundles_of_real_people_are_refused(cache: Path, tmp_path: Path) -> None:
    shipped = load_bundle(bundled("attention"))
    path = tmp_path / "deap.safetensors"
    save_bundle(path, replace(shipped.spec, domain=("deap",)), shipped.tensors)
    with pytest.raises(MoodringError, match="is of deap; it is taken apart on simulated people"):
        load_system(path)
