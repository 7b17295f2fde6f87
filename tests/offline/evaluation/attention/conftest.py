"""Two simulated people as the shipped attention bundle reads them."""

from pathlib import Path

import pytest
from torch import Tensor

from moodring.offline.evaluation.attention.system import AttentionSystem, load_system
from moodring.offline.simulate.difficulty import BENCHMARK
from moodring.offline.training.attention.feature_bank import FeatureBank
from moodring.offline.training.attention.prepare import PreparedSession, prepare_people, read_prepared

PEOPLE = (2201, 2202)
SECONDS = 40.0


@pytest.fixture(scope="package")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("people")


@pytest.fixture(scope="package")
def system() -> AttentionSystem:
    return load_system(None)


@pytest.fixture(scope="package")
def paths(cache: Path) -> list[Path]:
    return prepare_people(PEOPLE, SECONDS, BENCHMARK, cache, 1, lambda _: None)


@pytest.fixture(scope="package")
def people(paths: list[Path]) -> list[PreparedSession]:
    return [read_prepared(path) for path in paths]


@pytest.fixture(scope="package")
def bank(system: AttentionSystem, paths: list[Path], people: list[PreparedSession]) -> FeatureBank:
    return system.features(paths, system.images(people))


@pytest.fixture(scope="package")
def hidden(system: AttentionSystem, bank: FeatureBank) -> Tensor | None:
    return system.periphery(bank)
