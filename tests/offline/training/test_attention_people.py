"""What the attention model is trained on: people on ticks and frames, normalised EEG, and who may be among them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import moodring
from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.configs.schema.load import check, load
from moodring.configs.schema.train_attention import TrainAttentionConfig
from moodring.models.contract import Recording
from moodring.models.io.bundle import bundled
from moodring.models.signals.face.detection import FaceDetector
from moodring.offline.simulate.simulated_session import simulate
from moodring.offline.training.attention import simulated_data, train
from moodring.offline.training.attention.eeg_variants import fit_normalisation
from moodring.offline.training.attention.prepare import PreparedSession, prepare, read_prepared, write_prepared
from moodring.offline.training.attention.scores import Decisions, fit_temperatures, fit_thresholds


@pytest.fixture(scope="module")
def recording() -> Recording:
    return simulate(731, 12.0)


@pytest.fixture(scope="module")
def finder() -> FaceDetector:
    return FaceDetector(bundled("yunet").read_bytes())


@pytest.fixture(scope="module")
def prepared(recording: Recording, finder: FaceDetector) -> PreparedSession:
    return prepare(recording, finder)


def test_preparation_looks_at_nothing_later(
    recording: Recording, finder: FaceDetector, prepared: PreparedSession, tmp_path: Path
) -> None:
    assert recording.eeg is not None
    assert recording.face is not None
    shorter = replace(
        recording,
        eeg=replace(
            recording.eeg, samples=recording.eeg.samples[: 5 * 256], stamps_s=recording.eeg.stamps_s[: 5 * 256]
        ),
        face=replace(recording.face, stamps_s=recording.face.stamps_s[: 5 * 25]),
    )
    whole, part = prepared, prepare(shorter, finder)
    ticks, frames = part.n_ticks, len(part.crops)
    assert (ticks, frames) == (10, 37)
    assert part.eeg_there[4:].all()
    assert part.face_there[16:].mean() > 0.9
    np.testing.assert_array_equal(part.power, whole.power[:ticks])
    np.testing.assert_array_equal(part.theta, whole.theta[:frames])
    np.testing.assert_array_equal(part.crops, whole.crops[:frames])
    write_prepared(tmp_path / "a.npz", part)
    np.testing.assert_array_equal(read_prepared(tmp_path / "a.npz").power, part.power)


def test_a_channel_that_was_never_good_is_normalised_like_the_others(prepared: PreparedSession) -> None:
    good, power = prepared.good.copy(), prepared.power.copy()
    good[:, 4] = False
    power[:, 4] = np.nan
    normal = fit_normalisation([replace(prepared, good=good, power=power)])
    table = normal.prior.at(normal.prior.names)
    assert np.isfinite(table).all()
    np.testing.assert_allclose(table[4], normal.prior.bands)
    assert (normal.scale > 0.0).all()


def test_temperature_undoes_overconfidence_and_sets_cover() -> None:
    rng = torch.Generator().manual_seed(0)
    honest = torch.randn(300, 12, 2, 3, generator=rng)
    torch.manual_seed(1)
    levels = torch.distributions.Categorical(logits=honest).sample()
    said = Decisions(3.0 * honest, levels, torch.zeros(300, 12, dtype=torch.int64), torch.zeros(300, 4, 12))
    heated = fit_temperatures(said)
    assert heated["valence"] == pytest.approx(3.0, rel=0.15)
    kept = fit_thresholds(said, heated, 0.8)
    p = torch.softmax(said.logits / heated["valence"], dim=-1).gather(-1, levels[..., None])[..., 0]
    assert 0.8 <= float((p[:, :, 0] >= kept["valence"]).float().mean()) < 0.95
    assert fit_thresholds(said, heated, 0.99)["valence"] == 0.0  # 12 people cannot promise that much


def test_the_shipped_config_is_valid_and_the_final_tests_people_are_refused() -> None:
    shipped = Path(str(moodring.__file__)).parent / "configs" / "train_attention.toml"
    assert load(shipped, TrainAttentionConfig).budget <= 0.13
    with pytest.raises(ConfigError, match="final test"):
        check({"people": {"validation_seeds": [1003]}}, TrainAttentionConfig, "x")
    with pytest.raises(ConfigError, match="in two groups"):
        check({"people": {"calibration_seeds": [5]}}, TrainAttentionConfig, "x")


def test_the_same_data_in_two_parts_stops_a_training(
    prepared: PreparedSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seeds apart are not enough: what the people's sessions hold is compared."""
    path = tmp_path / "person.npz"
    write_prepared(path, prepared)
    monkeypatch.setattr(simulated_data, "prepare_people", lambda seeds, *_: [path] * len(seeds))
    people = {"count": 1, "validation_seeds": [801], "calibration_seeds": [841]}
    config = check({"people": people}, TrainAttentionConfig, "x")
    with pytest.raises(MoodringError, match="attention"):
        train.train_attention(config, tmp_path / "out.safetensors", lambda _: None, tmp_path)
