"""Feeds of several engines at once, which come and go."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from .channel import EngineClient
from .run_dir import EngineCard, running
from .snapshot import Snapshot
from .snapshot_feed import SnapshotFeed, SnapshotSource

_EVERY_S = 0.25
_LOOK_FOR_ENGINES_S = 1.0
_MOST_GONE = 32


@dataclass(frozen=True)
class Followed:
    """An engine as a screen of several has it.

    Attributes
    ----------
    key : str
        Differs between any two engines.
    name : str
    snapshot : Snapshot or None
        The newest, of an engine that is gone too; None until the first.
    silent_s : float
        How long nothing has come.
    why : str
        Why nothing comes, where that is known.
    """

    key: str
    name: str
    snapshot: Snapshot | None
    silent_s: float
    why: str

    @property
    def ended(self) -> bool:
        """Whether its session is over."""
        return self.snapshot is not None and self.snapshot.phase == "ended"

    @property
    def gone(self) -> bool:
        """Whether it does not answer, and did not say that its session is over."""
        return self.silent_s > 1.0 and not self.ended


class FollowedEngines(Protocol):
    """Protocol of the engines that a screen of several shows."""

    def look(self) -> tuple[Followed, ...]:
        """Return every engine with the newest of it, the one that started first at the front."""
        ...

    def close(self) -> None:
        """Disconnect from all."""
        ...


@dataclass(frozen=True)
class _Feed:
    """One engine and its feed; None once the engine is gone."""

    card: EngineCard
    feed: SnapshotSource | None
    last: Followed
    heard_s: float


def _follow(card: EngineCard) -> SnapshotSource:
    return SnapshotFeed(card.name, every_s=_EVERY_S, find=lambda _name: EngineClient(card))


class EngineFeeds:
    """Follows every running engine that is wanted; one that has gone stays until another of its name comes.

    Parameters
    ----------
    wanted : callable
        Whether to follow the engine of a card.
    cards : callable
        Returns the cards of the engines that run.
    follow : callable
        Returns the feed of an engine.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        wanted: Callable[[EngineCard], bool] = lambda _: True,
        cards: Callable[[], Sequence[EngineCard]] = running,
        follow: Callable[[EngineCard], SnapshotSource] = _follow,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wanted, self._cards, self._follow, self._clock = wanted, cards, follow, clock
        self._feeds: dict[str, _Feed] = {}
        self._next_s = clock()

    def look(self) -> tuple[Followed, ...]:
        """Return every engine with the newest of it, the one that started first at the front."""
        now_s = self._clock()
        if now_s >= self._next_s:
            self._next_s = now_s + _LOOK_FOR_ENGINES_S
            self._refresh(now_s)
        self._feeds = {key: _newest(one, now_s) for key, one in self._feeds.items()}
        return tuple(one.last for one in sorted(self._feeds.values(), key=lambda one: one.card.started_s))

    def close(self) -> None:
        """Disconnect from all."""
        for one in self._feeds.values():
            if one.feed is not None:
                one.feed.close()
        self._feeds = {}

    def _refresh(self, now_s: float) -> None:
        """Follow the engines that have come, and let go of those that are gone."""
        there = {_key(card): card for card in self._cards() if self._wanted(card)}
        for key, one in self._feeds.items():
            if key not in there and one.feed is not None:
                newest = _newest(one, now_s)
                one.feed.close()
                self._feeds[key] = replace(newest, feed=None)
        names = {card.name for card in there.values()}
        gone = [key for key, one in self._feeds.items() if one.feed is None]
        outdated = [key for key in gone if self._feeds[key].card.name in names]
        for key in outdated + [key for key in gone if key not in outdated][:-_MOST_GONE]:
            del self._feeds[key]
        for key, card in there.items():
            if key not in self._feeds:
                last = Followed(key, card.name, None, 0.0, "")
                self._feeds[key] = _Feed(card, self._follow(card), last, now_s)


def _key(card: EngineCard) -> str:
    return f"{card.pid}-{card.started_s:.2f}"


def _newest(one: _Feed, now_s: float) -> _Feed:
    snapshot = None if one.feed is None else one.feed.snapshot()
    if snapshot is not None:
        return replace(one, heard_s=now_s, last=replace(one.last, snapshot=snapshot, silent_s=0.0, why=""))
    why = "its process has ended" if one.feed is None else one.feed.why_silent()
    return replace(one, last=replace(one.last, silent_s=now_s - one.heard_s, why=why))
