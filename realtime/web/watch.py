"""Reads the engines of a page, and makes of them the message that every browser gets."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from ...configs.schema.errors import MoodringError
from ...models.contract import Image
from ...models.io.ring import Ring
from ..ipc.engine_feeds import Followed, FollowedEngines
from ..ipc.snapshot import Snapshot
from ..screens.history import History, empty, extended, prefilled
from .content import tile

_PICTURE_SIDE = 320
_JPEG_QUALITY = 70


class PageWatch:
    """Follows the engines of a page; for one thread.

    Parameters
    ----------
    engines : FollowedEngines
    estimates, pictures : bool
        As in the config.
    attach : callable
        Maps a ring by its path.
    """

    def __init__(
        self,
        engines: FollowedEngines,
        *,
        estimates: bool = True,
        pictures: bool = False,
        attach: Callable[[str], Ring] = Ring.attach,
    ) -> None:
        self._engines = engines
        self._estimates, self._pictures = estimates, pictures
        self._attach = attach
        self._histories: dict[str, History] = {}

    def message(self) -> str:
        """Return the present state of all engines as one line of JSON."""
        tiles = [self._tile(one) for one in self._engines.look()]
        present = {one["key"] for one in tiles}
        self._histories = {key: history for key, history in self._histories.items() if key in present}
        return json.dumps({"tiles": tiles, "estimates": self._estimates}, allow_nan=False, separators=(",", ":"))

    def close(self) -> None:
        """Disconnect from all engines."""
        self._engines.close()

    def _tile(self, one: Followed) -> dict[str, Any]:
        picture = None
        if one.snapshot is not None:
            self._histories[one.key] = self._extended(one.key, one.snapshot)
            if self._pictures and not (one.gone or one.ended):
                picture = self._picture(one.snapshot)
        return tile(one, self._histories.get(one.key, empty()), estimates=self._estimates, picture=picture)

    def _extended(self, key: str, snapshot: Snapshot) -> History:
        """Return the history with what is new; at first, with what the engine's own ring of estimates still has."""
        before = self._histories.get(key, empty())
        history = extended(before, snapshot)
        if history.session == before.session:
            return history
        ring = self._ring(snapshot, "estimates")
        if ring is None:
            return history
        try:
            cut = ring.latest(ring.layout.capacity)
            return prefilled(history, cut.stamps_s, cut.samples, ring.layout.names)
        finally:
            ring.close()

    def _picture(self, snapshot: Snapshot) -> bytes | None:
        """Return the newest picture of the camera as JPEG; None without one."""
        ring = self._ring(snapshot, "face")
        if ring is None:
            return None
        try:
            cut = ring.latest(1)
            return _jpeg(np.array(cut.samples[0])) if len(cut) else None
        finally:
            ring.close()

    def _ring(self, snapshot: Snapshot, modality: str) -> Ring | None:
        path = next((place.path for place in snapshot.rings if place.modality == modality), None)
        try:
            return None if path is None else self._attach(path)
        except MoodringError:  # its engine has just gone
            return None


def _jpeg(image: Image) -> bytes | None:
    import cv2

    scale = _PICTURE_SIDE / max(image.shape[:2])
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    done, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return encoded.tobytes() if done else None
