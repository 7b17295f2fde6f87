"""The recordings of one session: started, paused, resumed and stopped while it goes on; one folder for each."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import LiveConfig
from ...models.contract import Estimate, RecordingStatus, SampleRange, Transition
from ...models.streaming.clock import Clock
from ...models.streaming.decision_schedule import Plan
from ...models.streaming.ingest.sources import Chunk, SourceInfo
from ...models.streaming.summary import BundleName
from ..ipc.commands import Reply
from .notes import Note, append_notes
from .recorder import Recorder

_LOUDSPEAKER = "loudspeaker"


class Recordings:
    """Pass what a session makes to the recorder that is at work, if one is.

    :meth:`take` is for the sources' threads, :meth:`journal` for the decoder's, the commands for those of screens.

    Parameters
    ----------
    config : LiveConfig
    bundles : sequence of BundleName
    clock : Clock
    root : Path
        The folder that sessions are filed under.
    """

    def __init__(self, config: LiveConfig, bundles: Sequence[BundleName], clock: Clock, root: Path) -> None:
        self._config = config
        self._bundles = bundles
        self._clock = clock
        self._root = root
        self._recorder: Recorder | None = None
        self._begun: tuple[Plan, Sequence[SourceInfo]] | None = None
        self._changing = threading.Lock()
        self._seen: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        self._paused = False
        self._unsaved: list[Note] = []
        self._earlier: tuple[str, ...] = ()

    @property
    def status(self) -> RecordingStatus | None:
        """State of the newest recording; None before the first."""
        recorder = self._recorder
        return None if recorder is None else replace(recorder.status, earlier=self._earlier)

    def start(self) -> Reply:
        """Begin a recording in a new folder.

        Raises
        ------
        MoodringError
            The folder cannot be made.
        """
        with self._changing:
            before = self._recorder
            if before is not None and before.on:
                return Reply(False, f"The recording is already running, into {before.folder.path}.")
            about = self._config.session
            if about.consent_needed and not about.consent.strip():
                return Reply(False, f"No consent of participant '{about.participant}' is noted; nothing is recorded.")
            recorder = Recorder(self._config, self._bundles, self._clock, self._root)
            if self._begun is not None:
                plan, infos = self._begun
                recorder.begin(plan, infos, midway=True)
            if before is not None:
                self._earlier += (str(before.folder.path),)
            self._left_out, self._paused = Counter(self._seen), False
            self._recorder = recorder
            self._save()
            return Reply(True, f"Recording into {recorder.folder.path}.")

    def pause(self, paused: bool) -> Reply:
        """Record nothing for a while, or go on."""
        with self._changing:
            recorder = self._recorder
            if recorder is None or not recorder.on:
                return Reply(False, "Nothing is being recorded; start a recording first.")
            if self._paused == paused:
                return Reply(False, f"The recording {'is already paused' if paused else 'is not paused'}.")
            self._paused = paused
            recorder.pause(paused)
            return Reply(True, "The recording is paused." if paused else "The recording goes on.")

    def finish(self) -> Reply:
        """Finish the recording; the session goes on."""
        with self._changing:
            recorder = self._recorder
            if recorder is None:
                return Reply(False, "Nothing is being recorded; there is nothing to stop.")
            if not recorder.on:
                return Reply(False, f"The recording has already stopped; it is in {recorder.folder.path}.")
            recorder.stop()
            if not recorder.folder.path.is_dir():
                return Reply(True, "Nothing had come yet; the empty recording is gone.")
            return Reply(True, f"The recording is finished, in {recorder.folder.path}.")

    def note(self, note: Note) -> Reply:
        """Save a mark or a note at once; without a recording it waits for the next one of this session."""
        with self._changing:
            self._unsaved.append(note)
            if self._recorder is None or not self._recorder.on:
                return Reply(True, f"{note.title}. Nothing is being recorded: it is saved with the next recording.")
            try:
                self._save()
            except OSError as error:
                why = (error.strerror or str(error)).lower()
                return Reply(False, f"{note.title}, but not saved: {why}. It is saved as soon as that works.")
            return Reply(True, f"{note.title}.")

    def _save(self) -> None:
        """Write the notes that are not saved yet; raise OSError."""
        if self._recorder is not None and self._unsaved:
            append_notes(self._recorder.folder.path, self._unsaved)
            self._unsaved = []

    def begin(self, plan: Plan, infos: Sequence[SourceInfo]) -> None:
        """Note t0 and the devices."""
        with self._changing:
            self._begun = plan, infos
            if self._recorder is not None:
                self._recorder.begin(plan, infos)

    def take(self, info: SourceInfo, chunk: Chunk) -> None:
        """Record samples as a source gave them."""
        recorder = self._count(info.modality, chunk)
        if recorder is not None:
            recorder.take(info, chunk)

    def take_loudspeaker(self, info: SourceInfo, chunk: Chunk) -> None:
        """Record what the loudspeaker played."""
        recorder = self._count(_LOUDSPEAKER, chunk)
        if recorder is not None:
            recorder.take_loudspeaker(info, chunk)

    def journal(self, estimate: Estimate) -> None:
        """Record a decision, with the numbers of the samples as the recording counts them."""
        if self._recorder is not None:
            self._recorder.journal(_recounted(estimate, self._left_out))

    def changed(self, what: str, change: Transition) -> None:
        """Record a change of health."""
        if self._recorder is not None:
            self._recorder.changed(what, change)

    def step(self) -> tuple[str, ...]:
        """Look after disk and files; return what is to be announced, each in one line."""
        return () if self._recorder is None else self._recorder.step()

    def stop(self) -> None:
        """Finish all files; called again, do nothing."""
        if self._recorder is not None:
            self._recorder.stop()

    def _count(self, key: str, chunk: Chunk) -> Recorder | None:
        """Count a source's samples, and those that are not recorded; a source has one thread."""
        self._seen[key] += len(chunk.stamps_s)
        if self._paused:
            self._left_out[key] += len(chunk.stamps_s)
        return self._recorder


def _recounted(estimate: Estimate, left_out: Mapping[str, int]) -> Estimate:
    """Return an estimate whose numbers of samples count from the recording's first."""
    if not any(left_out.values()):
        return estimate
    counts = {key: max(count - left_out.get(key, 0), 0) for key, count in estimate.ring_samples.items()}
    ranges = {
        key: SampleRange(max(one.first - left_out.get(key, 0), 0), max(one.stop - left_out.get(key, 0), 0))
        for key, one in estimate.ranges.items()
    }
    return replace(estimate, ring_samples=counts, ranges=ranges)


def recordings_of(
    config: LiveConfig, bundles: Sequence[BundleName], clock: Clock, root: Path, at_once: bool
) -> Recordings:
    """Return the recordings of a session, the first one begun where it is to be there from the start.

    Raises
    ------
    MoodringError
        Its folder cannot be made.
    """
    made = Recordings(config, bundles, clock, root)
    if at_once:
        reply = made.start()
        if not reply.done:
            raise MoodringError(reply.text)
    return made
