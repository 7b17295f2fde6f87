"""Reference figures: measured on people apart, and the committed ones belong to the frozen benchmark."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.offline.simulate import EASY
from moodring.offline.simulate.baselines import FINAL_SEEDS, baseline_figures, figures_table
from moodring.offline.simulate.difficulty import BENCHMARK_DIGEST

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_a_small_run_beats_chance_on_easy_people() -> None:
    figures = baseline_figures(EASY, tuple(range(101, 107)), (201, 202), 90.0)
    assert figures.majority.valence == pytest.approx(1.0 / 3.0)
    assert figures.eeg_window.valence > 0.45
    assert figures.eeg_window.arousal > 0.45
    assert "| majority | 0.33 | 0.333 | 0.333 |" in figures_table(figures)
    json.dumps(asdict(figures))


@pytest.mark.parametrize(("train", "test"), [((101, 102), (102,)), ((101,), FINAL_SEEDS[:1])])
def test_people_on_both_sides_or_of_the_final_test_are_refused(train: tuple[int, ...], test: tuple[int, ...]) -> None:
    with pytest.raises(MoodringError, match="Expected people apart"):
        baseline_figures(EASY, train, test, 60.0)


def test_the_committed_figures_are_of_the_frozen_benchmark_and_in_its_bounds() -> None:
    figures = json.loads((DOCS / "benchmark.json").read_text(encoding="utf-8"))
    assert figures["digest"] == BENCHMARK_DIGEST
    assert not set(figures["train_seeds"]) & set(figures["test_seeds"])
    for axis in ("valence", "arousal"):
        assert 0.45 <= figures["eeg_window"][axis] <= 0.60
        assert 0.50 <= figures["strongest_frame"][axis] <= 0.70
        assert figures["random_frame"][axis] <= 0.42
        assert f"{figures['eeg_window'][axis]:.3f}" in (DOCS / "benchmark.md").read_text(encoding="utf-8")
