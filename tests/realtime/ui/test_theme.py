"""The two palettes: contrast by WCAG 2.1, for colour-blind people and in grey; lengths that follow a window."""

from itertools import combinations

import numpy as np
import pytest

from moodring.realtime.ui import theme

GROUNDS = (theme.BACKGROUND, theme.PANEL, theme.RAISED)
WORDS = (theme.TEXT, theme.SOFT, theme.FAINT, *theme.TONES.values(), theme.ACCENT)
# Viénot, Brettel and Mollon (1999), on linear RGB.
PROTAN = np.array([[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]])
DEUTAN = np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])


def linear(code):
    shares = np.array([int(code[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def test_the_contrast_is_that_of_wcag():
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert theme.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert theme.contrast("#ffffff", "#777777") == theme.contrast("#777777", "#ffffff")


@pytest.mark.parametrize("palette", theme.PALETTES.values(), ids=theme.PALETTES)
@pytest.mark.parametrize("ground", GROUNDS)
def test_words_are_legible_on_every_ground(palette, ground):
    """4.5 is WCAG's AA for text of any size."""
    too_faint = {word: theme.contrast(palette[word], palette[ground]) for word in WORDS}
    assert not {word: ratio for word, ratio in too_faint.items() if ratio < 4.5}


@pytest.mark.parametrize("palette", theme.PALETTES.values(), ids=theme.PALETTES)
def test_marks_and_areas_stand_out_from_their_panel(palette):
    """3 is WCAG's AA for graphics."""
    drawn = (*theme.LEVEL_COLOURS, theme.TRACE, theme.TRUTH, theme.POOLED, theme.ACCENT)
    assert not {role for role in drawn if theme.contrast(palette[role], palette[theme.PANEL]) < 3.0}


@pytest.mark.parametrize("palette", theme.PALETTES.values(), ids=theme.PALETTES)
def test_levels_are_told_apart_in_grey_and_by_colour_blind_people(palette):
    for one, other in combinations(theme.LEVEL_COLOURS, 2):
        assert theme.contrast(palette[one], palette[other]) >= 1.35, (one, other)
        for blindness in (PROTAN, DEUTAN):
            apart = blindness @ linear(palette[one]) - blindness @ linear(palette[other])
            assert np.linalg.norm(apart) > 0.08, (one, other)


@pytest.mark.parametrize("palette", theme.PALETTES.values(), ids=theme.PALETTES)
def test_both_palettes_name_the_same_roles_and_what_is_chosen_reads_on_the_accent(palette):
    assert set(palette) == set(theme.DARK)
    assert theme.contrast(palette[theme.PANEL], palette[theme.ACCENT]) >= 4.5


def test_fonts_follow_the_size_of_the_window():
    sizes = [theme.scale_for(*size) for size in ((1024, 700), (1366, 768), (1920, 1080), (3840, 2160))]
    assert sizes == sorted(sizes)
    assert sizes[0] < 1.0 == sizes[1] < sizes[2] < sizes[3]
    assert theme.scale_for(3840, 700) == sizes[0], "a low window is a small one, however wide"


@pytest.mark.qt
def test_the_palette_and_the_scale_are_the_applications(qt):
    try:
        theme.use("light", 2.0)
        assert theme.colour(theme.PANEL).name() == theme.LIGHT[theme.PANEL]
        assert theme.font(12).pixelSize() == 24
        assert theme.colour("#010203").name() == "#010203"
        for role in (theme.TEXT, theme.PANEL, theme.ACCENT):
            assert theme.LIGHT[role] in theme.style()
    finally:
        theme.use("dark")
    assert theme.colour(theme.PANEL).name() == theme.DARK[theme.PANEL]
    assert theme.font(12).pixelSize() == 12
