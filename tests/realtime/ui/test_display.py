import subprocess
import sys

import pytest

from moodring.realtime.ui.display import display_available


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {"DISPLAY": ""}, False),
        ("linux", {"QT_QPA_PLATFORM": "offscreen"}, True),
        ("linux", {"QT_QPA_PLATFORM": "xcb"}, False),
        ("win32", {}, True),
        ("darwin", {}, True),
    ],
)
def test_where_a_window_can_open(platform, environ, expected):
    assert display_available(platform, environ) is expected


def test_asking_loads_no_qt():
    code = "import sys, moodring.realtime.ui.display; sys.exit('PyQt5' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
