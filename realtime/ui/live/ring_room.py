"""The rings of an engine as a window reads them: mapped once each, or copied when the window is frozen."""

import logging

from ....configs.schema.errors import MoodringError
from ....models.io.ring import Ring
from ...ipc.snapshot import RingPlace
from .decimation import HeldRing

_log = logging.getLogger(__name__)


class RingRoom:
    """Rings by the modality that they belong to.

    Attributes
    ----------
    places : tuple of RingPlace
        Where they are now; to be set from each snapshot.
    """

    def __init__(self, held: dict[str, HeldRing] | None = None) -> None:
        self.places: tuple[RingPlace, ...] = ()
        self._rings: dict[str, Ring] = {}
        self._held = held

    def ring(self, name: str) -> Ring | HeldRing | None:
        """Return the ring of a modality, mapped once; a source that reconnected has another file."""
        if self._held is not None:
            return self._held.get(name)
        path = next((one.path for one in self.places if one.modality == name), None)
        known = self._rings.get(name)
        if known is not None and (path is None or str(known.path) != path):
            known.close()
            del self._rings[name]
            known = None
        if known is None and path is not None:
            try:
                known = self._rings[name] = Ring.attach(path)
            except MoodringError as error:
                _log.debug("%s", error)
        return known

    def held(self) -> "RingRoom":
        """Return a room with copies of all that the rings hold now."""
        copies = {}
        for place in self.places:
            ring = self.ring(place.modality)
            if isinstance(ring, Ring):
                copies[place.modality] = HeldRing(ring.layout, ring.latest(ring.layout.capacity))
        return RingRoom(copies)

    def show_until(self, time_s: float) -> None:
        """Hide what is later than a time, in copies."""
        for held in (self._held or {}).values():
            held.show_until(time_s)

    def oldest_s(self) -> float | None:
        """Return the stamp of the oldest sample of any signal that was copied."""
        known = [held.oldest_s for name, held in (self._held or {}).items() if name != "estimates"]
        return min((one for one in known if one is not None), default=None)

    def let_go(self) -> None:
        """Unmap all rings."""
        for ring in self._rings.values():
            ring.close()
        self._rings.clear()
