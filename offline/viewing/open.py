"""Open a recording for viewing: a session folder by its index, any other recording whole."""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ...configs.schema import session_folder as names
from ...configs.schema.errors import MoodringError
from ...models.contract import FloatArray, Image, Marker, Recording, Signal, TimeArray, Truth, Video
from ...models.contract.viewing import AffectCurve, Decoding, FilmWindows, OpenSession, SampleWindows
from ...models.io.journal import read_journal
from ..datasets.rated_markers import rated_spans
from ..recordings.monotonic_time import on_rising_time
from ..recordings.open import open_recording
from ..recordings.ratings import read_ratings
from ..recordings.read_session import read_session, session_file
from ..recordings.session_record import read_notes, warnings_into
from .own_session import ClockJumpError, Indexed, index_session

AS_RECORDED = "as recorded"
TRUE = "truth (simulation)"
SELF_RATED = "rated by the person"
_SCALE = (1.0, 9.0)  # of self-ratings, as rated markers have it by default
_RUNNING_S = 5.0  # an engine writes five times a second


def open_for_viewing(path: Path) -> OpenSession:
    """Open a recording; of a session folder, samples are read as they are asked for.

    Raises
    ------
    MoodringError
        It cannot be opened, or nothing is in it.
    """
    if (path / names.SESSION_FILE).is_file():
        return _session(path)
    if path.is_dir() and not any(path.iterdir()):
        raise MoodringError(f"folder '{path}' is empty; give a session folder of --record")
    problems: list[str] = []
    with warnings_into(problems):
        recording = open_recording(path)
    indexed = _whole(recording, ())
    start_s, stop_s = _span(indexed, (), path)
    return OpenSession(
        path=path,
        folder=None,
        title=recording.name,
        participant=recording.participant,
        recorded_at="",
        t0_s=recording.t0_s,
        start_s=start_s,
        stop_s=stop_s,
        eeg=indexed.eeg,
        film=indexed.film,
        sound=indexed.sound,
        markers=recording.markers,
        truth=_truth(recording.truth, recording.markers, stop_s, problems),
        ratings=(),
        problems=tuple(problems),
        decodings=lambda: (),
    )


def _session(folder: Path) -> OpenSession:
    about = session_file(folder)
    problems: list[str] = []
    with warnings_into(problems):
        try:
            indexed: Indexed | _Whole = index_session(folder)
        except ClockJumpError as error:
            indexed = _whole(read_session(folder), (f"{error}: the session was read whole, with that corrected",))
        problems += indexed.problems
        ratings = read_ratings(folder)
        lines = read_notes(folder, problems)
    notes = [Marker(one.time_s, one.text("text").strip() or one.text("kind")) for one in lines]
    if (folder / names.CONFIG_FILE).exists() and not about.ended_at:
        problems.insert(0, _not_ended(folder))
    start_s, stop_s = _span(indexed, (*indexed.markers, *notes), folder)
    t0_s = start_s if about.t0_s is None else about.t0_s
    markers = _merged(indexed.markers, notes)
    return OpenSession(
        path=folder,
        folder=folder,
        title=about.name,
        participant=about.participant,
        recorded_at=about.recorded_at,
        t0_s=t0_s,
        start_s=start_s,
        stop_s=stop_s,
        eeg=indexed.eeg,
        film=indexed.film,
        sound=indexed.sound,
        markers=markers,
        truth=_truth(indexed.truth, markers, stop_s, problems),
        ratings=ratings,
        problems=tuple(dict.fromkeys(problems)),
        decodings=partial(read_decodings, folder),
    )


def read_decodings(folder: Path) -> tuple[Decoding, ...]:
    """Return the estimates of a session: those of its journal, then those of decoding again.

    Raises
    ------
    MoodringError
        A journal is damaged beyond reading.
    """
    journal = folder / names.DECISIONS_FILE
    found = []
    if journal.is_file() and journal.stat().st_size:
        found.append(Decoding(AS_RECORDED, read_journal(journal, folder)))
    for path in sorted((folder / names.DECODINGS_FOLDER).glob(names.DECODING_FILE.format("*"))):
        found.append(Decoding(path.stem, read_journal(path, folder)))
    return tuple(found)


def _not_ended(folder: Path) -> str:
    parts = [path.stat().st_mtime for path in (folder / names.STREAMS_FOLDER).glob("*.xdf")]
    if parts and time.time() - max(parts) < _RUNNING_S:
        return "This session is still being recorded: what was written until now is shown; open it again for more."
    return "The session did not end in order: its engine was killed, or the machine went down."


def _span(indexed: "Indexed | _Whole", markers: Sequence[Marker], path: Path) -> tuple[float, float]:
    stamps_s = [one.stamp_s for one in markers]
    edges_s = [one for one in (indexed.first_s, indexed.last_s) if one is not None]
    edges_s = edges_s or stamps_s
    if not edges_s:
        raise MoodringError(f"'{path}' holds no samples, pictures, sound or markers; there is nothing to show")
    return min(edges_s), max(edges_s)


def _merged(markers: Sequence[Marker], notes: Sequence[Marker]) -> tuple[Marker, ...]:
    """Return markers and notes in order; a mark is sent as a marker too, and counts once."""
    sent = {(one.text.strip(), round(one.stamp_s, 1)) for one in markers}
    own = [one for one in notes if (one.text.strip(), round(one.stamp_s, 1)) not in sent]
    return tuple(sorted((*markers, *own), key=lambda one: one.stamp_s))


def _truth(truth: Truth | None, markers: Sequence[Marker], stop_s: float, problems: list[str]) -> AffectCurve | None:
    """Return what is known of the emotion: of a simulation, else as the stimuli were rated."""
    if truth is not None and len(truth.stamps_s):
        values = np.where(truth.stimulus[:, np.newaxis] >= 0, truth.latents, np.nan).astype(np.float32)
        return AffectCurve(TRUE, truth.stamps_s, values)
    try:
        spans = rated_spans(markers, stop_s, "the session")
    except MoodringError as error:
        problems.append(str(error))
        return None
    low, high = _SCALE
    rows: list[tuple[float, float, float]] = []
    for span in spans:
        given = [span.ratings.get(axis, np.nan) for axis in ("valence", "arousal")]
        if any(np.isfinite(one) and not low <= one <= high for one in given):
            problems.append(f"ratings of '{span.stimulus}' are not from {low:g} to {high:g} and are not drawn")
            continue
        valence, arousal = ((one - low) / (high - low) * 2 - 1 for one in given)
        rows += [(span.start_s, valence, arousal), (span.stop_s, valence, arousal), (span.stop_s, np.nan, np.nan)]
    if not rows:
        return None
    table = np.array(rows)
    return AffectCurve(SELF_RATED, table[:, 0], table[:, 1:].astype(np.float32))


class _HeldSamples:
    """A signal in memory, by stretches of time."""

    def __init__(self, signal: Signal) -> None:
        self._signal = signal
        self.rate_hz, self.channel_names = signal.rate_hz, signal.channel_names

    def between(self, start_s: float, stop_s: float) -> tuple[TimeArray, FloatArray]:
        """Return stamps and samples of a stretch of time."""
        part = slice(*np.searchsorted(self._signal.stamps_s, (start_s, stop_s)))
        return self._signal.stamps_s[part], self._signal.samples[part]


class _HeldFilm:
    """The frames of a recording that was opened whole."""

    def __init__(self, video: Video) -> None:
        self._video = video
        self.stamps_s = video.stamps_s

    def frame(self, index: int, exact: bool = True) -> Image:  # noqa: ARG002
        """Return a frame."""
        return self._video.frames[index]


class _Whole:
    """A recording that was read whole, with the attributes of :class:`Indexed`."""

    def __init__(self, recording: Recording, problems: Sequence[str]) -> None:
        self.eeg: SampleWindows | None = _held(recording.eeg)
        self.sound: SampleWindows | None = _held(recording.speech)
        face = recording.face
        self.film: FilmWindows | None = _HeldFilm(face) if face is not None and len(face.stamps_s) else None
        self.markers, self.truth, self.problems = recording.markers, recording.truth, tuple(problems)
        ends_s = [one.stamps_s[[0, -1]] for one in recording.sources.values()]
        self.first_s = min((float(one[0]) for one in ends_s), default=None)
        self.last_s = max((float(one[1]) for one in ends_s), default=None)


def _whole(recording: Recording, problems: Sequence[str]) -> _Whole:
    risen = on_rising_time(recording)
    return _Whole(replace(recording, eeg=risen.eeg, face=risen.face, speech=risen.speech), problems)


def _held(signal: Signal | None) -> SampleWindows | None:
    return _HeldSamples(signal) if signal is not None and len(signal.stamps_s) else None
