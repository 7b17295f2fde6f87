from dataclasses import replace

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.offline.evaluation.leakage import audit
from moodring.offline.evaluation.splits import (
    BothApart,
    GroupedKFold,
    Items,
    LeaveBlocksOut,
    LeaveOneGroupOut,
    LeavePeopleOut,
    Protocol,
    RandomHoldOut,
    RandomKFold,
)

N_PEOPLE, N_STIMULI, N_WINDOWS = 6, 4, 3


def made() -> Items:
    """Every person saw every stimulus; each trial is a file of three windows."""
    grid = [(p, s, w) for p in range(N_PEOPLE) for s in range(N_STIMULI) for w in range(N_WINDOWS)]
    return Items(
        names=tuple(f"p{p}-s{s}-w{w}" for p, s, w in grid),
        groups={"subject": tuple(f"p{p}" for p, _, _ in grid), "stimulus": tuple(f"s{s}" for _, s, _ in grid)},
        sources=tuple(f"p{p}s{s}.wav" for p, s, _ in grid),
        contents=tuple(f"p{p}s{s}" for p, s, _ in grid),
        timelines=tuple(f"p{p}" for p, _, _ in grid),
        start_s=np.array([s * 10.0 + w for _, s, w in grid]),
        end_s=np.array([s * 10.0 + w + 1 for _, s, w in grid]),
    )


ITEMS = made()
N = len(ITEMS.names)
HONEST: list[tuple[Protocol, int]] = [
    (LeaveOneGroupOut(), N_PEOPLE),
    (LeaveOneGroupOut("stimulus"), N_STIMULI),
    (LeaveBlocksOut("stimulus", 5.0), N_STIMULI),
    (GroupedKFold(folds=3), 3),
    (LeavePeopleOut(("p1", "p4")), 1),
    (BothApart(people_folds=3, stimulus_folds=2), 6),
]


@pytest.mark.parametrize(("protocol", "count"), HONEST)
def test_honest_protocols_pass_their_audit(protocol: Protocol, count: int) -> None:
    splits = list(protocol.splits(ITEMS))
    assert len(splits) == count
    for split in splits:
        assert len(split.train)
        assert len(split.test)
        audit(ITEMS, split, protocol.apart)
    assert "leaky" not in protocol.describe()


@pytest.mark.parametrize("protocol", [LeaveOneGroupOut(), GroupedKFold(folds=4), BothApart(), RandomKFold()])
def test_every_item_is_tested_once(protocol: Protocol) -> None:
    if isinstance(protocol, BothApart):
        protocol = replace(protocol, people_folds=3, stimulus_folds=4)
    tested = np.concatenate([split.test for split in protocol.splits(ITEMS)])
    np.testing.assert_array_equal(np.sort(tested), np.arange(N))


def test_both_apart_keeps_both_apart_and_people_apart_does_not() -> None:
    for split in BothApart(people_folds=3, stimulus_folds=2).splits(ITEMS):
        for name in ("subject", "stimulus"):
            assert not set(ITEMS.group(name)[split.train]) & set(ITEMS.group(name)[split.test])
    split = next(LeaveOneGroupOut().splits(ITEMS))
    with pytest.raises(
        MoodringError, match=r"one stimulus is on both sides \(p1-s0-w0 \[s0\] and p0-s0-w0 \[s0\]; .*1"
    ):
        audit(ITEMS, split, ("subject", "stimulus"))


def test_folds_depend_on_the_seed_alone() -> None:
    first, again = (list(GroupedKFold(folds=3, seed=5).splits(ITEMS)) for _ in range(2))
    other = list(GroupedKFold(folds=3, seed=6).splits(ITEMS))
    assert all(np.array_equal(a.test, b.test) for a, b in zip(first, again, strict=True))
    assert any(not np.array_equal(a.test, b.test) for a, b in zip(first, other, strict=True))


def test_a_random_split_says_that_it_leaks_and_is_caught() -> None:
    protocol = RandomKFold(folds=4)
    assert "leaky" in protocol.describe()
    assert protocol.apart == ()
    with pytest.raises(MoodringError, match="one source file is on both sides"):
        audit(ITEMS, next(protocol.splits(ITEMS)), protocol.apart)


def test_a_random_hold_out_holds_its_share_out_and_says_that_it_leaks() -> None:
    (split,) = RandomHoldOut(0.25, seed=1).splits(ITEMS)
    assert len(split.test) == N // 4
    np.testing.assert_array_equal(np.sort(np.concatenate((split.train, split.test))), np.arange(N))
    assert set(split.test) != set(next(RandomHoldOut(0.25, seed=2).splits(ITEMS)).test)
    assert "leaky" in RandomHoldOut().describe()
    assert RandomHoldOut().apart == ()
    with pytest.raises(MoodringError, match="leaves nothing on one side"):
        next(RandomHoldOut(0.001).splits(ITEMS))


def test_what_cannot_be_split_is_refused() -> None:
    with pytest.raises(MoodringError, match="no group 'prompt', declared are subject, stimulus"):
        next(LeaveOneGroupOut("prompt").splits(ITEMS))
    with pytest.raises(MoodringError, match="7 folds need"):
        next(GroupedKFold(folds=7).splits(ITEMS))
    with pytest.raises(MoodringError, match="1 folds need at least 2"):
        next(GroupedKFold(folds=1).splits(ITEMS))
    with pytest.raises(MoodringError, match="'p9' is to be left out but is not among p0, p1"):
        next(LeavePeopleOut(("p9",)).splits(ITEMS))
    with pytest.raises(MoodringError, match="none is left to train on"):
        next(LeavePeopleOut(tuple(f"p{i}" for i in range(N_PEOPLE))).splits(ITEMS))
    with pytest.raises(MoodringError, match="sources has 1 entries for 72 items"):
        replace(ITEMS, sources=("a",))
