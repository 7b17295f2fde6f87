from pathlib import Path

import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.models.signals.eeg.montage import scalp_channels
from moodring.models.signals.eeg.montage_match import GRID, NO_SCALP, UNKNOWN, check_montage, match_montage

BIOSEMI = [f"{letter}{number}" for letter in "ABCDEFGH" for number in range(1, 33)]
TEN_TWENTY = ["Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2", "F7", "F8"]


@pytest.mark.parametrize("names", [BIOSEMI, [f"{c}{n}" for c in "ABCDEFGHI" for n in range(1, 17)]])
def test_a_grid_has_no_scalp_positions(names: list[str]) -> None:
    assert not scalp_channels(names).any()
    found = match_montage(names)
    assert found.matched == ()
    assert dict(found.dropped)["C3"] == dict(found.dropped)["F1"] == GRID
    with pytest.raises(MoodringError, match=r"0 of .* grid .*C1, C2, C3.*50% are needed.*eeg\.rename"):
        check_montage("amp", names)
    check_montage("amp", names, 0.0)


def test_ears_eyes_and_muscles_beside_the_cap_are_no_grid() -> None:
    names = [*TEN_TWENTY, "A1", "A2", "E1", "E2", "ECG", "EOG1", "A2-A1"]
    assert scalp_channels(names).sum() == len(TEN_TWENTY)
    found = match_montage(names)
    assert {why for _, why in found.dropped} == {NO_SCALP}
    assert found.share == 1.0
    check_montage("amp", names)


def test_names_that_match_in_part_are_listed_and_refused_below_half() -> None:
    names = [*TEN_TWENTY[:4], *(f"X-{index}" for index in range(5))]
    found = match_montage(names)
    assert found.matched == tuple(TEN_TWENTY[:4])
    assert {why for _, why in found.dropped} == {UNKNOWN}
    with pytest.raises(MoodringError, match=r"4 of 9 channels .*Fp1, Fp2, F3, F4.*X-0, X-1.* 44%"):
        check_montage("amp", names)
    check_montage("amp", names, 0.4)


@pytest.mark.data
def test_the_grid_of_a_real_file_is_refused(data_dir: Path, run) -> None:  # type: ignore[no-untyped-def]
    file = data_dir / "eeg" / "edf_140ch_512hz.edf"
    status, _, error = run("decode", file, "--set", "models.allow_simulated=true")
    assert status == 1
    assert "0 of 138 channels" in error or "0 of 139 channels" in error or "0 of 14" in error
    assert "C1, C2, C3, C4, C5, C6" in error
