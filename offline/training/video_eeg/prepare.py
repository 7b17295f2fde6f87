"""Recordings on the 8 Hz grid of glimpses, computed by the functions that run live; kept on disk.

Nothing here looks ahead: the EEG goes through the causal chain once, each window ends at its grid time, and each face
is cut from the newest frame captured by then.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....models.contract import BoolArray, EegWindow, FloatArray, Image, Recording, Signal, Truth, Video
from ....models.io.bundle import bundled
from ....models.io.files import PRIVATE_FILE, atomic_write
from ....models.signals.eeg import chain
from ....models.signals.eeg.band_power import log_band_power
from ....models.signals.face.detection import FaceDetector
from ....models.signals.face.images import crop_face
from ....processes import in_workers
from ...datasets.base import Dataset, Trial
from ...datasets.simulated import SimulatedPeople
from ...simulate.difficulty import Difficulty
from ..common.stages import SIMULATION, Stage

PREPARED = Stage("prepared people", 1, (SIMULATION,))
"""Raise its version whenever :func:`prepare` gives other numbers."""
GRID_HZ = 8.0
LINE_HZ = 50.0
_SLACK_S = 1e-3


@dataclass(frozen=True)
class PreparedSession:
    """One session on the grid, ``t0 + j / 8`` seconds.

    Attributes
    ----------
    power : (n_frames, n_channels, 3) float32
        Log power of theta, alpha and beta in the second before; 0 where ``eeg_there`` is False.
    good : (n_frames, n_channels) bool
    eeg_there : (n_frames,) bool
    crops : (n_frames, size, size) uint8
        The grey face; 0 where ``face_there`` is False.
    face_there : (n_frames,) bool
    levels : (n_frames, 2) int8
        Of valence and arousal; -1 where there is none.
    resting : (n_frames,) bool
    channel_names : (n_channels,) str
    """

    power: FloatArray
    good: BoolArray
    eeg_there: BoolArray
    crops: Image
    face_there: BoolArray
    levels: NDArray[np.int8]
    resting: BoolArray
    channel_names: NDArray[np.str_]


def prepare(
    recording: Recording, detector: FaceDetector, face_size: int, window_s: float, stride: int = 1
) -> PreparedSession:
    """Compute what one recording gives at each time of the grid.

    Parameters
    ----------
    recording : Recording
        With truth.
    detector : FaceDetector
    face_size : int
    window_s : float
        Of the EEG.
    stride : int
        Only every so many grid frames are computed, and held for those after: the policy sees few frames
        anyway, so that more people in the same time are worth more.
    """
    end_s = max(float(stamps[-1]) for stamps in _stamps(recording))
    times_s = recording.t0_s + np.arange(int((end_s - recording.t0_s) * GRID_HZ) + 1) / GRID_HZ
    n_frames = len(times_s)
    held = np.arange(n_frames) // stride
    power, good, eeg_there, names = _eeg(recording.eeg, times_s[::stride], window_s)
    crops, face_there = _faces(recording.face, times_s[::stride], detector, face_size)
    return PreparedSession(
        power=power[held],
        good=good[held],
        eeg_there=eeg_there[held],
        crops=crops[held],
        face_there=face_there[held],
        levels=_levels(recording.truth, times_s).astype(np.int8),
        resting=times_s <= recording.t0_s + recording.rest_s if recording.rest_s else np.zeros(n_frames, np.bool_),
        channel_names=np.array(names),
    )


def prepare_people(
    seeds: Sequence[int],
    seconds: float,
    difficulty: Difficulty,
    face_size: int,
    window_s: float,
    stride: int,
    cache: Path,
    workers: int,
    report: Callable[[str], None],
) -> list[PreparedSession]:
    """Simulate and prepare people, or read from the cache those that were prepared before.

    Parameters
    ----------
    seeds : sequence of int
    seconds : float
    difficulty : Difficulty
    face_size : int
    window_s : float
    stride : int
        See :func:`prepare`.
    cache : Path
        A folder; made where it is missing.
    workers : int
        Processes.
    report : callable

    Returns
    -------
    list of PreparedSession
        In the order of the seeds.
    """
    cache.mkdir(parents=True, exist_ok=True)
    people = SimulatedPeople(seeds, seconds, difficulty)
    key = f"prepared-{PREPARED.key(difficulty.digest(), face_size, window_s)[:16]}-{seconds:g}-{stride}"
    paths = {trial.name: cache / f"{key}-{int(trial.subject):05d}.npz" for trial in people.trials}
    missing = [trial for trial in people.trials if not paths[trial.name].exists()]
    if missing:
        report(f"preparing {len(missing)} people ({len(seeds) - len(missing)} are in the cache)")
    prepare_one = partial(
        _prepare_into, people=people, face_size=face_size, window_s=window_s, stride=stride, paths=paths
    )
    for done, name in enumerate(in_workers(prepare_one, missing, workers), start=1):
        if done % 10 == 0 or done == len(missing):
            report(f"prepared {done}/{len(missing)} people ({name})")
    return [read_prepared(paths[trial.name]) for trial in people.trials]


def write_prepared(path: Path, prepared: PreparedSession) -> None:
    """Write to an ``.npz`` file that is whole or not there."""
    with atomic_write(path, mode=PRIVATE_FILE) as file:
        np.savez(file, **{field.name: getattr(prepared, field.name) for field in fields(prepared)})


def read_prepared(path: Path) -> PreparedSession:
    """Read what :func:`write_prepared` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        return PreparedSession(**{field.name: arrays[field.name] for field in fields(PreparedSession)})


def _prepare_into(
    trial: Trial,
    people: Dataset[Recording],
    face_size: int,
    window_s: float,
    stride: int,
    paths: Mapping[str, Path],
) -> str:
    """Load and prepare one person into their file; return the name of the trial."""
    detector = FaceDetector(bundled("yunet").read_bytes())
    write_prepared(paths[trial.name], prepare(people.load(trial), detector, face_size, window_s, stride))
    return trial.name


def _stamps(recording: Recording) -> Iterator[NDArray[np.float64]]:
    for part in (recording.eeg, recording.face):
        if part is not None and len(part.stamps_s):
            yield part.stamps_s


def _newest(stamps_s: NDArray[np.float64], times_s: NDArray[np.float64], rate_hz: float) -> NDArray[np.int64]:
    """Return the index of the newest sample at or before each time, -1 where there is none."""
    slack_s = min(_SLACK_S, 0.5 / rate_hz)
    return np.searchsorted(stamps_s, times_s + slack_s, side="right") - 1


def _eeg(
    signal: Signal | None, times_s: NDArray[np.float64], window_s: float
) -> tuple[FloatArray, BoolArray, BoolArray, tuple[str, ...]]:
    n_frames = len(times_s)
    names = () if signal is None else signal.channel_names
    power = np.zeros((n_frames, len(names), 3), np.float32)
    good, there = np.zeros((n_frames, len(names)), np.bool_), np.zeros(n_frames, np.bool_)
    if signal is None:
        return power, good, there, names
    spec = chain.EegChainSpec(rate_hz=signal.rate_hz, channel_names=names, line_hz=LINE_HZ)
    chunk, _ = chain.step(chain.start(spec), signal.samples, False)
    width = round(window_s * signal.rate_hz)
    for frame, last in enumerate(_newest(signal.stamps_s, times_s, signal.rate_hz)):
        window = slice(last + 1 - width, last + 1)
        if last + 1 < width or not chunk.valid[window].all():
            continue
        cut = EegWindow(
            chunk.samples_uv[window], signal.rate_hz, names, chunk.good_rows[last], float(times_s[frame])
        )  # fmt: skip
        power[frame], good[frame], there[frame] = log_band_power(cut), cut.good, True
    return power, good, there, names


def _faces(
    video: Video | None, times_s: NDArray[np.float64], detector: FaceDetector, size: int
) -> tuple[Image, BoolArray]:
    crops = np.zeros((len(times_s), size, size), np.uint8)
    there = np.zeros(len(times_s), np.bool_)
    if video is None:
        return crops, there
    for frame, newest in enumerate(_newest(video.stamps_s, times_s, video.rate_hz)):
        if newest < 0:
            continue
        image = video.frames[int(newest)]
        box = detector.find(image)
        if box is not None:
            crops[frame], there[frame] = crop_face(image, box, size), True
    return crops, there


def _levels(truth: Truth | None, times_s: NDArray[np.float64]) -> NDArray[np.int64]:
    if truth is None or not len(truth.stamps_s):
        return np.full((len(times_s), 2), -1, np.int64)
    newest = np.searchsorted(truth.stamps_s, times_s + _SLACK_S, side="right") - 1
    levels = truth.levels[np.clip(newest, 0, None)]
    return np.where((newest >= 0)[:, None], levels, -1)
