"""The page prints the policies' tables as they were measured, and says of them only what they carry."""

import json
from pathlib import Path
from typing import Any

import pytest

import moodring
from moodring.offline.evaluation.people.policies import BOTH, table

ROOT = Path(moodring.__file__).parent
PAGE = ROOT / "docs" / "measured.md"


@pytest.fixture(scope="module")
def values() -> Any:
    return json.loads((ROOT / "docs" / "evaluation_policies.json").read_text(encoding="utf-8"))


def difference(values: Any, first: str, second: str, axis: str = BOTH) -> Any:
    return next(one for one in values["paired"] if (one["a"], one["b"], one["axis"]) == (first, second, axis))


def test_the_page_has_the_tables_of_the_committed_result(values: Any) -> None:
    text = PAGE.read_text(encoding="utf-8")
    for part in table(values).split("\n\n"):
        assert part in text


def test_the_result_is_of_enough_people_and_trainings(values: Any) -> None:
    assert len(values["groups"]) >= 40
    assert len(values["seeds"]) >= 5


def test_the_page_may_say_that_learned_looks_beat_even_ones(values: Any) -> None:
    for budget in ("0.02", "0.05"):
        assert difference(values, f"hazard-{budget}", f"uniform-{budget}")["low"] > 0.0
