"""Figures: what they show is what they are given."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PyQt5.QtGui import QColor, QImage

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import BANDS
from moodring.models.contract.attention_records import AttentionRecord, BandRecord
from moodring.realtime.ui import theme
from moodring.realtime.ui.figures.bands_figure import save_bands
from moodring.realtime.ui.figures.looks_figure import save_looks

pytestmark = pytest.mark.qt

HIT, MISS = "#3fbf9b", "#f2765a"


def session() -> AttentionRecord:
    frames_s, ticks_s = np.arange(80) / 8.0, np.arange(20) / 2.0
    expressed = np.where((frames_s > 3) & (frames_s < 5), 1.0, 0.0).astype(np.float32)
    return AttentionRecord(
        person="somebody", frames_s=frames_s, expressed=expressed, gain=np.full(80, -0.1, np.float32), price=0.03,
        looked=np.zeros(80, np.bool_), ticks_s=ticks_s, weights=np.full((20, 3), 1 / 3, np.float32),
        expected=np.zeros((20, 2), np.float32), spread=np.full((20, 2), 0.1, np.float32),
        felt=np.full((20, 2), 0.5, np.float32), onsets_s=np.array([2.0]),
    )  # fmt: skip


def bands() -> BandRecord:
    interval = np.array([0.33, 0.32, 0.34], np.float32)
    return BandRecord(
        people=2, worth=np.zeros((3, 3, 3), np.float32) + 0.001, weight=np.full((3, 3, 3), 0.33, np.float32),
        conditions=("as recorded", "noise"), condition_weights=np.broadcast_to(interval, (2, 3, 3)),
        ablations=("a third each", "without alpha"), losses=np.array([[0, -0.01, 0.01], [0.09, 0.08, 0.1]], np.float32),
    )  # fmt: skip


def pixels(path: Path) -> np.ndarray:
    image = QImage(str(path)).convertToFormat(QImage.Format_RGB888)
    data = image.constBits().asarray(image.sizeInBytes())
    rows = np.frombuffer(data, np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def count(path: Path, tint: str) -> int:
    colour = QColor(tint)
    return int((pixels(path) == (colour.red(), colour.green(), colour.blue())).all(axis=2).sum())


def test_looks_are_coloured_by_whether_they_meet_an_expression(qt: object, tmp_path: Path) -> None:
    path, record = tmp_path / "looks.png", session()
    save_looks(path, record)
    assert count(path, HIT) == count(path, MISS) == 0
    for frame, seen, absent in ((32, HIT, MISS), (60, MISS, HIT)):
        looked = record.looked.copy()
        looked[frame] = True
        save_looks(path, replace(record, looked=looked))
        assert count(path, seen) > 2
        assert count(path, absent) == 0


def test_gain_weights_and_estimates_move_what_is_drawn(qt: object, tmp_path: Path) -> None:
    path, record = tmp_path / "looks.png", session()
    save_looks(path, record)
    before = pixels(path)
    for name, rows in (("gain", slice(276, 406)), ("weights", slice(452, 562)), ("expected", slice(608, 942))):
        moved = getattr(record, name).copy()
        moved[len(moved) // 2 :] += 0.15
        save_looks(path, replace(record, **{name: moved}))
        changed = (pixels(path) != before).any(axis=(1, 2))
        assert changed[rows].any()
        changed[rows.start - 3 : rows.stop + 3] = False
        assert not changed.any(), f"{name} is drawn in its own place alone"


def test_worth_and_losses_move_what_is_drawn(qt: object, tmp_path: Path) -> None:
    path, record = tmp_path / "bands.png", bands()
    save_bands(path, record)
    before = pixels(path)
    worth = record.worth.copy()
    worth[BANDS.index("beta"), 2, 0] = 0.2
    save_bands(path, replace(record, worth=worth))
    assert (pixels(path) != before)[760:820, 350:440].any(), "high valence, low arousal: bottom right"
    save_bands(path, replace(record, losses=record.losses[:, ::-1]))
    assert (pixels(path) != before)[500:822, 1060:1360].any()
    unmet = record.worth.copy()
    unmet[0, 0, 0] = np.nan
    save_bands(path, replace(record, worth=unmet))
    assert (pixels(path) != before).any(), "a state that nobody was in"


def test_a_figure_may_be_replaced_and_says_where_it_comes_from(qt: object, tmp_path: Path) -> None:
    path = tmp_path / "bands.png"
    save_bands(path, bands())
    assert QImage(str(path)).text("Software") == "moodring"
    assert count(path, theme.hex_of(theme.BACKGROUND)) > 1000
    with pytest.raises(MoodringError, match="cannot be written"):
        save_bands(tmp_path / "missing" / "bands.png", bands())
