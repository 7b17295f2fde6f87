"""Measures the delays of a config's devices: events that they must notice, then blinks for the EEG."""

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
from .collect import Ear, Heard, Reduce, brightness, first_channel, listening, whole
from .photodiode import LslChannel
from .report import Report, Row
from .stimuli import Moment, Stimuli

_SETTLE_S = 1.5
_SOUND_SETTLE_S = 5.0  # sound servers take seconds to settle on a latency
_PAUSE_S = (0.9, 1.6)
_BLINK_EVERY_S = (1.5, 2.7)
_AFTER_S = 1.0
_SMALLEST_FLASH = 2.0
_SMALLEST_STEP = 1e-6
_FRAME_REACH_S = 0.07
_STEP_REACH_S = 0.03
# The middle half of what one delay gives: a frame's period, a display's refresh, a blink's shape.
_WIDEST_FRAMES = 1.5
_WIDEST_SOUND_S = 0.02
_WIDEST_STEP_S = 0.03
_WIDEST_BLINK_S = 0.07


@dataclass(frozen=True)
class Procedure:
    """How to measure.

    Attributes
    ----------
    repeats, blinks : int
        Flashes with beeps, and blinks to ask for.
    photodiode : str or None
        Label of the EEG stream's channel that a photodiode on the screen is connected to.
    seed : int
        Of the random pauses.
    """

    repeats: int = 20
    blinks: int = 15
    photodiode: str | None = None
    seed: int = 0


def calibrate(config: LiveConfig, procedure: Procedure, stimuli: Stimuli, clock: Clock) -> Report:
    """Measure what can be measured here; the rest of the report says why not.

    The delays that the config declares are left out of account.
    """
    measured: dict[str, Delay | str] = {}
    rng = np.random.default_rng(procedure.seed)
    measured |= _with_events(config, procedure, stimuli, clock, rng)
    relative = None
    method = "photodiode" if procedure.photodiode is not None and stimuli.no_flash is None else "blinks"
    if config.eeg is not None and method == "blinks":
        try:
            relative = _with_blinks(config, procedure, stimuli, clock, rng)
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
                Row(
                    source_channel.modality,
                    source_channel.title,
                    methods[source_channel.modality],
                    source_channel.delay_s,
                    delay,
                    why,
                )
            )
    return Report(tuple(rows), relative)


def _with_events(
    config: LiveConfig, procedure: Procedure, stimuli: Stimuli, clock: Clock, rng: np.random.Generator
) -> dict[str, Delay | str]:
    """Flash and beep, and see when camera, microphone and photodiode notice."""
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
    ears = _ears(config, wanted, clock)
    if config.eeg is not None and procedure.photodiode is not None and stimuli.no_flash is None:
        source = LslChannel(config.eeg.model_copy(update={"delay_s": None}), procedure.photodiode)
        ears["eeg"] = Ear(f"stream {config.eeg.stream}", source, first_channel)
    if not ears:
        return measured
    moments: list[Moment] = []
    with listening(ears, config.lsl.resolve_timeout_s, stimuli.idle):
        # Nothing to show to nobody: a device that is not there has said so in its own line.
        if any(ear.hears for ear in ears.values()):
            kinds = [kind for kind, no in (("flashes", stimuli.no_flash), ("beeps", stimuli.no_beep)) if no is None]
            stimuli.say(f"{procedure.repeats} {' and '.join(kinds)}: keep still, and the room quiet")
            stimuli.idle(_SOUND_SETTLE_S if config.speech is not None and config.speech.stream is None else _SETTLE_S)
            for _ in range(procedure.repeats):
                moments.append(stimuli.play(FLASH_S))
                stimuli.idle(float(rng.uniform(*_PAUSE_S)))
            stimuli.idle(_AFTER_S)
    estimates = {"face": _flash_delay, "speech": _beep_delay, "eeg": _step_delay}
    for name, ear in ears.items():
        try:
            measured[name] = estimates[name](ear.heard(), moments)
        except MoodringError as error:
            measured[name] = str(error)
    return measured


def _with_blinks(
    config: LiveConfig, procedure: Procedure, stimuli: Stimuli, clock: Clock, rng: np.random.Generator
) -> Delay:
    """Ask for blinks, and see how much later the EEG shows them than the camera."""
    if config.face is None:
        raise MoodringError("blinks need the camera beside the EEG: configure [face], or use --photodiode CHANNEL")
    ears = _ears(config, {"face": whole, "eeg": whole}, clock)
    with listening(ears, config.lsl.resolve_timeout_s, stimuli.idle):
        if all(ear.hears for ear in ears.values()):
            stimuli.say(
                f"Sit still, look at the camera, and blink firmly each time you are asked, {procedure.blinks} times"
            )
            stimuli.idle(_SETTLE_S)
            for number in range(procedure.blinks):
                stimuli.idle(float(rng.uniform(*_BLINK_EVERY_S)))
                stimuli.say(f"blink now ({number + 1} of {procedure.blinks})")
            stimuli.idle(_AFTER_S + _BLINK_EVERY_S[0])
    eeg = ears["eeg"].heard()
    try:
        face = ears["face"].heard()
    except MoodringError as error:
        raise MoodringError(f"blinks need the camera too: {error}") from None
    stimuli.say("thank you; the pictures are being looked at")
    finder = FaceDetector(bundled("yunet").read_bytes())
    frontal_uv = frontal_signal(eeg.values, eeg.info.channel_names, eeg.info.rate_hz or 1.0)
    lags_s = blink_lags(eye_closure(list(face.values), face.stamps_s, finder), face.stamps_s, frontal_uv, eeg.stamps_s)
    return combine_delays(lags_s, len(lags_s), _WIDEST_BLINK_S, "blinks")


def _absolute(relative: Delay, face: Delay | str | None, config: LiveConfig) -> Delay | str:
    """Add the camera's own delay, if anybody knows it."""
    if isinstance(face, Delay):
        return relative.plus(face)
    if config.face is not None and config.face.delay_s is not None:
        return relative.plus(declared_delay(config.face.delay_s))
    return (
        f"known only against the camera: {relative.n} blinks, {relative.delay_s * 1e3:+.1f} ms "
        f"(95 % {relative.low_s * 1e3:+.1f} to {relative.high_s * 1e3:+.1f}); measure or declare the camera's delay"
    )


def _ears(config: LiveConfig, wanted: dict[str, Reduce], clock: Clock) -> dict[str, Ear]:
    """Listen to sources of the config, their declared delays undone."""
    sections = {
        name: section.model_copy(update={"delay_s": None})
        for name in wanted
        if (section := getattr(config, name)) is not None
    }
    undone = config.model_copy(update={"eeg": None, "face": None, "speech": None} | sections)
    return {
        source_channel.modality: Ear(source_channel.title, source_channel.source, wanted[source_channel.modality])
        for source_channel in build_source_channels(undone, clock)
        if source_channel.source is not None
    }


def _flash_delay(heard: Heard, moments: list[Moment]) -> Delay:
    found = []
    for moment in moments:
        if moment.flash_s is not None:
            onset = step_onset(heard.values, heard.stamps_s, moment.flash_s, _SMALLEST_FLASH, _FRAME_REACH_S)
            if onset is not None and onset[1] > 0:
                found.append(onset[0] - moment.flash_s)
    period_s = float(np.median(np.diff(heard.stamps_s))) if len(heard.stamps_s) > 1 else 0.0
    widest_s = _WIDEST_FRAMES * period_s
    return _told(found, len(moments), widest_s, "flashes", "let the camera see the screen, or its light on the face")


def _beep_delay(heard: Heard, moments: list[Moment]) -> Delay:
    found = []
    for moment in moments:
        if moment.beep_s is not None:
            onset_s = beep_onset(heard.values, heard.stamps_s, moment.beep_s, heard.info.rate_hz or 1.0)
            if onset_s is not None:
                found.append(onset_s - moment.beep_s)
    return _told(
        found, len(moments), _WIDEST_SOUND_S, "beeps", "turn the loudspeaker up and put it near the microphone"
    )


def _step_delay(heard: Heard, moments: list[Moment]) -> Delay:
    found = []
    for moment in moments:
        if moment.flash_s is not None:
            onset = step_onset(heard.values, heard.stamps_s, moment.flash_s, _SMALLEST_STEP, _STEP_REACH_S)
            if onset is not None:
                found.append((onset[0] - moment.flash_s, onset[1] > 0))
    # A photodiode may be wired either way round, but not now this way and now that.
    up = sum(rises for _, rises in found) * 2 >= len(found)
    delays = [delay_s for delay_s, rises in found if rises == up]
    return _told(delays, len(moments), _WIDEST_STEP_S, "flashes", "stick the photodiode to the middle of the screen")


def _told(found: list[float], presented: int, widest_s: float, what: str, cure: str) -> Delay:
    try:
        return combine_delays(np.array(found), presented, widest_s, what)
    except MoodringError as error:
        raise MoodringError(f"{error}; {cure}") from None
