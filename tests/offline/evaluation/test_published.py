"""The pages print what was measured, and say so where nothing is."""

import json
from pathlib import Path
from typing import Any

import pytest

import moodring
from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.evaluate import EvaluateConfig
from moodring.configs.schema.load import load
from moodring.models.io.bundle import load_bundle, models_path
from moodring.offline.evaluation.people.pages import UNMEASURED, blocks, printed
from moodring.offline.simulate.difficulty import BENCHMARK_DIGEST

ROOT = Path(moodring.__file__).parent
README, MEASURED = ROOT / "README.md", ROOT / "docs" / "measured.md"
RESULT = ROOT / "docs" / "evaluation_simulated.json"


@pytest.fixture(scope="module")
def values() -> Any:
    """The committed result; None where the shipped bundle was not evaluated yet."""
    return json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.is_file() else None


def test_the_result_is_of_the_shipped_bundle_and_config(values: Any) -> None:
    if values is None:
        pytest.skip("the shipped bundle was not evaluated yet")
    config = load(ROOT / "configs" / "evaluate_simulated.toml", EvaluateConfig)
    assert values["seeds"] == list(config.seeds)
    assert len(values["groups"]) >= 40
    assert values["difficulty"] == BENCHMARK_DIGEST
    assert values["bundles"] == [load_bundle(models_path("video_eeg", "bundled")).sha256]


@pytest.mark.parametrize("page", [README, MEASURED], ids=lambda path: path.name)
def test_pages_print_the_result_and_nothing_else(values: Any, page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert printed(page.name, text, values) == text


def test_the_page_of_figures_has_a_place_for_every_table() -> None:
    text = MEASURED.read_text(encoding="utf-8")
    assert all(f"<!-- evaluation: {name} -->" in text for name in blocks(None))


@pytest.mark.parametrize("text", ["no places", "<!-- evaluation: poems -->\nx\n<!-- end of evaluation -->"])
def test_a_page_without_places_for_these_tables_is_left_alone(text: str) -> None:
    with pytest.raises(MoodringError, match="needs places"):
        printed("page.md", text, None)


def test_what_stood_in_a_place_is_replaced() -> None:
    text = "a\n<!-- evaluation: looks -->\nold\n\ntables\n<!-- end of evaluation -->\nb"
    assert printed("page.md", text, None) == text.replace("old\n\ntables", UNMEASURED)
