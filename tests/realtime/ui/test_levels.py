"""What the level strips paint."""

from dataclasses import replace

import numpy as np
import pytest

from moodring.realtime.screens.history import empty
from moodring.realtime.ui.panels.levels import SPAN_S, LevelChart

pytestmark = pytest.mark.qt


def test_what_was_left_open_is_hatched_all_over_and_nothing_else_is(qt):
    times_s = np.arange(0.0, SPAN_S, 0.5)
    levels = np.full((len(times_s), 3), 1 / 3, np.float32)
    undecided = np.zeros((len(times_s), 2), np.bool_)
    undecided[(times_s >= 40) & (times_s < 54)] = True
    history = replace(empty(), times_s=times_s, valence=levels, arousal=levels, undecided=undecided)
    chart = LevelChart()
    chart.resize(900, 150)
    chart.show()
    chart.show_history(history, 0)
    qt.processEvents()
    picture = chart.grab().toImage()
    left, right = (int(chart.getViewBox().mapViewToDevice(pg_point(x)).x()) for x in (40 - 89.5, 54 - 89.5))
    # A row within the middle level alone.
    y = int(chart.getViewBox().mapViewToDevice(pg_point(-60, 0.5)).y())
    row = np.array([picture.pixelColor(x, y).lightness() for x in range(picture.width())])
    plain = row[left - 60]
    dark = row < plain - 20
    chart.close()
    assert 0.1 < dark[left + 2 : right - 2].mean() < 0.6
    assert np.diff(np.flatnonzero(dark[left:right])).max() < 20, "lines all over, not one sliver"
    assert not dark[left - 100 : left - 6].any()
    assert not dark[right + 6 : right + 100].any()


def pg_point(x, y=0.5):
    from PyQt5.QtCore import QPointF

    return QPointF(x, y)
