"""Policies of hard attention: when to look at a camera frame.

Two are learned. :class:`HazardPolicy` decides at each frame of the 8 Hz grid whether to spend a look, from a periphery
that costs little: a thumbnail of the face's last known place, its movement, and midline theta. Only this policy sees
the periphery; the class heads never do. :class:`GaussianPolicy` is the paper's: after each look a Gaussian over
the next position [1]_.

References
----------
.. [1] Mnih V., Heess N., Graves A., Kavukcuoglu K. (2014), Recurrent models of visual attention,
   https://arxiv.org/abs/1406.6247
"""

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from .attention import FRAME_HZ
from .face_nets import standardised

THUMBNAIL = 24
_THUMBNAIL_FEATURES = 12
LONGEST_WAIT_FRAMES = 80
_SLOW = 1.0 / (4.0 * FRAME_HZ)
_MEASURES = 4
_MOTION, _CHANGE, _THETA = 4.0, 4.0, 2.0  # scales of what is measured, for the networks


@dataclass(frozen=True)
class PeripheryState:
    """State of the periphery between frames.

    Attributes
    ----------
    previous, slow : (batch, 24, 24)
        The thumbnail before, and a running mean of about four seconds.
    theta : (batch,)
        Running mean of midline theta.
    known, theta_known : (batch,) float, 0 or 1
        Whether there was a thumbnail, and midline theta, before.
    hidden : (batch, units)
        Of the recurrent layer.
    measured : (batch, 3)
        At the newest frame: motion, change and midline theta, as in
        :class:`~moodring.models.contract.Periphery`; 0 for what was not there.
    """

    previous: Tensor
    slow: Tensor
    theta: Tensor
    known: Tensor
    theta_known: Tensor
    hidden: Tensor
    measured: Tensor


class HazardPolicy(nn.Module):
    """A periphery and the value of looking now, beyond its price.

    Parameters
    ----------
    core : int
        Width of the core's hidden state.
    units : int
        Width of the recurrent layer of the periphery.
    """

    def __init__(self, core: int, units: int = 16) -> None:
        super().__init__()
        self.units = units
        self.thumbnail = nn.Sequential(
            nn.Conv2d(2, 8, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(8, 16, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(16 * (THUMBNAIL // 4) ** 2, _THUMBNAIL_FEATURES),
            nn.Tanh(),
        )
        self.recurrent = nn.GRU(_THUMBNAIL_FEATURES + _MEASURES, units)
        self.expression = nn.Linear(units, 1)
        self.core_in = nn.Linear(core, 8)
        self.value = nn.Sequential(nn.Linear(units + 8 + 3, 24), nn.Tanh(), nn.Linear(24, 1))
        self.price = nn.Parameter(torch.zeros(()), requires_grad=False)

    def start(self, batch: int) -> PeripheryState:
        """Return the state before the first frame."""
        like = self.expression.weight
        picture, one = like.new_zeros(batch, THUMBNAIL, THUMBNAIL), like.new_zeros(batch)
        hidden, measured = like.new_zeros(batch, self.units), like.new_zeros(batch, _MEASURES - 1)
        return PeripheryState(picture, picture, one, one, one, hidden, measured)

    def watch(self, state: PeripheryState, thumbnail: Tensor, there: Tensor, theta: Tensor) -> PeripheryState:
        """Process one frame.

        Parameters
        ----------
        state : PeripheryState
        thumbnail : (batch, 24, 24)
            The face's last known place, grey, 0..255; ignored where not there.
        there : (batch,) float, 0 or 1
        theta : (batch,)
            Log power of midline theta; NaN where there is none.
        """
        features, carried = self.measures(state, thumbnail, there, theta)
        measured = features[:, -_MEASURES:-1] / features.new_tensor([_MOTION, _CHANGE, _THETA])
        return PeripheryState(*carried, self.remember(self.embed(features)[None], state.hidden)[0], measured)

    def remember(self, embedded: Tensor, hidden: Tensor) -> Tensor:
        """Return the hidden states ``(n_frames, batch, units)`` of embedded frames, after a hidden state."""
        return cast(Tensor, self.recurrent(embedded, hidden[None])[0])

    def measures(
        self, state: PeripheryState, thumbnail: Tensor, there: Tensor, theta: Tensor
    ) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor, Tensor, Tensor]]:
        """Return what one frame measures, ``(batch, 2 * 576 + 4)``, and the running means after it."""
        seen = there[:, None, None] > 0.5
        now = torch.where(seen, standardised(thumbnail), state.previous)
        known = state.known[:, None, None] > 0.5
        slow = torch.where(known, state.slow, now)
        previous = torch.where(known, state.previous, now)
        motion = (now - previous).abs().mean(dim=(1, 2))
        change = (now - slow).abs().mean(dim=(1, 2))
        has_theta = torch.isfinite(theta)
        level = torch.where(has_theta, theta, state.theta)
        mean = torch.where(state.theta_known > 0.5, state.theta, level)
        surplus = torch.where(has_theta, level - mean, torch.zeros_like(level))
        numbers = torch.stack([_MOTION * motion, _CHANGE * change, _THETA * surplus, there], dim=1)
        features = torch.cat([(now - slow).flatten(1), now.flatten(1), numbers], dim=1)
        later = torch.where(seen, slow + _SLOW * (now - slow), slow)
        carried = (
            now, later, mean + _SLOW * (level - mean) * has_theta,
            torch.maximum(state.known, there), torch.maximum(state.theta_known, has_theta.float()),
        )  # fmt: skip
        return features, carried

    def embed(self, features: Tensor) -> Tensor:
        """Return the recurrent layer's input of measures ``(n, 2 * 576 + 4)``."""
        pictures, numbers = features[:, :-_MEASURES], features[:, -_MEASURES:]
        seen = self.thumbnail(pictures.reshape(-1, 2, THUMBNAIL, THUMBNAIL))
        return torch.cat([seen * numbers[:, -1:], numbers], dim=1)

    def advantage(self, hidden: Tensor, core: Tensor, waited_frames: Tensor) -> Tensor:
        """Return the expected gain of looking at this frame, in nats of later decisions, ``(…,)``.

        Parameters
        ----------
        hidden : (…, units)
            Of the periphery at this frame.
        core : (…, core)
            Hidden state of the core at the tick before.
        waited_frames : (…,)
            Since the last look, at least 1.
        """
        waited = waited_frames.float().clamp(max=LONGEST_WAIT_FRAMES)
        context = torch.stack(
            [waited / LONGEST_WAIT_FRAMES, torch.exp(-waited / 4.0), torch.exp(-waited / 16.0)], dim=-1
        )
        inputs = torch.cat([hidden, torch.tanh(self.core_in(core)), context], dim=-1)
        return cast(Tensor, self.value(inputs))[..., 0]

    def looks(self, gain: Tensor, waited_frames: Tensor) -> Tensor:
        """Return whether to look now, ``(…,)`` bool: the gain exceeds the price, or ten seconds have passed."""
        return (gain > self.price) | (waited_frames >= LONGEST_WAIT_FRAMES)


class GaussianPolicy(nn.Module):
    """The paper's policy: a Gaussian over the wait until the next look, from the core's hidden state.

    Parameters
    ----------
    core : int
        Width of the core's hidden state.
    """

    def __init__(self, core: int) -> None:
        super().__init__()
        self.mean = nn.Linear(core, 1)
        nn.init.zeros_(self.mean.weight)

    def wait_mean(self, core: Tensor) -> Tensor:
        """Return the mean of the Gaussian, ``(…,)``: 0 is the next frame, 1 the longest wait."""
        return torch.sigmoid(cast(Tensor, self.mean(core))[..., 0])

    def frames(self, wait: Tensor) -> Tensor:
        """Return waits as whole frames of the grid, 1 to the longest."""
        return (1.0 + (LONGEST_WAIT_FRAMES - 1) * wait).round().clamp(1, LONGEST_WAIT_FRAMES).long()
