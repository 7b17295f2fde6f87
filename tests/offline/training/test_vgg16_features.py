"""Training on the features of a frozen VGG-16."""

from pathlib import Path

import numpy as np
import pytest
import torch

from moodring.configs.schema.errors import ConfigError
from moodring.configs.schema.load import check, load
from moodring.configs.schema.train_attention import TrainAttentionConfig
from moodring.models.io.bundle import load_bundle
from moodring.models.networks import vgg16
from moodring.offline.training.attention.faces.vgg16_features import embed_faces
from moodring.offline.training.attention.simulated_data import shared_settings
from moodring.offline.training.attention.train import train_attention
from tests.support import tiny_vgg16

CONFIGS = Path(__file__).resolve().parents[3] / "configs"
FEW = {
    name: {"batches": 2}
    for name in ("expression", "bands", "teacher", "student", "thumbnail", "periphery", "gains", "reinforce", "own")
}
PEOPLE = {
    "count": 2, "seconds": 40.0, "validation_seconds": 40.0, "validation_seeds": [801], "calibration_seeds": [841],
    "workers": 1,
}  # fmt: skip


def config(**network: object) -> TrainAttentionConfig:
    values = {"policy": "uniform", "batch": 8, "clip_ticks": 32, "people": PEOPLE, "network": network, **FEW}
    return check(values, TrainAttentionConfig, "test.toml")


class EveryPicture:
    """Finds a face in the middle of every picture but the first that it is asked about."""

    def __init__(self) -> None:
        self.asked = 0

    def find(self, image: np.ndarray) -> object:
        from moodring.models.contract import FaceBox

        self.asked += 1
        return None if self.asked == 1 else FaceBox(20.0, 20.0, 30.0, 30.0, 0.9)


def test_each_frame_with_a_face_is_embedded(monkeypatch, tmp_path, fake_recording) -> None:
    tiny_vgg16.shrink(monkeypatch)
    network, _ = vgg16.load_vgg16(tiny_vgg16.write(tmp_path))
    frozen = vgg16.FrozenVgg16(network, torch.device("cpu"))
    features = embed_faces(fake_recording(6.0), EveryPicture(), frozen)
    assert features.dtype == np.float16
    assert features.shape[1] == vgg16.UNITS
    assert len(features) > 32  # more than one batch
    blank = ~features.any(axis=1)
    assert blank[:2].all()
    assert not blank[2:].any()


def test_a_training_keeps_the_features_and_leaves_the_weights_out_of_the_bundle(monkeypatch, tmp_path) -> None:
    tiny_vgg16.shrink(monkeypatch)
    weights = tiny_vgg16.write(tmp_path)
    chosen = config(backbone="vgg16", weights=str(weights), core=24, layer1=12)
    first = train_attention(chosen, tmp_path / "first.safetensors", lambda _: None, tmp_path / "cache")
    assert len(list((tmp_path / "cache").glob("vgg16-*.npy"))) == 4
    said: list[str] = []
    moved = weights.rename(tmp_path / "elsewhere.pth")
    again = train_attention(
        config(backbone="vgg16", weights=str(moved), core=24, layer1=12),
        tmp_path / "again.safetensors", said.append, tmp_path / "cache",
    )  # fmt: skip
    assert again.sha256 == first.sha256
    assert not any("embedded" in line for line in said)
    bundle = load_bundle(first.path)
    assert "`[models] vgg16_weights`" in first.path.with_suffix(".md").read_text(encoding="utf-8")
    assert bundle.spec.network["backbone"] == "vgg16"
    assert bundle.spec.network["backbone_sha256"] == vgg16.load_vgg16(moved)[1]
    assert not any("features" in name or "classifier" in name for name in bundle.tensors)


def test_weights_of_another_hash_stop_a_training_before_it_begins(monkeypatch, tmp_path) -> None:
    tiny_vgg16.shrink(monkeypatch)
    weights = tiny_vgg16.write(tmp_path)
    chosen = config(backbone="vgg16", weights=str(weights), weights_sha256="a" * 64)
    with pytest.raises(Exception, match="expected was aaaa"):
        train_attention(chosen, tmp_path / "out.safetensors", lambda _: None, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_backbone_and_its_weights_go_together() -> None:
    with pytest.raises(ConfigError, match="backbone 'vgg16' needs weights"):
        config(backbone="vgg16")
    with pytest.raises(ConfigError, match="'compact' needs none: leave them out"):
        config(weights="vgg16.pth")
    with pytest.raises(ConfigError, match="weights_sha256"):
        config(backbone="vgg16", weights="vgg16.pth", weights_sha256="397923af")


def test_the_papers_configuration_is_there() -> None:
    chosen = load(CONFIGS / "train_attention_vgg16.toml", TrainAttentionConfig)
    assert chosen.network.backbone == "vgg16"
    assert (chosen.policy, chosen.batch, chosen.dropout, chosen.most_looks) == ("gaussian", 12, 0.5, 30)
    assert chosen.network.core == 1024
    assert chosen.band_balance == 0.02


def test_the_compact_backbone_leaves_no_trace_in_the_keys_of_stages() -> None:
    shared = shared_settings(TrainAttentionConfig(), None)
    assert set(shared["network"]) == {"image_size", "face_features", "band_features", "glimpse", "layer1", "core"}
