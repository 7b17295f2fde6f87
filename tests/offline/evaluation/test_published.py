"""The pages print what was measured: README, card and measured.md against the committed result of the evaluation."""

import json
from pathlib import Path
from typing import Any

import pytest

import moodring
from moodring.configs.schema.evaluate import EvaluateConfig
from moodring.configs.schema.load import load
from moodring.models.io.bundle import load_bundle, models_path
from moodring.offline.evaluation.simulated_table import (
    detail_table,
    looks_table,
    paired_table,
    risk_table,
    uar_table,
)
from moodring.offline.simulate.difficulty import BENCHMARK_DIGEST

ROOT = Path(moodring.__file__).parent
README, CARD, MEASURED = ROOT / "README.md", ROOT / "models/bundles/video_eeg.md", ROOT / "docs/measured.md"


@pytest.fixture(scope="module")
def values() -> Any:
    return json.loads((ROOT / "docs" / "evaluation_simulated.json").read_text(encoding="utf-8"))


def test_the_result_is_of_the_shipped_bundle_and_config(values: Any) -> None:
    config = load(ROOT / "configs" / "evaluate_simulated.toml", EvaluateConfig)
    assert values["seeds"] == list(config.seeds)
    assert len(values["groups"]) >= 40
    assert values["difficulty"] == BENCHMARK_DIGEST
    assert values["bundles"] == [load_bundle(models_path("video_eeg", "bundled"), "video_eeg").sha256]


@pytest.mark.parametrize("page", [README, CARD, MEASURED], ids=lambda path: path.name)
def test_pages_print_the_result(values: Any, page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert uar_table(values, "decision") in text
    assert paired_table(values, "decision") in text
    looks = values["looks"][0]
    assert f"{looks['wait_mean']:.2f} ± {looks['wait_sd']:.2f}" in text
    assert f"{looks['on_expression']:.1%}" in text
    assert f"{looks['expression_base_rate']:.1%}" in text
    if page != README:
        assert uar_table(values, "stimulus") in text
        assert paired_table(values, "stimulus") in text
        assert looks_table(values) in text
    if page == MEASURED:
        assert detail_table(values) in text
        assert risk_table(values) in text


def test_a_policy_that_waits_alike_whatever_it_sees_is_called_that(values: Any) -> None:
    """Waits that hardly differ, or looks that meet expressions no more often than chance, are no choice."""
    looks = values["looks"][0]
    chooses = looks["wait_sd"] > 1.0 and looks["on_expression"] > 1.5 * looks["expression_base_rate"]
    for page in (README, CARD, MEASURED):
        text = page.read_text(encoding="utf-8")
        assert ("whatever it sees" in text) != chooses
        if not chooses:
            assert "worth it" not in text
            assert "model chose" not in text
