"""Builds what a session consists of from its config: posts, rings, and the plan of its decisions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..configs.errors import MoodringError
from ..configs.live import EegSection, LiveConfig
from ..models.signals.eeg_chain import EegChainSpec, delay_s
from .clock import Clock
from .intake import EegTreatment, Intake
from .plan import Plan, first_decision
from .post import Post
from .ring import Ring
from .sources.base import SourceInfo

if TYPE_CHECKING:
    from .loaded import Models  # with it comes torch, which a source needs not

_KEPT_S = 60.0
_KEPT_FRAMES = 128
_NO_MODEL_WINDOW_S = 1.0
_NO_MODEL_GRID_HZ = 8.0
_NO_MODEL_WAIT_FRAMES = 16


@dataclass(frozen=True)
class PlanFacts:
    """What the sources say of the session.

    Attributes
    ----------
    t0_s : float
    first_stamp_s : float
        Of the earliest sample.
    rest_s : float or None
        Of a replayed session with a rest of its own.
    eeg_rate_hz : float or None
    eeg_names : tuple of str
    """

    t0_s: float
    first_stamp_s: float
    rest_s: float | None
    eeg_rate_hz: float | None
    eeg_names: tuple[str, ...]


def build_posts(config: LiveConfig, clock: Clock) -> tuple[Post, ...]:
    """Make the posts of eeg, face and speech, in this order; an absent modality has no source."""
    # Each source imports its device's library, so only those that are asked for are imported.
    posts = [Post("eeg", "EEG", None), Post("face", "camera", None), Post("speech", "microphone", None)]
    if config.eeg is not None:
        from .sources.lsl_eeg import LslEeg

        posts[0] = Post("eeg", f"stream {config.eeg.stream}", LslEeg(config.eeg), config.eeg.delay_s)
    face = config.face
    if face is not None and face.stream is not None:
        from .sources.lsl_video import LslVideo

        posts[1] = Post("face", f"stream {face.stream}", LslVideo(face.stream, face.delay_s), face.delay_s)
    elif face is not None and face.camera is not None:
        from .sources.camera import Camera

        posts[1] = Post("face", f"camera {face.camera}", Camera(face.camera, face.delay_s, clock), face.delay_s)
    speech = config.speech
    if speech is not None and speech.stream is not None:
        from .sources.lsl_audio import LslAudio

        posts[2] = Post("speech", f"stream {speech.stream}", LslAudio(speech.stream, speech.delay_s), speech.delay_s)
    elif speech is not None and speech.microphone is not None:
        from .sources.microphone import Microphone

        alone = speech.reference is None or speech.reference.device is None
        microphone = Microphone(speech.microphone, speech.delay_s, clock, alone=alone)
        posts[2] = Post("speech", f"microphone {speech.microphone}", microphone, speech.delay_s)
    return tuple(posts)


def build_reference(config: LiveConfig, clock: Clock) -> Post | None:
    """Make the post of what the loudspeaker plays; None where the config names no reference."""
    section = config.speech.reference if config.speech is not None else None
    if section is None:
        return None
    if section.stream is not None:
        from .sources.lsl_audio import LslAudio

        title = f"loudspeaker reference {section.stream}"
        return Post("speech", title, LslAudio(section.stream, section.delay_s), section.delay_s)
    from .sources.microphone import Microphone

    device = section.device if section.device is not None else "default"
    alone = config.speech is None or config.speech.microphone is None
    source = Microphone(device, section.delay_s, clock, "speech.reference.device", alone)
    return Post("speech", f"loudspeaker reference {device}", source, section.delay_s)


def intake_maker(section: EegSection | None, folder: Path | None) -> Callable[[SourceInfo], Intake]:
    """Give the function that makes a source's ring, in a folder or in this process's memory, and its intake."""
    numbers = itertools.count()

    def make(info: SourceInfo) -> Intake:
        # A file of its own each time: screens may still have the last one mapped.
        path = folder / f"{info.modality}-{next(numbers)}.ring" if folder is not None else None
        capacity = _KEPT_FRAMES if info.modality == "face" else round(_KEPT_S * (info.rate_hz or 1.0))
        ring = Ring.create(capacity, info.shape, info.dtype, info.rate_hz or 0.0, info.channel_names, path)
        treatment = None
        if info.modality == "eeg":
            treatment = EegTreatment(chain_spec(info.rate_hz or 0.0, info.channel_names, section))
        return Intake(info, ring, treatment)

    return make


def chain_spec(rate_hz: float, names: tuple[str, ...], section: EegSection | None) -> EegChainSpec:
    """Describe the EEG chain of a stream; without a section the defaults of a config hold."""
    if section is None:
        return EegChainSpec(rate_hz, names, 50.0)
    reference = section.reference if isinstance(section.reference, str) else tuple(section.reference)
    return EegChainSpec(rate_hz, names, section.line_hz, reference)


def plan_facts(intakes: Sequence[Intake], announced_t0_s: float | None = None) -> PlanFacts:
    """Gather what the sources say of the session.

    A replay announces its t0, and says how long after t0 its first sample was taken: where nothing was announced, t0
    follows from the first sample that came. Otherwise t0 is the moment from which all sources deliver.

    Raises
    ------
    MoodringError
        Nothing has come from any source.
    """
    firsts = [intake.figures.first_s for intake in intakes if intake.figures.first_s is not None]
    if not firsts:
        raise MoodringError("samples of at least one source were expected and none came; start the devices' streams")
    told = [
        intake.figures.first_s - intake.info.first_sample_after_t0_s
        for intake in intakes
        if intake.figures.first_s is not None and intake.info.first_sample_after_t0_s is not None
    ]
    rests = [intake.info.rest_s for intake in intakes if intake.info.rest_s]
    eeg = next((intake.info for intake in intakes if intake.info.modality == "eeg"), None)
    return PlanFacts(
        t0_s=announced_t0_s if announced_t0_s is not None else min(told, default=max(firsts)),
        first_stamp_s=min(firsts),
        rest_s=max(rests) if rests else None,
        eeg_rate_hz=eeg.rate_hz if eeg is not None else None,
        eeg_names=eeg.channel_names if eeg is not None else (),
    )


def make_plan(facts: PlanFacts, config: LiveConfig, models: Models) -> Plan:
    """Lay out when decisions and looks happen."""
    decisions = config.decisions
    spec = models.video_eeg.spec if models.video_eeg is not None else None
    eeg_delay_s = 0.0
    if facts.eeg_rate_hz is not None:
        eeg_delay_s = delay_s(chain_spec(facts.eeg_rate_hz, facts.eeg_names, config.eeg))
    return Plan(
        t0_s=facts.t0_s,
        interval_s=decisions.interval_s,
        first=first_decision(facts.t0_s, facts.first_stamp_s, decisions.warmup_s, decisions.interval_s),
        rest_s=facts.rest_s if facts.rest_s is not None else decisions.rest_s,
        grid_hz=spec.frame_rate_hz if spec is not None else _NO_MODEL_GRID_HZ,
        max_wait_frames=spec.max_wait_frames if spec is not None else _NO_MODEL_WAIT_FRAMES,
        window_s=spec.eeg.window_s if spec is not None and spec.eeg is not None else _NO_MODEL_WINDOW_S,
        eeg_delay_s=eeg_delay_s,
    )
