"""Trials of a corpus on the grids of a video-EEG model, one at a time; kept on disk."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from .....configs.schema.errors import MoodringError
from .....models.contract import Recording
from .....models.io.bundle import bundled
from .....models.signals.eeg.band_power import Artifact
from .....models.signals.face.detection import FaceDetector
from .....processes import in_workers
from ....datasets.affect_corpus import AffectCorpus, AffectTrial
from ...common.optimization import Report
from ...common.stages import Stage
from ..prepare import PREPARED, PreparedSession, electrodes_key, prepare, write_prepared

TRIALS = Stage("trials on ticks", 1, (PREPARED,))
"""Raise its version whenever a reader or :func:`prepare_trials` gives other numbers for the same files."""
OnBad = Literal["stop", "skip"]
_NAMED = 3


@dataclass(frozen=True)
class PreparedTrial:
    """A trial and the file of what it gives at each tick and frame."""

    trial: AffectTrial
    path: Path

    @property
    def key(self) -> str:
        """What names its content: files, labels, versions."""
        return self.path.stem


@dataclass(frozen=True)
class _Group:
    """Trials that one file holds, and where they go."""

    trials: tuple[AffectTrial, ...]
    paths: tuple[Path, ...]


def prepare_trials(
    corpus: AffectCorpus,
    cache: Path,
    workers: int,
    on_bad: OnBad,
    report: Report,
    artifact: Artifact = "clip",
    electrodes: tuple[str, ...] = (),
) -> tuple[PreparedTrial, ...]:
    """Prepare the labelled trials that are not in the cache yet, one after the other.

    Each is written as it is done, so that an interrupted run goes on where it stopped. What names a file of the cache
    are the size and the date of the trial's files, its labels, and the versions of the code.

    Parameters
    ----------
    corpus : AffectCorpus
    cache : Path
        A folder; made where it is missing.
    workers : int
        Processes; each has one file at a time.
    on_bad : "stop" or "skip"
        What to do about trials that cannot be used.
    artifact : "clip" or "soft"
        How artifacts of the EEG are taken out.
    electrodes : tuple of str
        What alone is read of the EEG; empty for all.
    report : callable
        Takes a line for each file with what is done, its share and the time left, and one for each thing found.

    Raises
    ------
    MoodringError
        A trial cannot be used and ``on_bad`` is "stop"; or none can.
    """
    cache.mkdir(parents=True, exist_ok=True)
    labelled = [trial for trial in corpus.trials if trial.labels]
    montage = electrodes_key(electrodes)
    paths = {one.name: cache / f"trial-{_key(corpus, one, artifact)[:32]}{montage}.npz" for one in labelled}
    missing = [trial for trial in labelled if not paths[trial.name].exists()]
    groups = _groups(missing, paths)
    if missing:
        report(f"preparing {len(missing)} trials of {corpus.name} ({len(labelled) - len(missing)} are in the cache)")
    work = partial(
        _prepare_group, corpus=replace(corpus, trials=()), on_bad=on_bad, artifact=artifact, electrodes=electrodes
    )
    started, done = time.monotonic(), 0
    for group, lines in zip(groups, in_workers(work, groups, workers), strict=True):
        done += len(group.trials)
        for line in lines:
            report(line)
        report(_progress(done, len(missing), time.monotonic() - started))
    ready = tuple(PreparedTrial(trial, paths[trial.name]) for trial in labelled if paths[trial.name].exists())
    if not ready:
        raise MoodringError(f"no trial of {corpus.name} can be used; see what was said of each")
    return ready


def fingerprint(path: Path | None) -> Any:
    """Return name, size and date of a file, or of all files of a folder, as plain values."""
    if path is None or not path.exists():
        return None
    if path.is_dir():
        inside = sorted(one for one in path.rglob("*") if one.is_file())
        return [[str(one.relative_to(path)), one.stat().st_size, one.stat().st_mtime_ns] for one in inside]
    return [path.name, path.stat().st_size, path.stat().st_mtime_ns]


def _key(corpus: AffectCorpus, trial: AffectTrial, artifact: Artifact) -> str:
    return TRIALS.key(
        corpus.name,
        corpus.line_hz,
        artifact,
        [trial.name, trial.subject, trial.stimulus, trial.order, trial.rest_s, trial.wait_s],
        [trial.start_s, str(trial.stop_s)],
        dict(trial.labels),
        [fingerprint(trial.file), fingerprint(trial.video), trial.video_start_s],
    )


def _groups(trials: Sequence[AffectTrial], paths: dict[str, Path]) -> list[_Group]:
    by_file: dict[Path | None, list[AffectTrial]] = {}
    for trial in trials:
        by_file.setdefault(trial.file, []).append(trial)
    return [_Group(tuple(theirs), tuple(paths[one.name] for one in theirs)) for theirs in by_file.values()]


def _progress(done: int, total: int, passed_s: float) -> str:
    left_min = passed_s / done * (total - done) / 60.0
    return f"prepared {done}/{total} trials ({100.0 * done / total:.0f} %), {left_min:.1f} min left"


def _prepare_group(
    group: _Group, corpus: AffectCorpus, on_bad: OnBad, artifact: Artifact, electrodes: tuple[str, ...]
) -> list[str]:
    """Prepare the trials of one file; return what was found."""
    detector = FaceDetector(bundled("yunet").read_bytes())
    lines = []
    for trial, path in zip(group.trials, group.paths, strict=True):
        try:
            recording = corpus.load(trial)
            prepared = prepare(recording, detector, artifact, corpus.line_hz, electrodes)
        except MoodringError as error:
            if on_bad == "stop":
                raise
            lines.append(f"left out: {error}")
            continue
        lines += _found(trial, recording, prepared)
        write_prepared(path, prepared)
    return lines


def _found(trial: AffectTrial, recording: Recording, prepared: PreparedSession) -> Iterator[str]:
    """Yield what the experimenter should know of a trial."""
    if recording.eeg is not None:
        flat = np.ptp(recording.eeg.samples, axis=0) == 0.0
        names = [name for name, constant in zip(recording.eeg.channel_names, flat, strict=True) if constant]
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            yield f"trial '{trial.name}': {', '.join(names[:_NAMED])}{more} never moves; it counts as a bad electrode"
        if not prepared.eeg_there.any():
            yield f"trial '{trial.name}' has no second of usable EEG; it counts as without"
    if recording.face is not None and not prepared.face_there.any():
        yield f"trial '{trial.name}': no face was found in '{recording.face.name}'; it counts as without"
