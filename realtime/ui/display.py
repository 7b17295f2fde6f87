"""Whether a window can be opened here, found without importing Qt, and whose Qt that is."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

SIZE = (1366, 768)
_NEEDS_NO_DISPLAY = ("offscreen", "minimal", "vnc", "linuxfb", "eglfs")


def display_available(platform: str = sys.platform, environ: Mapping[str, str] | None = None) -> bool:
    """Return whether a window can be opened.

    Parameters
    ----------
    platform : str
        As ``sys.platform``.
    environ : mapping or None
        The environment; None for this process's own.
    """
    variables = os.environ if environ is None else environ
    if variables.get("QT_QPA_PLATFORM", "").split(":")[0] in _NEEDS_NO_DISPLAY:
        return True
    if platform in ("win32", "darwin"):
        return True
    return bool(variables.get("DISPLAY") or variables.get("WAYLAND_DISPLAY"))


@contextmanager
def offscreen() -> Iterator[None]:
    """Let the windows of processes that are started meanwhile be drawn without a display."""
    before = os.environ.get("QT_QPA_PLATFORM")
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    try:
        yield
    finally:
        del os.environ["QT_QPA_PLATFORM"]
        if before is not None:
            os.environ["QT_QPA_PLATFORM"] = before


def first_size(least: tuple[int, int]) -> tuple[int, int]:
    """Return the size that a window opens with: most of the screen, and a fixed one where there is none."""
    from PyQt5.QtGui import QGuiApplication

    screen = QGuiApplication.primaryScreen()
    if screen is None or QGuiApplication.platformName() in _NEEDS_NO_DISPLAY:
        return SIZE
    room = screen.availableGeometry()
    return max(least[0], round(0.92 * room.width())), max(least[1], round(0.9 * room.height()))


def leave_opencv_qt() -> None:
    """Forget the plugins of OpenCV's own Qt, which that of PyQt cannot load."""
    for name in ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR"):
        if "cv2" in os.environ.get(name, ""):
            del os.environ[name]
