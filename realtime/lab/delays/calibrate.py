"""Measure the delays of a config's devices by flashes and beeps, and of the EEG by blinks."""

from dataclasses import dataclass

import numpy as np

from ....configs.schema.errors import MoodringError
from ....configs.schema.live import LiveConfig
from ....models.io.bundle import bundled
from ....models.signals.face.detection import FaceDetector
from ....models.signals.sync.blinks import blink_lags, eye_closure, frontal_signal
from ....models.signals.sync.delays import Delay, combine_delays, declared_delay
from ....models.signals.sync.events import FLASH_S, beep_onset, step_onset
from ....models.streaming.clock import Clock
from ...engine.build import build_source_channels
from .collect import CollectedSamples, Reduce, SourceCollector, brightness, collecting, first_channel, unreduced
from .photodiode import LslChannel
from .report import DelayReport, DeviceDelay
from .stimuli import Stimuli, StimulusEvent

_SETTLE_S = 1.5
_SOUND_SETTLE_S = 5.0  # sound servers take seconds to settle on a latency
_PAUSE_S = (0.9, 1.6)
_BLINK_EVERY_S = (1.5, 2.7)
_AFTER_S = 1.0
_SMALLEST_FLASH = 2.0
_SMALLEST_STEP = 1e-6
_FRAME_REACH_S = 0.07
_STEP_REACH_S = 0.03
# Largest interquartile range of one delay: a frame's period, a display's refresh, a blink's shape.
_WIDEST_FRAMES = 1.5
_WIDEST_SOUND_S = 0.02
_WIDEST_STEP_S = 0.03
_WIDEST_BLINK_S = 0.07


@dataclass(frozen=True)
class Procedure:
    """Parameters of the measurement.

    Attributes
    ----------
    repeats, blinks : int
        Number of flashes with beeps, and of blinks.
    photodiode : str or None
        Label of the EEG stream's channel that a photodiode on the screen is connected to.
    seed : int
        Of the random pauses.
    """

    repeats: int = 20
    blinks: int = 15
    photodiode: str | None = None
    seed: int = 0


def calibrate(config: LiveConfig, procedure: Procedure, stimuli: Stimuli, clock: Clock) -> DelayReport:
    """Measure the delay of each device; the report says why where it cannot be measured.

    Delays that the config declares are ignored.
    """
    measured: dict[str, Delay | str] = {}
    rng = np.random.default_rng(procedure.seed)
    measured |= _measure_events(config, procedure, stimuli, clock, rng)
    relative = None
    method = "photodiode" if procedure.photodiode is not None and stimuli.no_flash is None else "blinks"
    if config.eeg is not None and method == "blinks":
        try:
            relative = _measure_blinks(config, procedure, stimuli, clock, rng)
            measured["eeg"] = _absolute(relative, measured.get("face"), config)
        except MoodringError as error:
            measured["eeg"] = str(error)
    methods = {"eeg": method, "face": "flash", "speech": "beep"}
    rows = []
    for source_channel in build_source_channels(config, clock):
        if source_channel.source is not None:
            found = measured[source_channel.modality]
            delay, why = (None, found) if isinstance(found, str) else (found, None)
            rows.append(
                DeviceDelay(
                    source_channel.modality,
                    source_channel.title,
                    methods[source_channel.modality],
                    source_channel.delay_s,
                    delay,
                    why,
                )
            )
    return DelayReport(tuple(rows), relative)


def _measure_events(
    config: LiveConfig, procedure: Procedure, stimuli: Stimuli, clock: Clock, rng: np.random.Generator
) -> dict[str, Delay | str]:
    """Return the delays of camera, microphone and photodiode, by flashes and beeps."""
    measured: dict[str, Delay | str] = {}
    wanted: dict[str, Reduce] = {}
    for name, section, reduce, unable in (
        ("face", config.face, brightness, stimuli.no_flash),
        ("speech", config.speech, first_channel, stimuli.no_beep),
    ):
        if section is not None and unable is None:
            wanted[name] = reduce
        elif section is not None:
            measured[name] = str(unable)
    collectors = _collectors(config, wanted, clock)
    if config.eeg is not None and procedure.photodiode is not None and stimuli.no_flash is None:
        source = LslChannel(config.eeg.model_copy(update={"delay_s": None}), procedure.photodiode)
        collectors["eeg"] = SourceCollector(f"stream {config.eeg.stream}", source, first_channel)
    if not collectors:
        return measured
    events: list[StimulusEvent] = []
    with collecting(collectors, config.lsl.resolve_timeout_s, stimuli.idle):
        # Without any device there is nothing to measure; the report names the missing ones.
        if any(collector.has_samples for collector in collectors.values()):
            kinds = [kind for kind, no in (("flashes", stimuli.no_flash), ("beeps", stimuli.no_beep)) if no is None]
            stimuli.say(f"{procedure.repeats} {' and '.join(kinds)}: keep still, and the room quiet")
            stimuli.idle(_SOUND_SETTLE_S if config.speech is not None and config.speech.stream is None else _SETTLE_S)
            for _ in range(procedure.repeats):
                events.append(stimuli.play(FLASH_S))
                stimuli.idle(float(rng.uniform(*_PAUSE_S)))
            stimuli.idle(_AFTER_S)
    estimates = {"face": _flash_delay, "speech": _beep_delay, "eeg": _step_delay}
    for name, collector in collectors.items():
        try:
            measured[name] = estimates[name](collector.collected(), events)
        except MoodringError as error:
            measured[name] = str(error)
    return measured


def _measure_blinks(
    config: LiveConfig, procedure: Procedure, stimuli: Stimuli, clock: Clock, rng: np.random.Generator
) -> Delay:
    """Return the lag of the EEG behind the camera, by blinks of the participant."""
    if config.face is None:
        raise MoodringError("blinks need the camera beside the EEG: configure [face], or use --photodiode CHANNEL")
    collectors = _collectors(config, {"face": unreduced, "eeg": unreduced}, clock)
    with collecting(collectors, config.lsl.resolve_timeout_s, stimuli.idle):
        if all(collector.has_samples for collector in collectors.values()):
            stimuli.say(
                f"Sit still, look at the camera, and blink firmly each time you are asked, {procedure.blinks} times"
            )
            stimuli.idle(_SETTLE_S)
            for number in range(procedure.blinks):
                stimuli.idle(float(rng.uniform(*_BLINK_EVERY_S)))
                stimuli.say(f"blink now ({number + 1} of {procedure.blinks})")
            stimuli.idle(_AFTER_S + _BLINK_EVERY_S[0])
    eeg = collectors["eeg"].collected()
    try:
        face = collectors["face"].collected()
    except MoodringError as error:
        raise MoodringError(f"blinks need the camera too: {error}") from None
    stimuli.say("thank you; the video is being analysed")
    finder = FaceDetector(bundled("yunet").read_bytes())
    frontal_uv = frontal_signal(eeg.values, eeg.info.channel_names, eeg.info.rate_hz or 1.0)
    lags_s = blink_lags(eye_closure(list(face.values), face.stamps_s, finder), face.stamps_s, frontal_uv, eeg.stamps_s)
    return combine_delays(lags_s, len(lags_s), _WIDEST_BLINK_S, "blinks")


def _absolute(relative: Delay, face: Delay | str | None, config: LiveConfig) -> Delay | str:
    """Return the EEG's delay, its lag behind the camera plus the camera's own delay, or why it is unknown."""
    if isinstance(face, Delay):
        return relative.plus(face)
    if config.face is not None and config.face.delay_s is not None:
        return relative.plus(declared_delay(config.face.delay_s))
    return (
        f"known only against the camera: {relative.n} blinks, {relative.delay_s * 1e3:+.1f} ms "
        f"(95 % {relative.low_s * 1e3:+.1f} to {relative.high_s * 1e3:+.1f}); measure or declare the camera's delay"
    )


def _collectors(config: LiveConfig, wanted: dict[str, Reduce], clock: Clock) -> dict[str, SourceCollector]:
    """Start to collect from sources of the config, without their declared delays."""
    sections = {
        name: section.model_copy(update={"delay_s": None})
        for name in wanted
        if (section := getattr(config, name)) is not None
    }
    undone = config.model_copy(update={"eeg": None, "face": None, "speech": None} | sections)
    return {
        source_channel.modality: SourceCollector(
            source_channel.title, source_channel.source, wanted[source_channel.modality]
        )
        for source_channel in build_source_channels(undone, clock)
        if source_channel.source is not None
    }


def _flash_delay(samples: CollectedSamples, events: list[StimulusEvent]) -> Delay:
    found = []
    for event in events:
        if event.flash_s is not None:
            onset = step_onset(samples.values, samples.stamps_s, event.flash_s, _SMALLEST_FLASH, _FRAME_REACH_S)
            if onset is not None and onset[1] > 0:
                found.append(onset[0] - event.flash_s)
    period_s = float(np.median(np.diff(samples.stamps_s))) if len(samples.stamps_s) > 1 else 0.0
    widest_s = _WIDEST_FRAMES * period_s
    return _combined(found, len(events), widest_s, "flashes", "let the camera see the screen, or its light on the face")


def _beep_delay(samples: CollectedSamples, events: list[StimulusEvent]) -> Delay:
    found = []
    for event in events:
        if event.beep_s is not None:
            onset_s = beep_onset(samples.values, samples.stamps_s, event.beep_s, samples.info.rate_hz or 1.0)
            if onset_s is not None:
                found.append(onset_s - event.beep_s)
    return _combined(
        found, len(events), _WIDEST_SOUND_S, "beeps", "turn the loudspeaker up and put it near the microphone"
    )


def _step_delay(samples: CollectedSamples, events: list[StimulusEvent]) -> Delay:
    found = []
    for event in events:
        if event.flash_s is not None:
            onset = step_onset(samples.values, samples.stamps_s, event.flash_s, _SMALLEST_STEP, _STEP_REACH_S)
            if onset is not None:
                found.append((onset[0] - event.flash_s, onset[1] > 0))
    # A photodiode may be wired with either polarity, but has one throughout.
    up = sum(rises for _, rises in found) * 2 >= len(found)
    delays = [delay_s for delay_s, rises in found if rises == up]
    return _combined(delays, len(events), _WIDEST_STEP_S, "flashes", "stick the photodiode to the middle of the screen")


def _combined(found: list[float], presented: int, widest_s: float, what: str, cure: str) -> Delay:
    try:
        return combine_delays(np.array(found), presented, widest_s, what)
    except MoodringError as error:
        raise MoodringError(f"{error}; {cure}") from None
