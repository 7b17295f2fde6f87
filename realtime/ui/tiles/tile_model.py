"""What one tile shows: the view of an engine, from what is followed of it and its newest picture; without Qt."""

from collections.abc import Callable

from ....models.contract import Image
from ...ipc.engine_feeds import Followed
from ...ipc.snapshot import Snapshot
from ...screens.history import empty, extended
from ..live.ring_room import RingRoom
from ..live.view import Attachment, View


class TileModel:
    """Returns one immutable view per call; keeps the last content of an engine that is gone."""

    def __init__(self, make_room: Callable[[], RingRoom] = RingRoom) -> None:
        self._history = empty()
        self._snapshot: Snapshot | None = None
        self._rings = make_room()
        self._frame: Image | None = None

    def view(self, followed: Followed) -> View:
        """Return the view of what is followed now."""
        snapshot, attachment = followed.snapshot, attachment_of(followed)
        if snapshot is not None and snapshot is not self._snapshot:
            self._snapshot = snapshot
            self._history = extended(self._history, snapshot)
        if snapshot is not None and attachment == "attached":
            self._rings.places = snapshot.rings
            self._read_frame()
        else:
            self._rings.let_go()
        return View(
            snapshot=snapshot,
            newest=snapshot,
            attachment=attachment,
            silent_s=followed.silent_s,
            why=followed.why,
            history=self._history,
            frame=self._frame,
        )

    def close(self) -> None:
        """Let go of the engine's memory."""
        self._rings.let_go()

    def _read_frame(self) -> None:
        ring = self._rings.ring("face")
        if ring is not None:
            cut = ring.between(ring.count - 1, ring.count)
            self._frame = cut.samples[0] if len(cut) else self._frame


def attachment_of(followed: Followed) -> Attachment:
    """Return how a screen is attached to an engine that is followed."""
    if followed.snapshot is None:
        return "waiting"
    if followed.ended:
        return "ended"
    return "gone" if followed.gone else "attached"
