"""Deep voting fusion network: what the brains of several listeners say together.

Hsieh and Lee, "Joint modeling of individual neural responses using a deep voting fusion network for automatic emotion
perception decoding": a dense layer for each listener, all merged, then a voting layer without bias or activation whose
weights say what each listener contributes, a dense layer and the softmax.
"""

import torch
from torch import Tensor, nn

_DENSE = 100
_VOTES = 64
_HIDDEN = 16


class VotingNetwork(nn.Module):
    """The network.

    The voting layer starts at zero, so that the size of a weight says what was learned and not what was drawn.

    Parameters
    ----------
    listeners : int
    features : int
        Of each listener: 500 of an :class:`~moodring.models.networks.fmri_cnn.FmriCnn`.
    classes : int
    """

    mask: Tensor

    def __init__(self, listeners: int, features: int, classes: int) -> None:
        super().__init__()
        self.dense = nn.ModuleList(nn.Linear(features, _DENSE) for _ in range(listeners))
        self.voting = nn.Linear(listeners * _DENSE, _VOTES, bias=False)
        self.hidden = nn.Linear(_VOTES, _HIDDEN)
        self.output = nn.Linear(_HIDDEN, classes)
        nn.init.zeros_(self.voting.weight)
        self.register_buffer("mask", torch.ones_like(self.voting.weight))

    def forward(self, features: Tensor, present: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Fuse the features of all listeners.

        Parameters
        ----------
        features : (n_listeners, n, n_features) Tensor
        present : (n_listeners,) Tensor or None
            0 for listeners whose votes are left out.

        Returns
        -------
        hidden : (n, 16) Tensor
            The layer before the softmax.
        logits : (n, classes) Tensor
        """
        merged = [torch.relu(layer(one)) for layer, one in zip(self.dense, features, strict=True)]
        if present is not None:
            merged = [share * one for share, one in zip(present, merged, strict=True)]
        votes = nn.functional.linear(torch.cat(merged, dim=1), self.voting.weight * self.mask)
        hidden = torch.relu(self.hidden(votes))
        return hidden, self.output(hidden)

    def mask_weights(self, threshold: float) -> None:
        """Keep the voting weights whose size is above a threshold; the others are zero from now on."""
        with torch.no_grad():
            self.mask.copy_((self.voting.weight.abs() > threshold).to(self.mask))
            self.voting.weight.mul_(self.mask)

    def weight_sizes(self) -> Tensor:
        """Return the mean size of each listener's voting weights, ``(n_listeners,)``; masked ones count as zero."""
        sizes = (self.voting.weight * self.mask).detach().abs().mean(dim=0)
        return sizes.reshape(len(self.dense), _DENSE).mean(dim=1)
