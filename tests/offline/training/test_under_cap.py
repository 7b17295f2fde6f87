"""Faces under a cap: what is covered, what is not, and that nothing changes where no cap is asked for."""

import numpy as np
import pytest
import torch

from moodring.configs.schema.train_attention import TrainAttentionConfig
from moodring.offline.training.attention.faces.under_cap import under_cap
from moodring.offline.training.common.optimization import generator_for

FACES = torch.from_numpy(np.random.default_rng(0).integers(140, 256, (400, 48, 48), np.uint8))


def test_a_cap_covers_the_forehead_and_leaves_eyes_and_mouth() -> None:
    capped = under_cap(FACES, 1.0, generator_for(0, 1))
    changed = (capped != FACES).float().mean(dim=0)
    assert changed[:3].mean() > 0.95
    assert changed[30:44, 12:36].max() == 0.0
    assert (capped.flatten(1) != FACES.flatten(1)).any(dim=1).all()
    assert 0.0 <= float(capped.min()) <= float(capped.max()) <= 255.0


def test_caps_differ_and_only_a_share_wears_one() -> None:
    capped = under_cap(FACES, 0.25, generator_for(0, 1))
    wears = (capped.flatten(1) != FACES.flatten(1)).any(dim=1)
    assert 0.17 < float(wears.float().mean()) < 0.33
    covered = (capped != FACES).float().flatten(1).mean(dim=1)[wears]
    assert float(covered.std()) > 0.02


def test_without_a_share_nothing_changes_and_nothing_is_drawn() -> None:
    rng, untouched = generator_for(0, 1), generator_for(0, 1)
    assert torch.equal(under_cap(FACES, 0.0, rng), FACES.float())
    assert torch.equal(rng.get_state(), untouched.get_state())


def test_a_cap_over_embedded_faces_is_refused() -> None:
    with pytest.raises(ValueError, match="embedded already"):
        TrainAttentionConfig.model_validate(
            {"faces": {"under_cap": 0.3}, "network": {"backbone": "vgg16", "weights": "vgg16.pth"}}
        )
