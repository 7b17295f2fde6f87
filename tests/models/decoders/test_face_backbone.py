"""Bundles that read faces by a frozen VGG-16, whose weights are not in them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import EegInput, FaceBox, FaceFrame, FaceInput, Head, Image, ModelSpec
from moodring.models.decoders.attention import AttentionDecoder
from moodring.models.decoders.face_backbone import load_backbone
from moodring.models.io.bundle import Bundle
from moodring.models.networks import vgg16
from moodring.models.networks.attention import FRAMES_PER_TICK, AttentionNet, Sizes
from moodring.models.networks.look_policy import GaussianPolicy, HazardPolicy
from tests.support import tiny_vgg16

CPU = torch.device("cpu")
SIZES = Sizes(layer1=12, core=24, face_size=64)


class OneFace:
    """Finds a face in the middle of every picture."""

    def find_all(self, image: Image) -> tuple[FaceBox, ...]:
        return (FaceBox(40.0, 40.0, 60.0, 60.0, 0.9),)


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_vgg16.shrink(monkeypatch)


def made_bundle(sha256: str | None, backbone: str = "vgg16") -> Bundle:
    torch.manual_seed(5)
    modules = {
        "net": AttentionNet(SIZES, "vgg16"),
        "hazard": HazardPolicy(SIZES.core),
        "gaussian": GaussianPolicy(SIZES.core),
    }
    tensors = {f"{k}.{name}": t.clone() for k, module in modules.items() for name, t in module.state_dict().items()}
    tensors |= {"normalisation.prior": torch.zeros(1, 3), "normalisation.scale": torch.ones(3)}
    named = {} if sha256 is None else {"backbone_sha256": sha256}
    spec = ModelSpec(
        kind="attention",
        inputs=(EegInput(100.0, 8, "average", 1.0, 16), FaceInput(8.0, 64)),
        outputs=tuple(Head(axis, "felt", ("low", "medium", "high"), None, 1.0, 0.2) for axis in ("valence", "arousal")),
        label_source="test",
        domain=("simulated",),
        protocol="none",
        data_hashes=(),
        seed=0,
        network={
            "core": 24, "layer1": 12, "face_size": 64, "policy": "hazard", "budget": 0.5, "prior_channels": "Fz",
            "backbone": backbone, **named,
        },
    )  # fmt: skip
    return Bundle(spec=spec, tensors=tensors, sha256="0" * 64, name="faithful.safetensors")


def decoder(bundle: Bundle, weights: Path | None) -> AttentionDecoder:
    backbone = load_backbone(bundle, weights, CPU)
    return AttentionDecoder(bundle, CPU, face_detector=OneFace(), backbone=backbone)  # type: ignore[arg-type]


def test_the_weights_of_the_users_file_decide_the_answer(tmp_path: Path) -> None:
    answers = []
    for seed in (0, 1):
        path = tiny_vgg16.write(tmp_path, seed)
        model = decoder(made_bundle(vgg16.load_vgg16(path)[1]), path)
        for number in range(1, 2 * FRAMES_PER_TICK + 1):
            image = np.random.default_rng(number).integers(1, 255, (192, 192, 3), dtype=np.uint8)
            model.frame(number / 8.0, FaceFrame(image, number / 8.0), None)
            if number % FRAMES_PER_TICK == 0:
                model.tick(None)
        answers.append([head.probabilities for head in model.read()])
    assert answers[0] != answers[1]


def test_a_bundle_without_its_weights_says_which_file_is_needed(tmp_path: Path) -> None:
    sha256 = vgg16.load_vgg16(tiny_vgg16.write(tmp_path))[1]
    with pytest.raises(MoodringError, match=rf"set models.vgg16_weights to the file with the sha256 {sha256}"):
        decoder(made_bundle(sha256), None)


def test_weights_that_the_bundle_was_not_trained_with_are_refused(tmp_path: Path) -> None:
    sha256 = vgg16.load_vgg16(tiny_vgg16.write(tmp_path, 0))[1]
    with pytest.raises(MoodringError, match=f"expected was {sha256}"):
        decoder(made_bundle(sha256), tiny_vgg16.write(tmp_path, 1))


def test_bundles_that_name_no_weights_or_an_unknown_backbone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MoodringError, match="does not name the weights of its VGG-16"):
        decoder(made_bundle(None), tiny_vgg16.write(tmp_path))
    with pytest.raises(MoodringError, match="names the backbone 'resnet'; known are compact, vgg16"):
        decoder(made_bundle("0" * 64, "resnet"), None)
