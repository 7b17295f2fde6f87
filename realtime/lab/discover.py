"""Find devices: LSL streams with their observed rates, cameras, microphones."""

import contextlib
import time
from dataclasses import dataclass

import cv2
import pylsl
from pylsl.util import LostError
from pylsl.util import TimeoutError as LslTimeoutError

from ...configs.schema.errors import MoodringError

CAMERAS_TRIED = 4


@dataclass(frozen=True)
class LslStream:
    """A stream on the network.

    ``observed_rate_hz`` is None where no sample came, and for a ``replay``, which is not read because that starts it.
    """

    name: str
    type: str
    source_id: str
    host: str
    channels: int
    nominal_rate_hz: float
    observed_rate_hz: float | None
    replay: bool = False


@dataclass(frozen=True)
class CameraDevice:
    """A camera that opened under this index, with its frame size and nominal rate."""

    index: int
    width: int
    height: int
    rate_hz: float


@dataclass(frozen=True)
class MicrophoneDevice:
    """An input device of PortAudio."""

    index: int
    name: str
    channels: int
    rate_hz: float
    default: bool


def lsl_streams(wait_s: float = 1.5, listen_s: float = 2.0) -> tuple[LslStream, ...]:
    """Resolve all LSL streams and measure their rates.

    Parameters
    ----------
    wait_s : float
        Time to resolve streams.
    listen_s : float
        Time to count samples; 0 skips it.
    """
    infos = pylsl.resolve_streams(wait_time=wait_s)
    replays = [_is_replay(info) for info in infos]
    readable = [info for info, replay in zip(infos, replays, strict=True) if not replay]
    rates = dict(
        zip((info.uid() for info in readable), _count(readable, listen_s) if listen_s > 0 else [], strict=False)
    )
    found = [
        LslStream(
            name=info.name(),
            type=info.type(),
            source_id=info.source_id(),
            host=info.hostname(),
            channels=info.channel_count(),
            nominal_rate_hz=info.nominal_srate(),
            observed_rate_hz=rates.get(info.uid()),
            replay=replay,
        )
        for info, replay in zip(infos, replays, strict=True)
    ]
    return tuple(sorted(found, key=lambda stream: (stream.type, stream.name, stream.source_id)))


def _is_replay(info: pylsl.StreamInfo) -> bool:
    """Return whether a stream's description is that of a replay; reading it does not start the replay."""
    try:
        full = pylsl.StreamInlet(info, recover=False).info(1.0)
    except (TimeoutError, LslTimeoutError, LostError):
        return False
    return bool(full.desc().child("moodring").child_value("first_sample_after_t0_s"))


def _count(infos: list[pylsl.StreamInfo], listen_s: float) -> list[float | None]:
    """Return the rates of streams, read at once; from the stamps, so that late arrival does not matter."""
    inlets = [pylsl.StreamInlet(info, max_buflen=10, recover=False) for info in infos]
    stamps: list[list[float]] = [[] for _ in infos]
    for inlet in inlets:
        with contextlib.suppress(TimeoutError, LslTimeoutError, LostError):
            inlet.open_stream(timeout=1.0)
    end = time.monotonic() + listen_s
    while time.monotonic() < end:
        for inlet, seen in zip(inlets, stamps, strict=True):
            with contextlib.suppress(LostError):
                seen.extend(inlet.pull_chunk(timeout=0.0, max_samples=4096)[1])
        time.sleep(0.02)
    for inlet in inlets:
        inlet.close_stream()
    return [(len(seen) - 1) / (seen[-1] - seen[0]) if len(seen) > 1 and seen[-1] > seen[0] else None for seen in stamps]


def cameras() -> tuple[CameraDevice, ...]:
    """Return the cameras among the first indices; each is opened and closed again."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    found = []
    try:
        for index in range(CAMERAS_TRIED):
            capture = cv2.VideoCapture(index)
            if capture.isOpened():
                size = (int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)))
                found.append(CameraDevice(index, *size, float(capture.get(cv2.CAP_PROP_FPS))))
            capture.release()
    finally:
        cv2.utils.logging.setLogLevel(level)
    return tuple(found)


def microphones() -> tuple[MicrophoneDevice, ...]:
    """Return PortAudio's input devices.

    Raises
    ------
    MoodringError
        PortAudio is not installed.
    """
    try:
        import sounddevice
    except OSError:
        raise MoodringError(
            "PortAudio is not installed, so no microphone can be opened; on Debian or Ubuntu: "
            "sudo apt-get install libportaudio2"
        ) from None
    default = sounddevice.default.device[0]
    return tuple(
        MicrophoneDevice(
            index, device["name"], device["max_input_channels"], device["default_samplerate"], index == default
        )
        for index, device in enumerate(sounddevice.query_devices())
        if device["max_input_channels"] > 0
    )
