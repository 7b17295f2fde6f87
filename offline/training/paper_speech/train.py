"""Train the paper's systems on raw one-second segments: CNN + LSTM, and what it is compared with.

As the paper says: the utterance divided by its RMS, segments of 16,000 samples with the last padded with zeros, SGD with
Nesterov momentum, early stopping, a checkpoint per epoch of which the best is kept. What it leaves open (sizes, step
size, regularisation, moving and stretching the training utterances) is in the config.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import log_softmax
from torch import Tensor, nn
from torch.nn import functional

from ....configs.schema.errors import MoodringError
from ....configs.schema.paper import PaperConfig
from ....models.contract import AUDIO_RATE_HZ, FloatArray
from ....models.device import best_device
from ....models.networks.speech import SpeechNetwork, SpeechSizes
from ....models.networks.speech_baselines import CnnOnly, LstmOnly, PlainNetwork
from ....models.signals.speech.segments import QUIETEST_RMS, SEGMENT_SAMPLES
from ..common.checkpoints import Checkpoint, Checkpoints, momentum_of, restore

LONGEST_SEGMENTS = 9
"""Of the plain network's input: the paper's files last up to 143,652 samples."""

Report = Callable[[str], None]


@dataclass(frozen=True)
class Labelled:
    """An utterance to learn from or to judge.

    Attributes
    ----------
    samples : (n,) float32
        16 kHz.
    label : int
    """

    samples: FloatArray
    label: int


@dataclass(frozen=True)
class Fitted:
    """A network at its best epoch.

    Attributes
    ----------
    network : nn.Module
        Segments ``(batch, n_segments, 16000)`` in, logits ``(batch, k, n_classes)`` out, the last of them the verdict.
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
        """Give logits ``(batch, n_segments, n_classes)``, each of the segments up to there."""
        logits: Tensor = self.network(segments)[0]
        return logits


def build(config: PaperConfig, n_classes: int) -> nn.Module:
    """Make the system that the config names, from torch's random numbers."""
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

    Unlike :func:`...models.signals.speech.segments_of`, which is causal, this knows the whole utterance, as the paper.
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
    training: Sequence[Labelled],
    stopping: Sequence[Labelled],
    n_classes: int,
    seed: int,
    checkpoints: Checkpoints,
    report: Report | None = None,
) -> Fitted:
    """Train until the epochs are over or nothing improves; give the best epoch.

    A run that was interrupted goes on after the newest of its checkpoints. ``report`` takes a line per epoch.

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


def judge(network: nn.Module, utterances: Sequence[Labelled]) -> NDArray[np.float64]:
    """Give the logits of whole utterances, ``(n, n_classes)``."""
    device = next(network.parameters()).device
    network.eval()
    with torch.inference_mode():
        said = [network(torch.from_numpy(whole_segments(one.samples)).to(device)[None])[0, -1] for one in utterances]
        return torch.stack(said).double().cpu().numpy()


def _fit(
    config: PaperConfig,
    network: nn.Module,
    training: Sequence[Labelled],
    stopping: Sequence[Labelled],
    seed: int,
    checkpoints: Checkpoints,
    report: Report | None = None,
) -> Fitted:
    descent = torch.optim.SGD(
        network.parameters(),
        config.learning_rate,
        momentum=config.momentum,
        weight_decay=config.weight_decay,
        nesterov=True,
    )
    newest = checkpoints.newest()
    if newest is not None:
        restore(network, descent, newest)
    while newest is None or not _over(newest, config):
        epoch = len(newest.losses) if newest else 0
        descent.param_groups[0]["lr"] = config.learning_rate * 0.5 * (1.0 + math.cos(math.pi * epoch / config.epochs))
        loss = _epoch(config, network, descent, training, seed, epoch)
        held_out, right = _loss(network, stopping)
        losses = (*(newest.losses if newest else ()), held_out)
        newest = Checkpoint(dict(network.state_dict()), momentum_of(network, descent), losses)
        checkpoints.save(newest)
        if report is not None:
            report(f"epoch {epoch + 1}: loss {loss:.3f}, to stop by {held_out:.3f}, accuracy there {right:.3f}")
    best = checkpoints.best(newest)
    network.load_state_dict(best.weights)
    return Fitted(network, newest.best_epoch, len(newest.losses), min(newest.losses))


def _over(newest: Checkpoint, config: PaperConfig) -> bool:
    done = len(newest.losses)
    return done >= config.epochs or done - newest.best_epoch >= config.patience


def _loss(network: nn.Module, utterances: Sequence[Labelled]) -> tuple[float, float]:
    """Give the negative log-likelihood and the accuracy of whole utterances."""
    logits = judge(network, utterances)
    labels = np.array([one.label for one in utterances])
    chosen = -log_softmax(logits, axis=1)[np.arange(len(labels)), labels]
    return float(chosen.mean()), float((logits.argmax(axis=1) == labels).mean())


def _epoch(
    config: PaperConfig,
    network: nn.Module,
    descent: torch.optim.SGD,
    training: Sequence[Labelled],
    seed: int,
    epoch: int,
) -> float:
    # Chance depends on the epoch alone, so that a resumed run goes the way of an uninterrupted one.
    torch.manual_seed(1_000 * seed + epoch)
    rng = np.random.default_rng((seed, epoch))
    device = next(network.parameters()).device
    network.train()
    losses = []
    for segments, labels in _batches(config, training, rng):
        logits = network(segments.to(device))
        each = labels.to(device)[:, None].expand(-1, logits.shape[1])
        loss = functional.cross_entropy(logits.flatten(0, 1), each.flatten(), label_smoothing=config.smoothing)
        descent.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        descent.step()
        losses.append(float(loss.detach()))
    return float(np.mean(losses))


def _batches(
    config: PaperConfig, training: Sequence[Labelled], rng: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Shuffle utterances into batches of one number of segments: padded ones would teach batch norm silence."""
    by_length: dict[int, list[tuple[FloatArray, int]]] = {}
    for index in rng.permutation(len(training)):
        one = training[index]
        segments = whole_segments(varied(one.samples, config.shift_s, config.speed, rng))
        by_length.setdefault(len(segments), []).append((segments, one.label))
    groups = [same[i : i + config.batch] for same in by_length.values() for i in range(0, len(same), config.batch)]
    for index in rng.permutation(len(groups)):
        group = groups[index]
        yield torch.from_numpy(np.stack([s for s, _ in group])), torch.tensor([label for _, label in group])
