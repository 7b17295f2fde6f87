"""CNN + LSTM for speech emotion recognition from raw waveforms.

Four one-dimensional convolution blocks (convolution, batch norm, ELU, max pool) turn each segment of 16,000 samples
into one vector; an LSTM (tanh) runs over the segments of an utterance; a fully connected layer and softmax give the
class probabilities after every segment. The structure is that of [1]_, which does not give its sizes; the defaults are
chosen for one CPU core.

References
----------
.. [1] "Speech Emotion Recognition Based on CNN+LSTM Model" (in Chinese), a manuscript without authors ("Anonymous ACL
   submission"). It has no DOI.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ...configs.schema.errors import MoodringError
from ..contract import AUDIO_RATE_HZ

BLOCKS = 4
_LARGEST = 4096
_LOWEST_HZ, _HIGHEST_HZ = 80.0, 7_000.0
Memory = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class SpeechSizes:
    """Sizes of the network; each tuple has one number per block.

    Attributes
    ----------
    channels, kernels, strides, pools : tuple of 4 int
        Output channels, kernel length and stride of the convolution, and length of the max pool.
    lstm_units : int
    dropout : float
        Before the LSTM and before the last layer, while training.
    """

    channels: tuple[int, ...] = (16, 32, 48, 64)
    kernels: tuple[int, ...] = (80, 9, 7, 5)
    strides: tuple[int, ...] = (4, 1, 1, 1)
    pools: tuple[int, ...] = (8, 4, 4, 4)
    lstm_units: int = 48
    dropout: float = 0.1

    def numbers(self) -> dict[str, float | int | str]:
        """Write the sizes as plain values, for a bundle's spec; tuples as ``"16,32,48,64"``."""
        return {key: ",".join(map(str, v)) if isinstance(v, tuple) else v for key, v in asdict(self).items()}


def sizes_from(numbers: Mapping[str, float | int | str]) -> SpeechSizes:
    """Return sizes from the result of :meth:`SpeechSizes.numbers`.

    Raises
    ------
    MoodringError
        A size is missing, or is no such number.
    """
    try:
        blocks = {
            key: tuple(int(part) for part in str(numbers[key]).split(","))
            for key in ("channels", "kernels", "strides", "pools")
        }
        if any(len(block) != BLOCKS or min(block) < 1 or max(block) > _LARGEST for block in blocks.values()):
            raise ValueError(f"each of {', '.join(blocks)} needs {BLOCKS} numbers from 1 to {_LARGEST}")
        sizes = SpeechSizes(**blocks, lstm_units=int(numbers["lstm_units"]), dropout=float(numbers["dropout"]))
        if not (1 <= sizes.lstm_units <= _LARGEST and 0 <= sizes.dropout < 1):
            raise ValueError(f"lstm_units from 1 to {_LARGEST} and dropout below 1 are needed")
        return sizes
    except (KeyError, ValueError, OverflowError) as error:
        raise MoodringError(
            f"the speech network's sizes {dict(numbers)} do not fit ({error}); use another bundle"
        ) from None


def _block(inputs: int, outputs: int, kernel: int, stride: int, pool: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm1d(outputs),
        nn.ELU(),
        nn.MaxPool1d(pool),
    )


def _band_passes(count: int, length: int) -> Tensor:
    """Return band-pass filters of unit energy, ``(count, 1, length)``, with centres equally spaced in mel.

    The first convolution is initialised with them, because from noise it takes many epochs to find them, and then
    trained freely; compare SincNet (Ravanelli and Bengio 2018, https://doi.org/10.1109/SLT.2018.8639585).
    """
    low, high = (2595.0 * np.log10(1.0 + hertz / 700.0) for hertz in (_LOWEST_HZ, _HIGHEST_HZ))
    mel = np.linspace(low, high, count)
    centres = 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    widths = np.maximum(np.gradient(centres), 120.0) if count > 1 else np.array([120.0])
    times_s = (np.arange(length) - (length - 1) / 2.0) / AUDIO_RATE_HZ
    envelopes = np.exp(-2.0 * (times_s * widths[:, None]) ** 2)
    filters = envelopes * np.cos(2.0 * np.pi * centres[:, None] * times_s + np.pi / 4.0)
    filters /= np.sqrt((filters**2).sum(axis=1, keepdims=True))
    return torch.from_numpy(filters[:, None].astype(np.float32))


def convolution_blocks(sizes: SpeechSizes, n_times: int) -> tuple[nn.Sequential, int]:
    """Return the four blocks, ``(n, 1, n_times)`` to ``(n, width)``, and the width."""
    inputs = (1, *sizes.channels[:-1])
    each = zip(inputs, sizes.channels, sizes.kernels, sizes.strides, sizes.pools, strict=True)
    blocks = nn.Sequential(*(_block(*one) for one in each), nn.Flatten())
    with torch.no_grad():
        next(blocks.parameters()).copy_(_band_passes(sizes.channels[0], sizes.kernels[0]))
        # Found by a forward pass, so that no arithmetic on paddings and pools repeats the blocks. What keeps the
        # shape is left out: where tensors have shapes alone, it would import torch's compiler, 36 MB.
        passed = torch.zeros(1, 1, n_times)
        for layer in blocks.modules():
            if not isinstance(layer, nn.Sequential | nn.BatchNorm1d | nn.ELU):
                passed = layer(passed)
    return blocks, passed.shape[1]


class SpeechNetwork(nn.Module):
    """CNN + LSTM over the segments of one utterance.

    Parameters
    ----------
    sizes : SpeechSizes
    n_classes : int
    n_times : int
        Samples of a segment.
    """

    def __init__(self, sizes: SpeechSizes, n_classes: int, n_times: int = 16_000) -> None:
        super().__init__()
        self.blocks, width = convolution_blocks(sizes, n_times)
        self.dropout = nn.Dropout(sizes.dropout)
        self.lstm = nn.LSTM(width, sizes.lstm_units, batch_first=True)
        self.head = nn.Linear(sizes.lstm_units, n_classes)

    def forward(self, segments: Tensor, memory: Memory | None = None) -> tuple[Tensor, Memory]:
        """Return the logits after each segment.

        Parameters
        ----------
        segments : (batch, n_segments, 16000) float32
            RMS-normalised; shorter utterances padded with zeros at the end.
        memory : pair of (1, batch, lstm_units), optional
            The LSTM's state after the segments before these; None at the start of an utterance.

        Returns
        -------
        logits : (batch, n_segments, n_classes)
        memory : pair of (1, batch, lstm_units)
        """
        states, memory = self.states(segments, memory)
        return self.head(states), memory

    def states(self, segments: Tensor, memory: Memory | None = None) -> tuple[Tensor, Memory]:
        """Return the LSTM's states ``(batch, n_segments, lstm_units)``."""
        batch, n_segments, n_samples = segments.shape
        vectors = self.blocks(segments.reshape(batch * n_segments, 1, n_samples)).reshape(batch, n_segments, -1)
        states, memory = self.lstm(self.dropout(vectors), memory)
        return self.dropout(states), memory
