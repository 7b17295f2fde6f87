"""The audit on planted leaks: each is found in the data itself, and the error names the pairs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.offline.datasets.base import Trial
from moodring.offline.evaluation.leakage import LeakageGuard, Part, audit, audit_parts, digest
from moodring.offline.evaluation.splits import Items, LeaveOneGroupOut, Split

from .test_splits import ITEMS, N_WINDOWS, N

ROWS = np.random.default_rng(2).standard_normal((N, 5)).astype(np.float32)


def split_of(train: list[int], test: list[int]) -> Split:
    return Split("by hand", np.array(train), np.array(test))


def test_the_same_item_on_both_sides_is_caught() -> None:
    with pytest.raises(MoodringError, match=r"'by hand': the same item .*p0-s0-w1 and p0-s0-w1"):
        audit(ITEMS, split_of([0, 1], [1, 2]), ())


def test_overlapping_windows_are_caught_across_files() -> None:
    start_s = ITEMS.start_s.copy()
    start_s[N_WINDOWS] = ITEMS.end_s[N_WINDOWS - 1] - 0.1
    items = replace(ITEMS, start_s=start_s)
    split = split_of([0, 1, 2], [3, 4])
    audit(ITEMS, split, ())
    with pytest.raises(MoodringError, match=r"windows overlap in time \(p0-s0-w2 and p0-s1-w0\)"):
        audit(items, split, (), one_source_both_sides=True)


def test_windows_that_only_touch_do_not_overlap() -> None:
    audit(ITEMS, split_of([0], [1]), (), one_source_both_sides=True)
    with pytest.raises(MoodringError, match="one source file"):
        audit(ITEMS, split_of([0], [1]), ())


def test_one_recording_under_two_names_and_speakers_is_caught_by_its_content(tmp_path: Path) -> None:
    for name, content in (("a", b"one"), ("b", b"two"), ("c", b"one")):
        (tmp_path / f"{name}.wav").write_bytes(content)
    trials = [Trial(name, f"p{name}", file=tmp_path / f"{name}.wav") for name in "abc"]
    items = Items.of(trials)
    audit(items, split_of([0], [1]), ("subject",))
    with pytest.raises(MoodringError, match=r"one recording under two names is on both sides \(a and c\)"):
        audit(items, split_of([0, 1], [2]), ("subject",))


@pytest.mark.parametrize("what", ["normaliser", "feature selection", "early stopping", "temperature"])
def test_rows_of_test_items_are_caught_whatever_is_fitted_on_them(what: str) -> None:
    split = next(LeaveOneGroupOut().splits(ITEMS))
    copies = 2.0 * ROWS
    guard = LeakageGuard(ITEMS, split, ("subject",), (ROWS, copies))
    guard.check(what, ROWS[split.train], copies[split.train])
    with pytest.raises(MoodringError, match=rf"the {what} is fitted on test items .*{what} and p0-s0-w0.* \d+ more"):
        guard.check(what, ROWS)
    # Nobody says which rows they are: one changed copy of a test item among others is enough.
    planted = np.concatenate([ROWS[split.train], copies[split.test[3:4]]])
    with pytest.raises(MoodringError, match=rf"fitted on test items \({what} and {ITEMS.names[split.test[3]]}\)"):
        guard.check(what, planted)


def test_a_guard_audits_its_split_first() -> None:
    with pytest.raises(MoodringError, match="the same item is on both sides"):
        LeakageGuard(ITEMS, split_of([0, 1], [1]), (), (ROWS,))


def test_people_and_data_in_two_parts_are_caught() -> None:
    def part(person: int, data: int) -> Part:
        return Part(f"person {person}", str(person), digest(ROWS[data]))

    parts = {"training": [part(1, 1), part(1, 2), part(2, 3)], "temperature": [part(3, 4)], "test": [part(4, 5)]}
    audit_parts("speech", parts)
    with pytest.raises(
        MoodringError, match=r"one person is in two parts \(person 2 \[training\] and person 2 \[test\]"
    ):
        audit_parts("speech", parts | {"test": [part(2, 5)]})
    with pytest.raises(
        MoodringError, match=r"'speech': the same data is in two parts \(person 3 \[temp.*person 4 \[test"
    ):
        audit_parts("speech", parts | {"test": [part(4, 4)]})
