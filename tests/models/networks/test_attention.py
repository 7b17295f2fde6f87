import pytest
import torch
from torch import Tensor

from moodring.models.networks.attention import AttentionNet, Sizes, State, Ticks, pooled
from moodring.models.networks.look_policy import LONGEST_WAIT_FRAMES, THUMBNAIL, GaussianPolicy, HazardPolicy

SIZES = Sizes(face_features=4, band_features=4, glimpse=6, layer1=8, core=10)


@pytest.fixture
def net() -> AttentionNet:
    torch.manual_seed(1)
    return AttentionNet(SIZES).eval()


def make_ticks(n: int = 12, batch: int = 3, looks: float = 1.0, presence: float = 0.9, eeg: float = 1.0) -> Ticks:
    rng = torch.Generator().manual_seed(2)
    return Ticks(
        face=torch.randn(n, batch, SIZES.face_features, generator=rng),
        looks=torch.full((n, batch), looks),
        presence=torch.full((n, batch), presence),
        elapsed_s=torch.zeros(n, batch),
        bands=torch.randn(n, batch, 3, SIZES.band_features, generator=rng),
        eeg_present=torch.full((n, batch), eeg),
        since_onset_s=torch.full((n, batch), -1.0),
    )


def cut(ticks: Ticks, span: slice) -> Ticks:
    return Ticks(*(getattr(ticks, name)[span] for name in ticks.__dataclass_fields__))


def changed(ticks: Ticks, **values: Tensor) -> Ticks:
    return Ticks(**{**ticks.__dict__, **values})


def cores(net: AttentionNet, ticks: Ticks) -> Tensor:
    with torch.no_grad():
        return net.run(net.start(ticks.looks.shape[1]), ticks)[1]


def test_ticks_one_by_one_are_the_whole(net: AttentionNet) -> None:
    ticks = make_ticks()
    state: State = net.start(3)
    parts = []
    for tick in range(12):
        state, core, attention = net.run(state, cut(ticks, slice(tick, tick + 1)))
        parts.append(core)
        assert torch.allclose(attention.sum(dim=-1), torch.ones(1, 3))
    assert torch.allclose(torch.cat(parts), cores(net, ticks), atol=1e-6)


def test_what_is_absent_changes_nothing(net: AttentionNet) -> None:
    blind, deaf = make_ticks(looks=0.0, presence=0.0), make_ticks(eeg=0.0)
    assert torch.equal(cores(net, blind), cores(net, changed(blind, face=blind.face + 5.0)))
    assert torch.equal(cores(net, deaf), cores(net, changed(deaf, bands=deaf.bands + 5.0)))


def test_present_modalities_matter(net: AttentionNet) -> None:
    ticks = make_ticks()
    assert not torch.allclose(cores(net, ticks), cores(net, changed(ticks, face=ticks.face + 1.0)))
    assert not torch.allclose(cores(net, ticks), cores(net, changed(ticks, bands=ticks.bands + 1.0)))


def test_a_neutral_face_adds_far_less_than_an_expression(net: AttentionNet) -> None:
    def effect(presence: float) -> float:
        ticks = make_ticks(presence=presence)
        return float((cores(net, ticks) - cores(net, changed(ticks, face=ticks.face + 1.0))).abs().mean())

    assert effect(0.02) < 0.1 * effect(0.98)


def test_looks_within_a_tick_count_by_their_expression() -> None:
    features = torch.tensor([[[1.0]], [[3.0]]])  # two looks, one clip
    found = torch.ones(2, 1, dtype=torch.bool)
    face, presence = pooled(features, torch.tensor([[-20.0], [20.0]]), found)
    assert face.item() == pytest.approx(3.0, abs=1e-4)
    assert presence.item() == pytest.approx(1.0, abs=1e-4)
    face, presence = pooled(features, torch.tensor([[-20.0], [20.0]]), torch.tensor([[True], [False]]))
    assert face.item() == pytest.approx(1.0, abs=1e-2)
    nothing, none = pooled(features[:0], torch.zeros(0, 1), found[:0])
    assert nothing.shape == (1, 1)
    assert none.item() == 0.0


def test_the_periphery_step_by_step_is_the_whole() -> None:
    torch.manual_seed(3)
    policy = HazardPolicy(SIZES.core).eval()
    frames = torch.randint(0, 255, (9, 2, THUMBNAIL, THUMBNAIL)).float()
    theta = torch.randn(9, 2)
    theta[4, 0] = float("nan")
    there = torch.ones(9, 2)
    there[0] = 0.0
    with torch.no_grad():
        state = policy.start(2)
        carried = (state.previous, state.slow, state.theta, state.known, state.theta_known)
        measured, hidden = [], []
        for now in range(9):
            state = policy.watch(state, frames[now], there[now], theta[now])
            hidden.append(state.hidden)
            features, carried = policy.measures(
                type(state)(*carried, state.hidden, state.measured), frames[now], there[now], theta[now]
            )
            measured.append(features)
        embedded = torch.stack([policy.embed(row) for row in measured])
        whole = policy.remember(embedded, torch.zeros(2, policy.units))
    assert torch.isfinite(whole).all()
    assert torch.allclose(torch.stack(hidden), whole, atol=1e-6)


def test_a_look_comes_at_the_latest_after_ten_seconds() -> None:
    policy = HazardPolicy(SIZES.core).eval()
    with torch.no_grad():
        policy.price.fill_(1e6)
    gain = policy.advantage(torch.zeros(1, policy.units), torch.zeros(1, SIZES.core), torch.ones(1))
    assert not policy.looks(gain, torch.tensor([LONGEST_WAIT_FRAMES - 1]))
    assert policy.looks(gain, torch.tensor([LONGEST_WAIT_FRAMES]))


def test_the_gaussian_policy_waits_between_one_frame_and_ten_seconds() -> None:
    policy = GaussianPolicy(SIZES.core)
    assert policy.frames(torch.tensor([-3.0, 0.0, 1.0, 7.0])).tolist() == [
        1,
        1,
        LONGEST_WAIT_FRAMES,
        LONGEST_WAIT_FRAMES,
    ]
