from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from moodring.configs.schema.errors import ConfigError
from moodring.configs.schema.live import ModelsSection
from moodring.configs.schema.load import check, load
from moodring.configs.schema.train_video_eeg import TrainVideoEegConfig
from moodring.models.contract import Recording
from moodring.models.decoders.video_eeg import Normalisation, network_of
from moodring.models.io.bundle import bundled, load_bundle
from moodring.models.networks.video_eeg import Sizes, VideoEegNet
from moodring.models.signals.face.detection import FaceDetector
from moodring.offline.decoding.decode import decode_with
from moodring.offline.simulate.simulated_session import simulate
from moodring.offline.training.video_eeg import eeg_variants, scores
from moodring.offline.training.video_eeg.losses import band_imbalance, class_loss, level_class_weights
from moodring.offline.training.video_eeg.prepare import PreparedSession, prepare, read_prepared, write_prepared
from moodring.offline.training.video_eeg.reinforce import (
    discounted_returns,
    learned_policy,
    log_probability,
    policy_losses,
    train_core,
    train_policy,
)
from moodring.offline.training.video_eeg.rollouts import (
    Clips,
    FeatureBank,
    Rollout,
    decisions_of,
    roll_out,
)
from moodring.offline.training.video_eeg.train import train_video_eeg

SIZES = Sizes(face_features=4, band_features=4, glimpse=8, layer1=12, core=16)
CONFIG = TrainVideoEegConfig()


def quiet(_: str) -> None:
    """Take a report and say nothing."""


def made_features(people: int = 3, frames: int = 200, seed: int = 0, block: int = 50) -> FeatureBank:
    """Make features whose faces and bands spell the levels, which change every `block` frames."""
    rng = torch.Generator().manual_seed(seed)
    levels = torch.randint(0, 3, (people, frames // block, 2), generator=rng).repeat_interleave(block, dim=1)
    face = torch.zeros(people, frames, 4)
    face[..., :2] = levels - 1.0
    bands = (levels - 1.0).repeat(1, 1, 2)[:, None, :, None].expand(people, 2, frames, 3, 4).clone()
    there = torch.ones(people, frames, dtype=torch.bool)
    return FeatureBank(face, bands, there, there, levels)


def made_clips(features: FeatureBank, start: int = 8, stop: int | None = None) -> Clips:
    n = features.face.shape[0]
    never = torch.zeros(n, dtype=torch.bool)
    end = torch.full((n,), features.frames if stop is None else stop)
    return Clips(torch.arange(n), torch.zeros(n, dtype=torch.int64), torch.full((n,), start), end, never, never)


def rollout_of(positions: list[int], stop: int, end: int) -> Rollout:
    """The rollout of one clip with the given glimpses."""
    position = torch.tensor(positions)[:, None]
    glimpses = len(positions)
    return Rollout(
        core=torch.zeros(glimpses, 1, SIZES.core),
        position=position,
        active=position < stop,
        attention=torch.full((glimpses, 1, 3), 1 / 3),
        eeg_seen=position < stop,
        proposed=torch.full((glimpses, 1), 0.5),
        end=torch.tensor([end]),
    )


def one_clip(start: int, stop: int) -> Clips:
    no = torch.tensor([False])
    return Clips(torch.tensor([0]), torch.tensor([0]), torch.tensor([start]), torch.tensor([stop]), no, no)


def test_each_decision_is_answered_by_the_last_look_before_it() -> None:
    features = made_features(1)
    held = decisions_of(features, one_clip(8, 40), rollout_of([8, 11, 21, 36], 40, 40))
    assert held.frame[0, :8].tolist() == [8, 12, 16, 20, 24, 28, 32, 36]
    assert held.glimpse[0, :8].tolist() == [0, 1, 1, 1, 2, 2, 2, 3]
    assert bool((held.level[0, :8] >= 0).all())
    assert bool((held.level[0, 8:] == -1).all())


def test_looks_go_forward_and_stop_at_the_end() -> None:
    torch.manual_seed(0)
    net, features = VideoEegNet(SIZES).eval(), made_features()
    rollout = roll_out(
        net, features, made_clips(features, stop=150), learned_policy(net, 0.3, torch.Generator().manual_seed(1)), 200
    )
    wait = rollout.position.diff(dim=0)
    assert int(wait.min()) >= 1
    assert int(wait.max()) <= SIZES.max_wait_frames
    torch.testing.assert_close(rollout.active, rollout.position < 150)
    torch.testing.assert_close(rollout.end, torch.full((3,), 150))


def test_the_price_falls_due_with_the_look_and_rewards_are_discounted() -> None:
    features = made_features(1)
    rollout = rollout_of([8, 13, 40], 32, 32)
    held = decisions_of(features, one_clip(8, 32), rollout)
    right = torch.zeros_like(held.frame, dtype=torch.float32)
    right[0, :6] = torch.tensor([1.0, 1.0, -1.0, 1.0, 1.0, 1.0])
    keep = float(np.exp(-0.5 / CONFIG.horizon_s))
    returns = discounted_returns(rollout, held, right, 0.25, CONFIG)
    # The glimpse at frame 8 is held at decisions 8 and 12; its choice answers for what comes after frame 8.
    paid = [1.0 - 0.25, 1.0, -1.0 - 0.25, 1.0, 1.0, 1.0]
    assert returns.first_decision[:2, 0].tolist() == [1, 2]
    assert float(returns.after_glimpse[0, 0]) == pytest.approx(
        sum(p * keep**k for k, p in enumerate(paid[1:])), abs=1e-5
    )
    assert float(returns.after_glimpse[1, 0]) == pytest.approx(
        sum(p * keep**k for k, p in enumerate(paid[2:])), abs=1e-5
    )


def test_a_place_never_viewed_has_no_log_probability() -> None:
    returns = discounted_returns(
        rollout_of([8, 13, 40], 32, 32),
        decisions_of(made_features(1), one_clip(8, 32), rollout_of([8, 13, 40], 32, 32)),
        torch.zeros(1, 7),
        0.1,
        CONFIG,
    )
    assert returns.wait_used[:, 0].tolist() == [True, False, False]


def test_log_probability_is_of_the_draw_itself_and_moves_the_mean_alone() -> None:
    mean = torch.tensor([0.4], requires_grad=True)
    drawn = torch.tensor([1.9], requires_grad=True)
    log_probability(mean, drawn, 0.5).sum().backward()
    assert drawn.grad is None
    assert float(mean.grad[0]) == pytest.approx((1.9 - 0.4) / 0.25)  # type: ignore[index]
    normal = torch.distributions.Normal(0.4, 0.5)
    difference = log_probability(torch.tensor(0.4), torch.tensor([0.1, 1.9]), 0.5) - normal.log_prob(
        torch.tensor([0.1, 1.9])
    )
    assert float(difference.std()) < 1e-6


def test_better_rollouts_pull_the_policy_towards_their_waits() -> None:
    torch.manual_seed(0)
    net, features = VideoEegNet(SIZES), made_features(1)
    clips = one_clip(8, 60).repeat(2)
    rollout = rollout_of([8, 16, 24, 32, 40, 48, 56], 60, 60)
    both = Rollout(
        *(torch.cat([part, part], dim=1) for part in (rollout.core, rollout.position, rollout.active)),
        torch.cat([rollout.attention] * 2, dim=1),
        torch.cat([rollout.eeg_seen] * 2, dim=1),
        torch.stack([torch.full((7,), 0.9), torch.full((7,), 0.1)], dim=1),
        rollout.end.repeat(2),
    )
    held = decisions_of(features, clips, both)
    right = torch.ones(held.frame.shape) * torch.tensor([[1.0], [-1.0]])
    returns = discounted_returns(both, held, right, 0.0, CONFIG)
    policy_loss, _ = policy_losses(net, both, returns, 0.2, 2)
    policy_loss.backward()
    assert float(net.policy.bias.grad[0]) < 0.0  # going down the loss raises the mean, towards 0.9


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


def test_a_tiny_set_is_learned_by_heart_and_the_budget_kept() -> None:
    torch.manual_seed(0)
    net, features = VideoEegNet(SIZES).eval(), made_features(people=4, frames=100)
    config = TrainVideoEegConfig.model_validate(
        {
            "dropout": 0.0,
            "core": {"batches": 100, "learning_rate": 2e-2},
            "reinforce": {"batches": 12, "learning_rate": 2e-3},
            "rollouts": 3,
            "batch": 6,
        }
    )
    train_core(net, features, torch.ones(2, 3), config, quiet)
    train_policy(net, features, torch.ones(2, 3), config, quiet)
    scores.spend_budget(net, features, config.budget)
    result = scores.score_condition(net.eval(), features, "full", 10.0)
    assert float(result.uar.mean()) > 0.8
    assert float(result.glimpsed.mean()) == pytest.approx(0.10, abs=0.02)


def test_below_the_core_nothing_moves_in_the_last_stages() -> None:
    torch.manual_seed(0)
    net, features = VideoEegNet(SIZES), made_features()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    config = TrainVideoEegConfig.model_validate({"core": {"batches": 2}, "reinforce": {"batches": 2}, "batch": 2})
    train_core(net, features, torch.ones(2, 3), config, quiet)
    train_policy(net, features, torch.ones(2, 3), config, quiet)
    moved = {name.split(".")[0] for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {"core", "heads", "band_attention", "absent", "policy", "value"}


def test_temperature_undoes_overconfidence_and_sets_cover() -> None:
    rng = torch.Generator().manual_seed(0)
    honest = torch.randn(12, 300, 2, 3, generator=rng)
    level = torch.distributions.Categorical(logits=honest)
    torch.manual_seed(1)
    said = scores.DecisionLogits(3.0 * honest, level.sample(), torch.zeros(12))
    heated = scores.fit_temperatures(said)
    assert heated["valence"] == pytest.approx(3.0, rel=0.15)
    kept = scores.fit_thresholds(said, heated, 0.8)
    p = torch.softmax(said.logits / heated["valence"], dim=-1).gather(-1, said.level[..., None])[..., 0]
    covered = float((p[:, :, 0] >= kept["valence"]).float().mean())
    assert 0.8 <= covered < 0.95
    assert scores.fit_thresholds(said, heated, 0.99)["valence"] == 0.0  # 12 people cannot promise that much


# ------------------------------------------------------------------------------ on simulated people


@pytest.fixture(scope="module")
def recording() -> Recording:
    return simulate(731, 12.0)


@pytest.fixture(scope="module")
def finder() -> FaceDetector:
    return FaceDetector(bundled("yunet").read_bytes())


@pytest.fixture(scope="module")
def prepared(recording: Recording, finder: FaceDetector) -> PreparedSession:
    return prepare(recording, finder, 48, 1.0)


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
    whole, part = prepared, prepare(shorter, finder, 48, 1.0)
    n = len(part.power)
    assert n == 40
    assert part.eeg_there[16:].all()
    assert part.face_there[16:].mean() > 0.9
    np.testing.assert_array_equal(part.power, whole.power[:n])
    np.testing.assert_array_equal(part.crops, whole.crops[:n])
    write_prepared(tmp_path / "a.npz", part)
    np.testing.assert_array_equal(read_prepared(tmp_path / "a.npz").power, part.power)


def test_held_frames_are_the_last_computed_ones(
    recording: Recording, finder: FaceDetector, prepared: PreparedSession
) -> None:
    whole, held = prepared, prepare(recording, finder, 48, 1.0, stride=3)
    last = np.arange(len(whole.power)) // 3 * 3
    np.testing.assert_array_equal(held.power, whole.power[last])
    np.testing.assert_array_equal(held.crops, whole.crops[last])
    np.testing.assert_array_equal(held.levels, whole.levels)
    torch.manual_seed(0)
    net, normal = VideoEegNet(Sizes()).eval(), eeg_variants.fit_normalisation([whole])
    at = torch.arange(90)
    once = eeg_variants.draw_images([held], normal, net, 1, 0, stride=3).images_at(at * 0, at * 0, at)
    every = eeg_variants.draw_images([held], normal, net, 1, 0).images_at(at * 0, at * 0, at // 3 * 3)
    # Images are kept in half precision, and one product of matrices may round where another does not.
    torch.testing.assert_close(once, every, atol=2e-3, rtol=2e-3)


def test_a_channel_that_was_never_good_is_normalised_like_the_others(prepared: PreparedSession) -> None:
    one = prepared
    good, power = one.good.copy(), one.power.copy()
    good[:, 4] = False
    power[:, 4] = np.nan
    normal = eeg_variants.fit_normalisation([replace(one, good=good, power=power)])
    table = normal.prior.at(normal.prior.names)
    assert np.isfinite(table).all()
    np.testing.assert_allclose(table[4], normal.prior.bands)
    assert (normal.scale > 0.0).all()


@pytest.fixture(scope="module")
def tiny() -> TrainVideoEegConfig:
    people = {
        "count": 2,
        "posing": 2,
        "seconds": 12.0,
        "validation_seeds": [801],
        "calibration_seeds": [821],
        "workers": 1,
    }
    stage = {"batches": 2}
    stages = dict.fromkeys(("expression", "bands", "layer1", "core", "reinforce"), stage)
    return TrainVideoEegConfig.model_validate({"people": people, "poses": 6, "batch": 2, "rollouts": 2, **stages})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny: TrainVideoEegConfig) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    train_video_eeg(tiny, folder / "one.safetensors", quiet, folder / "cache")
    return folder


def test_training_writes_an_honest_bundle_and_card(folder: Path) -> None:
    spec = load_bundle(folder / "one.safetensors", "video_eeg").spec
    assert spec.domain == ("simulated",)
    assert "difficulty benchmark" in spec.data_hashes[0]
    assert "not valid for people" in (folder / "one.md").read_text(encoding="utf-8")


def test_training_resumes_from_its_stages_to_the_same_file(folder: Path, tiny: TrainVideoEegConfig) -> None:
    lines: list[str] = []
    train_video_eeg(tiny, folder / "two.safetensors", lines.append, folder / "cache")
    assert sum("from the cache" in line for line in lines) == 5
    assert_same_bundle(folder / "two.safetensors", folder / "one.safetensors")
    for stage in (folder / "cache").glob("stage-reinforce-*"):
        stage.unlink()
    train_video_eeg(tiny, folder / "three.safetensors", lines.append, folder / "cache")
    assert_same_bundle(folder / "three.safetensors", folder / "one.safetensors")


def assert_same_bundle(path: Path, other: Path) -> None:
    one, two = load_bundle(path), load_bundle(other)
    assert one.spec == two.spec
    assert one.tensors.keys() == two.tensors.keys()
    for name, tensor in one.tensors.items():
        torch.testing.assert_close(tensor, two.tensors[name], rtol=0.0, atol=0.0)


def test_training_and_decoding_compute_the_same(recording: Recording, prepared: PreparedSession) -> None:
    """The shipped bundle gives the same probabilities on prepared data as when the engine decodes the recording."""
    bundle = load_bundle(bundled("video_eeg"), "video_eeg")
    net = network_of(bundle).eval()
    assert prepared.crops.shape[1] == bundle.spec.network["face_size"]
    images = eeg_variants.draw_images([prepared], Normalisation.of(bundle), net, 1, 0)
    outputs = scores.run_condition(net, eeg_variants.extract_features(images, net), "full", 10.0)
    decoded = decode_with(replace(recording, speech=None), ModelsSection())
    for axis, name in enumerate(("valence", "arousal")):
        live = {
            round(2 * (estimate.time_s - recording.t0_s)): answer.probabilities
            for estimate in decoded.estimates
            if (answer := estimate.answer(name)) is not None
        }
        assert len(live) > 15
        temperature = bundle.spec.head(name).temperature
        expected = torch.softmax(outputs.logits[0, :, axis] / temperature, dim=-1).numpy()
        # The first glimpse is at frame 16, the fourth decision; images are kept in half precision.
        for k, probabilities in live.items():
            np.testing.assert_allclose(probabilities, expected[k - 4], atol=3e-4, err_msg=f"{name}, decision {k}")


def test_the_shipped_config_is_valid_and_the_final_tests_people_are_refused() -> None:
    shipped = Path(str(bundled("yunet"))).parents[2] / "configs" / "train_video_eeg.toml"
    assert load(shipped, TrainVideoEegConfig).budget <= 0.13
    with pytest.raises(ConfigError, match="final test"):
        check({"people": {"validation_seeds": [1003]}}, TrainVideoEegConfig, "x")
    with pytest.raises(ConfigError, match="in two groups"):
        check({"people": {"calibration_seeds": [5]}}, TrainVideoEegConfig, "x")
