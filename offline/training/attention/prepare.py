"""Recordings on the grids of a video-EEG model, computed by the functions that run live; kept on disk.

The core ticks every half second, with the decisions; frames lie on a grid of 8 Hz. Nothing here looks ahead: the EEG
goes through the causal chain once, each window ends at its tick or frame, and each face is cut from the newest frame
captured by then, at the place where a face was found at most half a second before.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....configs.schema.errors import MoodringError
from ....models.contract import BoolArray, EegWindow, FaceBox, FloatArray, Image, Recording, Signal, Truth, Video
from ....models.io.bundle import bundled
from ....models.io.files import atomic_write
from ....models.networks.attention import FRAME_HZ, FRAMES_PER_TICK, TICK_HZ
from ....models.signals.eeg import chain, soft_threshold
from ....models.signals.eeg.band_power import Artifact, log_band_power, midline_theta
from ....models.signals.eeg.montage import find_channel
from ....models.signals.face.detection import FaceDetector
from ....models.signals.face.images import crop_face
from ....processes import in_workers
from ...simulate.difficulty import Difficulty
from ...simulate.simulated_session import simulate_parts
from ..common.stages import SIMULATION, Stage

PREPARED = Stage("people on ticks", 1, (SIMULATION,))
"""Raise its version whenever :func:`prepare` gives other numbers."""
LINE_HZ = 50.0
FACE_SIZE = 48
WINDOW_S = 1.0
THETA_WINDOW_S = 0.5
_SLACK_S = 1e-3


@dataclass(frozen=True)
class PreparedSession:
    """One session on the ticks ``t0 + k / 2`` s and on the frames ``t0 + j / 8`` s.

    Attributes
    ----------
    power : (n_ticks, n_channels, 3) float32
        Log power of theta, alpha and beta in the second before; 0 where ``eeg_there`` is False.
    good : (n_ticks, n_channels) bool
    eeg_there : (n_ticks,) bool
    crops : (n_frames, 48, 48) uint8
        The grey face; 0 where ``face_there`` is False.
    face_there : (n_frames,) bool
    theta : (n_frames,) float32
        Log power of midline theta in the half second before; NaN where there is none.
    levels : (n_ticks, 2) int8
        Of valence and arousal; -1 where there is none.
    resting : (n_ticks,) bool
    stimulus : (n_ticks,) int32
        Number of the presentation that runs, counted from 0; -1 outside.
    expressed : (n_frames, 3) float32
        Intensity of the expression (0..1), and the valence and arousal that it shows: NaN where nobody knows them.
    channel_names : (n_channels,) str
    """

    power: FloatArray
    good: BoolArray
    eeg_there: BoolArray
    crops: Image
    face_there: BoolArray
    theta: FloatArray
    levels: NDArray[np.int8]
    resting: BoolArray
    stimulus: NDArray[np.int32]
    expressed: FloatArray
    channel_names: NDArray[np.str_]

    @property
    def n_ticks(self) -> int:
        """Number of ticks."""
        return len(self.power)


def prepare(
    recording: Recording,
    detector: FaceDetector,
    artifact: Artifact = "clip",
    line_hz: float = LINE_HZ,
    electrodes: Sequence[str] = (),
) -> PreparedSession:
    """Compute what one recording gives at each tick and frame.

    Parameters
    ----------
    recording : Recording
        With truth where there is one.
    detector : FaceDetector
    artifact : "clip" or "soft"
        How artifacts of the EEG are taken out.
    line_hz : float
        Of the mains.
    electrodes : sequence of str
        What a device has that has these alone; empty for all.

    Returns
    -------
    PreparedSession
        Expressions are unknown (NaN).

    Raises
    ------
    MoodringError
        One of the electrodes is not there.
    """
    ticks_s, frames_s = grids(recording)
    n_ticks = len(ticks_s)
    eeg = recording.eeg and _of_electrodes(recording.eeg, electrodes)
    power, good, eeg_there, theta, names = _eeg(eeg, ticks_s, frames_s, artifact, line_hz)
    crops, face_there = _faces(recording.face, frames_s, detector)
    return PreparedSession(
        power=power,
        good=good,
        eeg_there=eeg_there,
        crops=crops,
        face_there=face_there,
        theta=theta,
        levels=_levels(recording.truth, ticks_s).astype(np.int8),
        resting=ticks_s <= recording.t0_s + recording.rest_s if recording.rest_s else np.zeros(n_ticks, np.bool_),
        stimulus=_presentations(recording.truth, ticks_s),
        expressed=np.full((len(frames_s), 3), np.nan, np.float32),
        channel_names=np.array(names),
    )


def grids(recording: Recording) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the times of a recording's ticks, ``(n_ticks,)``, and of its frames, ``(4 * (n_ticks - 1) + 1,)``."""
    end_s = max(float(stamps[-1]) for stamps in _stamps(recording))
    n_ticks = int((end_s - recording.t0_s) * TICK_HZ) + 1
    ticks_s = recording.t0_s + np.arange(n_ticks) / TICK_HZ
    return ticks_s, recording.t0_s + np.arange((n_ticks - 1) * FRAMES_PER_TICK + 1) / FRAME_HZ


def prepare_simulated(
    seed: int,
    seconds: float,
    difficulty: Difficulty,
    detector: FaceDetector,
    artifact: Artifact = "clip",
    electrodes: Sequence[str] = (),
) -> PreparedSession:
    """Simulate and prepare one person; what the face expresses is known."""
    session = simulate_parts(seed, seconds, difficulty)
    prepared = prepare(session.recording, detector, artifact, electrodes=electrodes)
    frames_s = np.arange(len(prepared.crops)) / FRAME_HZ
    expressed = np.stack(session.face_plan.expression_at(frames_s), axis=1).astype(np.float32)
    return replace(prepared, expressed=expressed)


def prepare_people(
    seeds: Sequence[int],
    seconds: float,
    difficulty: Difficulty,
    cache: Path,
    workers: int,
    report: Callable[[str], None],
    artifact: Artifact = "clip",
    electrodes: Sequence[str] = (),
) -> list[Path]:
    """Simulate and prepare people who are not in the cache yet.

    Parameters
    ----------
    seeds : sequence of int
    seconds : float
    difficulty : Difficulty
    cache : Path
        A folder; made where it is missing.
    workers : int
        Processes.
    report : callable
    artifact : "clip" or "soft"
    electrodes : sequence of str
        As in :func:`prepare`.

    Returns
    -------
    list of Path
        One file a person, in the order of the seeds: read them with :func:`read_prepared`.
    """
    cache.mkdir(parents=True, exist_ok=True)
    kind = f"{'' if artifact == 'clip' else '-soft'}{electrodes_key(electrodes)}"
    key = f"prepared-{PREPARED.key(difficulty.digest())[:16]}-{seconds:g}{kind}"
    paths = {seed: cache / f"{key}-{seed:05d}.npz" for seed in seeds}
    missing = [seed for seed in seeds if not paths[seed].exists()]
    if missing:
        report(f"preparing {len(missing)} people ({len(seeds) - len(missing)} are in the cache)")
    prepare_one = partial(
        _prepare_into,
        seconds=seconds,
        difficulty=difficulty,
        paths=paths,
        artifact=artifact,
        electrodes=tuple(electrodes),
    )
    for done, seed in enumerate(in_workers(prepare_one, missing, workers), start=1):
        if done % 10 == 0 or done == len(missing):
            report(f"prepared {done}/{len(missing)} people (seed {seed})")
    return [paths[seed] for seed in seeds]


def electrodes_key(electrodes: Sequence[str]) -> str:
    """Return what tells a cached file of some electrodes from those of all and of others."""
    return f"-{hashlib.sha256(' '.join(electrodes).encode()).hexdigest()[:8]}" if electrodes else ""


def write_prepared(path: Path, prepared: PreparedSession) -> None:
    """Write to an ``.npz`` file that is whole or not there."""
    with atomic_write(path) as file:
        np.savez(file, **{field.name: getattr(prepared, field.name) for field in fields(prepared)})


def read_prepared(path: Path) -> PreparedSession:
    """Read what :func:`write_prepared` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        return PreparedSession(**{field.name: arrays[field.name] for field in fields(PreparedSession)})


def _prepare_into(
    seed: int,
    seconds: float,
    difficulty: Difficulty,
    paths: Mapping[int, Path],
    artifact: Artifact,
    electrodes: tuple[str, ...],
) -> int:
    detector = FaceDetector(bundled("yunet").read_bytes())
    write_prepared(paths[seed], prepare_simulated(seed, seconds, difficulty, detector, artifact, electrodes))
    return seed


def _stamps(recording: Recording) -> Iterator[NDArray[np.float64]]:
    for part in (recording.eeg, recording.face):
        if part is not None and len(part.stamps_s):
            yield part.stamps_s


def _newest(stamps_s: NDArray[np.float64], times_s: NDArray[np.float64], rate_hz: float) -> NDArray[np.int64]:
    """Return the index of the newest sample at or before each time, -1 where there is none."""
    slack_s = min(_SLACK_S, 0.5 / rate_hz)
    return np.searchsorted(stamps_s, times_s + slack_s, side="right") - 1


def _of_electrodes(signal: Signal, electrodes: Sequence[str]) -> Signal:
    if not electrodes:
        return signal
    places = [find_channel(name, signal.channel_names) for name in electrodes]
    missing = [name for name, place in zip(electrodes, places, strict=True) if place is None]
    if missing:
        raise MoodringError(
            f"the EEG has no {', '.join(missing)} ({len(signal.channel_names)} channels: "
            f"{', '.join(signal.channel_names[:8])} …); name others in eeg.electrodes, or leave it empty for all"
        )
    columns = [place for place in places if place is not None]
    return replace(signal, samples=signal.samples[:, columns], channel_names=tuple(electrodes))


def _eeg(
    signal: Signal | None,
    ticks_s: NDArray[np.float64],
    frames_s: NDArray[np.float64],
    artifact: Artifact,
    line_hz: float,
) -> tuple[FloatArray, BoolArray, BoolArray, FloatArray, tuple[str, ...]]:
    names = () if signal is None else signal.channel_names
    power = np.zeros((len(ticks_s), len(names), 3), np.float32)
    good, there = np.zeros((len(ticks_s), len(names)), np.bool_), np.zeros(len(ticks_s), np.bool_)
    theta = np.full(len(frames_s), np.nan, np.float32)
    if signal is None:
        return power, good, there, theta, names
    spec = chain.EegChainSpec(rate_hz=signal.rate_hz, channel_names=names, line_hz=line_hz)
    chunk, _ = chain.step(chain.start(spec), signal.samples, False)

    def window(last: int, seconds: float, end_s: float) -> EegWindow | None:
        width = round(seconds * signal.rate_hz)
        cut = slice(last + 1 - width, last + 1)
        if last + 1 < width or not chunk.valid[cut].all():
            return None
        return EegWindow(chunk.samples_uv[cut], signal.rate_hz, names, chunk.good_rows[last], end_s)

    softened = _Softened(chunk, signal.rate_hz) if artifact == "soft" else None
    for tick, last in enumerate(_newest(signal.stamps_s, ticks_s, signal.rate_hz)):
        found = window(last, WINDOW_S, float(ticks_s[tick]))
        if found is not None and softened is not None:
            found = softened.window(last, found)
        if found is not None:
            power[tick], good[tick], there[tick] = log_band_power(found, artifact), found.good, True
    for frame, last in enumerate(_newest(signal.stamps_s, frames_s, signal.rate_hz)):
        found = window(last, THETA_WINDOW_S, float(frames_s[frame]))
        if found is not None:
            theta[frame] = midline_theta(found)
    return power, good, there, theta, names


class _Softened:
    """A recording's EEG cleaned by the soft threshold, each valid stretch on its own, as live."""

    def __init__(self, chunk: chain.EegChunk, rate_hz: float) -> None:
        self._samples = np.zeros(chunk.samples_uv.shape, np.float32)
        self._late = soft_threshold.delay_samples(rate_hz)
        self._begins = np.zeros(len(chunk.valid), np.int64)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], chunk.valid, [False]]).astype(np.int8)))
        for first, stop in zip(edges[::2], edges[1::2], strict=True):
            stretch = np.nan_to_num(chunk.samples_uv[first:stop], posinf=0.0, neginf=0.0)
            self._samples[first:stop] = soft_threshold.clean(stretch, rate_hz)
            self._begins[first:stop] = first

    def window(self, last: int, raw: EegWindow) -> EegWindow | None:
        """Return the clean window that is there once a sample has come; None too soon after a gap."""
        stop = last + 1 - self._late
        first = stop - len(raw.samples_uv)
        if first < self._begins[last]:
            return None
        return replace(raw, samples_uv=self._samples[first:stop], end_s=raw.end_s - self._late / raw.rate_hz)


def _faces(video: Video | None, frames_s: NDArray[np.float64], detector: FaceDetector) -> tuple[Image, BoolArray]:
    crops = np.zeros((len(frames_s), FACE_SIZE, FACE_SIZE), np.uint8)
    there = np.zeros(len(frames_s), np.bool_)
    for frame, image, box in found_faces(video, frames_s, detector):
        crops[frame], there[frame] = crop_face(image, box, FACE_SIZE), True
    return crops, there


def found_faces(
    video: Video | None, frames_s: NDArray[np.float64], detector: FaceDetector
) -> Iterator[tuple[int, Image, FaceBox]]:
    """Yield each frame of the grid that shows a face: its number, the newest picture by then, and the face's box."""
    box: FaceBox | None = None
    stamps = () if video is None else _newest(video.stamps_s, frames_s, video.rate_hz)
    for frame, newest in enumerate(stamps):
        if video is None or newest < 0:
            continue
        image = video.frames[int(newest)]
        if box is None or frame % FRAMES_PER_TICK == 0:
            box = detector.find(image)
        if box is not None:
            yield frame, image, box


def _levels(truth: Truth | None, times_s: NDArray[np.float64]) -> NDArray[np.int64]:
    if truth is None or not len(truth.stamps_s):
        return np.full((len(times_s), 2), -1, np.int64)
    newest = np.searchsorted(truth.stamps_s, times_s + _SLACK_S, side="right") - 1
    levels = truth.levels[np.clip(newest, 0, None)]
    return np.where((newest >= 0)[:, None], levels, -1)


def _presentations(truth: Truth | None, times_s: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return the number of the presentation at each time; the same stimulus never comes twice in a row."""
    if truth is None or not len(truth.stamps_s):
        return np.full(len(times_s), -1, np.int32)
    newest = np.searchsorted(truth.stamps_s, times_s + _SLACK_S, side="right") - 1
    shown = np.where(newest >= 0, truth.stimulus[np.clip(newest, 0, None)], -1)
    begins = np.concatenate([[shown[0] >= 0], (shown[1:] != shown[:-1]) & (shown[1:] >= 0)])
    return np.where(shown >= 0, np.cumsum(begins) - 1, -1).astype(np.int32)
