"""Look at a config's sources before a session, in a process of its own: electrodes, the camera's picture, sound level.

A driver that hangs, a stream that liblsl cannot stand and a library that is missing then harm nobody else.
"""

import base64
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import LiveConfig
from ...processes import Child, Parent

_TELL_S = 0.2
_RETRY_S = 1.0
_PICTURE = 320
_DARK, _BRIGHT = 40.0, 220.0
_CLIPPED_SHARE = 0.25
_SOUND_S = 0.5


@dataclass(frozen=True)
class Electrode:
    """One channel of the amplifier over the last second.

    Attributes
    ----------
    channel : str
        As the stream calls it.
    name : str or None
        Its 10-20 name; None where it has none.
    x, y : float
        Its place, nose up, 1 at the equator; 0 without a name.
    microvolts, line_microvolts : float
        Root mean square in the EEG band, and at the line frequency.
    fault : str
        What is wrong with it; empty where a session would use it.
    """

    channel: str
    name: str | None
    x: float
    y: float
    microvolts: float
    line_microvolts: float
    fault: str


@dataclass(frozen=True)
class SourceLook:
    """What a source shows now.

    Attributes
    ----------
    modality : str
    error : str
        Why it shows nothing; empty where it does.
    name : str
    rate_hz : float or None
        Observed.
    nominal_hz : float or None
    electrodes : tuple of Electrode
    picture : bytes
        JPEG of the newest frame; empty where there is none.
    exposure : str
        What is wrong with the picture's brightness; empty where nothing is.
    level_db : float or None
        Peak of the sound of the last half second, of full scale.
    """

    modality: str
    error: str = ""
    name: str = ""
    rate_hz: float | None = None
    nominal_hz: float | None = None
    electrodes: tuple[Electrode, ...] = ()
    picture: bytes = b""
    exposure: str = ""
    level_db: float | None = None


class Probe:
    """Looks at the sources of a config until it is closed; never blocks whoever asks.

    Parameters
    ----------
    config : LiveConfig
    """

    def __init__(self, config: LiveConfig) -> None:
        self._child = Child("look at the sources", look_at_sources, config)
        self._looks: dict[str, SourceLook] = {}

    @property
    def error(self) -> str | None:
        """Why it has ended; None while it looks."""
        return self._child.error

    def looks(self) -> tuple[SourceLook, ...]:
        """Return what each source shows now."""
        while (message := self._received()) is not None:
            look = _look_of(message["look"])
            self._looks[look.modality] = look
        return tuple(self._looks.values())

    def close(self) -> None:
        """Let go of the sources, at once."""
        self._child.end(0.0)

    def _received(self) -> dict[str, Any] | None:
        try:
            return self._child.receive(0.0)
        except Exception:  # whatever ended it is in `error`
            return None


def _look_of(fields: dict[str, Any]) -> SourceLook:
    electrodes = tuple(Electrode(**one) for one in fields["electrodes"])
    return SourceLook(**{**fields, "electrodes": electrodes, "picture": base64.b64decode(fields["picture"])})


def look_at_sources(parent: Parent, config: LiveConfig) -> None:
    """Open each source of a config and tell what it shows, until the parent asks for the end: for a child process."""
    from ..engine.build import build_source_channels
    from ..engine.lsl_clock import LslClock
    from ..engine.process_settings import apply_lsl_settings, cap_blas

    apply_lsl_settings(config.lsl)
    cap_blas(1)
    channels = [one for one in build_source_channels(config, LslClock()) if one.source is not None]

    def tell(look: SourceLook) -> None:
        fields = asdict(look)
        parent.send({"look": {**fields, "picture": base64.b64encode(look.picture).decode()}})

    for channel in channels:
        looker = Looker(channel.modality, channel.title, channel.source, config, tell)
        threading.Thread(target=looker.run, args=(parent.ended,), name=channel.modality, daemon=True).start()
    parent.ended.wait()


class Looker:
    """Polls one source and tells what it shows.

    Parameters
    ----------
    modality, title : str
    source : Source
    config : LiveConfig
    tell : callable
        Takes a :class:`SourceLook`.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        modality: str,
        title: str,
        source: Any,
        config: LiveConfig,
        tell: Callable[[SourceLook], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._modality, self._title, self._source, self._config = modality, title, source, config
        self._tell, self._clock = tell, clock
        self._info: Any = None
        self._stamps: deque[tuple[float, int]] = deque(maxlen=400)
        self._samples: deque[NDArray[Any]] = deque()
        self._held = 0
        self._told_s = -1e9

    def run(self, ended: threading.Event) -> None:
        """Poll until the end; whatever fails is told and tried again."""
        while not ended.is_set():
            try:
                self.step()
            except MoodringError as error:
                self._fail(str(error))
                ended.wait(_RETRY_S)
            except Exception as error:  # a driver may raise anything
                self._fail(f"{self._title} failed ({type(error).__name__}: {error}); it is tried again")
                ended.wait(_RETRY_S)
        self._source.close()

    def step(self) -> None:
        """Poll once, and tell what there is at a pace."""
        if self._info is None:
            self._info = self._source.open()
            if self._info is None:
                self._say(SourceLook(self._modality, error=f"{self._title} was not found yet"))
                return
            self._stamps.clear()
            self._samples.clear()
            self._held = 0
        chunk = self._source.poll()
        if chunk is not None and len(chunk.stamps_s):
            self._keep(chunk)
        if self._clock() - self._told_s >= _TELL_S:
            self._say(self._look())

    def _fail(self, line: str) -> None:
        self._info = None
        self._tell(SourceLook(self._modality, error=line))

    def _say(self, look: SourceLook) -> None:
        if self._clock() - self._told_s >= _TELL_S:
            self._told_s = self._clock()
            self._tell(look)

    def _keep(self, chunk: Any) -> None:
        self._stamps.append((float(chunk.stamps_s[-1]), len(chunk.stamps_s)))
        self._samples.append(np.array(chunk.samples[-1:] if self._modality == "face" else chunk.samples))
        self._held += len(self._samples[-1])
        wanted = {"face": 1, "speech": round(_SOUND_S * (self._info.rate_hz or 0.0))}
        most = wanted.get(self._modality, round(self._info.rate_hz or 0.0))
        while len(self._samples) > 1 and self._held - len(self._samples[0]) >= most:
            self._held -= len(self._samples.popleft())

    def _look(self) -> SourceLook:
        info = self._info
        made = {"modality": self._modality, "name": info.name, "rate_hz": self._rate_hz(), "nominal_hz": info.rate_hz}
        if not self._samples:
            return SourceLook(**made, error=f"'{info.name}' is there and has sent nothing yet")
        if self._modality == "face":
            return SourceLook(**made, **_picture(self._samples[-1][-1]))
        samples = np.concatenate(self._samples)
        if self._modality == "speech":
            peak = float(np.abs(samples).max(initial=0.0))
            return SourceLook(**made, level_db=float(20.0 * np.log10(max(peak, 1e-6))))
        if self._modality == "eeg" and info.rate_hz and len(samples) >= info.rate_hz:
            section = self._config.eeg
            line_hz = None if section is None else section.line_hz
            second = samples[-round(info.rate_hz) :].astype(np.float64)
            return SourceLook(**made, electrodes=electrodes(second, info.channel_names, info.rate_hz, line_hz))
        return SourceLook(**made)

    def _rate_hz(self) -> float | None:
        if len(self._stamps) < 2 or self._stamps[-1][0] <= self._stamps[0][0]:
            return None
        return sum(n for _, n in list(self._stamps)[1:]) / (self._stamps[-1][0] - self._stamps[0][0])


def electrodes(
    second_uv: NDArray[np.float64], names: tuple[str, ...], rate_hz: float, line_hz: float | None
) -> tuple[Electrode, ...]:
    """Return what a second of raw EEG says of every channel.

    Parameters
    ----------
    second_uv : (n_times, n_channels) float64
    names : tuple of str
    rate_hz : float
    line_hz : float or None
    """
    from ...models.signals.eeg import channel_quality as quality
    from ...models.signals.eeg.montage import canonical_name, positions, scalp_channels

    scalp = scalp_channels(names)
    finite = np.where(np.isfinite(second_uv), second_uv, 0.0)
    band_uv, line_uv = quality.band_levels(finite, rate_hz, line_hz)
    faults = quality.channel_faults(second_uv, scalp, np.ones(len(names), np.bool_), rate_hz, line_hz)
    places = np.nan_to_num(positions(names))
    cures = {
        quality.NOT_FINITE: "no numbers: restart the amplifier",
        quality.AT_RAIL: "at the amplifier's rail: fill it with gel, or press it on",
        quality.MOVING: "moves by millivolts: fix the electrode and its cable",
        quality.FLAT: "flat: connect the electrode, or find the short to the reference",
        quality.LOUD: "far louder than EEG: check its impedance and the ground",
        quality.LINE: "drowned in mains noise: check its impedance and the ground",
        quality.COMMON: "one signal common to all: connect reference and ground",
        quality.BRIDGED: "bridged to another one: wipe off the gel between them",
    }
    return tuple(
        Electrode(
            channel=name,
            name=canonical_name(name) if scalp[place] else None,
            x=float(places[place, 0]),
            y=float(places[place, 1]),
            microvolts=float(band_uv[place]),
            line_microvolts=float(line_uv[place]),
            fault=cures.get(faults[place], faults[place]) if scalp[place] else "",
        )
        for place, name in enumerate(names)
    )


def _picture(image: NDArray[Any]) -> dict[str, Any]:
    """Return a frame as JPEG, and what is wrong with its brightness."""
    import cv2

    side = max(image.shape[:2])
    if side > _PICTURE:
        image = cv2.resize(image, None, fx=_PICTURE / side, fy=_PICTURE / side, interpolation=cv2.INTER_AREA)
    done, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])
    return {"picture": packed.tobytes() if done else b"", "exposure": exposure(image)}


def exposure(image: NDArray[Any]) -> str:
    """Return what is wrong with the brightness of a picture; empty where nothing is."""
    brightness = image.astype(np.float32).mean(axis=2)
    if float((brightness > 250).mean()) > _CLIPPED_SHARE or brightness.mean() > _BRIGHT:
        return "too bright: turn the lamp away, or close the iris"
    if brightness.mean() < _DARK:
        return "too dark: light the face from the front"
    return ""
