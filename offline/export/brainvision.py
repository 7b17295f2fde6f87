"""Write EEG as BrainVision: a header, a file of markers, and float32 microvolts exactly as they were recorded.

Source: BrainVision Core Data Format 1.0, as MNE and EEGLAB read it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...configs.schema.foreign_text import visible
from ...models.io.files import PRIVATE_FILE, atomic_write, write_file
from .time_axis import EvenSamples

_ROWS = 65_536
_VERSION = "Version 1.0"
_MICROVOLTS = "µV"


@dataclass(frozen=True)
class FileMarker:
    """A marker in a file: ``row`` from 0, a ``length`` in rows."""

    kind: str
    text: str
    row: int
    length: int = 1


def write_brainvision(
    header: Path,
    samples: EvenSamples,
    names: Sequence[str],
    markers: Sequence[FileMarker],
    recorded_at: datetime | None,
) -> None:
    """Write a ``.vhdr`` with its ``.vmrk`` and ``.eeg``, for this user alone.

    Rows without a sample, and values that are no numbers, are 0; MNE leaves out such stretches by their markers.

    Parameters
    ----------
    header : Path
        Ends in ``.vhdr``.
    samples : EvenSamples
        In microvolts.
    names : sequence of str
        Of the channels; they differ.
    markers : sequence of FileMarker
        In order of time; those outside the file are left out.
    recorded_at : datetime or None
        Of the first sample.

    Raises
    ------
    OSError
        The disk refuses.
    """
    data, marks = header.with_suffix(".eeg"), header.with_suffix(".vmrk")
    with atomic_write(data, mode=PRIVATE_FILE) as file:
        for rows in _blocks(samples):
            file.write(rows.tobytes())
    inside = [one for one in markers if 0 <= one.row < samples.count]
    write_file(marks, _marker_text(data.name, inside, recorded_at), mode=PRIVATE_FILE)
    interval_us = 1e6 / samples.signal.rate_hz
    write_file(header, _header_text(data.name, marks.name, names, interval_us), mode=PRIVATE_FILE)


def _blocks(samples: EvenSamples) -> Iterator[NDArray[np.float32]]:
    """Yield all rows, holes filled with 0, some at a time."""
    values, rows = samples.signal.samples, samples.rows
    for start in range(0, samples.count, _ROWS):
        stop = min(start + _ROWS, samples.count)
        first, last = np.searchsorted(rows, [start, stop])
        block = np.zeros((stop - start, values.shape[1]), "<f4")
        block[rows[first:last] - start] = np.nan_to_num(values[first:last], nan=0.0, posinf=0.0, neginf=0.0)
        yield block


def _header_text(data: str, markers: str, names: Sequence[str], interval_us: float) -> str:
    channels = [f"Ch{number}={_coded(name)},,1,{_MICROVOLTS}" for number, name in enumerate(names, 1)]
    return "\n".join(
        (
            f"Brain Vision Data Exchange Header File {_VERSION}",
            "; written by moodring",
            "",
            "[Common Infos]",
            "Codepage=UTF-8",
            f"DataFile={data}",
            f"MarkerFile={markers}",
            "DataFormat=BINARY",
            "DataOrientation=MULTIPLEXED",
            f"NumberOfChannels={len(names)}",
            f"SamplingInterval={interval_us:.12g}",
            "",
            "[Binary Infos]",
            "BinaryFormat=IEEE_FLOAT_32",
            "",
            "[Channel Infos]",
            *channels,
            "",
        )
    )


def _marker_text(data: str, markers: Sequence[FileMarker], recorded_at: datetime | None) -> str:
    began = "" if recorded_at is None else recorded_at.strftime("%Y%m%d%H%M%S%f")
    lines = [f"Mk1=New Segment,,1,1,0{',' if began else ''}{began}"]
    for number, one in enumerate(markers, 2):
        lines.append(f"Mk{number}={_coded(one.kind)},{_coded(one.text)},{one.row + 1},{max(1, one.length)},0")
    return "\n".join(
        (
            f"Brain Vision Data Exchange Marker File, {_VERSION}",
            "",
            "[Common Infos]",
            "Codepage=UTF-8",
            f"DataFile={data}",
            "",
            "[Marker Infos]",
            *lines,
            "",
        )
    )


def _coded(text: str) -> str:
    r"""Return a text for a field: one line, its commas as the format writes them (``\1``)."""
    return visible(text).replace(",", r"\1")
