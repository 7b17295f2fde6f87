"""Baselines of the CNN + LSTM: each of its halves alone, and a fully connected network.

The paper [1]_ has three baselines, a plain network, CNN only and LSTM only, without their sizes. All take the segments
of a batch of utterances; their last logits are those of the whole utterance.

References
----------
.. [1] "Speech Emotion Recognition Based on CNN+LSTM Model" (in Chinese), a manuscript without authors ("Anonymous ACL
   submission"). It has no DOI.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from .speech import SpeechSizes, convolution_blocks


class PlainNetwork(nn.Module):
    """A fully connected network on the flattened samples.

    Parameters
    ----------
    units : int
        Width of its one hidden layer (ELU).
    dropout : float
        Of the samples and of the hidden layer, while training.
    n_classes : int
    longest_segments : int
        Number of segments to which utterances are padded with zeros or cut.
    n_times : int
        Samples of a segment.
    """

    def __init__(
        self, units: int, dropout: float, n_classes: int, longest_segments: int, n_times: int = 16_000
    ) -> None:
        super().__init__()
        self._samples = longest_segments * n_times
        self.layers = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(self._samples, units),
            nn.LayerNorm(units),
            nn.ELU(),
            nn.Dropout(dropout),
            nn.Linear(units, n_classes),
        )

    def forward(self, segments: Tensor) -> Tensor:
        """Return logits ``(batch, 1, n_classes)`` of segments ``(batch, n_segments, n_times)``."""
        flat = segments.flatten(1)[:, : self._samples]
        logits: Tensor = self.layers(functional.pad(flat, (0, self._samples - flat.shape[1])))
        return logits[:, None]


class CnnOnly(nn.Module):
    """The convolution blocks of CNN + LSTM; in place of the LSTM, the mean over the segments so far.

    Parameters
    ----------
    sizes : SpeechSizes
        ``lstm_units`` is not used.
    n_classes : int
    n_times : int
        Samples of a segment.
    """

    def __init__(self, sizes: SpeechSizes, n_classes: int, n_times: int = 16_000) -> None:
        super().__init__()
        self.blocks, width = convolution_blocks(sizes, n_times)
        self.dropout = nn.Dropout(sizes.dropout)
        self.head = nn.Linear(width, n_classes)

    def forward(self, segments: Tensor) -> Tensor:
        """Return logits ``(batch, n_segments, n_classes)``, each of the segments so far."""
        batch, n_segments, n_samples = segments.shape
        vectors = self.blocks(segments.reshape(batch * n_segments, 1, n_samples)).reshape(batch, n_segments, -1)
        so_far = torch.arange(1, n_segments + 1, device=segments.device)[None, :, None]
        logits: Tensor = self.head(self.dropout(vectors.cumsum(1) / so_far))
        return logits


class LstmOnly(nn.Module):
    """An LSTM that takes the samples of a segment as they are at each step.

    Parameters
    ----------
    units : int
    dropout : float
        Of the samples and of the LSTM's states, while training.
    n_classes : int
    n_times : int
        Samples of a segment.
    """

    def __init__(self, units: int, dropout: float, n_classes: int, n_times: int = 16_000) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.lstm = nn.LSTM(n_times, units, batch_first=True)
        self.head = nn.Linear(units, n_classes)

    def forward(self, segments: Tensor) -> Tensor:
        """Return logits ``(batch, n_segments, n_classes)``, each of the segments so far."""
        states, _ = self.lstm(self.dropout(segments))
        logits: Tensor = self.head(self.dropout(states))
        return logits
