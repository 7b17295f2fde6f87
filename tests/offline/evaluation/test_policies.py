"""Policies of looks compared over trainings."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.evaluate import EvaluatePoliciesConfig
from moodring.models.io.bundle import bundled, load_bundle, save_bundle
from moodring.offline.evaluation.people.policies import evaluate_policies, table

PEOPLE = (2201, 2202)


def quiet(_: str) -> None:
    """Take a report and say nothing."""


def config(folder: Path, **changes: object) -> EvaluatePoliciesConfig:
    values = {
        "name": "two", "folder": folder, "systems": ("hazard", "every"), "trainings": (0,), "seeds": PEOPLE,
        "seconds": 40.0, "paired": (("hazard", "every"),), "known": ((1, 500),), "cache": folder, "workers": 1,
    }  # fmt: skip
    return EvaluatePoliciesConfig.model_validate(values | changes)


def test_systems_are_compared_person_by_person(tmp_path: Path) -> None:
    shutil.copyfile(bundled("attention"), tmp_path / "hazard-0.safetensors")
    shipped = load_bundle(bundled("attention"))
    network = {**shipped.spec.network, "policy": "every", "budget": 1.0}
    save_bundle(tmp_path / "every-0.safetensors", replace(shipped.spec, network=network), shipped.tensors)
    values = evaluate_policies(config(tmp_path), quiet)
    rows = {(row["name"], row["axis"]): row for row in values["rows"]}
    assert rows["every", "mean"]["looked"] == 1.0
    assert rows["hazard", "mean"]["looked"] < 0.2
    assert rows["every", "mean"]["hits"] == rows["every", "mean"]["base"] < rows["hazard", "mean"]["hits"]
    assert rows["hazard", "mean"]["wait_sd"] > rows["every", "mean"]["wait_sd"] == 0.0
    # Without a face there are no looks, so that both are the same model on the same EEG.
    assert rows["hazard without face", "valence"]["uar"] == rows["every without face", "valence"]["uar"]
    one = next(pair for pair in values["paired"] if (pair["b"], pair["axis"]) == ("every", "valence"))
    apart = rows["hazard", "valence"]["uar"] - rows["every", "valence"]["uar"]
    assert one["difference"] == pytest.approx(apart, abs=2e-4)
    assert values["groups"] == [str(seed) for seed in PEOPLE]
    assert "| hazard − every | arousal |" in table(values)
    assert values["wall_s"] > 0.0


def test_the_observer_stands_beside_the_systems(tmp_path: Path) -> None:
    shutil.copyfile(bundled("attention"), tmp_path / "hazard-0.safetensors")
    asked = config(tmp_path, systems=("hazard",), paired=(("hazard", "observer"),), observer_people=(4201, 4204))
    values = evaluate_policies(asked, quiet)
    rows = {(row["name"], row["axis"]): row for row in values["rows"]}
    pair = next(one for one in values["paired"] if (one["a"], one["b"], one["axis"]) == ("hazard", "observer", "mean"))
    apart = rows["hazard", "mean"]["uar"] - rows["observer", "mean"]["uar"]
    assert pair["difference"] == pytest.approx(apart, abs=2e-4)
    assert ("observer", "observer without face") in {(one["a"], one["b"]) for one in values["paired"]}
    assert "| observer |" in table(values)


def test_people_that_the_bundles_know_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="are among the people 1-500"):
        config(tmp_path, seeds=(7, 2201))
    with pytest.raises(ValidationError, match="uniform is no system"):
        config(tmp_path, paired=(("hazard", "uniform"),))


def test_a_bundle_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(MoodringError, match=r"lacks \d of \d bundles \(hazard-0\.safetensors"):
        evaluate_policies(config(tmp_path), quiet)


def test_bundles_of_real_people_are_refused(tmp_path: Path) -> None:
    shipped = load_bundle(bundled("attention"))
    tensors = {name: torch.clone(tensor) for name, tensor in shipped.tensors.items()}
    save_bundle(tmp_path / "hazard-0.safetensors", replace(shipped.spec, domain=("deap",)), tensors)
    with pytest.raises(MoodringError, match="is of deap; policies are compared on simulated people"):
        evaluate_policies(config(tmp_path, systems=("hazard",), paired=()), quiet)
