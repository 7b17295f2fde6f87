"""One participant of `moodring bench crowd`: EEG, face video and voice from a child process, on one timetable.

Channel 0 of the EEG carries the sample's index. Picture and sound are those of a recording, again and again.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pylsl
from numpy.typing import NDArray

from ...configs.schema.live import LslSection
from ...models.contract import AUDIO_RATE_HZ, Recording
from ...processes import Parent
from ..engine.lsl_clock import LslClock
from ..engine.process_settings import apply_lsl_settings
from .workload import Load, block_of, eeg_info

EEG = Load(32, 256.0, 16)
VIDEO_HZ = 25.0
_SOUND_BLOCK = 320
_KEPT_S = 4.0
_FRAMES, _SOUND = "frames.npy", "sound.npy"
_VIDEO_BUFFER_S = 4


@dataclass(frozen=True)
class _Stream:
    """A stream of the participant: its outlet, chunk length, rate, and what it sends from a sample on."""

    outlet: pylsl.StreamOutlet
    chunk: int
    rate_hz: float
    samples: Callable[[int], NDArray[np.generic]]


def keep_sight_and_sound(recording: Recording, folder: Path) -> None:
    """Write some seconds of a recording's pictures and sound where the participants map them.

    Raises
    ------
    ValueError
        The recording has no video or no speech.
    """
    video, speech = recording.face, recording.speech
    if video is None or speech is None:
        raise ValueError("a participant needs video and speech")
    frames = np.stack([video.frames[index] for index in range(round(_KEPT_S * VIDEO_HZ))])
    np.save(folder / _FRAMES, frames)
    sound = speech.samples[: round(len(speech.samples) // _SOUND_BLOCK) * _SOUND_BLOCK]
    np.save(folder / _SOUND, sound.astype(np.float32))


def publish_participant(parent: Parent, name: str, folder: Path, lsl: LslSection) -> None:
    """Push ``NAME_eeg``, ``NAME_face`` and ``NAME_speech`` in a child process until asked to end.

    Send ``{"ready": true}``, then ``{"sent": samples of EEG}``.
    """
    apply_lsl_settings(lsl)
    streams = (_eeg(name), _face(name, folder), _speech(name, folder))
    parent.send({"ready": True})
    clock = LslClock()
    start_s = clock.now() + 0.1
    due = [(start_s + (stream.chunk - 1) / stream.rate_hz, index, 0) for index, stream in enumerate(streams)]
    heapq.heapify(due)
    sent = 0
    while not parent.ended.is_set():
        last_s, index, first = heapq.heappop(due)
        stream = streams[index]
        clock.sleep(last_s - clock.now())
        stream.outlet.push_chunk(stream.samples(first), last_s)
        after = first + stream.chunk
        sent = after if index == 0 else sent
        heapq.heappush(due, (start_s + (after + stream.chunk - 1) / stream.rate_hz, index, after))
    parent.send({"sent": sent})


def _eeg(name: str) -> _Stream:
    block = block_of(EEG)

    def samples(first: int) -> NDArray[np.generic]:
        index = np.arange(first, first + EEG.chunk)
        chunk = block[index % len(block)]
        chunk[:, 0] = index
        return chunk

    return _Stream(pylsl.StreamOutlet(eeg_info(EEG, f"{name}_eeg")), EEG.chunk, EEG.rate_hz, samples)


def _face(name: str, folder: Path) -> _Stream:
    frames = np.load(folder / _FRAMES, mmap_mode="r")
    height, width = frames.shape[1:3]
    stream = f"{name}_face"
    info = pylsl.StreamInfo(stream, "VideoFrames", height * width * 3, VIDEO_HZ, pylsl.cf_int8, stream)
    video = info.desc().append_child("moodring").append_child("video")
    for key, value in (("width", str(width)), ("height", str(height)), ("encoding", "bgr24")):
        video.append_child_value(key, value)
    outlet = pylsl.StreamOutlet(info, 0, _VIDEO_BUFFER_S)
    return _Stream(outlet, 1, VIDEO_HZ, lambda first: frames[first % len(frames)].reshape(1, -1).view(np.int8))


def _speech(name: str, folder: Path) -> _Stream:
    sound = np.load(folder / _SOUND, mmap_mode="r")
    stream = f"{name}_speech"
    info = pylsl.StreamInfo(stream, "Audio", 1, float(AUDIO_RATE_HZ), pylsl.cf_float32, stream)
    outlet = pylsl.StreamOutlet(info)

    def samples(first: int) -> NDArray[np.generic]:
        begin = first % len(sound)
        return np.array(sound[begin : begin + _SOUND_BLOCK])

    return _Stream(outlet, _SOUND_BLOCK, float(AUDIO_RATE_HZ), samples)
