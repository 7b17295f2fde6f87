"""A camera, file or URL through OpenCV, stamped right after each grab.

A frame that had to be waited for was captured just now. One that was there at once had waited for its reader, in the
queue of the driver or the network, and is dated from the one before it.
"""

import cv2
import numpy as np

from ...configs.schema.errors import MoodringError
from ...models.contract import Image
from ...models.signals.face.images import scaled
from ...models.streaming.clock import Clock
from ...models.streaming.ingest.sources import Chunk, SourceGoneError, SourceInfo

LONGEST_SIDE = 320
_USUAL_RATE_HZ = 25.0
_ENDED_S = 0.05
_WAITED_S = 0.003  # a frame that comes sooner was there already
_QUEUED = 4  # frames that drivers keep
_NETWORK_WAIT_MS = 2000  # OpenCV's own 30 s would hold the thread, and with it the end of the session


class Camera:
    """Whatever ``cv2.VideoCapture`` opens; a file is played at its own rate on the clock.

    Parameters
    ----------
    camera : int or str
        An index, a file or a URL.
    delay_s : float or None
        The device's declared delay, taken off the stamps.
    clock : Clock
    """

    def __init__(self, camera: int | str, delay_s: float | None, clock: Clock) -> None:
        self._camera = camera
        self._delay_s = delay_s
        self._clock = clock
        self._capture: cv2.VideoCapture | None = None
        self._file_rate_hz: float | None = None
        self._next_s = 0.0
        self._shape = (0, 0, 3)
        self._first: tuple[Image, float] | None = None
        self._period_s = 1.0 / _USUAL_RATE_HZ
        self._stamp_s: float | None = None

    def open(self) -> SourceInfo:
        """Open it, the first time or again, and read one frame, which settles the size.

        Raises
        ------
        MoodringError
            It does not open, or gives no frame.
        """
        capture = _capture(self._camera)
        ok, image = capture.read() if capture.isOpened() else (False, None)
        if not ok or image is None:
            capture.release()
            raise MoodringError(
                f"camera {self._camera!r} does not open or gives no picture; connect it, close other programs that "
                "use it, or set face.camera to another index, file or URL ('moodring streams' lists them)"
            )
        captured_s = self._clock.now()
        self._capture = capture
        first = scaled(np.asarray(image, np.uint8))
        self._first, self._stamp_s = (first, captured_s), captured_s
        self._shape = (first.shape[0], first.shape[1], 3)
        rate_hz = float(capture.get(cv2.CAP_PROP_FPS))
        rate = rate_hz if 1.0 <= rate_hz <= 1000.0 else None
        # Only a file has a last frame, and only a file hands frames out faster than they were taken.
        is_file = isinstance(self._camera, str) and capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0
        self._file_rate_hz = (rate or _USUAL_RATE_HZ) if is_file else None
        self._period_s = 1.0 / (rate or _USUAL_RATE_HZ)
        self._next_s = self._clock.now()
        name = f"camera {self._camera}"
        return SourceInfo("face", name, rate, self._shape, "|u1", delay_s=self._delay_s)

    def poll(self) -> Chunk | None:
        """Return the next frame; None where it is not there or a file has ended.

        Raises
        ------
        SourceGoneError
            The camera gives no more frames.
        """
        if self._capture is None:
            self._clock.sleep(_ENDED_S)
            return None
        if self._file_rate_hz is not None:
            self._clock.sleep(self._next_s - self._clock.now())
            stamp_s = self._next_s
            self._next_s += 1.0 / self._file_rate_hz
        if self._first is not None:
            (image, captured_s), self._first = self._first, None
            stamp_s = captured_s if self._file_rate_hz is None else stamp_s
        else:
            asked_s = self._clock.now()
            grabbed = self._capture.grab()
            if self._file_rate_hz is None:
                stamp_s = self._stamp_s = self._captured_s(asked_s, self._clock.now())
            ok, frame = self._capture.retrieve() if grabbed else (False, None)
            if not ok or frame is None:
                self.close()
                if self._file_rate_hz is None:
                    raise SourceGoneError(f"camera {self._camera!r} gives no more pictures; connect it again")
                return None
            image = scaled(np.asarray(frame, np.uint8), self._shape[:2])
        stamps_s = np.array([stamp_s - (self._delay_s or 0.0)])
        return Chunk(image[np.newaxis], stamps_s, self._clock.now())

    def _captured_s(self, asked_s: float, now_s: float) -> float:
        """Return when a live frame was captured that was asked for at one time and came at another."""
        if self._stamp_s is None or now_s - asked_s >= _WAITED_S:
            return now_s
        # A queue that is full holds so many frames, and drops the new ones.
        return min(now_s, max(self._stamp_s + self._period_s, now_s - _QUEUED * self._period_s))

    def close(self) -> None:
        """Release the device."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None


def _capture(camera: int | str) -> cv2.VideoCapture:
    """Open a camera with OpenCV's log silenced."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        if isinstance(camera, str) and "://" in camera:
            limits = [
                cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
                _NETWORK_WAIT_MS,
                cv2.CAP_PROP_READ_TIMEOUT_MSEC,
                _NETWORK_WAIT_MS,
            ]
            return cv2.VideoCapture(camera, cv2.CAP_FFMPEG, limits)
        return cv2.VideoCapture(camera)
    finally:
        cv2.utils.logging.setLogLevel(level)
