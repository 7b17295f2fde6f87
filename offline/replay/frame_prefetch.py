"""Decode the frames of a replay ahead of their time, so that no other stream waits for one."""

import queue
import threading

import numpy as np
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ...models.contract import Image, Video
from ...models.signals.face.images import scaled, scaled_size

_FRAMES_AHEAD = 8


class FramePrefetcher:
    """Reads a few frames ahead in a thread of its own, from ``first`` to the end.

    Only the thread reads the frames; arrays in the queue are not written any more.
    """

    def __init__(self, video: Video, first: int) -> None:
        self._video = video
        self._first = first
        self._queue: queue.Queue[NDArray[np.int8] | MoodringError] = queue.Queue(_FRAMES_AHEAD)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._read, name="replay-frames", daemon=True)
        self._thread.start()

    def get(self) -> NDArray[np.int8] | None:
        """Return the next frame, ``(1, height * width * 3)`` int8; None where it is not ready.

        Raises
        ------
        MoodringError
            A frame cannot be read.
        """
        try:
            frame = self._queue.get_nowait()
        except queue.Empty:
            if not self._thread.is_alive() and self._queue.empty():
                raise MoodringError(f"frames of '{self._video.name}' ended early; the reader stopped") from None
            return None
        if isinstance(frame, MoodringError):
            raise frame
        return frame

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        self._thread.join(timeout=5.0)

    def _read(self) -> None:
        for index in range(self._first, len(self._video.stamps_s)):
            if self._closing.is_set():
                return
            try:
                frame = self._flat(self._video.frames[index])
            except MoodringError as error:
                self._put(error)
                return
            if not self._put(frame):
                return

    def _flat(self, image: Image) -> NDArray[np.int8]:
        image = scaled(image, scaled_size(self._video.height, self._video.width))
        return np.ascontiguousarray(image).reshape(1, -1).view(np.int8)

    def _put(self, item: NDArray[np.int8] | MoodringError) -> bool:
        while not self._closing.is_set():
            try:
                self._queue.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False
