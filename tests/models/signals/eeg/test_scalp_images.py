import numpy as np
import pytest
from scipy.interpolate import CloughTocher2DInterpolator

from moodring.configs.schema.errors import MoodringError
from moodring.models.signals.eeg.montage import POSITIONS, positions
from moodring.models.signals.eeg.scalp_images import HALF_SIDE, ScalpMapper, scalp_images, scalp_map

NAMES = "Fp1 AF3 F3 F7 FC5 FC1 C3 T7 CP5 CP1 P3 P7 PO3 O1 Oz Pz Fp2 AF4 Fz F4 F8 FC6 FC2 Cz C4 T8 CP6 CP2 P4 P8 PO4 O2"
CAP = tuple(NAMES.split())
ALL = np.ones(len(CAP), dtype=np.bool_)


def pixel(name: str, size: int) -> tuple[int, int]:
    x, y = POSITIONS[name]
    return int((HALF_SIDE - y) / (2 * HALF_SIDE) * size), int((x + HALF_SIDE) / (2 * HALF_SIDE) * size)


def test_matrix_is_the_interpolation() -> None:
    size = 24
    scalp = scalp_map(CAP, ALL, size)
    values = np.random.default_rng(0).normal(size=(len(CAP), 3)).astype(np.float32)
    images = scalp_images(values, scalp)
    centres = (np.arange(size) + 0.5) / size * 2 * HALF_SIDE - HALF_SIDE
    x, y = np.meshgrid(centres, -centres)
    direct = CloughTocher2DInterpolator(positions(CAP), values)(np.column_stack([x.ravel(), y.ravel()]))
    expected = np.nan_to_num(direct).T.reshape(3, size, size)
    assert images.shape == (3, size, size)
    assert images.dtype == np.float32
    np.testing.assert_allclose(images, expected, atol=1e-4)


def test_a_peak_appears_where_its_electrode_sits() -> None:
    for name in ("F3", "F4", "O1", "T8"):
        values = np.zeros((len(CAP), 1), dtype=np.float32)
        values[CAP.index(name)] = 1.0
        image = scalp_images(values, scalp_map(CAP, ALL, 32))[0]
        row, column = np.unravel_index(image.argmax(), image.shape)
        expected = pixel(name, 32)
        assert abs(row - expected[0]) <= 1
        assert abs(column - expected[1]) <= 1


def test_constant_values_fill_the_hull_and_nothing_else() -> None:
    scalp = scalp_map(CAP, ALL, 16)
    image = scalp_images(np.full((len(CAP), 1), 2.5, dtype=np.float32), scalp)[0]
    np.testing.assert_allclose(image[scalp.mask], 2.5, atol=1e-5)
    assert (image[~scalp.mask] == 0).all()
    assert not scalp.mask[0, 0]


def test_bad_and_foreign_channels_are_left_out() -> None:
    names = (*CAP, "EOG", "GSR")
    good = np.ones(len(names), dtype=np.bool_)
    good[3] = False
    scalp = scalp_map(names, good, 16)
    values = np.ones((len(names), 3), dtype=np.float32)
    values[3] = np.nan
    values[-2:] = 1e9
    images = scalp_images(values, scalp)
    np.testing.assert_allclose(images[:, scalp.mask], 1.0, atol=1e-5)


@pytest.mark.parametrize("names", [("EOG", "GSR", "x"), ("Cz", "Pz", "EOG")])
def test_too_few_electrodes_give_an_empty_image(names: tuple[str, ...]) -> None:
    scalp = scalp_map(names, np.ones(3, dtype=np.bool_), 8)
    assert not scalp.mask.any()
    assert scalp.coverage == 0.0
    assert not scalp_images(np.ones((3, 3), dtype=np.float32), scalp).any()


def test_coverage_tells_a_cap_from_a_headband() -> None:
    band = ("TP9", "AF7", "AF8", "TP10")
    assert scalp_map(CAP, ALL, 16).coverage > 0.9
    assert scalp_map(band, np.ones(4, dtype=np.bool_), 16).coverage < 0.2


def test_mapper_keeps_each_set_and_no_more_than_its_capacity() -> None:
    mapper = ScalpMapper(CAP, 8, capacity=2)
    first = mapper.map(ALL)
    assert mapper.map(ALL.copy()) is first
    for bad in range(2):
        good = ALL.copy()
        good[bad] = False
        assert not mapper.map(good).used[bad]
    assert mapper.map(ALL) is not first
    np.testing.assert_array_equal(mapper.map(ALL).matrix, first.matrix)


def test_the_set_used_longest_ago_is_forgotten() -> None:
    mapper = ScalpMapper(CAP, 8, capacity=2)
    sets = [ALL.copy() for _ in range(2)]
    for bad, good in enumerate(sets):
        good[bad] = False
    whole, first = mapper.map(ALL), mapper.map(sets[0])
    assert mapper.map(ALL) is whole
    mapper.map(sets[1])
    assert mapper.map(ALL) is whole
    assert mapper.map(sets[0]) is not first


def test_flags_must_match_channels() -> None:
    with pytest.raises(MoodringError, match="3 flags for 32 channels"):
        scalp_map(CAP, np.ones(3, dtype=np.bool_), 16)
