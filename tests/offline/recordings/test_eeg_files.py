"""EEG files through MNE: microvolts, names and annotations come through; damage is one line."""

from pathlib import Path

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.live import EegSection, StreamQuery
from moodring.models.signals.eeg.stream_layout import with_settings
from moodring.offline.recordings.open import open_recording


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "channels", "rate_hz"),
    [
        ("eeg/eeglab_data.set", 32, 128.0),
        ("eeg/edf_140ch_512hz.edf", None, 512.0),
        ("eeg/bdf_73ch_2048hz.bdf", None, 2048.0),
    ],
)
def test_real_files_open_in_microvolts(data_dir: Path, name: str, channels: int | None, rate_hz: float) -> None:
    eeg = open_recording(data_dir / name).eeg
    assert eeg is not None
    assert eeg.rate_hz == rate_hz
    assert channels is None or len(eeg.channel_names) == channels
    assert eeg.samples.shape == (len(eeg.stamps_s), len(eeg.channel_names))
    typical_uv = np.median((eeg.samples - eeg.samples.mean(axis=0)).std(axis=0))
    assert 0.5 < typical_uv < 2_000


@pytest.mark.data
def test_annotations_become_markers(data_dir: Path) -> None:
    recording = open_recording(data_dir / "eeg" / "eeglab_data.set")
    assert len(recording.markers) == 154
    assert recording.eeg is not None
    assert all(0 <= marker.stamp_s <= recording.eeg.stamps_s[-1] for marker in recording.markers)


@pytest.mark.parametrize("name", ["x.edf", "x.bdf", "x.vhdr", "x.set", "x.fif"])
def test_a_text_under_an_eeg_name_is_one_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"not an EEG file at all\n" * 40)
    with pytest.raises(MoodringError) as caught:
        open_recording(path)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.data
def test_a_truncated_file_is_one_line(data_dir: Path, tmp_path: Path) -> None:
    whole = (data_dir / "eeg" / "bdf_73ch_2048hz.bdf").read_bytes()
    path = tmp_path / "cut.bdf"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MoodringError, match=r"cut\.bdf"):
        open_recording(path)


def write_edf(path: Path, unit: str, values: np.ndarray) -> Path:
    """Write one second of one channel 'Fz' as EDF, its physical values in any unit."""
    fields = [("Fz", 16), ("", 80), (unit, 8), ("-32768", 8), ("32767", 8), ("-32768", 8), ("32767", 8), ("", 80)]
    head = [("0", 8), ("x", 80), ("x", 80), ("01.01.20", 8), ("00.00.00", 8), ("512", 8), ("", 44), ("1", 8), ("1", 8)]
    head += [("1", 4), *fields, (str(len(values)), 8), ("", 32)]
    text = "".join(f"{word:<{width}}" for word, width in head).encode("latin-1")
    path.write_bytes(text + values.astype("<i2").tobytes())
    return path


@pytest.mark.parametrize(("unit", "factor"), [("uV", 1.0), ("mV", 1e3), ("nV", 1e-3), ("V", 1e6)])
def test_units_of_edf_become_microvolts(tmp_path: Path, unit: str, factor: float) -> None:
    values = np.round(900 * np.sin(np.arange(256) / 5))
    eeg = open_recording(write_edf(tmp_path / "a.edf", unit, values)).eeg
    assert eeg is not None
    np.testing.assert_allclose(eeg.samples[:, 0], values * factor, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("unit", ["", "counts"])
def test_an_edf_without_a_unit_that_is_known_is_refused_until_the_config_gives_one(tmp_path: Path, unit: str) -> None:
    values = np.round(900 * np.sin(np.arange(256) / 5))
    eeg = open_recording(write_edf(tmp_path / "a.edf", unit, values)).eeg
    assert eeg is not None
    section = EegSection(stream=StreamQuery(name="x"))
    with pytest.raises(MoodringError, match=r"set eeg\.units"):
        with_settings(eeg, section, None)
    told = with_settings(eeg, section.model_copy(update={"units": "nanovolts"}), None)
    np.testing.assert_allclose(told.samples[:, 0], values * 1e-3, rtol=1e-4)
