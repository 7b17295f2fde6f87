"""Stages 1 and 2: the first LSTM, on faces and on EEG.

The paper trains layer 1 on faces, then on EEG, each with a core of its own. As both share layer 1's parameters the
second stage would overwrite the first; here batches of faces and of EEG alternate instead. The cores of this stage
are thrown away afterwards.
"""

import torch
from torch import Tensor, nn

from ....configs.schema.train_video_eeg import TrainVideoEegConfig
from ....models.networks.video_eeg import Glimpse, VideoEegNet, lstm_cell
from ..common.optimization import AveragedAdamW, Report, generator_for, integers, smoothed
from ..common.stages import Stage
from .band_network import BAND_NETWORK, GRID_START, TrainingImages, varied
from .rollouts import GRID_HZ, band_imbalance, class_loss

MODALITY_LSTM = Stage("layer1", 1, (BAND_NETWORK,))
"""Raise its version whenever this stage or its network gives other weights."""
LOOKS = 48
_ABSENT = 0.1


class ModalityCore(nn.Module):
    """A core for one modality alone, with its own classes and band attention."""

    def __init__(self, net: VideoEegNet) -> None:
        super().__init__()
        self.cell = lstm_cell(net.sizes.layer1, net.sizes.core)
        self.heads = nn.Linear(net.sizes.core, 6)
        self.band_attention = nn.Linear(net.sizes.core, 3)


def train_modality_lstm(
    net: VideoEegNet, pictures: TrainingImages, weights: Tensor, config: TrainVideoEegConfig, report: Report
) -> None:
    """Train everything below the core, the face network excepted, in place."""
    rng = generator_for(config.seed, 2)
    torch.manual_seed(config.seed + 2)
    cores = {"face": ModalityCore(net), "eeg": ModalityCore(net)}
    learned = [net.band_net, net.face_in, net.eeg_in, net.layer1, *cores.values()]
    parameters = [*(p for module in learned for p in module.parameters()), net.absent]
    optimizer = AveragedAdamW(parameters, config.layer1.learning_rate, config.layer1.batches, config.weight_decay)
    shown: dict[str, float | None] = {"face": None, "eeg": None}
    net.train()
    net.face_net.eval()
    for number in range(config.layer1.batches):
        modality = "face" if number % 2 == 0 else "eeg"
        loss = _clip_loss(net, cores[modality], modality, pictures, weights, config, rng)
        optimizer.step(loss)
        shown[modality] = smoothed(shown[modality], float(loss.detach()))
        if (number + 1) % 200 == 0 or number + 1 == config.layer1.batches:
            figures = ", ".join(f"{name} {value:.3f}" for name, value in shown.items() if value is not None)
            report(f"layer 1: batch {number + 1}/{config.layer1.batches}, loss {figures}")
    optimizer.use_average()
    net.eval()


def scheduled(rng: torch.Generator, rows: int, looks: int, frames: int, longest_wait: int) -> tuple[Tensor, Tensor]:
    """Draw clips that start anywhere and look at their own pace.

    Returns
    -------
    position : (looks, rows) int64
        May run past the end.
    elapsed : (looks, rows)
        Frames since the look before, 0 at the first.
    """
    pace = integers(rng, 3, longest_wait, rows)
    spread = torch.minimum(pace - 1, longest_wait - pace)
    uniform = torch.rand(looks, rows, generator=rng)
    wait = (pace + (2.0 * uniform - 1.0) * spread).round().long()
    start = integers(rng, GRID_START, frames - 12 * longest_wait, rows)
    wait[0] = 0
    return start + wait.cumsum(dim=0), wait.float()


def _clip_loss(
    net: VideoEegNet,
    core: ModalityCore,
    modality: str,
    pictures: TrainingImages,
    weights: Tensor,
    config: TrainVideoEegConfig,
    rng: torch.Generator,
) -> Tensor:
    people, frames = pictures.face.shape[:2]
    variants = pictures.images.shape[1]
    rows = 2 * config.batch
    position, elapsed = scheduled(rng, rows, LOOKS, frames, net.sizes.max_wait_frames)
    inside = position < frames
    position = position.clamp(max=frames - 1)
    person = integers(rng, 0, people, rows).expand(LOOKS, rows)
    variant = integers(rng, 0, variants, rows).expand(LOOKS, rows)
    kept = torch.rand(LOOKS, rows, generator=rng) >= _ABSENT
    there = (pictures.face_there if modality == "face" else pictures.eeg_there)[person, position] & kept & inside
    other = torch.zeros_like(elapsed)
    face, bands = other[..., None], other[..., None, None]
    if modality == "eeg":
        images = varied(pictures.drawn(person, variant, position), rng).flatten(0, 1)
        bands = net.band_net(images).reshape(LOOKS, rows, 3, -1)
    else:
        face = pictures.face[person, position]
    state, memory = net.start(rows).face, net.start(rows).core
    outputs, attentions = [], []
    for n in range(LOOKS):
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
    level = torch.where(inside[..., None], pictures.levels[person, position], -1)
    loss = class_loss(core.heads(hidden).reshape(LOOKS, rows, 2, 3), level, weights)
    if modality == "eeg":
        loss = loss + config.band_balance * band_imbalance(torch.stack(attentions), there)
    return loss
