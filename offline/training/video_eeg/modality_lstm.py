"""Stages 1 and 2: the first LSTM, shared by faces and EEG.

The paper trains layer 1 on faces, then on EEG, each with a core of its own. As both share layer 1's parameters the
second stage would overwrite the first; here batches of faces and of EEG alternate instead. The cores of this stage
are thrown away.
"""

import torch
from torch import Tensor, nn

from ....configs.schema.train_video_eeg import TrainVideoEegConfig
from ....models.networks.video_eeg import Glimpse, VideoEegNet, lstm_cell
from ..common.optimization import AveragedAdamW, Report, generator_for, integers, smoothed
from ..common.stages import Stage
from .band_network import BAND_NETWORK, GRID_START, TrainingImages, augment
from .losses import band_imbalance, class_loss
from .rollouts import GRID_HZ

MODALITY_LSTM = Stage("layer1", 1, (BAND_NETWORK,))
"""Raise its version whenever this stage or its network gives other weights."""
GLIMPSES = 48
_ABSENT = 0.1


class ModalityCore(nn.Module):
    """A core for one modality alone, with its own classes and band attention."""

    def __init__(self, net: VideoEegNet) -> None:
        super().__init__()
        self.cell = lstm_cell(net.sizes.layer1, net.sizes.core)
        self.heads = nn.Linear(net.sizes.core, 6)
        self.band_attention = nn.Linear(net.sizes.core, 3)


def train_modality_lstm(
    net: VideoEegNet, data: TrainingImages, weights: Tensor, config: TrainVideoEegConfig, report: Report
) -> None:
    """Train everything below the core, the face network excepted, in place."""
    rng = generator_for(config.seed, 2)
    torch.manual_seed(config.seed + 2)
    cores = {"face": ModalityCore(net), "eeg": ModalityCore(net)}
    learned = [net.band_net, net.face_in, net.eeg_in, net.layer1, *cores.values()]
    parameters = [*(p for module in learned for p in module.parameters()), net.absent]
    optimizer = AveragedAdamW(parameters, config.layer1.learning_rate, config.layer1.batches, config.weight_decay)
    mean_loss: dict[str, float | None] = {"face": None, "eeg": None}
    net.train()
    net.face_net.eval()
    for number in range(config.layer1.batches):
        modality = "face" if number % 2 == 0 else "eeg"
        loss = _clip_loss(net, cores[modality], modality, data, weights, config, rng)
        optimizer.step(loss)
        mean_loss[modality] = smoothed(mean_loss[modality], float(loss.detach()))
        if (number + 1) % 200 == 0 or number + 1 == config.layer1.batches:
            figures = ", ".join(f"{name} {value:.3f}" for name, value in mean_loss.items() if value is not None)
            report(f"layer 1: batch {number + 1}/{config.layer1.batches}, loss {figures}")
    optimizer.use_average()
    net.eval()


def draw_schedule(
    rng: torch.Generator, clips: int, glimpses: int, frames: int, longest_wait: int
) -> tuple[Tensor, Tensor]:
    """Draw the glimpses of clips that start anywhere, each with a pace of its own.

    Returns
    -------
    position : (glimpses, clips) int64
        May run past the end.
    elapsed : (glimpses, clips)
        Frames since the glimpse before, 0 at the first.
    """
    pace = integers(rng, 3, longest_wait, clips)
    spread = torch.minimum(pace - 1, longest_wait - pace)
    uniform = torch.rand(glimpses, clips, generator=rng)
    wait = (pace + (2.0 * uniform - 1.0) * spread).round().long()
    start = integers(rng, GRID_START, frames - 12 * longest_wait, clips)
    wait[0] = 0
    return start + wait.cumsum(dim=0), wait.float()


def _clip_loss(
    net: VideoEegNet,
    core: ModalityCore,
    modality: str,
    data: TrainingImages,
    weights: Tensor,
    config: TrainVideoEegConfig,
    rng: torch.Generator,
) -> Tensor:
    people, frames = data.face.shape[:2]
    variants = data.images.shape[1]
    clips = 2 * config.batch
    position, elapsed = draw_schedule(rng, clips, GLIMPSES, frames, net.sizes.max_wait_frames)
    inside = position < frames
    position = position.clamp(max=frames - 1)
    person = integers(rng, 0, people, clips).expand(GLIMPSES, clips)
    variant = integers(rng, 0, variants, clips).expand(GLIMPSES, clips)
    kept = torch.rand(GLIMPSES, clips, generator=rng) >= _ABSENT
    there = (data.face_there if modality == "face" else data.eeg_there)[person, position] & kept & inside
    other = torch.zeros_like(elapsed)
    face, bands = other[..., None], other[..., None, None]
    if modality == "eeg":
        images = augment(data.images_at(person, variant, position), rng).flatten(0, 1)
        bands = net.band_net(images).reshape(GLIMPSES, clips, 3, -1)
    else:
        face = data.face[person, position]
    state, memory = net.start(clips).face, net.start(clips).core
    outputs, attentions = [], []
    for n in range(GLIMPSES):
        mine = there[n].float()
        flags = (mine, other[n]) if modality == "face" else (other[n], mine)
        glimpse = Glimpse(face[n], bands[n], *flags, elapsed[n] / GRID_HZ)
        attention = torch.softmax(core.band_attention(memory[0]), dim=1)
        seen = net.face_glimpse(glimpse) if modality == "face" else net.eeg_glimpse(glimpse, attention)
        state = net.layer1(nn.functional.dropout(seen, 0.4 * config.dropout), state)
        memory = core.cell(state[0], memory)
        outputs.append(memory[0])
        attentions.append(attention)
    hidden = nn.functional.dropout(torch.stack(outputs), config.dropout)
    level = torch.where(inside[..., None], data.levels[person, position], -1)
    loss = class_loss(core.heads(hidden).reshape(GLIMPSES, clips, 2, 3), level, weights)
    if modality == "eeg":
        loss = loss + config.band_balance * band_imbalance(torch.stack(attentions), there)
    return loss
