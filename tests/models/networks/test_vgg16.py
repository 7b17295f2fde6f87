"""The frozen VGG-16: torchvision's tensors, read from the user's file alone, and what is refused."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from moodring.configs.schema.errors import MoodringError
from moodring.models.networks import vgg16
from tests.support import tiny_vgg16

CPU = torch.device("cpu")


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_vgg16.shrink(monkeypatch)


def test_the_layers_are_those_of_torchvision() -> None:
    with torch.device("meta"):
        tensors = vgg16.Vgg16().state_dict()
    convolutions = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
    layers = [*(f"features.{n}" for n in convolutions), "classifier.0", "classifier.3"]
    assert list(tensors) == [f"{layer}.{part}" for layer in layers for part in ("weight", "bias")]
    assert tuple(tensors["features.28.weight"].shape) == (512, 512, 3, 3)
    assert tuple(tensors["classifier.0.weight"].shape) == (4096, 25088)
    # 138,357,544 as published, less the 4,097,000 of the layer that names ImageNet's classes.
    assert sum(tensor.numel() for tensor in tensors.values()) == 138_357_544 - 4_097_000


def test_faces_of_the_papers_size_fill_the_grid_of_seven() -> None:
    with torch.device("meta"):
        network = vgg16.Vgg16()
        seen = network.features(torch.zeros(1, 3, vgg16.FACE_SIZE, vgg16.FACE_SIZE))
        assert tuple(seen.shape) == (1, 512, 7, 7)
        assert tuple(network(torch.zeros(2, 3, vgg16.FACE_SIZE, vgg16.FACE_SIZE)).shape) == (2, 4096)


@pytest.mark.usefixtures("tiny")
def test_a_file_of_torchvision_and_a_safetensors_file_give_the_same_network(tmp_path: Path) -> None:
    weights = tiny_vgg16.state_dict()
    path = tiny_vgg16.write(tmp_path)
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, tmp_path / "vgg16.safetensors")
    torch.save({name: tensor.half() for name, tensor in weights.items()}, tmp_path / "half.pth")
    torch.save(weights, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    network, sha256 = vgg16.load_vgg16(path)
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    for other in ("vgg16.safetensors", "old.pth"):
        read, _ = vgg16.load_vgg16(tmp_path / other)
        assert all(torch.equal(tensor, read.state_dict()[name]) for name, tensor in network.state_dict().items())
    half, _ = vgg16.load_vgg16(tmp_path / "half.pth")
    assert half.classifier[0].weight.dtype == torch.float32


@pytest.mark.usefixtures("tiny")
def test_crops_are_normalised_as_torchvision_does(tmp_path: Path) -> None:
    network, _ = vgg16.load_vgg16(tiny_vgg16.write(tmp_path))
    crops = np.random.default_rng(0).integers(0, 255, (3, vgg16.FACE_SIZE, vgg16.FACE_SIZE, 3), dtype=np.uint8)
    embedded = vgg16.FrozenVgg16(network, CPU).embed(crops)
    mean, spread = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    rgb = (crops[..., ::-1] / 255.0 - mean) / spread
    with torch.no_grad():
        expected = network(torch.from_numpy(rgb.transpose(0, 3, 1, 2)).float())
    assert embedded.shape == (3, vgg16.UNITS)
    torch.testing.assert_close(embedded, expected, atol=1e-5, rtol=1e-4)
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.usefixtures("tiny")
def test_another_hash_is_refused(tmp_path: Path) -> None:
    path = tiny_vgg16.write(tmp_path)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    vgg16.load_vgg16(path, found.upper())
    with pytest.raises(MoodringError, match=rf"have the sha256 {found}, expected was {'0' * 64}"):
        vgg16.load_vgg16(path, "0" * 64)


@pytest.mark.usefixtures("tiny")
def test_the_first_tensor_of_another_network_is_named(tmp_path: Path) -> None:
    weights = tiny_vgg16.state_dict()

    def refusal(**changed: torch.Tensor | None) -> str:
        path = tmp_path / "other.pth"
        names = {name.replace("__", "."): tensor for name, tensor in changed.items()}
        torch.save({name: tensor for name, tensor in {**weights, **names}.items() if tensor is not None}, path)
        with pytest.raises(MoodringError) as refused:
            vgg16.load_vgg16(path)
        return str(refused.value)

    assert "'features.2.weight' is missing, expected: (2, 2, 3, 3)" in refusal(features__2__weight=None)
    assert "'features.5.bias' is (3,), expected: (2,)" in refusal(features__5__bias=torch.zeros(3))
    # Of a deeper network.
    assert "'features.30.weight' is (1,), expected: no such tensor" in refusal(features__30__weight=torch.zeros(1))
    assert "no finite numbers in 'features.0.bias'" in refusal(features__0__bias=torch.full((2,), torch.nan))
    # A network tuned on other classes fits.
    torch.save(weights | {"classifier.6.weight": torch.zeros(7, 8)}, tmp_path / "tuned.pth")
    vgg16.load_vgg16(tmp_path / "tuned.pth")


class Malicious:
    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return os.mkdir, ("executed",)


@pytest.mark.usefixtures("tiny")
def test_nothing_in_a_file_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"features.0.weight": Malicious()}, tmp_path / "bad.pth")
    with pytest.raises(MoodringError, match="no state dict of tensors alone"):
        vgg16.load_vgg16(tmp_path / "bad.pth")
    assert not (tmp_path / "executed").exists()


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("text.pth", b"no weights", "no state dict of tensors alone"),
        ("text.safetensors", b"no weights", "no state dict of tensors alone"),
        ("empty.pth", b"", "no state dict of tensors alone"),
    ],
)
def test_files_that_are_no_weights_are_refused(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MoodringError, match=words):
        vgg16.load_vgg16(tmp_path / name)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MoodringError, match=r"do not exist .* nothing is downloaded"):
        vgg16.load_vgg16(tmp_path / "missing.pth")
    with pytest.raises(MoodringError, match="is a folder"):
        vgg16.load_vgg16(tmp_path)
    torch.save({"state_dict": {"features.0.weight": torch.zeros(1)}}, tmp_path / "nested.pth")
    with pytest.raises(MoodringError, match="hold dict, expected: a state dict of tensors by name"):
        vgg16.load_vgg16(tmp_path / "nested.pth")
