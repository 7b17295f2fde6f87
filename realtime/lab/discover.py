"""Find devices: LSL streams with their observed rates, cameras, microphones."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import cv2
import pylsl
from pylsl.util import LostError
from pylsl.util import TimeoutError as LslTimeoutError

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import LslSection
from ...processes import Child, ChildError, Parent

CAMERAS_TRIED = 4
_SEARCH_S = 60.0


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


def streams_here(
    listen_s: float, report: Callable[[str], None], lsl: LslSection | None = None
) -> tuple[LslStream, ...]:
    """Return the LSL streams of the network, found by another process: liblsl may end its process over a stream.

    Parameters
    ----------
    listen_s : float
        As :func:`lsl_streams`.
    report : callable
        Told in one line where that happened; the streams are then listed unread.
    lsl : LslSection or None
        Settings of liblsl; None are the defaults.

    Raises
    ------
    MoodringError
        They cannot even be listed.
    """
    try:
        return _by_a_child(listen_s, True, lsl)
    except ChildError as error:
        report(f"a stream of the network cannot be read ({error}); listed without their observed rates")
    try:
        return _by_a_child(0.0, False, lsl)
    except ChildError as error:
        raise MoodringError(f"LSL streams cannot be listed: {error}; stop their senders one by one") from None


def _by_a_child(listen_s: float, read: bool, lsl: LslSection | None) -> tuple[LslStream, ...]:
    with Child("search for streams", search, listen_s, read, lsl or LslSection(), advice="run it again") as child:
        found = child.wait_for("streams", _SEARCH_S + listen_s)
    return tuple(LslStream(**one) for one in found)


def search(parent: Parent, listen_s: float, read: bool, lsl: LslSection) -> None:
    """Find the streams and send them to the parent: the target of a child process."""
    from ..engine.process_settings import apply_lsl_settings

    apply_lsl_settings(lsl)
    parent.send({"streams": [asdict(one) for one in lsl_streams(listen_s=listen_s, read=read)]})


def lsl_streams(wait_s: float = 1.5, listen_s: float = 2.0, read: bool = True) -> tuple[LslStream, ...]:
    """Resolve all LSL streams and measure their rates.

    Parameters
    ----------
    wait_s : float
        Time to resolve streams.
    listen_s : float
        Time to count samples; 0 skips it.
    read : bool
        Connect to the streams; one without channels never is, since liblsl divides by their number.
    """
    infos = pylsl.resolve_streams(wait_time=wait_s)
    readable = [info for info in infos if read and info.channel_count() > 0]
    replays = {info.uid() for info in readable if _is_replay(info)}
    readable = [info for info in readable if info.uid() not in replays]
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
            replay=info.uid() in replays,
        )
        for info in infos
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
