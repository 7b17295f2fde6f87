"""Write one session as files of a BIDS data set.

Source: the Brain Imaging Data Structure, bids-specification.readthedocs.io; Pernet et al. 2019 (EEG-BIDS).
"""

import gzip
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...models.contract import Signal
from ...models.contract.viewing import ContinuousRating
from ...models.io.files import PRIVATE_FILE, make_private_folder, write_file
from ...models.io.ratings import RATING_CHANNELS
from ..recordings.session_record import SessionRecord
from .bids_dataset import DERIVED
from .bids_names import BidsNames, label
from .brainvision import FileMarker, write_brainvision
from .estimates_table import estimate_columns, estimate_rows
from .events import COLUMNS, DESCRIPTION, HOLE, Event, event_rows, events_of
from .film import write_film
from .ratings_table import rating_columns, rating_rows
from .tables import csv_text, json_text, tsv_text
from .time_axis import EvenSamples, TimeAxis, axis_of, even_samples


@dataclass(frozen=True)
class Written:
    """What was written of a session.

    Attributes
    ----------
    main : Path or None
        The file that ``scans.tsv`` names, within the folder of the sitting; None without EEG.
    acquired : str or None
        When its first sample was recorded.
    told : tuple of str
        What there is, in words.
    """

    main: Path | None
    acquired: str | None
    told: tuple[str, ...]


def write_session_files(
    session: SessionRecord, names: BidsNames, root: Path, *, pictures: bool, tell: Callable[[str], None]
) -> Written:
    """Write the files of one session into a folder laid out as the data set.

    Raises
    ------
    OSError
        The disk refuses.
    """
    signal = session.recording.eeg
    eeg = even_samples(signal) if signal is not None and len(signal.stamps_s) else None
    axis = axis_of(session.recording, eeg)
    events = events_of(session, axis, eeg)
    writer = _Writer(root, names)
    acquired = session.date_of(float(axis.clock_of(np.zeros(1))[0]))
    told: list[str] = []
    if eeg is not None:
        header = writer.path("eeg", "eeg.vhdr")
        channels = unique(eeg.signal.channel_names)
        rate_hz = eeg.signal.rate_hz
        marks = [_file_marker(one, rate_hz) for one in events]
        write_brainvision(header, eeg, channels, marks, acquired)
        writer.text("eeg", "eeg.json", json_text(_eeg_facts(session, names, eeg)))
        writer.text("eeg", "channels.tsv", tsv_text(_CHANNEL_COLUMNS, _channel_rows(eeg, channels)))
        told.append(f"EEG of {len(channels)} channels, {eeg.count / rate_hz:.1f} s")
    for key, further in session.recording.signals.items():
        told.append(_write_physiology(writer, key, further, axis, "eeg" if eeg is not None else "beh"))
    for number, one in enumerate(session.ratings, start=1):
        told.append(_write_rating(writer, number, one, axis, "eeg" if eeg is not None else "beh"))
    writer.text("eeg" if eeg is not None else "beh", "events.tsv", tsv_text(COLUMNS, event_rows(events, eeg)))
    writer.text("eeg" if eeg is not None else "beh", "events.json", json_text(DESCRIPTION))
    told.append(f"{len(events)} events")
    if rated := rating_rows(events):
        columns = rating_columns(rated)
        writer.text("beh", "beh.tsv", tsv_text(list(columns), rated))
        writer.text("beh", "beh.json", json_text({"TaskName": names.task, **columns}))
        told.append(f"{len(rated)} ratings")
    told += _write_derived(session, names, root, axis, eeg, pictures, tell)
    main = None if eeg is None else writer.path("eeg", "eeg.vhdr").relative_to(root / names.folder)
    return Written(main, None if acquired is None else f"{acquired:%Y-%m-%dT%H:%M:%S.%f}Z", tuple(told))


def unique(names: Sequence[str]) -> list[str]:
    """Return the names of channels, with a number behind those that came before."""
    found: list[str] = []
    for name in (one.strip() or "channel" for one in names):
        number, free = 2, name
        while free in found:
            free, number = f"{name}_{number}", number + 1
        found.append(free)
    return found


class _Writer:
    """Writes files of a session, for this user alone."""

    def __init__(self, root: Path, names: BidsNames) -> None:
        self._root, self._names = root, names

    def path(self, kind: str, suffix: str) -> Path:
        folder = self._root / self._names.folder / kind
        make_private_folder(folder, exist_ok=True)
        return folder / f"{self._names.prefix}_{suffix}"

    def text(self, kind: str, suffix: str, text: str) -> None:
        write_file(self.path(kind, suffix), text, mode=PRIVATE_FILE)


_CHANNEL_COLUMNS = ("name", "type", "units", "sampling_frequency")


def _channel_rows(eeg: EvenSamples, names: Sequence[str]) -> list[dict[str, Any]]:
    same = {"type": "EEG", "units": "µV", "sampling_frequency": eeg.signal.rate_hz}
    return [{"name": name, **same} for name in names]


def _eeg_facts(session: SessionRecord, names: BidsNames, eeg: EvenSamples) -> dict[str, Any]:
    config = session.config
    line_hz = config.eeg.line_hz if config is not None and config.eeg is not None else None
    return {
        "TaskName": names.task,
        "TaskDescription": session.about.protocol or "n/a",
        "EEGReference": "as sent by the amplifier; not referenced again",
        "EEGPlacementScheme": "10-10 system by the channels' names; positions were not measured",
        "EEGChannelCount": len(eeg.signal.channel_names),
        "SamplingFrequency": eeg.signal.rate_hz,
        "PowerLineFrequency": line_hz or "n/a",
        "SoftwareFilters": "n/a",
        "RecordingDuration": eeg.count / eeg.signal.rate_hz,
        "RecordingType": "discontinuous" if eeg.holes else "continuous",
        "DeviceSerialNumber": eeg.signal.name or "n/a",
    }


def _file_marker(event: Event, rate_hz: float) -> FileMarker:
    row, length = round(event.onset_s * rate_hz), round(event.duration_s * rate_hz)
    # MNE reads "kind/text": its filters look for this kind at the beginning.
    return FileMarker(HOLE if event.kind == HOLE else "Comment", event.text, row, length)


def _write_rating(writer: _Writer, number: int, rating: ContinuousRating, axis: TimeAxis, kind: str) -> str:
    """Write a rating that was made along the recording as BIDS has what is sampled continuously."""
    signal = Signal(rating.values, rating.stamps_s, rating.rate_hz, RATING_CHANNELS, "")
    about = {
        "Rater": rating.rater,
        "RatedAt": rating.rated_at,
        **{
            name: {"Description": f"{name} as rated along the recording afterwards, from -1 to 1; n/a: not rated"}
            for name in RATING_CHANNELS
        },
    }
    _write_physiology(writer, f"rating{number:02}", signal, axis, kind, about)
    return f"rating of {rating.rater}, {len(rating.stamps_s) / rating.rate_hz:.1f} s"


def _write_physiology(
    writer: _Writer, key: str, signal: Signal, axis: TimeAxis, kind: str, about: Mapping[str, Any] | None = None
) -> str:
    """Write a further signal as BIDS has physiology: its own even rows, and where on the axis they begin."""
    even = even_samples(signal)
    columns = unique([name or key for name in signal.channel_names])
    rows = np.full((even.count, signal.samples.shape[1]), np.nan, np.float32)
    rows[even.rows] = signal.samples
    text = io.StringIO()
    np.savetxt(text, rows, fmt="%.7g", delimiter="\t")
    name = f"recording-{label(key)}_physio"
    packed = gzip.compress(text.getvalue().replace("nan", "n/a").encode(), mtime=0)
    write_file(writer.path(kind, f"{name}.tsv.gz"), packed, mode=PRIVATE_FILE)
    facts = {
        "SamplingFrequency": signal.rate_hz,
        "StartTime": axis.at(float(even.stamps_s[0])),
        "Columns": columns,
        **({"DeviceSerialNumber": signal.name or "n/a"} if about is None else about),
    }
    writer.text(kind, f"{name}.json", json_text(facts))
    return f"{key} at {signal.rate_hz:g} Hz"


def _write_derived(
    session: SessionRecord,
    names: BidsNames,
    root: Path,
    axis: TimeAxis,
    eeg: EvenSamples | None,
    pictures: bool,
    tell: Callable[[str], None],
) -> list[str]:
    """Write the estimates, and the film."""
    folder = root / DERIVED / names.folder
    make_private_folder(folder, exist_ok=True)
    told = []
    if session.estimates:
        columns = estimate_columns(session.estimates)
        rows = estimate_rows(session.estimates, axis)
        write_file(folder / f"{names.prefix}_estimates.csv", csv_text(list(columns), rows), mode=PRIVATE_FILE)
        write_file(folder / f"{names.prefix}_estimates.json", json_text(columns), mode=PRIVATE_FILE)
        told.append(f"{len(rows)} estimates")
    recording = session.recording
    face = recording.face if pictures and recording.face is not None and len(recording.face.stamps_s) else None
    speech = recording.speech if recording.speech is not None and len(recording.speech.stamps_s) else None
    if face is not None or speech is not None:
        ends_s = [axis.at(float(one.stamps_s[-1])) for one in (face, speech) if one is not None]
        length_s = eeg.count / eeg.signal.rate_hz if eeg is not None else max(ends_s)
        write_film(folder / f"{names.prefix}_film.mp4", face, speech, axis, length_s, tell)
        what = " and ".join(name for name, one in (("pictures", face), ("sound", speech)) if one is not None)
        told.append(f"mp4 of {what}, {length_s:.1f} s")
    return told
