"""The video-EEG network with band attention and hard temporal attention.

After [1]_. Sizes are settings: the defaults run on one CPU core; the paper has VGG-16 features of 227-pixel faces and a
core of 1,024 units.

Differences from the paper:

* The position of a glimpse is the time since the previous one, because a live session has no known end.
* The three scalp images share one trunk but have projections of their own, so that the attention's weighted sum keeps
  the bands apart.
* An absent modality is replaced by a learned vector, and flags tell which are present.
* Logits are read after any look, because decisions are due all the time.

References
----------
.. [1] Liu J., Su Y., Wei P., Liu Y. (2020), Video-EEG based collaborative emotion recognition using LSTM and
   information-attention, Acta Automatica Sinica 46(10), 2137-2147. doi:10.16383/j.aas.c180107
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import cast

import torch
from torch import Tensor, nn

from ...configs.schema.errors import MoodringError

_LARGEST = 4096
AXES = ("valence", "arousal")
_POSITION = 2
_FLAGS = 2


@dataclass(frozen=True)
class Sizes:
    """Widths of the layers; ``image_size`` and ``face_size`` are sides in pixels."""

    image_size: int = 16
    face_size: int = 48
    face_features: int = 16
    band_features: int = 16
    glimpse: int = 24
    layer1: int = 40
    core: int = 80
    max_wait_frames: int = 16

    @classmethod
    def of(cls, network: Mapping[str, float | int | str]) -> "Sizes":
        """Read the sizes from a spec's ``network``; other keys are left alone.

        Raises
        ------
        MoodringError
            One is no whole number from 1 to 4096.
        """
        found = {name: network[name] for name in asdict(cls()) if name in network}
        for name, value in found.items():
            if not isinstance(value, int | float) or not 1 <= value <= _LARGEST or value != int(value):
                raise MoodringError(
                    f"the video-EEG network's {name} is {value!r}; a whole number from 1 to {_LARGEST} was expected: "
                    "use another bundle"
                )
        return cls(**{name: int(value) for name, value in found.items()})


@dataclass(frozen=True)
class State:
    """State between looks: hidden and cell state of each LSTM, ``(batch, width)`` each."""

    face: tuple[Tensor, Tensor]
    eeg: tuple[Tensor, Tensor]
    core: tuple[Tensor, Tensor]

    def detach(self) -> "State":
        """Return the state detached from the graph."""
        parts = ((h.detach(), c.detach()) for h, c in (self.face, self.eeg, self.core))
        return State(*parts)


@dataclass(frozen=True)
class Glimpse:
    """Inputs of one look, for a batch.

    Attributes
    ----------
    face : (batch, face_features)
        Features of the frozen face network; ignored where absent.
    bands : (batch, 3, band_features)
        Features of the theta, alpha and beta images; ignored where absent.
    face_present, eeg_present : (batch,) float, 0 or 1
    elapsed_s : (batch,)
        Time since the previous look, 0 at the first.
    """

    face: Tensor
    bands: Tensor
    face_present: Tensor
    eeg_present: Tensor
    elapsed_s: Tensor


class FaceNet(nn.Module):
    """Features of a grey face crop, in place of the paper's VGG-16.

    Trained to classify the levels of expressed valence and arousal, then frozen. Its input is standardised per crop,
    which removes light and camera gain.
    """

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 12, 5, stride=2, padding=2),
            nn.GroupNorm(4, 12),
            nn.ReLU(),
            nn.Conv2d(12, 24, 3, stride=2, padding=1),
            nn.GroupNorm(4, 24),
            nn.ReLU(),
            nn.Conv2d(24, 32, 3, stride=2, padding=1),
            nn.GroupNorm(4, 32),
            nn.ReLU(),
            nn.Flatten(),
        )
        side = -(-sizes.face_size // 8)
        self.out = nn.Linear(32 * side * side, sizes.face_features)
        self.expression = nn.Linear(sizes.face_features, 4 * len(AXES))

    def forward(self, crops: Tensor) -> Tensor:
        """Return features ``(n, face_features)`` of crops ``(n, size, size)`` in 0..255."""
        grey = crops.float()
        centred = grey - grey.mean(dim=(1, 2), keepdim=True)
        scaled = centred / (centred.pow(2).mean(dim=(1, 2), keepdim=True).sqrt() + 4.0)
        return torch.relu(cast(Tensor, self.out(self.body(scaled[:, None]))))

    def expressed(self, features: Tensor) -> Tensor:
        """Return logits ``(n, 2, 4)`` of the expression on each axis: low, medium, high or neutral."""
        return cast(Tensor, self.expression(features)).reshape(-1, len(AXES), 4)


class BandNet(nn.Module):
    """Feature vectors of the scalp images of three bands."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.ReLU(),
            nn.AvgPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1),
            nn.ReLU(),
            nn.AvgPool2d(2),
            nn.Flatten(),
        )
        side = sizes.image_size // 4
        self.out = nn.ModuleList(nn.Linear(16 * side * side, sizes.band_features) for _ in range(3))

    def forward(self, images: Tensor) -> Tensor:
        """Return features ``(n, 3, band_features)`` of images ``(n, 3, size, size)``."""
        n, bands = images.shape[:2]
        flat = cast(Tensor, self.trunk(images.flatten(0, 1)[:, None])).reshape(n, bands, -1)
        return torch.tanh(torch.stack([out(flat[:, i]) for i, out in enumerate(self.out)], dim=1))


class VideoEegNet(nn.Module):
    """A shared first LSTM for both modalities, and a core LSTM with class heads and the policy of the next look."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.face_net = FaceNet(sizes)
        self.band_net = BandNet(sizes)
        self.band_attention = nn.Linear(sizes.core, 3)
        self.face_in = nn.Linear(sizes.face_features, sizes.glimpse)
        self.eeg_in = nn.Linear(sizes.band_features, sizes.glimpse)
        self.absent = nn.Parameter(torch.zeros(2, sizes.glimpse))
        self.layer1 = lstm_cell(sizes.glimpse + _POSITION + _FLAGS, sizes.layer1)
        self.core = lstm_cell(2 * sizes.layer1, sizes.core)
        self.heads = nn.Linear(sizes.core, 3 * len(AXES))
        self.policy = nn.Linear(sizes.core, 1)
        self.value = nn.Linear(sizes.core, 1)
        nn.init.zeros_(self.policy.weight)

    def start(self, batch: int) -> State:
        """Return the state before the first look."""
        like = self.heads.weight

        def zeros(width: int) -> tuple[Tensor, Tensor]:
            return like.new_zeros(batch, width), like.new_zeros(batch, width)

        return State(zeros(self.sizes.layer1), zeros(self.sizes.layer1), zeros(self.sizes.core))

    def look(self, state: State, glimpse: Glimpse) -> tuple[State, Tensor]:
        """Process one look.

        Returns
        -------
        state : State
        attention : (batch, 3) Tensor
            Weights of theta, alpha and beta, from the core's last hidden state; each row sums to 1.
        """
        attention = torch.softmax(self.band_attention(state.core[0]), dim=1)
        face = self.layer1(self.face_glimpse(glimpse), state.face)
        eeg = self.layer1(self.eeg_glimpse(glimpse, attention), state.eeg)
        core = self.core(torch.cat([face[0], eeg[0]], dim=1), state.core)
        return State(face, eeg, core), attention

    def face_glimpse(self, glimpse: Glimpse) -> Tensor:
        """Return layer 1's input for the face."""
        seen = torch.relu(self.face_in(glimpse.face))
        return torch.cat([self._or_absent(seen, glimpse.face_present, 0), _position(glimpse)], dim=1)

    def eeg_glimpse(self, glimpse: Glimpse, attention: Tensor) -> Tensor:
        """Return layer 1's input for the EEG, its bands weighted by the attention ``(batch, 3)``."""
        mixed = (attention[:, :, None] * glimpse.bands).sum(dim=1)
        seen = torch.relu(self.eeg_in(3.0 * mixed))
        return torch.cat([self._or_absent(seen, glimpse.eeg_present, 1), _position(glimpse)], dim=1)

    def logits(self, core: Tensor) -> Tensor:
        """Return class logits ``(batch, 2, 3)`` of valence and arousal from the core's hidden state."""
        return cast(Tensor, self.heads(core)).reshape(-1, len(AXES), 3)

    def wait_mean(self, core: Tensor) -> Tensor:
        """Return the mean of the policy's Gaussian, ``(batch,)``: 0 is the next frame, 1 the longest wait."""
        return torch.sigmoid(cast(Tensor, self.policy(core))[:, 0])

    def state_value(self, core: Tensor) -> Tensor:
        """Return the learned baseline ``(batch,)``: the expected return; its gradient reaches its own weights only."""
        return cast(Tensor, self.value(core.detach()))[:, 0]

    def frames(self, wait: Tensor) -> Tensor:
        """Return the policy's outputs as whole grid frames, 1 to the longest wait."""
        longest = self.sizes.max_wait_frames
        return (1.0 + (longest - 1) * wait).round().clamp(1, longest).long()

    def _or_absent(self, seen: Tensor, present: Tensor, row: int) -> Tensor:
        return torch.where(present[:, None] > 0.5, seen, self.absent[row])


def lstm_cell(inputs: int, units: int) -> nn.LSTMCell:
    """Return an LSTM cell whose forget gate starts open."""
    cell = nn.LSTMCell(inputs, units)
    with torch.no_grad():
        cell.bias_hh[units : 2 * units] += 1.0
    return cell


def _position(glimpse: Glimpse) -> Tensor:
    elapsed = glimpse.elapsed_s
    return torch.stack([elapsed, torch.log(elapsed + 0.125) + 1.0, glimpse.face_present, glimpse.eeg_present], dim=1)


def parameter_count(module: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in module.parameters())
