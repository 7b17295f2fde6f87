import pytest
import torch

from moodring.models.networks.video_eeg import Glimpse, Sizes, VideoEegNet

SIZES = Sizes(image_size=8, face_size=16, face_features=6, band_features=5, glimpse=7, layer1=8, core=9)


@pytest.fixture
def net() -> VideoEegNet:
    torch.manual_seed(3)
    return VideoEegNet(SIZES).eval()


def glimpse(batch: int, seed: int = 0, face: float = 1.0, eeg: float = 1.0, elapsed_s: float = 0.5) -> Glimpse:
    rng = torch.Generator().manual_seed(seed)
    return Glimpse(
        face=torch.rand(batch, SIZES.face_features, generator=rng),
        bands=torch.randn(batch, 3, SIZES.band_features, generator=rng),
        face_present=torch.full((batch,), face),
        eeg_present=torch.full((batch,), eeg),
        elapsed_s=torch.full((batch,), elapsed_s),
    )


def test_shapes(net: VideoEegNet) -> None:
    state, attention = net.look(net.start(4), glimpse(4))
    assert attention.shape == (4, 3)
    assert net.logits(state.core[0]).shape == (4, 2, 3)
    assert net.wait_mean(state.core[0]).shape == net.state_value(state.core[0]).shape == (4,)
    assert net.face_net(torch.randint(0, 256, (4, 16, 16))).shape == (4, SIZES.face_features)
    assert net.band_net(torch.randn(4, 3, 8, 8)).shape == (4, 3, SIZES.band_features)


def test_band_attention_sums_to_one_and_follows_the_core(net: VideoEegNet) -> None:
    state, first = net.look(net.start(2), glimpse(2))
    _, second = net.look(state, glimpse(2))
    torch.testing.assert_close(first.sum(dim=1), torch.ones(2))
    torch.testing.assert_close(second.sum(dim=1), torch.ones(2))
    assert not torch.allclose(first, second)


def test_attention_weighs_the_bands(net: VideoEegNet) -> None:
    seen = glimpse(1)
    theta_only = net.eeg_glimpse(seen, torch.tensor([[1.0, 0.0, 0.0]]))
    louder_beta = Glimpse(
        seen.face,
        seen.bands * torch.tensor([1.0, 1.0, 9.0])[:, None],
        seen.face_present,
        seen.eeg_present,
        seen.elapsed_s,
    )
    torch.testing.assert_close(theta_only, net.eeg_glimpse(louder_beta, torch.tensor([[1.0, 0.0, 0.0]])))


@pytest.mark.parametrize("modality", ["face", "eeg"])
def test_what_is_absent_does_not_count(net: VideoEegNet, modality: str) -> None:
    absent = {modality: 0.0}
    one, _ = net.look(net.start(2), glimpse(2, **absent))
    seen, other = glimpse(2, **absent), glimpse(2, seed=1)
    swapped = Glimpse(
        other.face if modality == "face" else seen.face,
        other.bands if modality == "eeg" else seen.bands,
        seen.face_present,
        seen.eeg_present,
        seen.elapsed_s,
    )
    two, _ = net.look(net.start(2), swapped)
    torch.testing.assert_close(one.core[0], two.core[0])
    present, _ = net.look(net.start(2), glimpse(2))
    assert not torch.allclose(one.core[0], present.core[0])


def test_one_first_layer_serves_both_modalities(net: VideoEegNet) -> None:
    state, _ = net.look(net.start(1), glimpse(1))
    before = state.face[0], state.eeg[0]
    with torch.no_grad():
        net.layer1.weight_ih.mul_(2.0)
    after, _ = net.look(net.start(1), glimpse(1))
    assert not torch.allclose(before[0], after.face[0])
    assert not torch.allclose(before[1], after.eeg[0])


def test_waits_are_forward_and_bounded(net: VideoEegNet) -> None:
    frames = net.frames(torch.linspace(-3.0, 4.0, 200))
    assert int(frames.min()) == 1
    assert int(frames.max()) == SIZES.max_wait_frames
    assert bool((frames.diff() >= 0).all())


def test_the_learned_baseline_moves_nothing_but_itself(net: VideoEegNet) -> None:
    state, _ = net.look(net.start(2), glimpse(2))
    net.state_value(state.core[0]).sum().backward()
    touched = [name for name, parameter in net.named_parameters() if parameter.grad is not None]
    assert touched == ["value.weight", "value.bias"]


def test_crops_are_standardised(net: VideoEegNet) -> None:
    crop = torch.rand(1, 16, 16, generator=torch.Generator().manual_seed(0)) * 100.0 + 60.0
    features = net.face_net(crop)
    torch.testing.assert_close(features, net.face_net(crop + 25.0), atol=1e-4, rtol=1e-4)


def test_the_paper_sized_core_is_a_setting() -> None:
    assert VideoEegNet(Sizes.of({"core": 1024.0, "face_backbone": "small"})).core.hidden_size == 1024
