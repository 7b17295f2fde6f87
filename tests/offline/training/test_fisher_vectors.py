"""Fisher vectors beside a second implementation, and descriptors of sounds whose answer is known."""

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture

from moodring.configs.schema.errors import MoodringError
from moodring.offline.training.fisher_vectors.descriptors import CEPSTRA, COUNT, RATE_HZ, descriptors
from moodring.offline.training.fisher_vectors.encoder import FisherEncoder, fisher_gradient


def _mixture(seed: int = 0) -> GaussianMixture:
    rng = np.random.default_rng(seed)
    frames = np.concatenate([rng.normal(size=(200, 4)) + centre for centre in (-2.0, 0.0, 3.0)])
    return GaussianMixture(3, covariance_type="diag", random_state=seed).fit(frames)


def _by_autograd(frames: np.ndarray, mixture: GaussianMixture) -> np.ndarray:
    """Differentiate the log likelihood itself, and divide by the root of the Fisher information."""
    weights = torch.tensor(mixture.weights_)
    means = torch.tensor(mixture.means_, requires_grad=True)
    deviations = torch.tensor(np.sqrt(mixture.covariances_), requires_grad=True)
    each = torch.distributions.Normal(means, deviations).log_prob(torch.tensor(frames)[:, None, :]).sum(dim=2)
    torch.logsumexp(each + weights.log(), dim=1).mean().backward()
    assert means.grad is not None
    assert deviations.grad is not None
    size, share = deviations.detach(), weights[:, None]
    by_mean = means.grad / (share / size**2).sqrt()
    by_deviation = deviations.grad / (2.0 * share / size**2).sqrt()
    return torch.cat((by_mean.flatten(), by_deviation.flatten())).numpy()


def test_the_gradient_is_that_of_the_log_likelihood() -> None:
    mixture = _mixture()
    frames = np.random.default_rng(1).normal(size=(50, 4)) * 2.0
    np.testing.assert_allclose(fisher_gradient(frames, mixture), _by_autograd(frames, mixture), rtol=1e-8, atol=1e-10)


def test_frames_drawn_from_the_mixture_have_a_gradient_of_variance_one_over_their_number() -> None:
    mixture = _mixture()
    n = 400
    frames = np.random.default_rng(0).permutation(mixture.sample(300 * n)[0])
    drawn = np.stack([fisher_gradient(one, mixture) for one in np.split(frames, 300)])
    # What the Fisher information is for; its closed form takes components as apart, which here they nearly are.
    np.testing.assert_allclose(drawn.var(axis=0) * n, 1.0, atol=0.45)


def test_a_vector_has_length_one_and_keeps_the_signs_of_the_gradient() -> None:
    rng = np.random.default_rng(0)
    utterances = [rng.normal(size=(80, 5)).astype(np.float32) * (1 + k) + k for k in range(6)]
    encoder = FisherEncoder(utterances, [True, False, True, False, False, False], 4, 1000, 0)
    vector = encoder.encode(utterances[3])
    raw = _by_autograd(encoder.scaled(utterances[3]), encoder.mixture)
    assert vector.shape == (2 * 4 * 5,)
    assert np.linalg.norm(vector) == pytest.approx(1.0)
    np.testing.assert_allclose(vector, np.sign(raw) * np.sqrt(np.abs(raw) / np.abs(raw).sum()), rtol=1e-6, atol=1e-8)


def test_descriptors_are_scaled_by_neutral_speech_alone() -> None:
    rng = np.random.default_rng(0)
    neutral, loud = rng.normal(size=(500, 3)).astype(np.float32) * 2.0 + 7.0, np.full((50, 3), 99.0, np.float32)
    encoder = FisherEncoder([loud, neutral], [False, True], 2, 1000, 0)
    scaled = encoder.scaled(neutral)
    np.testing.assert_allclose(scaled.mean(axis=0), 0.0, atol=1e-4)
    np.testing.assert_allclose(scaled.std(axis=0), 1.0, atol=1e-4)
    with pytest.raises(MoodringError, match="none of the utterances is neutral"):
        FisherEncoder([loud, neutral], [False, False], 2, 1000, 0)
    with pytest.raises(MoodringError, match="550 frames for 600 components"):
        FisherEncoder([loud, neutral], [False, True], 600, 1000, 0)


def test_pitch_and_intensity_of_a_tone_are_read_at_60_hz() -> None:
    times_s = np.arange(32_000) / 16_000
    tone = sum(np.sin(2 * np.pi * 200.0 * k * times_s) / k for k in range(1, 10))
    rising = (np.linspace(0.01, 0.1, len(times_s)) * tone).astype(np.float32)
    found = descriptors(rising)
    assert found.shape[1] == COUNT == 45
    assert len(found) == pytest.approx(2.0 * RATE_HZ, abs=4)
    middle = found[20:-20]
    np.testing.assert_allclose(middle[:, CEPSTRA], 12.0, atol=0.3)  # an octave above 100 Hz
    assert middle[-1, CEPSTRA + 1] - middle[0, CEPSTRA + 1] > 8.0
    slope = np.gradient(middle[:, CEPSTRA + 1])
    np.testing.assert_allclose(middle[5:-5, 15 + CEPSTRA + 1], slope[5:-5], atol=0.1)


def test_louder_speech_moves_no_cepstrum_and_the_shortest_has_a_frame() -> None:
    rng = np.random.default_rng(0)
    sound = (0.05 * rng.normal(size=8_000)).astype(np.float32)
    np.testing.assert_allclose(descriptors(sound)[:, :CEPSTRA], descriptors(4.0 * sound)[:, :CEPSTRA], atol=1e-2)
    assert len(descriptors(sound[:100])) == 1
