import pytest
import torch

from moodring.offline.training.common.losses import band_imbalance, class_loss, level_class_weights


def test_the_loss_is_the_papers() -> None:
    logits = torch.tensor([[[0.2, -0.4, 1.0], [0.0, 0.0, 0.0]]])
    level = torch.tensor([[2, -1]])
    p = torch.softmax(logits[0, 0], dim=0)
    expected = -(p[2].log() + (1 - p[0]).log() + (1 - p[1]).log())
    assert float(class_loss(logits, level, torch.ones(2, 3))) == pytest.approx(float(expected), abs=1e-5)


def test_band_imbalance_is_zero_for_balanced_bands_and_leaves_unseen_looks_out() -> None:
    attention = torch.tensor([[[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]], [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]]])
    seen = torch.tensor([[True], [True], [True], [False]])
    assert float(band_imbalance(attention, seen)) == pytest.approx(0.0, abs=1e-6)
    assert float(band_imbalance(attention[:1], seen[:1])) == pytest.approx(2 / 3, abs=1e-6)


def test_class_weights_even_out_the_classes() -> None:
    levels = torch.tensor([[0, 0], [0, 1], [1, 2], [2, -1]])
    weights = level_class_weights(levels)
    assert weights[0].tolist() == pytest.approx([4 / 6, 4 / 3, 4 / 3])
    assert weights[1].tolist() == pytest.approx([1.0, 1.0, 1.0])
