"""What a decision costs in each way: the real networks on one person, frame by frame, on one thread."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....models.networks.attention import FRAME_HZ, FRAMES_PER_TICK, LONGEST_ELAPSED_S, State, Ticks, pooled
from ....models.networks.look_policy import LONGEST_WAIT_FRAMES
from ....models.signals.face.images import thumbnail
from ...training.attention.prepare import PreparedSession
from .system import AttentionSystem

_WARM_UP = 4
_LONG_AGO = 10_000


@dataclass(frozen=True)
class Step:
    """One decision: its logits ``(2, 3)`` and how many faces were embedded for it."""

    logits: Tensor
    embedded: int


@dataclass(frozen=True)
class Cost:
    """Time of decisions by the clock, and of the processor alone, which other work on the machine changes less."""

    median_ms: float
    p99_ms: float
    cpu_median_ms: float
    cpu_p99_ms: float
    decisions: int


class OnePerson:
    """What arrives of one person, and the networks that read it one frame and one tick at a time.

    Parameters
    ----------
    system : AttentionSystem
        With the hazard policy.
    person : PreparedSession
    images : (ticks, 3, size, size)
        Scalp images.
    search : callable or None
        Searches a frame for the face, once before it is embedded for the first time; None leaves the search out.
    """

    def __init__(
        self,
        system: AttentionSystem,
        person: PreparedSession,
        images: NDArray[np.float16],
        search: Callable[[int], object] | None = None,
    ) -> None:
        self.net, self.hazard = system.networks.net, system.networks.hazard
        self.ticks = person.n_ticks
        self.there = person.face_there
        self._eeg_there = person.eeg_there
        self._crops = torch.from_numpy(person.crops)
        self._thumbnails = torch.from_numpy(np.stack([thumbnail(crop) for crop in person.crops]))
        self._theta = torch.from_numpy(person.theta)
        self._images = torch.from_numpy(images).float()
        self._watching = self.hazard.start(1)
        self._search, self._searched = search, set[int]()

    def watch(self, frame: int) -> Tensor:
        """Feed the periphery with a frame and return its hidden state."""
        there = torch.tensor([float(self.there[frame])])
        self._watching = self.hazard.watch(
            self._watching, self._thumbnails[frame][None], there, self._theta[frame][None]
        )
        return self._watching.hidden

    def embed(self, frame: int) -> tuple[Tensor, Tensor]:
        """Return the features of a face, ``(1, face_features)``, and its logit of an expression, ``(1,)``."""
        if self._search is not None and frame not in self._searched:
            self._search(frame)
            self._searched.add(frame)
        face = self.net.face_net(self._crops[frame][None])
        return face, self.net.face_net.expressed(face)[:, 0]

    def bands(self, tick: int) -> Tensor:
        """Return the features of a tick's scalp images, ``(1, 3, band_features)``."""
        return self.net.band_net(self._images[tick][None])  # type: ignore[no-any-return]

    def inputs(self, tick: int, faces: Sequence[tuple[Tensor, Tensor]], since: int, bands: Tensor) -> Ticks:
        """Return the core's input of one tick."""
        empty = self.net.heads.weight.new_zeros(0, 1, self.net.sizes.face_features)
        features = torch.stack([face for face, _ in faces]) if faces else empty
        presence = torch.stack([logit for _, logit in faces]) if faces else empty[..., 0]
        face, seen = pooled(features, presence, torch.ones(len(faces), 1, dtype=torch.bool))
        return Ticks(
            face[None], torch.tensor([[float(len(faces))]]), seen[None],
            torch.tensor([[min(since / FRAME_HZ, LONGEST_ELAPSED_S)]]), bands[None],
            torch.tensor([[float(self._eeg_there[tick])]]), torch.tensor([[-1.0]]),
        )  # fmt: skip

    def looks(self, hidden: Tensor, core: Tensor, waited: int) -> bool:
        """Return whether the policy looks at a frame."""
        since = torch.tensor([waited])
        return bool(self.hazard.looks(self.hazard.advantage(hidden, core, since), since)[0])


@dataclass
class _Carried:
    """What goes on from tick to tick."""

    state: State
    core: Tensor
    waited: int = LONGEST_WAIT_FRAMES
    since: int = _LONG_AGO

    @classmethod
    def empty(cls, one: OnePerson) -> "_Carried":
        state = one.net.start(1)
        return cls(state, state.core[0])

    def tick(self, one: OnePerson, tick: int, hidden: Sequence[Tensor], bands: Tensor) -> int:
        """Choose among a tick's frames, embed those and run the core; return how many were embedded."""
        faces = []
        for frame, seen in zip(frames_of(tick), hidden, strict=True):
            look = one.looks(seen, self.core, self.waited)
            self.waited = 1 if look else self.waited + 1
            found = look and bool(one.there[frame])
            self.since = 0 if found else self.since + 1
            faces += [one.embed(frame)] if found else []
        self.state, cores, _ = one.net.run(self.state, one.inputs(tick, faces, self.since, bands))
        self.core = cores[0]
        return len(faces)


def frames_of(tick: int) -> range:
    """Return the frames that belong to a tick: those since the tick before, up to the tick."""
    return range((tick - 1) * FRAMES_PER_TICK + 1, tick * FRAMES_PER_TICK + 1)


def forward_steps(one: OnePerson) -> Iterator[Step]:
    """Decide as the frames arrive, from the second tick on."""
    one.watch(0)
    carried = _Carried.empty(one)
    for tick in range(1, one.ticks):
        embedded = carried.tick(one, tick, [one.watch(frame) for frame in frames_of(tick)], one.bands(tick))
        yield Step(one.net.logits(carried.core)[0], embedded)


def rescanned_steps(one: OnePerson, width: int) -> Iterator[Step]:
    """Decide by decoding the last ``width`` ticks anew; what the periphery and the EEG gave is kept."""
    one.watch(0)
    kept: deque[tuple[int, list[Tensor], Tensor]] = deque(maxlen=width)
    for tick in range(1, one.ticks):
        kept.append((tick, [one.watch(frame) for frame in frames_of(tick)], one.bands(tick)))
        carried = _Carried.empty(one)
        embedded = sum(carried.tick(one, *row) for row in kept)
        yield Step(one.net.logits(carried.core)[0], embedded)


def cached_steps(one: OnePerson, width: int) -> Iterator[Step]:
    """Decide by running the core over the last ``width`` ticks of kept embeddings of every frame."""
    kept: deque[tuple[int, list[tuple[int, tuple[Tensor, Tensor]]], Tensor]] = deque(maxlen=width)
    for tick in range(1, one.ticks):
        faces = [(frame, one.embed(frame)) for frame in frames_of(tick) if one.there[frame]]
        kept.append((tick, faces, one.bands(tick)))
        since, rows = _LONG_AGO, list[Ticks]()
        for at, found, bands in kept:
            since = frames_of(at)[-1] - found[-1][0] if found else since + FRAMES_PER_TICK
            rows.append(one.inputs(at, [face for _, face in found], since, bands))
        _, cores, _ = one.net.run(one.net.start(1), _after_each_other(rows))
        yield Step(one.net.logits(cores[-1])[0], len(faces))


def carried_steps(one: OnePerson) -> Iterator[Step]:
    """Decide forward with a look at every frame."""
    state, since = one.net.start(1), _LONG_AGO
    for tick in range(1, one.ticks):
        faces = {frame: one.embed(frame) for frame in frames_of(tick) if one.there[frame]}
        since = frames_of(tick)[-1] - max(faces) if faces else since + FRAMES_PER_TICK
        state, cores, _ = one.net.run(state, one.inputs(tick, list(faces.values()), since, one.bands(tick)))
        yield Step(one.net.logits(cores[0])[0], len(faces))


def timed(ways: Mapping[str, Iterator[Step]], first: int) -> dict[str, Cost]:
    """Measure several ways to decide, in turns, on one thread.

    Parameters
    ----------
    ways : mapping of str to iterator
        Equally many decisions in each.
    first : int
        Decisions that do not count, at least four to warm up.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    took = {name: list[tuple[float, float]]() for name in ways}
    try:
        with torch.inference_mode():
            over = False
            while not over:
                for name, steps in ways.items():
                    clock_s, processor_s = time.perf_counter(), time.thread_time()
                    over = next(steps, None) is None
                    if not over:
                        took[name].append((time.perf_counter() - clock_s, time.thread_time() - processor_s))
    finally:
        torch.set_num_threads(threads)
    return {name: _cost(1000.0 * np.array(times)[max(first, _WARM_UP) :]) for name, times in took.items()}


def _cost(times_ms: NDArray[np.float64]) -> Cost:
    (clock, processor), (clock_99, processor_99) = np.percentile(times_ms, (50, 99), axis=0).tolist()
    return Cost(clock, clock_99, processor, processor_99, len(times_ms))


def _after_each_other(rows: Sequence[Ticks]) -> Ticks:
    return Ticks(*(torch.cat(values) for values in zip(*(vars(row).values() for row in rows), strict=True)))
