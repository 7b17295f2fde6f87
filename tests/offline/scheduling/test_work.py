"""Parts computed here, one by one and in processes: kept as they end, equal, and named where they fail."""

from pathlib import Path

import numpy as np
import pytest
from scheduled_parts import Arrays, killed_once, refused, total

from moodring.configs.schema.errors import MoodringError
from moodring.offline.scheduling.processes import Processes
from moodring.offline.scheduling.work import Scheduler, Serial, Work, finished

DATA = np.random.default_rng(0).normal(size=(400, 1000))


def _parts(folder: Path, count: int = 5) -> list[Work]:
    return [Work(f"fold {k}", folder / f"{k}.npy", total, DATA, (0.1 * k,)) for k in range(count)]


@pytest.mark.parametrize("scheduler", [Serial(), Processes(2)])
def test_results_are_those_of_the_parts_in_order(tmp_path: Path, scheduler: Scheduler) -> None:
    parts = _parts(tmp_path)
    found = finished(parts, Arrays(), scheduler, lambda _: None)
    for one, part in zip(found, parts, strict=True):
        np.testing.assert_array_equal(one, part.result())


@pytest.mark.parametrize("scheduler", [Serial(), Processes(2)])
def test_what_was_kept_is_not_computed_again(tmp_path: Path, scheduler: Scheduler) -> None:
    first = finished(_parts(tmp_path), Arrays(), scheduler, lambda _: None)
    (tmp_path / "3.npy").unlink()
    told: list[str] = []
    failing = [Work(one.name, one.path, refused, DATA, ("need",)) for one in _parts(tmp_path)]
    failing[3] = _parts(tmp_path)[3]
    again = finished(failing, Arrays(), scheduler, told.append)
    np.testing.assert_array_equal(again, first)
    assert told[0] == "4 of 5 parts were kept"
    assert told[1].startswith("fold 3 (")
    assert len(told) == 2


@pytest.mark.parametrize("scheduler", [Serial(), Processes(2)])
def test_a_part_that_fails_is_named_with_its_log_and_the_rest_is_kept(tmp_path: Path, scheduler: Scheduler) -> None:
    parts = _parts(tmp_path)
    parts[1] = Work("fold 1", tmp_path / "1.npy", refused, DATA, ("data",))
    with pytest.raises(MoodringError, match=r"1 of 5 parts failed: fold 1 \(ValueError: no data; log: .*1\.log\)"):
        finished(parts, Arrays(), scheduler, lambda _: None)
    assert "raise ValueError" in (tmp_path / "1.log").read_text()
    assert sorted(one.name for one in tmp_path.glob("*.npy")) == ["0.npy", "2.npy", "3.npy", "4.npy"]


def test_a_killed_process_costs_no_part(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    parts = [Work(f"{k}", tmp_path / f"{k}.npy", killed_once, DATA, (float(k), mark)) for k in range(6)]
    told: list[str] = []
    found = finished(parts, Arrays(), Processes(2), told.append)
    for one, part in zip(found, parts, strict=True):
        np.testing.assert_array_equal(one, total(DATA, part.arguments[0]))
    assert any("a process was killed" in one for one in told)


def test_time_left_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    finished(_parts(tmp_path, 3), Arrays(), Serial(), told.append)
    assert "; 2 left, about" in told[0]
    assert "left" not in told[2]
