"""A session that is replayed: what is shown of it at a place; without Qt."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .....models.contract import FaceBox, FloatArray, Image, Marker, TimeArray
from .....models.contract.viewing import AffectCurve, ContinuousRating, Decoding, OpenSession
from ...live.decimation import fitting_span
from ...live.view import PASSBANDS, SCALES_UV, Passband
from .columns import eeg_columns, smallest_and_largest, spectrum
from .curves import AXES, Boxes, ClassShares, Level, boxes, class_shares, heads_of, level
from .rating import RatingInProgress
from .transport import Transport, page_of

SPANS_S = (5.0, 10.0, 30.0, 60.0)
Page = tuple[float, float]


@dataclass(frozen=True)
class ShownDecoding:
    """A decoding as curves."""

    decoding: Decoding
    levels: tuple[Level, Level]
    boxes: Boxes
    heads: tuple[str, ...]
    _classes: dict[str, ClassShares] = field(default_factory=dict)

    def classes_of(self, head: str) -> ClassShares:
        """Return the probabilities of a head."""
        if head not in self._classes:
            self._classes[head] = class_shares(self.decoding.estimates, head)
        return self._classes[head]

    @property
    def name(self) -> str:
        """Its name."""
        return self.decoding.name


@dataclass(frozen=True)
class PageData:
    """Samples of a stretch of time, as columns; times are the session's.

    Attributes
    ----------
    page : (start, stop)
    eeg : (times, extremes) or None
    sound : (times, extremes, spectrogram) or None
    """

    page: Page
    eeg: tuple[TimeArray, FloatArray] | None
    sound: tuple[TimeArray, FloatArray, NDArray[Any]] | None


@dataclass
class Replay:
    """See the module's text.

    Attributes
    ----------
    session : OpenSession
    transport : Transport
        On the session's time.
    decodings : list of ShownDecoding
    chosen : (int or None, int or None)
        Which of them are shown: one, and another to compare with.
    span_s : float
        How much time the charts show.
    passband : Passband or None
    span_uv : float or None
        Distance between two traces; None until it was fitted.
    head : str
        Whose classes are shown.
    ratings : tuple of ContinuousRating
    rating : RatingInProgress or None
        While somebody rates.
    """

    session: OpenSession
    clock: Callable[[], float] = time.monotonic
    decodings: list[ShownDecoding] = field(default_factory=list)
    chosen: tuple[int | None, int | None] = (None, None)
    span_s: float = 30.0
    passband: Passband | None = (1.0, 30.0)
    span_uv: float | None = None
    head: str = ""
    rating: RatingInProgress | None = None
    page: Page | None = None

    def __post_init__(self) -> None:
        start_s, stop_s = (one - self.session.t0_s for one in (self.session.start_s, self.session.stop_s))
        self.transport = Transport(start_s, stop_s, self.clock)
        self.ratings: tuple[ContinuousRating, ...] = self.session.ratings
        # A short session needs no charts that are half empty.
        self.span_s = next((one for one in SPANS_S if one >= min(stop_s - start_s, self.span_s)), self.span_s)

    @cached_property
    def markers(self) -> tuple[Marker, ...]:
        """All markers, on the session's time."""
        return tuple(replace(one, stamp_s=one.stamp_s - self.session.t0_s) for one in self.session.markers)

    @cached_property
    def marker_times_s(self) -> tuple[float, ...]:
        """When they are."""
        return tuple(one.stamp_s for one in self.markers)

    @cached_property
    def frame_times_s(self) -> TimeArray:
        """When the frames were captured, on the session's time; empty without a film."""
        film = self.session.film
        return np.zeros(0) if film is None else film.stamps_s - self.session.t0_s

    @cached_property
    def truth(self) -> AffectCurve | None:
        """What is known of the emotion, on the session's time."""
        truth = self.session.truth
        return None if truth is None else replace(truth, stamps_s=truth.stamps_s - self.session.t0_s)

    @property
    def shown(self) -> tuple[ShownDecoding | None, ShownDecoding | None]:
        """The decodings that are shown."""
        one, other = self.chosen
        return (None if one is None else self.decodings[one], None if other is None else self.decodings[other])

    @property
    def heads(self) -> tuple[str, ...]:
        """The heads with classes of what is shown."""
        return tuple(dict.fromkeys(name for one in self.shown if one is not None for name in one.heads))

    def take_decodings(self, decodings: Sequence[Decoding]) -> None:
        """Take the estimates that were read: the first is shown, beside the newest of decoding again."""
        self.decodings = [self._curves(one) for one in decodings if one.estimates]
        count = len(self.decodings)
        self.chosen = (0 if count else None, count - 1 if count > 1 else None)
        self._choose_head()

    def add_decoding(self, decoding: Decoding) -> None:
        """Take estimates of decoding again, in the place of those of the same name, and show them."""
        made = self._curves(decoding)
        names = [one.name for one in self.decodings]
        if made.name in names:
            place = names.index(made.name)
            self.decodings[place] = made
        else:
            place = len(self.decodings)
            self.decodings.append(made)
        first = self.chosen[0]
        self.chosen = (place, None) if first is None or first == place else (first, place)
        self._choose_head()

    def classes(self) -> tuple[ClassShares, ...]:
        """Return the probabilities of the chosen head, of each decoding that has it."""
        made = (one.classes_of(self.head) for one in self.shown if one is not None)
        return tuple(one for one in made if one.classes)

    def frame_index(self, place_s: float) -> int | None:
        """Return the number of the frame at a place: the newest that was captured then; None without a film."""
        times_s = self.frame_times_s
        if not len(times_s):
            return None
        return max(int(np.searchsorted(times_s, place_s + 1e-6, "right")) - 1, 0)

    def box(self, place_s: float) -> FaceBox | None:
        """Return where the face was at a place."""
        first = self.shown[0]
        return None if first is None else first.boxes.at(place_s)

    def turn_page(self) -> bool:
        """Choose the stretch of time that the charts show; return whether it is another."""
        page = page_of(self.transport.place_s, self.page, self.span_s, self.transport.start_s)
        changed, self.page = page != self.page, page
        return changed

    def choose_span(self, steps: int) -> None:
        """Show more or less time."""
        place = SPANS_S.index(self.span_s) + steps
        self.span_s = SPANS_S[min(max(place, 0), len(SPANS_S) - 1)]

    def choose_scale(self, steps: int) -> None:
        """Draw the EEG larger (with a negative number) or smaller."""
        place = SCALES_UV.index(self.span_uv) if self.span_uv in SCALES_UV else 0
        self.span_uv = SCALES_UV[min(max(place + steps, 0), len(SCALES_UV) - 1)]

    def choose_scale_at(self, index: int) -> None:
        """Choose one of the distances between traces."""
        self.span_uv = SCALES_UV[index]

    def fit(self, extremes: FloatArray) -> float:
        """Return the distance between traces, fitted once."""
        if self.span_uv is None:
            self.span_uv = fitting_span(extremes) or SCALES_UV[len(SCALES_UV) // 2]
        return self.span_uv

    def read_page(self, page: Page, passband: Passband | None) -> PageData:
        """Read the samples of a stretch; for a thread of its own."""
        t0_s = self.session.t0_s
        start_s, stop_s = page[0] + t0_s, page[1] + t0_s
        eeg = sound = None
        if self.session.eeg is not None:
            times_s, extremes = eeg_columns(self.session.eeg, start_s, stop_s, passband)
            eeg = (times_s - t0_s, extremes)
        if self.session.sound is not None:
            stamps_s, samples = self.session.sound.between(start_s, stop_s)
            times_s, extremes = smallest_and_largest(stamps_s, samples, start_s, stop_s)
            rate_hz = self.session.sound.rate_hz
            sound = (times_s - t0_s, extremes, spectrum(stamps_s, samples, rate_hz, start_s, stop_s))
        return PageData(page, eeg, sound)

    def read_frame(self, index: int, exact: bool) -> Image:
        """Read a frame, or one shortly before it; for a thread of its own."""
        if self.session.film is None:
            raise ValueError("there is no film")
        return self.session.film.frame(index, exact)

    def _curves(self, decoding: Decoding) -> ShownDecoding:
        estimates = decoding.estimates
        levels = (level(estimates, AXES[0]), level(estimates, AXES[1]))
        return ShownDecoding(decoding, levels, boxes(estimates, self.session.t0_s), heads_of(estimates))

    def _choose_head(self) -> None:
        if self.head not in self.heads:
            # Valence and arousal have charts of their own.
            further = [name for name in self.heads if name not in AXES]
            self.head = (further or list(self.heads) or [""])[0]


__all__ = ["PASSBANDS", "SPANS_S", "Page", "PageData", "Replay", "ShownDecoding"]
