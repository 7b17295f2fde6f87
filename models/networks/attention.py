"""The video-EEG network: a core that ticks with the decisions, band attention, and hard attention on camera frames.

After [1]_. Sizes are settings: the defaults run on one CPU core; the paper has VGG-16 features of 227-pixel faces and a
core of 1,024 units.

Differences from the paper:

* The EEG is read at every tick of half a second; only camera frames are rationed. Frames looked at within a tick are
  pooled.
* When to look is decided frame by frame (:mod:`~moodring.models.networks.look_policy`), because a live session has no
  known end; the paper's Gaussian over the next position is kept as a policy of its own.
* The three scalp images have projections of their own, so that the attention's weighted sum keeps the bands apart.
* An absent modality is replaced by a learned vector, and flags tell which are present.
* Logits are read at every tick, because decisions are due all the time. The onset of a stimulus may be told.

References
----------
.. [1] Liu J., Su Y., Wei P., Liu Y. (2020), Video-EEG based collaborative emotion recognition using LSTM and
   information-attention, Acta Automatica Sinica 46(10), 2137-2147.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn

from ...configs.schema.errors import MoodringError
from .face_nets import ExpressionFaceNet, FaceNet, FrozenFaceNet

AXES = ("valence", "arousal")
TICK_HZ = 2
FRAMES_PER_TICK = 4
FRAME_HZ = TICK_HZ * FRAMES_PER_TICK
LONGEST_ELAPSED_S = 10.0
Backbone = Literal["compact", "vgg16", "expression"]
BACKBONES: tuple[Backbone, ...] = ("compact", "vgg16", "expression")
_LARGEST = 4096
_FACE_CONTEXT = 5
_EEG_CONTEXT = 1
_ONSET_CONTEXT = 2


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
    """State between ticks: hidden and cell state of the first LSTM for face and EEG, and of the core.

    Each is ``(batch, width)``.
    """

    layer1: tuple[Tensor, Tensor]
    core: tuple[Tensor, Tensor]

    def detach(self) -> "State":
        """Return the state detached from the graph."""
        return State((self.layer1[0].detach(), self.layer1[1].detach()), (self.core[0].detach(), self.core[1].detach()))

    def rows(self, chosen: Tensor) -> "State":
        """Return the state of some members of the batch."""
        half = len(self.layer1[0]) // 2
        both = torch.cat([chosen, chosen + half])
        return State((self.layer1[0][both], self.layer1[1][both]), (self.core[0][chosen], self.core[1][chosen]))


@dataclass(frozen=True)
class Ticks:
    """Inputs of consecutive ticks, for a batch; time leads.

    Attributes
    ----------
    face : (n_ticks, batch, face_features)
        Features of the face network, averaged over the looks within the tick with the weights of :func:`pooled`;
        ignored where there was none.
    looks : (n_ticks, batch) float
        How many looks found a face, 0 to 4.
    presence : (n_ticks, batch) float
        Largest probability of an expression among the looks; 0 where there was none.
    elapsed_s : (n_ticks, batch) float
        Time from the last look that found a face to the tick, at most 10 s.
    bands : (n_ticks, batch, 3, band_features)
        Features of the theta, alpha and beta images; ignored where absent.
    eeg_present : (n_ticks, batch) float, 0 or 1
    since_onset_s : (n_ticks, batch) float
        Time since the onset of the stimulus; negative where nobody tells.
    """

    face: Tensor
    looks: Tensor
    presence: Tensor
    elapsed_s: Tensor
    bands: Tensor
    eeg_present: Tensor
    since_onset_s: Tensor


class BandNet(nn.Module):
    """Feature vectors of the scalp images of three bands.

    A linear map of each image keeps what averaging over time needs; a small convolutional part adds what is not linear.
    """

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
        pixels, pooled = sizes.image_size**2, 16 * (sizes.image_size // 4) ** 2
        self.linear = nn.ModuleList(nn.Linear(pixels, sizes.band_features) for _ in range(3))
        self.out = nn.ModuleList(nn.Linear(pooled, sizes.band_features) for _ in range(3))

    def forward(self, images: Tensor) -> Tensor:
        """Return features ``(n, 3, band_features)`` of images ``(n, 3, size, size)``."""
        n, bands = images.shape[:2]
        flat = cast(Tensor, self.trunk(images.flatten(0, 1)[:, None])).reshape(n, bands, -1)
        each = [
            linear(images[:, i].flatten(1)) + 0.5 * torch.tanh(out(flat[:, i]))
            for i, (linear, out) in enumerate(zip(self.linear, self.out, strict=True))
        ]
        return torch.stack(each, dim=1)


class AttentionNet(nn.Module):
    """A shared first LSTM for both modalities, and a core LSTM with band attention and class heads.

    Parameters
    ----------
    sizes : Sizes
    backbone : "compact", "vgg16" or "expression"
        What the face network reads: crops, the features of a frozen VGG-16, which is not part of this network, or
        crops through the frozen network of real faces' expressions, which is.
    """

    def __init__(self, sizes: Sizes, backbone: Backbone = "compact") -> None:
        super().__init__()
        self.sizes = sizes
        self.face_net = _face_net(sizes, backbone)
        self.band_net = BandNet(sizes)
        self.band_attention = nn.Linear(sizes.core, 3)
        self.face_in = nn.Linear(sizes.face_features, sizes.glimpse)
        self.eeg_in = nn.Linear(sizes.band_features, sizes.glimpse)
        self.absent = nn.Parameter(torch.zeros(2, sizes.glimpse))
        self.gate = nn.Parameter(torch.tensor([8.0, -4.0]))
        self.layer1 = lstm_cell(sizes.glimpse + max(_FACE_CONTEXT, _EEG_CONTEXT) + 2, sizes.layer1)
        self.core = lstm_cell(2 * sizes.layer1 + _ONSET_CONTEXT, sizes.core)
        self.heads = nn.Linear(sizes.core, 3 * len(AXES))

    def start(self, batch: int) -> State:
        """Return the state before the first tick."""
        like, sizes = self.heads.weight, self.sizes
        layer1 = like.new_zeros(2 * batch, sizes.layer1)
        core = like.new_zeros(batch, sizes.core)
        return State((layer1, layer1), (core, core))

    def forget_face(self, state: State) -> State:
        """Return a state, of a batch of one, of which only what the first LSTM read from the EEG is left."""
        hidden, cell = state.layer1
        kept = hidden.new_tensor([[0.0], [1.0]])
        return State((hidden * kept, cell * kept), self.start(1).core)

    def run(
        self, state: State, ticks: Ticks, dropout: float = 0.0, weights: Tensor | None = None
    ) -> tuple[State, Tensor, Tensor]:
        """Process consecutive ticks.

        Parameters
        ----------
        state : State
        ticks : Ticks
        dropout : float
            Of the inputs of both LSTMs, one mask for all ticks; 0 outside training.
        weights : (n_ticks, batch, 3) Tensor, optional
            Of theta, alpha and beta, in the place of the attention's own.

        Returns
        -------
        state : State
            After the last tick.
        core : (n_ticks, batch, core) Tensor
            Hidden states of the core: what the heads and the policy read.
        attention : (n_ticks, batch, 3) Tensor
            Weights of theta, alpha and beta, from the core's hidden state before the tick; each row sums to 1.
        """
        face, bands, eeg_context = self._glimpses(ticks)
        onset = (
            torch.stack(
                [(ticks.since_onset_s >= 0).float(), torch.exp(-ticks.since_onset_s.clamp(min=0.0) / 4.0)], dim=-1
            )
            * (ticks.since_onset_s >= 0).float()[..., None]
        )
        batch = face.shape[1]
        keep_in = _mask(face.new_ones(2 * batch, face.shape[2]), dropout)
        keep_core = _mask(face.new_ones(batch, 2 * self.sizes.layer1), dropout)
        layer1, core, cores, attended = state.layer1, state.core, [], []
        given = weights if weights is not None else [None] * len(face)
        absent = self.absent[1]
        rows = (face, bands, ticks.eeg_present[..., None] > 0.5, eeg_context, onset)
        for (face_in, bands_in, there, context, told), fixed in zip(
            zip(*(row.unbind(0) for row in rows), strict=True), given, strict=True
        ):
            attention = torch.softmax(self.band_attention(core[0]), dim=1) if fixed is None else fixed
            mixed = 3.0 * (attention[:, :, None] * bands_in).sum(dim=1)
            eeg_in = torch.cat([torch.where(there, mixed, absent), context], dim=1)
            layer1 = self.layer1(torch.cat([face_in, eeg_in]) * keep_in, layer1)
            seen = torch.cat([layer1[0][:batch], layer1[0][batch:]], dim=1) * keep_core
            core = self.core(torch.cat([seen, told], dim=1), core)
            cores.append(core[0])
            attended.append(attention)
        return State(layer1, core), torch.stack(cores), torch.stack(attended)

    def logits(self, core: Tensor) -> Tensor:
        """Return class logits ``(…, 2, 3)`` of valence and arousal from the core's hidden states ``(…, core)``."""
        return cast(Tensor, self.heads(core)).reshape(*core.shape[:-1], len(AXES), 3)

    def _glimpses(self, ticks: Ticks) -> tuple[Tensor, Tensor, Tensor]:
        """Return the first LSTM's input for faces, the projected bands, and the context of the EEG's input."""
        looked = (ticks.looks > 0.5)[..., None]
        # A neutral face counts as no look: what it adds to every tick is noise, what it lacks is in the context.
        expressive = torch.sigmoid(self.gate[0] * ticks.presence + self.gate[1])[..., None] * looked
        face = torch.lerp(
            self.absent[0].expand_as(expressive * self.absent[0]), torch.relu(self.face_in(ticks.face)), expressive
        )
        elapsed = ticks.elapsed_s.clamp(max=LONGEST_ELAPSED_S)
        context = torch.stack(
            [
                torch.log1p(ticks.looks),
                ticks.presence,
                elapsed / LONGEST_ELAPSED_S,
                torch.exp(-elapsed / 2.0),
                looked[..., 0].float(),
                torch.ones_like(elapsed),
                torch.zeros_like(elapsed),
            ],
            dim=-1,
        )
        there = ticks.eeg_present
        nothing = torch.zeros_like(there)
        eeg_context = torch.stack([nothing, nothing, nothing, nothing, there, nothing, torch.ones_like(there)], dim=-1)
        return torch.cat([face, context], dim=-1), self.eeg_in(ticks.bands), eeg_context


def _face_net(sizes: Sizes, backbone: Backbone) -> FaceNet | FrozenFaceNet | ExpressionFaceNet:
    if backbone == "compact":
        return FaceNet(sizes.face_size, sizes.face_features)
    return FrozenFaceNet(sizes.face_features) if backbone == "vgg16" else ExpressionFaceNet(sizes.face_features)


def pooled(features: Tensor, presence: Tensor, found: Tensor) -> tuple[Tensor, Tensor]:
    """Average the features of the looks within a tick, each by its probability of an expression.

    A neutral face says little of what is felt, so that it hardly dilutes an expression beside it.

    Parameters
    ----------
    features : (…, n_looks, batch, face_features)
    presence : (…, n_looks, batch)
        Logits of :meth:`FaceNet.expressed`.
    found : (…, n_looks, batch) bool
        Looks that were made and found a face.

    Returns
    -------
    face : (…, batch, face_features)
    presence : (…, batch)
        Largest of the probabilities; 0 without looks.
    """
    weight = torch.sigmoid(presence) * found
    if not weight.shape[-2]:
        return features.new_zeros(*features.shape[:-3], *features.shape[-2:]), weight.sum(dim=-2)
    face = (features * weight[..., None]).sum(dim=-3) / weight.sum(dim=-2).clamp(min=1e-12)[..., None]
    return face, weight.amax(dim=-2)


def lstm_cell(inputs: int, units: int) -> nn.LSTMCell:
    """Return an LSTM cell whose forget gate starts open."""
    cell = nn.LSTMCell(inputs, units)
    with torch.no_grad():
        cell.bias_hh[units : 2 * units] += 1.0
    return cell


def parameter_count(module: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in module.parameters())


def _mask(like: Tensor, dropout: float) -> Tensor:
    return nn.functional.dropout(like, dropout) if dropout > 0.0 else like
