"""The cross-domain network's stages: what the contrast does, and that both sets teach one trunk."""

from pathlib import Path

import numpy as np
import pytest
import torch

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.papers.cross_domain import CrossDomainConfig, PairSection, SetSection, StepSection
from moodring.models.networks.cross_domain import SIDE, CrossDomainNetwork
from moodring.offline.evaluation.splits import Items
from moodring.offline.training.common.stage_run import StageRun
from moodring.offline.training.cross_domain.contrast import contrastive_loss, shared_numbers
from moodring.offline.training.cross_domain.sets import PERSON, FaceImages, ImageSet, VoiceImages, segmented
from moodring.offline.training.cross_domain.train import (
    FACES,
    JOINT,
    SINGLE,
    Step,
    Task,
    drawn_members,
    fit,
    probabilities,
    trained,
)

STEP = StepSection(batches=2, batch=4)


def config(**changes: object) -> CrossDomainConfig:
    sets = tuple(SetSection(name=name, single=STEP, tuned=STEP) for name in ("fer2013", "emodb"))
    values = {
        **{"seeds": (1,), "pictures": 8, "visual_source": STEP, "audio_source": STEP, "dropout": 0.0},
        **{
            "sets": sets,
            "pairs": (PairSection(sets=("fer2013", "emodb"), joint=StepSection(batches=1)),),
            "label_smoothing": 0.0,
        },
    }
    return CrossDomainConfig.model_validate({**values, **changes})


def items(n: int) -> Items:
    names = tuple(f"item {i}" for i in range(n))
    groups = {PERSON: tuple(f"person {i % 4}" for i in range(n))}
    return Items(names, groups, names, names, names, np.zeros(n), np.full(n, np.inf))


def faces(n: int = 24) -> ImageSet:
    """Faces of three emotions: the brightness of the upper, middle or lower part."""
    labels = np.arange(n) % 3
    pictures = np.random.default_rng(0).integers(80, 120, (n, SIDE, SIDE)).astype(np.uint8)
    for face, label in zip(pictures, labels, strict=True):
        face[20 * label : 20 * label + 20] += 100
    return ImageSet("fer2013", ("anger", "happiness", "surprise"), labels, items(n), PERSON, FaceImages(pictures), "f")


def voices(n: int = 24, seed: int = 0) -> ImageSet:
    """Voices of three emotions, two of which faces have, too: the loudest bands."""
    labels = np.arange(n) % 3
    channels = []
    for label in labels:
        one = np.random.default_rng((seed, len(channels))).normal(0.0, 0.3, (150, 64, 3)).astype(np.float32)
        one[:, 20 * label : 20 * label + 20] += 2.0
        channels.append(one)
    classes = ("anger", "boredom", "happiness")
    return ImageSet("emodb", classes, labels, items(n), PERSON, VoiceImages(tuple(channels)), f"v{seed}")


def everything(data: ImageSet, batch: int = 12) -> Task:
    return Task(data, np.arange(len(data.labels)), batch)


def test_the_contrast_pulls_one_emotion_together_and_pushes_two_apart() -> None:
    one = torch.tensor([[1.0, 0.0]])
    other = torch.tensor([[0.8, 0.6]], requires_grad=True)
    apart = float((one - other.detach()).norm())
    for same in (True, False):
        other.grad = None
        contrastive_loss(one, other, torch.tensor([0]), torch.tensor([0 if same else 1]), 1.5).backward()
        assert other.grad is not None
        moved = float((one - (other.detach() - 0.1 * other.grad)).norm())
        assert (moved < apart) if same else (moved > apart)


def test_the_contrast_leaves_alone_what_is_beyond_the_margin_or_of_one_set_only() -> None:
    one, far = torch.tensor([[1.0, 0.0]]), torch.tensor([[-1.0, 0.0]])
    assert float(contrastive_loss(one, far, torch.tensor([0]), torch.tensor([1]), 1.0)) == 0.0
    assert float(contrastive_loss(one, far, torch.tensor([-1]), torch.tensor([0]), 3.0)) == 0.0
    assert float(contrastive_loss(one, far, torch.tensor([0]), torch.tensor([0]), 1.0)) == pytest.approx(2.0)


def test_classes_are_numbered_alike_by_their_names() -> None:
    one, other = shared_numbers(("anger", "happiness", "surprise"), ("anger", "boredom", "happiness"))
    assert one.tolist() == [0, 1, -1]
    assert other.tolist() == [0, -1, 1]


def _after(tasks: tuple[Task, ...], settings: CrossDomainConfig) -> torch.Tensor:
    torch.manual_seed(0)
    network = CrossDomainNetwork({"fer2013": 3, "emodb": 3})
    fit(network, Step(JOINT, tasks, 1, 1e-2), settings, (0, 0), StageRun("x", network, None, lambda _: None))
    return torch.cat([value.flatten() for value in network.trunk.state_dict().values()])


def test_a_joint_batch_moves_the_shared_trunk_by_either_set() -> None:
    plain = config(contrast_weight=0.0)
    both = _after((everything(faces()), everything(voices())), plain)
    torch.testing.assert_close(both, _after((everything(faces()), everything(voices())), plain))
    other_faces = ImageSet(**{**faces().__dict__, "labels": faces().labels[::-1].copy()})
    assert not torch.equal(both, _after((everything(other_faces), everything(voices())), plain))
    assert not torch.equal(both, _after((everything(faces()), everything(voices(seed=1))), plain))
    assert not torch.equal(both, _after((everything(faces()), everything(voices())), config(contrast_weight=1.0)))


def test_joint_learning_learns_both_sets_and_brings_their_emotions_together() -> None:
    distances = {}
    for weight in (0.0, 2.0):
        torch.manual_seed(0)
        network = CrossDomainNetwork({"fer2013": 3, "emodb": 3})
        step = Step(JOINT, (everything(faces()), everything(voices())), 40, 3e-3)
        fit(network, step, config(contrast_weight=weight), (0, 0), StageRun("x", network, None, lambda _: None))
        means = {}
        for data in (faces(), voices()):
            chosen = np.arange(len(data.labels))
            assert (probabilities(network, data, chosen).argmax(axis=1) == data.labels).mean() > 0.9
            with torch.inference_mode():
                found = network(torch.from_numpy(np.stack([data.images.views(i)[0] for i in chosen])), data.name)
            for label, name in enumerate(data.classes):
                means[data.name, name] = found.embedding[torch.from_numpy(data.labels == label)].mean(dim=0)
        distances[weight] = sum(
            float((means["fer2013", name] - means["emodb", name]).norm()) for name in ("anger", "happiness")
        )
    assert distances[2.0] < 0.5 * distances[0.0]


def test_every_class_is_drawn_equally_often() -> None:
    data = ImageSet(**{**faces(40).__dict__, "labels": np.array([0] * 36 + [1] * 3 + [2])})
    drawn = np.concatenate([drawn_members(everything(data, 100), np.random.default_rng(i)) for i in range(20)])
    shares = np.bincount(data.labels[drawn]) / len(drawn)
    np.testing.assert_allclose(shares, 1 / 3, atol=0.05)


def test_stages_that_are_done_are_not_trained_again(tmp_path: Path) -> None:
    steps = [
        Step(FACES, (everything(faces()),), 3, 1e-3),
        Step(JOINT, (everything(faces()), everything(voices())), 3, 1e-3),
    ]
    lines: list[str] = []
    heads = {"fer2013": 3, "emodb": 3}
    first = trained(steps, heads, config(), 1, tmp_path, lines.append)
    assert not any("cache" in line for line in lines)
    lines.clear()
    second = trained(steps, heads, config(), 1, tmp_path, lines.append)
    assert [line for line in lines if "cache" in line] == lines
    torch.testing.assert_close(first.state_dict(), second.state_dict())
    lines.clear()
    trained([*steps[:1], Step(SINGLE, (everything(voices()),), 3, 1e-3)], heads, config(), 1, tmp_path, lines.append)
    assert "from the cache" in lines[0]
    assert "from the cache" not in lines[-1]


def test_segments_do_not_overlap_and_know_whose_they_are() -> None:
    cut = segmented(voices(4))
    assert len(cut.labels) == 8  # 150 frames hold two segments of 64
    assert cut.groups == tuple(f"person {i}" for i in (0, 0, 1, 1, 2, 2, 3, 3))
    np.testing.assert_allclose(cut.items.start_s[:2], (0.0, 0.64))
    np.testing.assert_allclose(cut.items.end_s[:2], (0.64, 1.28))
    with pytest.raises(MoodringError, match="none of voices"):
        segmented(faces())
