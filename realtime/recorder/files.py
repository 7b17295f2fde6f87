"""The plain files of a session folder: lines of text, and rows of samples."""

from pathlib import Path

import numpy as np

from ...configs.schema.session_folder import SamplesHeader, row_layout
from ...models.streaming.sources import Chunk, SourceInfo


class Lines:
    """Appends lines of text to a new file.

    Raises
    ------
    OSError
        From every method: the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb")

    def write(self, item: bytes) -> None:
        """Append a line."""
        self._file.write(item + b"\n")

    def flush(self) -> None:
        """Hand everything to the system."""
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Samples:
    """Appends the samples of a signal, each with its stamp, to a new file (see :mod:`moodring.configs.schema.session_folder`).

    A file that ends anywhere can be read up to its last whole row.
    """

    def __init__(self, path: Path, info: SourceInfo) -> None:
        self._layout = np.dtype(row_layout(info.shape[0]))
        self._file = path.open("xb")
        header = SamplesHeader(
            name=info.name, rate_hz=info.rate_hz or 0.0, jitter_s=info.jitter_s, channel_names=info.channel_names
        )
        self._file.write(header.model_dump_json().encode() + b"\n")

    def write(self, item: Chunk) -> None:
        """Append a chunk."""
        rows = np.empty(len(item.stamps_s), self._layout)
        rows["stamp_s"], rows["values"] = item.stamps_s, item.samples
        self._file.write(rows.tobytes())

    def flush(self) -> None:
        """Hand everything to the system."""
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
