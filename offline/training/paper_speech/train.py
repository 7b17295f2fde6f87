"""Train the paper's systems on raw one-second segments: CNN + LSTM, and what it is compared with.

As the paper says: the utterance divided by its RMS, segments of 16,000 samples with the last padded with zeros, SGD
with Nesterov momentum, early stopping, a checkpoint per epoch of which the best is kept. What it leaves open (sizes,
step size, regularisation, moving and stretching the training utterances) is in the config.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import log_softmax
from torch import Tensor, nn
from torch.nn import functional

from ....configs.schema.errors import MoodringError
from ....configs.schema.papers.speech import PaperConfig
from ....models.contract import AUDIO_RATE_HZ, FloatArray
from ....models.device import best_device
from ....models.networks.speech import SpeechNetwork, SpeechSizes
from ....models.networks.speech_baselines import CnnOnly, LstmOnly, PlainNetwork
from ....models.signals.speech.segments import QUIETEST_RMS, SEGMENT_SAMPLES
from ..common.checkpoints import Checkpoints
from ..common.early_stopping import SgdSettings, fit_with_early_stopping
from ..common.stages import Stage
from ..common.utterances import LabelledUtterance, batches_by_length, labels_of

LONGEST_SEGMENTS = 9
"""Of the plain network's input: the paper's files last up to 143,652 samples."""

Report = Callable[[str], None]
PAPER_TRAINING = Stage("paper speech training", 1)
"""Raise its version whenever the same files and settings give other numbers."""


@dataclass(frozen=True)
class Fitted:
    """A network at its best epoch.

    Attributes
    ----------
    network : nn.Module
        Segments ``(batch, n_segments, 16000)`` in, logits ``(batch, k, n_classes)`` out, the last of them of the whole
        utterance.
    best_epoch, epochs : int
        The epoch kept, from 1 on, and how many there were.
    stopping_loss : float
        Of the kept epoch.
    """

    network: nn.Module
    best_epoch: int
    epochs: int
    stopping_loss: float


class CnnLstm(nn.Module):
    """:class:`SpeechNetwork` without its memory: utterances are seen whole here."""

    def __init__(self, network: SpeechNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, segments: Tensor) -> Tensor:
        """Return logits ``(batch, n_segments, n_classes)``, each of the segments up to there."""
        logits: Tensor = self.network(segments)[0]
        return logits


def build(config: PaperConfig, n_classes: int) -> nn.Module:
    """Return the network of a system, with weights from torch's global generator."""
    wanted = config.sizes
    sizes = SpeechSizes(
        wanted.channels, wanted.kernels, wanted.strides, wanted.pools, wanted.lstm_units, wanted.dropout
    )
    match config.system:
        case "cnn_lstm":
            return CnnLstm(SpeechNetwork(sizes, n_classes))
        case "cnn":
            return CnnOnly(sizes, n_classes)
        case "lstm":
            return LstmOnly(config.units, wanted.dropout, n_classes)
        case "network":
            return PlainNetwork(config.units, wanted.dropout, n_classes, LONGEST_SEGMENTS)


def whole_segments(samples: FloatArray) -> FloatArray:
    """Divide an utterance by its RMS and cut it into seconds, ``(n_segments, 16000)``, the last padded with zeros.

    Unlike :func:`~moodring.models.signals.speech.segments.segments_of`, which is causal, this knows the whole
    utterance, as the paper.
    """
    rms = max(float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))), QUIETEST_RMS)
    missing = -len(samples) % SEGMENT_SAMPLES
    padded = np.pad((samples / np.float32(rms)).astype(np.float32), (0, missing))
    return padded.reshape(-1, SEGMENT_SAMPLES)


def varied(samples: FloatArray, shift_s: float, speed: float, rng: np.random.Generator) -> FloatArray:
    """Play an utterance a little faster or slower, and cut off or put silence before its beginning, at random."""
    factor = 1.0 + speed * rng.uniform(-1.0, 1.0)
    positions = np.arange(0.0, len(samples) - 1, factor)
    played = np.interp(positions, np.arange(len(samples)), samples).astype(np.float32)
    shift = round(shift_s * AUDIO_RATE_HZ * rng.uniform(-1.0, 1.0))
    if shift < 0:
        return np.pad(played, (-shift, 0))
    kept: FloatArray = played[min(shift, max(len(played) - AUDIO_RATE_HZ // 2, 0)) :]
    return kept


def fit(
    config: PaperConfig,
    training: Sequence[LabelledUtterance],
    stopping: Sequence[LabelledUtterance],
    n_classes: int,
    seed: int,
    checkpoints: Checkpoints,
    report: Report,
) -> Fitted:
    """Train until the epochs are over or nothing improves; return the best epoch.

    A run that was interrupted goes on after the newest of its checkpoints. ``report`` takes one line per epoch.

    Raises
    ------
    MoodringError
        A class has nothing to train on, or a checkpoint cannot be written.
    """
    counts = np.bincount([one.label for one in training], minlength=n_classes)
    if not counts.all():
        raise MoodringError(f"utterances to train on, per class: {counts.tolist()}; every class needs some")
    threads = torch.get_num_threads()
    torch.set_num_threads(config.threads)
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = build(config, n_classes).to(best_device(config.device))
            return _fit(config, network, training, stopping, seed, checkpoints, report)
    finally:
        torch.set_num_threads(threads)


def utterance_logits(network: nn.Module, utterances: Sequence[LabelledUtterance]) -> NDArray[np.float64]:
    """Return the logits of whole utterances, ``(n, n_classes)``."""
    device = next(network.parameters()).device
    network.eval()
    with torch.inference_mode():
        each = [network(torch.from_numpy(whole_segments(one.samples)).to(device)[None])[0, -1] for one in utterances]
        return torch.stack(each).double().cpu().numpy()


def _fit(
    config: PaperConfig,
    network: nn.Module,
    training: Sequence[LabelledUtterance],
    stopping: Sequence[LabelledUtterance],
    seed: int,
    checkpoints: Checkpoints,
    report: Report,
) -> Fitted:
    device = next(network.parameters()).device

    def batch_losses(rng: np.random.Generator) -> Iterator[Tensor]:
        def segments_of(one: LabelledUtterance) -> FloatArray:
            return whole_segments(varied(one.samples, config.shift_s, config.speed, rng))

        for segments, shown in batches_by_length(training, segments_of, config.batch, rng):
            logits = network(segments.to(device))
            each = labels_of(shown).to(device)[:, None].expand(-1, logits.shape[1])
            yield functional.cross_entropy(logits.flatten(0, 1), each.flatten(), label_smoothing=config.smoothing)

    settings = SgdSettings(config.learning_rate, config.momentum, config.weight_decay, config.epochs, config.patience)
    newest = fit_with_early_stopping(
        network, settings, seed, batch_losses, lambda: _loss(network, stopping), checkpoints, report
    )
    return Fitted(network, newest.best_epoch, len(newest.losses), min(newest.losses))


def _loss(network: nn.Module, utterances: Sequence[LabelledUtterance]) -> float:
    """Return the negative log-likelihood of whole utterances."""
    labels = labels_of(utterances).numpy()
    return float(-log_softmax(utterance_logits(network, utterances), axis=1)[np.arange(len(labels)), labels].mean())
