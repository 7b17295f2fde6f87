"""The flashing window turns white and black when it says so, and what it cannot show is said."""

import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.realtime.engine.lsl_clock import LslClock

pytestmark = pytest.mark.qt


def _grey(window):
    return window.grab().toImage().pixelColor(window.width() // 2, window.height() // 2).lightness()


def test_the_window_is_white_between_its_two_stamps(qt, lsl_session):
    from moodring.realtime.ui.flash import flash_window

    clock = LslClock()
    with flash_window(clock) as window:
        before_s = clock.now()
        white_s = window.paint(True)
        assert _grey(window) == 255
        window.idle(0.05)
        black_s = window.paint(False)
        assert _grey(window) == 0
    assert before_s <= white_s <= black_s - 0.05
    assert white_s - before_s < 1.0


def test_words_are_white_on_black_and_go_with_the_next_flash(qt, lsl_session):
    from moodring.realtime.ui.flash import flash_window

    with flash_window(LslClock()) as window:
        window.say("blink now")
        image = window.grab().toImage()
        shades = {
            image.pixelColor(x, y).lightness() for x in range(0, image.width(), 2) for y in range(0, image.height(), 2)
        }
        assert min(shades) == 0
        assert max(shades) > 200
        window.paint(False)
        assert _grey(window) == 0


def test_a_closed_window_ends_the_measurement_with_a_line(qt, lsl_session):
    from moodring.realtime.ui.flash import flash_window

    with flash_window(LslClock()) as window:
        window.close()
        with pytest.raises(MoodringError, match="closed before the end; start calibrate-sync again"):
            window.idle(0.5)
