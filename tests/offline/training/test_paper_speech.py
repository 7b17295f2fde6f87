"""Training of the paper's systems: what goes in, that all four learn, stop at their best, and go on after a stop."""

from pathlib import Path

import numpy as np
import pytest
import torch

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.load import check
from moodring.configs.schema.papers.speech import PaperConfig
from moodring.models.networks.speech_baselines import PlainNetwork
from moodring.offline.training.common.checkpoints import Checkpoints
from moodring.offline.training.common.utterances import LabelledUtterance
from moodring.offline.training.paper_speech.train import build, fit, utterance_logits, varied, whole_segments

SYSTEMS = ("cnn_lstm", "cnn", "lstm", "network")


def config(system: str = "cnn_lstm", **changes: object) -> PaperConfig:
    values: dict[str, object] = {
        "name": system,
        "system": system,
        "runs": [{"classes": ["anger", "neutral"]}],
        "sizes": {
            "channels": [6] * 4,
            "strides": [16, 1, 1, 1],
            "pools": [4, 4, 4, 2],
            "lstm_units": 8,
            "dropout": 0.0,
        },
        "units": 8,
        "epochs": 8,
        "batch": 8,
        "shift_s": 0.0,
        "speed": 0.0,
        "weight_decay": 0.0,
    }
    return check({**values, **changes}, PaperConfig, "test")


def quiet(line: str) -> None:
    pass


def tones(per_class: int, seed: int, n_classes: int = 2) -> list[LabelledUtterance]:
    """Tones of one phase in noise, of one and of two seconds: a plain network can learn them too."""
    rng = np.random.default_rng(seed)
    made = []
    for n in range(per_class * n_classes):
        times_s = np.arange(16_000 * (1 + n // n_classes % 2)) / 16_000
        sound = np.sin(2 * np.pi * (300.0 + 500.0 * (n % n_classes)) * times_s) + rng.normal(0, 0.3, len(times_s))
        made.append(LabelledUtterance((0.1 * sound).astype(np.float32), n % n_classes))
    return made


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_learns_what_can_be_learnt(system: str, tmp_path: Path) -> None:
    fitted = fit(config(system), tones(16, 0), tones(4, 1), 2, 0, Checkpoints(tmp_path, "run"), quiet)
    test = tones(10, 2)
    said = utterance_logits(fitted.network, test).argmax(axis=1)
    assert np.mean(said == [one.label for one in test]) >= 0.9


def test_the_best_epoch_is_kept_and_training_stops_after_it(tmp_path: Path) -> None:
    # Upside down labels to stop by: what is learnt makes the loss worse, so the first epochs are the best.
    against = [LabelledUtterance(one.samples, 1 - one.label) for one in tones(4, 1)]
    asked = config(epochs=20, patience=3)
    fitted = fit(asked, tones(12, 0), against, 2, 0, Checkpoints(tmp_path, "run"), quiet)
    assert fitted.epochs == fitted.best_epoch + 3 < 20
    logits = torch.from_numpy(utterance_logits(fitted.network, against))
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor([one.label for one in against]))
    assert float(loss) == pytest.approx(fitted.stopping_loss, abs=1e-5)


def test_an_interrupted_run_ends_as_an_uninterrupted_one(tmp_path: Path) -> None:
    asked = config(epochs=4, shift_s=0.2, speed=0.1, sizes={**config().sizes.model_dump(), "dropout": 0.3})
    training, stopping = tones(6, 0), tones(3, 1)
    whole = fit(asked, training, stopping, 2, 5, Checkpoints(tmp_path / "whole", "run"), quiet)

    def leave(line: str) -> None:
        if line.startswith("epoch 2 of"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(asked, training, stopping, 2, 5, Checkpoints(tmp_path / "stopped", "run"), leave)
    lines: list[str] = []
    resumed = fit(asked, training, stopping, 2, 5, Checkpoints(tmp_path / "stopped", "run"), lines.append)
    assert [line.partition(" of ")[0] for line in lines] == ["goes on after epoch 2", "epoch 3", "epoch 4"]
    np.testing.assert_array_equal(
        utterance_logits(resumed.network, stopping), utterance_logits(whole.network, stopping)
    )


def test_a_class_without_an_utterance_to_train_on_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MoodringError, match=r"\[2, 2, 0\]; every class needs some"):
        fit(config(), tones(2, 0), tones(2, 1), 3, 0, Checkpoints(tmp_path, "run"), quiet)


def test_an_utterance_is_divided_by_its_rms_and_its_last_second_padded() -> None:
    samples = (0.03 * np.random.default_rng(0).standard_normal(19_608)).astype(np.float32)
    samples[:16_000] *= 4.0
    segments = whole_segments(samples)
    assert segments.shape == (2, 16_000)
    flat = segments.ravel()
    assert np.sqrt(np.mean(flat[:19_608] ** 2)) == pytest.approx(1.0, rel=1e-5)
    np.testing.assert_allclose(flat[:19_608] / flat[0], samples / samples[0], rtol=1e-4)
    assert not flat[19_608:].any()
    assert whole_segments(np.zeros(16_000, np.float32)).shape == (1, 16_000)
    assert not whole_segments(np.zeros(10, np.float32)).any()


def test_training_utterances_are_moved_and_stretched_within_bounds() -> None:
    samples = np.sin(2 * np.pi * 200.0 * np.arange(32_000) / 16_000).astype(np.float32)
    rng = np.random.default_rng(0)
    lengths, crossings = [], []
    for _ in range(40):
        one = varied(samples, 0.25, 0.1, rng)
        assert one.dtype == np.float32
        lengths.append(len(one))
        sounding = one[np.flatnonzero(one)[0] :]
        crossings.append(np.mean(np.diff(np.signbit(sounding).astype(int)) != 0) * 8_000)
    assert 32_000 / 1.1 - 4_001 <= min(lengths) < 29_000
    assert 34_000 < max(lengths) <= 32_000 / 0.9 + 4_001
    assert 175.0 < min(crossings) < 190.0
    assert 210.0 < max(crossings) < 225.0
    np.testing.assert_allclose(varied(samples, 0.0, 0.0, rng), samples[:-1], atol=1e-6)


@pytest.mark.parametrize("system", ["cnn_lstm", "cnn", "lstm"])
def test_what_is_said_after_a_second_does_not_know_the_next(system: str) -> None:
    torch.manual_seed(0)
    network = build(config(system), 3).eval()
    segments = torch.randn(2, 3, 16_000)
    with torch.inference_mode():
        whole, part = network(segments), network(segments[:, :2])
    assert whole.shape == (2, 3, 3)
    torch.testing.assert_close(whole[:, :2], part)
    assert not torch.allclose(whole[:, 2], whole[:, 1])


def test_the_plain_network_pads_and_cuts_to_its_length() -> None:
    torch.manual_seed(0)
    network = PlainNetwork(5, 0.0, 3, longest_segments=2, n_times=100).eval()
    long = torch.randn(4, 3, 100)
    padded = torch.cat((long[:, :1], torch.zeros(4, 1, 100)), dim=1)
    with torch.inference_mode():
        assert network(long).shape == (4, 1, 3)
        torch.testing.assert_close(network(long), network(long[:, :2]))
        torch.testing.assert_close(network(long[:, :1]), network(padded))
        assert not torch.allclose(network(long[:, :1]), network(long))
