"""Train the speech model on simulated people.

SGD with Nesterov momentum, early stopping and a checkpoint per epoch, as in the paper; classes weigh the same, however
often they come up, and every segment of an utterance is judged, since live each one is shown.
"""

import hashlib
import math
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
from ...simulate.difficulty import BENCHMARK, EASY, Difficulty
from ..common.checkpoints import Checkpoint, Checkpoints, momentum_of, restore
from .data import CLASSES, Hearing, Spoken, hear
from .scores import SpeechScores, Verdict, balanced_loss, fit_temperature, score, write_card

Report = Callable[[str], None]
_DIFFICULTIES = {difficulty.name: difficulty for difficulty in (BENCHMARK, EASY)}


class Learner(nn.Module):
    """The network, and beside it what is needed only while training: a layer that names valence and arousal."""

    def __init__(self, network: SpeechNetwork) -> None:
        super().__init__()
        self.network = network
        self.guide = nn.Linear(network.lstm.hidden_size, 2)

    def forward(self, segments: Tensor) -> tuple[Tensor, Tensor]:
        """Give logits ``(batch, n_segments, n_classes)`` and valence and arousal ``(batch, n_segments, 2)``."""
        states, _ = self.network.states(segments)
        return self.network.head(states), self.guide(states)


@dataclass(frozen=True)
class Group:
    """Utterances of some people, and how well they were heard."""

    spoken: tuple[Spoken, ...]
    hearings: tuple[Hearing, ...]


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
    training = gather(people.training_seeds, people.seconds, difficulty, voice)
    stopping, calibration, test = (
        gather(seeds, people.held_out_seconds, difficulty, voice)
        for seeds in (people.stopping_seeds, people.calibration_seeds, people.test_seeds)
    )
    report(f"heard {len(training.spoken)} utterances of {people.count} people to train on")
    checkpoints = Checkpoints(out.with_suffix(".checkpoints"), _run_name(config, difficulty))
    sizes = _sizes(config)
    torch.manual_seed(config.seed)
    learner = Learner(SpeechNetwork(sizes, len(CLASSES))).to(device)
    network = learner.network
    best = fit(learner, training.spoken, stopping.spoken, config, checkpoints, report)
    learner.load_state_dict(best.weights)
    temperature = fit_temperature(judge(network, calibration.spoken))
    scores = score(judge(network, test.spoken), temperature, test.hearings, config.seed)
    spec = _spec(config, difficulty, sizes, temperature)
    save_bundle(out, spec, network.state_dict())
    write_card(out.with_suffix(".md"), spec, scores, len(training.spoken), best.best_epoch)
    checkpoints.clear()
    report(scores.line())
    return scores


def gather(seeds: Sequence[int], seconds: float, difficulty: Difficulty, voice: VoiceActivity) -> Group:
    """Simulate and hear some people."""
    heard = [hear(seed, seconds, difficulty, voice) for seed in seeds]
    return Group(tuple(one for spoken, _ in heard for one in spoken), tuple(hearing for _, hearing in heard))


def judge(network: SpeechNetwork, spoken: Sequence[Spoken]) -> list[Verdict]:
    """Give the logits after every segment of every utterance, as live decoding would."""
    device = next(network.parameters()).device
    network.eval()
    verdicts = []
    with torch.inference_mode():
        for one in spoken:
            segments = torch.from_numpy(segments_of(one.samples, UtteranceRules())).to(device)
            logits, _ = network(segments[None])
            verdicts.append(Verdict(one.person, one.label, logits[0].double().cpu().numpy()))
    return verdicts


def batches(
    spoken: Sequence[Spoken], size: int, shift_samples: int, rng: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Shuffle utterances into batches.

    Utterances of one batch have the same number of segments: padding whole segments would teach batch norm silence.

    Parameters
    ----------
    spoken : sequence of Spoken
    size : int
    shift_samples : int
        At most so much is cut from the beginning of an utterance, at random, as long as a second remains.
    rng : Generator

    Yields
    ------
    segments : (batch, n_segments, 16000) float32
    labels : (batch,) int64
    expressed : (batch, 2) float32
    """
    by_length: dict[int, list[tuple[FloatArray, Spoken]]] = {}
    for index in rng.permutation(len(spoken)):
        one = spoken[index]
        most = min(shift_samples, max(len(one.samples) - AUDIO_RATE_HZ, 0))
        segments = segments_of(one.samples[int(rng.integers(most + 1)) :], UtteranceRules())
        by_length.setdefault(len(segments), []).append((segments, one))
    groups = [same[i : i + size] for same in by_length.values() for i in range(0, len(same), size)]
    for index in rng.permutation(len(groups)):
        stacked = np.stack([segments for segments, _ in groups[index]])
        shown = [one for _, one in groups[index]]
        expressed = np.stack([one.expressed for one in shown])
        yield torch.from_numpy(stacked), torch.tensor([one.label for one in shown]), torch.from_numpy(expressed)


def fit(
    learner: Learner,
    training: Sequence[Spoken],
    stopping: Sequence[Spoken],
    config: TrainSpeechConfig,
    checkpoints: Checkpoints,
    report: Report,
) -> Checkpoint:
    """Train until the epochs are over or nothing improves; give the best checkpoint."""
    descent = torch.optim.SGD(
        learner.parameters(),
        config.learning_rate,
        momentum=config.momentum,
        weight_decay=config.weight_decay,
        nesterov=True,
    )
    newest = checkpoints.newest()
    if newest is not None:
        restore(learner, descent, newest)
        report(f"goes on after epoch {len(newest.losses)}")
    weights = class_weights(training)
    while newest is None or not _over(newest, config):
        epoch = len(newest.losses) if newest else 0
        descent.param_groups[0]["lr"] = config.learning_rate * 0.5 * (1.0 + math.cos(math.pi * epoch / config.epochs))
        loss = _epoch(learner, descent, training, weights, config, epoch)
        held_out = balanced_loss(judge(learner.network, stopping))
        newest = Checkpoint(
            dict(learner.state_dict()), momentum_of(learner, descent), (*(newest.losses if newest else ()), held_out)
        )
        checkpoints.save(newest)
        report(f"epoch {epoch + 1} of at most {config.epochs}: loss {loss:.3f}, of people to stop by {held_out:.3f}")
    return checkpoints.best(newest)


def _over(newest: Checkpoint, config: TrainSpeechConfig) -> bool:
    done = len(newest.losses)
    return done >= config.epochs or done - newest.best_epoch >= config.patience


def _epoch(
    learner: Learner,
    descent: torch.optim.SGD,
    training: Sequence[Spoken],
    weights: Tensor,
    config: TrainSpeechConfig,
    epoch: int,
) -> float:
    # Chance depends on the epoch alone, so that a resumed run goes the way of an uninterrupted one.
    torch.manual_seed(1_000 * config.seed + epoch)
    rng = np.random.default_rng((config.seed, epoch))
    device = next(learner.parameters()).device
    learner.train()
    losses = []
    for segments, labels, expressed in batches(training, config.batch, round(config.shift_s * AUDIO_RATE_HZ), rng):
        logits, felt = learner(segments.to(device))
        each = labels.to(device)[:, None].expand(-1, segments.shape[1])
        loss = functional.cross_entropy(logits.flatten(0, 1), each.flatten(), weights.to(device))
        loss = loss + config.guide * (felt - expressed.to(device)[:, None]).square().sum(-1).mean()
        descent.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learner.parameters(), 2.0)
        descent.step()
        losses.append(float(loss.detach()))
    return float(np.mean(losses))


def class_weights(spoken: Sequence[Spoken]) -> Tensor:
    """Give each class a weight against its frequency, 1 on average over utterances."""
    counts: NDArray[np.int64] = np.bincount([one.label for one in spoken], minlength=len(CLASSES))
    return torch.tensor(len(spoken) / (len(CLASSES) * np.maximum(counts, 1)), dtype=torch.float32)


def _sizes(config: TrainSpeechConfig) -> SpeechSizes:
    wanted = config.network
    return SpeechSizes(wanted.channels, wanted.kernels, wanted.strides, wanted.pools, wanted.lstm_units, wanted.dropout)


def _run_name(config: TrainSpeechConfig, difficulty: Difficulty) -> str:
    return hashlib.sha256(f"{config.model_dump_json()} {difficulty.digest()}".encode()).hexdigest()


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
            f"people apart: trained on seeds {people.first_seed} to {last}, stopped by {_listed(people.stopping_seeds)}, "
            f"calibrated on {_listed(people.calibration_seeds)}, tested on {_listed(people.test_seeds)}"
        ),
        data_hashes=(difficulty.digest(),),
        seed=config.seed,
        network=sizes.numbers(),
    )


def _listed(seeds: Sequence[int]) -> str:
    return ", ".join(map(str, seeds))
