"""Track the participant's face among all faces found; pure, with explicit state.

Faces of one moment are matched to those of the moment before by overlap and size (as in Bochinski, Eiselein and Sikora
2017, High-speed tracking-by-detection without using image information, https://doi.org/10.1109/AVSS.2017.8078516).
The participant is the largest and most constant of the tracks; nothing is known of who a face belongs to, so a face
that comes back after an absence counts as another person.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ...contract import FaceBox, FaceState

Region = tuple[float, float, float, float]


@dataclass(frozen=True)
class TrackingRules:
    """Rules of tracking.

    Attributes
    ----------
    region : (x, y, width, height) or None
        Part of the frame, in fractions of its sides, that holds the centre of the participant's face; faces elsewhere
        count for nothing. None is the whole frame.
    smallest_px : float
        Longer side of the smallest face that is used, in pixels of the frame.
    least_overlap : float
        Intersection over union from which on two boxes are one face.
    farthest : float
        A face that is alone, and was, may have moved by so many of its own sides.
    largest_growth : float
        Most by which the sides of one face may grow or shrink between two moments.
    hold_s : float
        For so long a track waits for its face.
    watch_s : float
        For so long several faces are watched before one of them is chosen.
    lead : float
        How many times as large and constant as the next the chosen one must be.
    takeover_s : float
        A face that is larger by the lead for so long takes the place of the tracked one.
    """

    region: Region | None = None
    smallest_px: float = 20.0
    least_overlap: float = 0.2
    farthest: float = 1.0
    largest_growth: float = 1.6
    hold_s: float = 3.0
    watch_s: float = 1.0
    lead: float = 1.5
    takeover_s: float = 5.0


@dataclass(frozen=True)
class Track:
    """One face over time: its last box, mean area in pixels, when first and last seen, moments seen and not seen."""

    box: FaceBox
    area: float
    first_s: float
    last_s: float
    seen: int = 1
    missed: int = 0

    @property
    def weight(self) -> float:
        """Mean area times the share of the moments at which it was seen."""
        return self.area * self.seen / (self.seen + self.missed)


@dataclass(frozen=True)
class TrackerState:
    """State between two moments.

    Attributes
    ----------
    own : Track or None
        The participant's.
    others : tuple of Track
    person : int
        How many participants were chosen so far.
    """

    own: Track | None = None
    others: tuple[Track, ...] = ()
    person: int = 0


@dataclass(frozen=True)
class Sighting:
    """What one moment shows.

    Attributes
    ----------
    state : FaceState
    box : FaceBox or None
        The participant's face; None unless the state is "tracked" or "changed".
    faces : int
        Faces found in the region.
    person : int or None
        The number of the participant, from 1; None until one is chosen.
    """

    state: FaceState
    box: FaceBox | None
    faces: int
    person: int | None


def track(
    state: TrackerState,
    faces: Sequence[FaceBox],
    time_s: float,
    frame_size: tuple[int, int],
    rules: TrackingRules,
) -> tuple[Sighting, TrackerState]:
    """Process the faces of one moment.

    Parameters
    ----------
    state : TrackerState
    faces : sequence of FaceBox
        All that were found in the frame.
    time_s : float
        Later than the moment before; moments need not be evenly spaced.
    frame_size : (height, width)
        In pixels.
    rules : TrackingRules

    Returns
    -------
    sighting : Sighting
    state : TrackerState
    """
    there = tuple(face for face in faces if _inside(face, frame_size, rules.region))
    alive = tuple(one for one in (state.own, *state.others) if one is not None and time_s - one.last_s <= rules.hold_s)
    own = state.own if state.own in alive else None
    pairs = matched(alive, there, rules)
    moved = {one: seen(one, pairs[one], time_s) if one in pairs else missed(one) for one in alive}
    new = tuple(Track(face, _area(face), time_s, time_s) for face in there if face not in pairs.values())
    others = (*(moved[one] for one in alive if one is not own), *new)
    after = TrackerState(None if own is None else moved[own], others, state.person)
    chosen = _choice(others, time_s, rules) if after.own is None else _rival(after.own, others, time_s, rules)
    if chosen is not None:
        rest = tuple(one for one in (after.own, *others) if one is not None and one is not chosen)
        after = TrackerState(chosen, rest, state.person + 1)
    return _sighting(after, state.person, there, time_s, rules), after


def _sighting(
    after: TrackerState, person_before: int, there: Sequence[FaceBox], time_s: float, rules: TrackingRules
) -> Sighting:
    person = after.person or None
    large = [face for face in there if _side(face) >= rules.smallest_px]
    if after.own is not None and after.own.last_s == time_s:
        if after.own.box not in large:
            return Sighting("too_small", None, len(there), person)
        changed = after.person > max(person_before, 1)
        return Sighting("changed" if changed else "tracked", after.own.box, len(there), person)
    if there and not large:
        return Sighting("too_small", None, len(there), person)
    several = after.own is None and there
    return Sighting("several" if several else "none", None, len(there), person)


def _choice(others: Iterable[Track], time_s: float, rules: TrackingRules) -> Track | None:
    """Return the track to follow where none is followed; None where there is none, or it is not clear which."""
    ranked = sorted((one for one in others if _side(one.box) >= rules.smallest_px), key=lambda one: -one.weight)
    seen = [one for one in ranked if one.last_s == time_s]
    if not seen:
        return None
    best, rivals = seen[0], [one for one in ranked if one is not seen[0]]
    if not rivals:
        return best
    watched = time_s - best.first_s >= rules.watch_s
    return best if watched and best.weight >= rules.lead * max(one.weight for one in rivals) else None


def _rival(own: Track, others: Iterable[Track], time_s: float, rules: TrackingRules) -> Track | None:
    """Return the track that is so much larger than the followed one, for so long, that it takes its place."""
    larger = [
        one
        for one in others
        if one.last_s == time_s
        and time_s - one.first_s >= rules.takeover_s
        and one.weight >= rules.lead * own.weight
        and _side(one.box) >= rules.smallest_px
    ]
    return max(larger, key=lambda one: one.weight, default=None)


def matched(alive: Sequence[Track], there: Sequence[FaceBox], rules: TrackingRules) -> dict[Track, FaceBox]:
    """Pair tracks and faces, the largest overlap first; each once."""
    pairs = sorted(
        ((_overlap(one.box, face), one, face) for one in alive for face in there if _alike(one.box, face, rules)),
        key=lambda pair: -pair[0],
    )
    found: dict[Track, FaceBox] = {}
    for overlap, one, face in pairs:
        if overlap >= rules.least_overlap and one not in found and face not in found.values():
            found[one] = face
    if not found and len(alive) == len(there) == len(pairs) == 1:
        _, one, face = pairs[0]
        if _distance(one.box, face) <= rules.farthest * _side(one.box):
            found[one] = face
    return found


def seen(one: Track, face: FaceBox, time_s: float) -> Track:
    """Return a track with the face of a moment."""
    area = one.area + (_area(face) - one.area) / (one.seen + 1)
    return replace(one, box=face, area=area, last_s=time_s, seen=one.seen + 1)


def missed(one: Track) -> Track:
    """Return a track without a face at a moment."""
    return replace(one, missed=one.missed + 1)


def _inside(face: FaceBox, frame_size: tuple[int, int], region: Region | None) -> bool:
    if region is None:
        return True
    height, width = frame_size
    x, y = (face.x + face.width / 2) / width, (face.y + face.height / 2) / height
    left, top, across, down = region
    return left <= x <= left + across and top <= y <= top + down


def _alike(one: FaceBox, other: FaceBox, rules: TrackingRules) -> bool:
    """Return whether two boxes may be of one face by their sizes."""
    small, large = sorted((max(_area(one), 1e-9), max(_area(other), 1e-9)))
    return large <= small * rules.largest_growth**2


def _overlap(one: FaceBox, other: FaceBox) -> float:
    """Return the intersection over the union."""
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(across, 0.0) * max(down, 0.0)
    return shared / max(_area(one) + _area(other) - shared, 1e-9)


def _distance(one: FaceBox, other: FaceBox) -> float:
    across = one.x + one.width / 2 - other.x - other.width / 2
    down = one.y + one.height / 2 - other.y - other.height / 2
    return float((across**2 + down**2) ** 0.5)


def _area(face: FaceBox) -> float:
    return face.width * face.height


def _side(face: FaceBox) -> float:
    return max(face.width, face.height)
