"""Open a session folder for viewing: what is large is indexed, what is small is read."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...configs.schema import session_folder as names
from ...configs.schema.errors import MoodringError
from ...configs.schema.regular_files import check_regular
from ...models.contract import Marker, Truth
from ...models.io.source_streams import ARRIVALS_TYPE, AUDIO_INDEX_TYPE, VIDEO_INDEX_TYPE
from ...models.io.stream_descriptions import TRUTH_TYPE
from ..recordings.xdf.as_recording import markers_of, truth_of
from ..recordings.xdf.reading import read_streams_of
from .part_index import PartIndex
from .sources import Chunks, EegWindows, Film, Part, SoundWindows

_EARLIEST_S, _LATEST_S = 0.5, 30.0  # of an arrival after its stamp, where both are on one clock
_SIDE_TYPES = (ARRIVALS_TYPE, "AudioStamps")


@dataclass(frozen=True)
class Indexed:
    """A session folder by its index.

    Attributes
    ----------
    eeg, film, sound : as :class:`~moodring.models.contract.viewing.OpenSession` has them
    markers : tuple of Marker
    truth : Truth or None
    first_s, last_s : float or None
        First and last stamp of all sources.
    problems : tuple of str
    """

    eeg: EegWindows | None
    film: Film | None
    sound: SoundWindows | None
    markers: tuple[Marker, ...]
    truth: Truth | None
    first_s: float | None
    last_s: float | None
    problems: tuple[str, ...]


class ClockJumpError(MoodringError):
    """The clock of a source jumped, so that its stamps alone do not tell when it was."""


def index_session(folder: Path) -> Indexed:
    """Index the parts of a session folder.

    Raises
    ------
    ClockJumpError
        Stamps fall, or do not go with the arrivals: the session has to be read whole.
    """
    problems: list[str] = []
    parts: list[PartIndex] = []
    for path in sorted((folder / names.STREAMS_FOLDER).glob("*.xdf")):
        try:
            parts.append(PartIndex(path, folder))
        except MoodringError as error:
            problems.append(str(error))
    if not parts and not problems:
        problems.append(f"'{folder}' has no streams yet: nothing of its EEG, markers or truth is there")
    problems += [part.fault for part in parts if part.fault]
    sources = {key: _chunks(parts, key) for key in ("eeg", "face", "speech")}
    known = {key: one for key, one in sources.items() if one is not None and len(one)}
    for key, one in known.items():
        _check_clock(key, one, _arrivals(parts, key))
    markers, truth = _small(parts)
    film = _film(folder, known.get("face"), problems)
    sound = _sound(folder, known.get("speech"), problems)
    return Indexed(
        EegWindows(known["eeg"]) if "eeg" in known else None,
        film,
        sound,
        markers,
        truth,
        min((float(one.stamps_s[0]) for one in known.values()), default=None),
        max((one.last_stamp_s for one in known.values()), default=None),
        tuple(problems),
    )


def _chunks(parts: Sequence[PartIndex], key: str) -> Chunks | None:
    found: list[Part] = [
        (part, stream)
        for part in parts
        for stream in part.streams.values()
        if stream.fact("source") == key
        and stream.type not in _SIDE_TYPES
        and stream.dtype is not None
        and len(stream.begins)
    ]
    return Chunks([one for one in found if one[1].dtype == found[0][1].dtype]) if found else None


def _arrivals(parts: Sequence[PartIndex], key: str) -> list[Part]:
    return [
        (part, stream)
        for part in parts
        for stream in part.streams.values()
        if stream.fact("source") == key and stream.type == ARRIVALS_TYPE and len(stream.begins)
    ]


def _check_clock(key: str, chunks: Chunks, arrivals: Sequence[Part]) -> None:
    """Raise ClockJumpError where the stamps of a source jump against the moments at which it arrived."""
    jumped = ClockJumpError(f"the clock of {key} jumped while it was recorded")
    if not chunks.in_order:
        raise jumped
    if not arrivals:
        return
    numbers = np.concatenate([part.first_values(stream, 0) for part, stream in arrivals])
    received_s = np.concatenate([part.first_values(stream, 2) for part, stream in arrivals])
    whole = np.isfinite(numbers) & np.isfinite(received_s)
    if chunks.about.type == AUDIO_INDEX_TYPE or not whole.any():
        return  # its rows are blocks, and not samples
    at = np.clip(np.searchsorted(chunks.numbers, numbers[whole], "right") - 1, 0, len(chunks) - 1)
    late_s = received_s[whole] - chunks.stamps_s[at]
    # Sent late is no jump, but nothing arrives before it was captured.
    if late_s.min() < -_EARLIEST_S or np.median(late_s) > _LATEST_S:
        raise jumped


def _small(parts: Sequence[PartIndex]) -> tuple[tuple[Marker, ...], Truth | None]:
    """Read markers and truth, which are small, as every reader of sessions does."""
    found = []
    for part in parts:
        wanted = [
            number
            for number, stream in part.streams.items()
            if not stream.fact("source")
            and (
                stream.type == TRUTH_TYPE
                or (
                    stream.about.findtext("channel_format") == "string"
                    and not (stream.about.findtext("name") or "").endswith(names.HEALTH_SUFFIX)
                )
            )
        ]
        if wanted:
            with suppress(MoodringError):
                found += read_streams_of(part.only(wanted), part.path)
    return markers_of(found), truth_of(found)


def _film(folder: Path, chunks: Chunks | None, problems: list[str]) -> Film | None:
    if chunks is None or chunks.about.type != VIDEO_INDEX_TYPE:
        return None
    path = folder / names.VIDEO_FOLDER / names.CAMERA_FILE
    return Film(chunks, path) if _is_there(path, folder, problems) else None


def _sound(folder: Path, chunks: Chunks | None, problems: list[str]) -> SoundWindows | None:
    if chunks is None or chunks.about.type != AUDIO_INDEX_TYPE:
        return None
    path = folder / names.VIDEO_FOLDER / names.MICROPHONE_FILE
    return SoundWindows(chunks, path) if _is_there(path, folder, problems) else None


def _is_there(path: Path, folder: Path, problems: list[str]) -> bool:
    try:
        check_regular(path, folder)
    except OSError as error:
        problems.append(f"'{path}' cannot be read: {error.strerror or error}")
        return False
    return True
