"""Train the speech network on simulated people.

SGD with Nesterov momentum, early stopping and a checkpoint per epoch, as in the paper; classes weigh the same, however
often they come up, and the loss counts every segment of an utterance, since live an estimate follows each one.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ....configs.schema.train_speech import TrainSpeechConfig
from ....models.contract import AUDIO_RATE_HZ, SIMULATED, FloatArray, Head, ModelSpec, SpeechInput
from ....models.decoders.voice_activity import VoiceActivity
from ....models.device import best_device
from ....models.io.bundle import save_bundle
from ....models.networks.speech import SpeechNetwork, SpeechSizes
from ....models.signals.speech.segments import UtteranceRules, segments_of
from ...evaluation.leakage import Part, audit_parts, digest
from ...simulate.difficulty import BENCHMARK, EASY, Difficulty
from ..common.checkpoints import Checkpoint, Checkpoints
from ..common.early_stopping import SgdSettings, fit_with_early_stopping
from ..common.stages import SIMULATION, Stage
from ..common.utterances import LabelledUtterance, batches_by_length, labels_of
from .card import write_speech_card
from .scores import SpeechScores, UtteranceLogits, balanced_loss, fit_utterance_temperature, score_utterances
from .simulated_utterances import CLASSES, VoiceActivityScores, simulate_utterances

Report = Callable[[str], None]
SPEECH_TRAINING = Stage("speech training", 1, (SIMULATION,))
"""Raise its version whenever utterances, network or training give other numbers."""

_DIFFICULTIES = {difficulty.name: difficulty for difficulty in (BENCHMARK, EASY)}


class GuidedNetwork(nn.Module):
    """The network with a second head that predicts valence and arousal, which only training needs."""

    def __init__(self, network: SpeechNetwork) -> None:
        super().__init__()
        self.network = network
        self.guide = nn.Linear(network.lstm.hidden_size, 2)

    def forward(self, segments: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits ``(batch, n_segments, n_classes)`` and valence and arousal ``(batch, n_segments, 2)``."""
        states, _ = self.network.states(segments)
        return self.network.head(states), self.guide(states)


@dataclass(frozen=True)
class SimulatedUtterances:
    """Utterances of some people, and how well voice activity found each person's."""

    utterances: tuple[LabelledUtterance, ...]
    voice_activity: tuple[VoiceActivityScores, ...]


def train_speech(config: TrainSpeechConfig, out: Path, report: Report) -> SpeechScores:
    """Train, calibrate and test a speech bundle; write it and its card (``.md`` beside it).

    A run that was interrupted goes on after its last whole epoch when started again with the same config and ``out``.

    Parameters
    ----------
    config : TrainSpeechConfig
    out : Path
        Of the bundle, ``.safetensors``.
    report : callable
        Takes lines of progress.

    Returns
    -------
    SpeechScores
        On the test people.

    Raises
    ------
    MoodringError
        A file cannot be written, or voice activity or the device is not there.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(config.threads)
    try:
        with torch.random.fork_rng():
            return _train(config, out, report)
    finally:
        torch.set_num_threads(threads)


def _train(config: TrainSpeechConfig, out: Path, report: Report) -> SpeechScores:
    difficulty = _DIFFICULTIES[config.people.difficulty]
    device = best_device(config.device)
    people = config.people
    voice = VoiceActivity()
    training = simulate_all(people.training_seeds, people.seconds, difficulty, voice)
    stopping, calibration, test = (
        simulate_all(seeds, people.held_out_seconds, difficulty, voice)
        for seeds in (people.stopping_seeds, people.calibration_seeds, people.test_seeds)
    )
    audit_parts(
        "speech",
        {
            "training": _parts(training),
            "early stopping": _parts(stopping),
            "temperature": _parts(calibration),
            "test": _parts(test),
        },
    )
    report(f"found {len(training.utterances)} utterances of {people.count} people to train on")
    checkpoints = Checkpoints(
        out.with_suffix(".checkpoints"), SPEECH_TRAINING.key(config.model_dump(mode="json"), difficulty.digest())
    )
    sizes = _sizes(config)
    torch.manual_seed(config.seed)
    model = GuidedNetwork(SpeechNetwork(sizes, len(CLASSES))).to(device)
    network = model.network
    newest = fit(model, training.utterances, stopping.utterances, config, checkpoints, report)
    temperature = fit_utterance_temperature(segment_logits(network, calibration.utterances))
    scores = score_utterances(segment_logits(network, test.utterances), temperature, test.voice_activity, config.seed)
    spec = _spec(config, difficulty, sizes, temperature)
    save_bundle(out, spec, network.state_dict())
    write_speech_card(out.with_suffix(".md"), spec, scores, len(training.utterances), newest.best_epoch)
    checkpoints.clear()
    report(scores.line())
    return scores


def simulate_all(
    seeds: Sequence[int], seconds: float, difficulty: Difficulty, voice: VoiceActivity
) -> SimulatedUtterances:
    """Simulate people and find their utterances."""
    people = [simulate_utterances(seed, seconds, difficulty, voice) for seed in seeds]
    return SimulatedUtterances(
        tuple(one for utterances, _ in people for one in utterances), tuple(scores for _, scores in people)
    )


def segment_logits(network: SpeechNetwork, utterances: Sequence[LabelledUtterance]) -> list[UtteranceLogits]:
    """Return the logits after every segment of every utterance, as live decoding computes them."""
    device = next(network.parameters()).device
    network.eval()
    found = []
    with torch.inference_mode():
        for one in utterances:
            segments = torch.from_numpy(segments_of(one.samples, UtteranceRules())).to(device)
            logits, _ = network(segments[None])
            found.append(UtteranceLogits(one.person, one.label, logits[0].double().cpu().numpy()))
    return found


def batches(
    utterances: Sequence[LabelledUtterance], size: int, shift_samples: int, rng: np.random.Generator
) -> Iterator[tuple[Tensor, tuple[LabelledUtterance, ...]]]:
    """Shuffle utterances into batches, each cut causally into segments as live.

    Parameters
    ----------
    utterances : sequence of LabelledUtterance
    size : int
    shift_samples : int
        At most so much is cut from the beginning of an utterance, at random, as long as a second remains.
    rng : Generator

    Yields
    ------
    See :func:`~..common.utterances.batches_by_length`.
    """

    def shifted(one: LabelledUtterance) -> FloatArray:
        most = min(shift_samples, max(len(one.samples) - AUDIO_RATE_HZ, 0))
        return segments_of(one.samples[int(rng.integers(most + 1)) :], UtteranceRules())

    return batches_by_length(utterances, shifted, size, rng)


def fit(
    model: GuidedNetwork,
    training: Sequence[LabelledUtterance],
    stopping: Sequence[LabelledUtterance],
    config: TrainSpeechConfig,
    checkpoints: Checkpoints,
    report: Report,
) -> Checkpoint:
    """Train until the epochs are over or nothing improves, and load the best epoch; return the newest checkpoint."""
    device = next(model.parameters()).device
    weights = utterance_class_weights(training).to(device)
    shift_samples = round(config.shift_s * AUDIO_RATE_HZ)

    def batch_losses(rng: np.random.Generator) -> Iterator[Tensor]:
        for segments, shown in batches(training, config.batch, shift_samples, rng):
            logits, ratings = model(segments.to(device))
            expressed = torch.from_numpy(np.stack([one.expressed for one in shown])).to(device)
            each = labels_of(shown).to(device)[:, None].expand(-1, segments.shape[1])
            loss = functional.cross_entropy(logits.flatten(0, 1), each.flatten(), weights)
            yield loss + config.guide * (ratings - expressed[:, None]).square().sum(-1).mean()

    settings = SgdSettings(config.learning_rate, config.momentum, config.weight_decay, config.epochs, config.patience)
    return fit_with_early_stopping(
        model,
        settings,
        config.seed,
        batch_losses,
        lambda: balanced_loss(segment_logits(model.network, stopping)),
        checkpoints,
        report,
    )


def utterance_class_weights(utterances: Sequence[LabelledUtterance]) -> Tensor:
    """Return a weight of each class inverse to its frequency, 1 on average over utterances."""
    counts: NDArray[np.int64] = np.bincount([one.label for one in utterances], minlength=len(CLASSES))
    return torch.tensor(len(utterances) / (len(CLASSES) * np.maximum(counts, 1)), dtype=torch.float32)


def _parts(found: SimulatedUtterances) -> list[Part]:
    return [
        Part(f"utterance {index} of {one.person}", str(one.person), digest(one.samples))
        for index, one in enumerate(found.utterances)
    ]


def _sizes(config: TrainSpeechConfig) -> SpeechSizes:
    wanted = config.network
    return SpeechSizes(wanted.channels, wanted.kernels, wanted.strides, wanted.pools, wanted.lstm_units, wanted.dropout)


def _spec(config: TrainSpeechConfig, difficulty: Difficulty, sizes: SpeechSizes, temperature: float) -> ModelSpec:
    people = config.people
    last = people.first_seed + people.count - 1
    return ModelSpec(
        kind="speech",
        inputs=(SpeechInput(),),
        outputs=(Head("speech", "expressed", CLASSES, temperature=temperature),),
        label_source="category of the valence and arousal felt by the simulated person, mean over the utterance",
        domain=(SIMULATED,),
        protocol=(
            f"people apart: trained on seeds {people.first_seed} to {last}, stopped by "
            f"{_listed(people.stopping_seeds)}, "
            f"calibrated on {_listed(people.calibration_seeds)}, tested on {_listed(people.test_seeds)}"
        ),
        data_hashes=(difficulty.digest(),),
        seed=config.seed,
        network=sizes.numbers(),
    )


def _listed(seeds: Sequence[int]) -> str:
    return ", ".join(map(str, seeds))
