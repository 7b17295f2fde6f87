"""The models of a session, loaded once: what decodes, on which device, and what the bundles say of themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import EegSection, ModelsSection, PoolingSection, SpeechSection
from ..contract import SIMULATED, EegInput, Modality
from ..device import best_device
from ..io.bundle import load_bundle, models_path
from ..streaming.clock import Clock
from ..streaming.ingest import StreamIngest
from ..streaming.sources import SourceInfo
from ..streaming.summary import BundleName

if TYPE_CHECKING:
    from ..fusion.pool_file import Pool
    from .speech import SpeechDecoder
    from .video_eeg import VideoEegDecoder

DEMONSTRATION = "demonstration model, not valid for people"
UNDECLARED_LOUDSPEAKER = (
    "loudspeaker not declared (speech.headphones, speech.reference): what the stimulus says may be taken for the "
    "participant"
)


@dataclass(frozen=True)
class Models:
    """The decoders of a session; a decoder is None where nothing of the session is for it.

    Attributes
    ----------
    video_eeg : VideoEegDecoder or None
    speech : SpeechDecoder or None
    device : str
    bundles : tuple of BundleName
    domain : tuple of str
        Of all bundles together.
    target : str
    pool : Pool or None
        What weighs both against each other; its file is one of the bundles. None where pooling is off.
    """

    video_eeg: VideoEegDecoder | None
    speech: SpeechDecoder | None
    device: str
    bundles: tuple[BundleName, ...]
    domain: tuple[str, ...]
    target: str
    pool: Pool | None = None

    @property
    def speech_classes(self) -> tuple[str, ...]:
        """The categories of the speech model; none without one."""
        return self.speech.head.classes if self.speech is not None else ()

    def reset(self) -> None:
        """Forget the person."""
        if self.video_eeg is not None:
            self.video_eeg.reset()
        if self.speech is not None:
            self.speech.reset()


def load_models(
    section: ModelsSection,
    modalities: tuple[Modality, ...],
    clock: Clock,
    pooling: PoolingSection | None = None,
    voice: SpeechSection | None = None,
) -> Models:
    """Load what the modalities of a session need, the pool where one is asked for, and the enrolments of ``voice``.

    Raises
    ------
    MoodringError
        A bundle or an enrolment is missing, damaged, foreign or of the wrong kind; or the pool was fitted with others.
    """
    # torch takes a second to import, and screens that import this package never need it.
    from ..fusion.pool_file import PooledBundle, load_pool, pool_path
    from .speaker import load_gate
    from .speech import SpeechDecoder
    from .video_eeg import VideoEegDecoder

    device = best_device(section.device)
    video_eeg = speech = None
    bundles, enrolments = [], []
    if "eeg" in modalities or "face" in modalities:
        bundle = load_bundle(models_path("video_eeg", section.video_eeg))
        video_eeg = VideoEegDecoder(bundle, device, section.policy, section.seed, now=clock.now)
        bundles.append(bundle)
    if "speech" in modalities:
        bundle = load_bundle(models_path("speech", section.speech))
        gate = None
        if voice is not None and voice.enrolment is not None:
            _check_there((voice.enrolment, *voice.others))
            gate = load_gate(voice.enrolment, voice.others)
            enrolments = [BundleName(one.name, one.sha256) for one in gate.enrolments]
        speech = SpeechDecoder(bundle, device, gate)
        bundles.append(bundle)
    names = [BundleName(bundle.name, bundle.sha256, bundle.spec.domain) for bundle in bundles]
    domain = [name for bundle in bundles for name in bundle.spec.domain]
    pool = None
    if pooling is not None and pooling.enabled and pooling.file is not None:
        fitting = {bundle.spec.kind: PooledBundle(file=bundle.name, sha256=bundle.sha256) for bundle in bundles}
        pool = load_pool(pool_path(pooling.file), fitting)
        names.append(BundleName(pool.name, pool.sha256, tuple(pool.table.domain)))
        domain += pool.table.domain
    return Models(
        video_eeg,
        speech,
        str(device),
        (*names, *enrolments),
        tuple(dict.fromkeys(domain)),
        ", ".join(dict.fromkeys(head.construct for bundle in bundles for head in bundle.spec.outputs)),
        pool,
    )


def _check_there(enrolments: Iterable[Path]) -> None:
    for path in enrolments:
        if not path.is_file():
            raise MoodringError(
                f"enrolment '{path}' does not exist (looked for '{path.absolute()}'); correct speech.enrolment or "
                "speech.others: 'moodring enrol' writes one"
            )


def check_fit(models: Models, info: SourceInfo, section: EegSection | None) -> None:
    """Refuse an EEG stream that the video-EEG bundle does not fit.

    Raises
    ------
    MoodringError
        With the value that came and the value that the bundle needs.
    """
    if info.modality != "eeg" or models.video_eeg is None or section is None:
        return
    needs = models.video_eeg.spec.input(EegInput)
    reference = section.reference if isinstance(section.reference, str) else "+".join(section.reference)
    if needs is not None and reference != needs.reference:
        raise MoodringError(
            f"eeg.reference is '{reference}'; bundle '{models.bundles[0].file}' was trained with '{needs.reference}': "
            "set it to that, or use another bundle"
        )
    models.video_eeg.check_eeg(info.channel_names, info.rate_hz or 0.0)


def line_noise_notices(ingests: Iterable[StreamIngest]) -> tuple[str, ...]:
    """Return a notice for each EEG source whose line noise has another frequency than the notch."""
    return tuple(
        f"line noise of {other_hz:g} Hz is in the EEG, but {ingest.eeg.line_noise.line_hz:g} Hz are filtered out: "
        f"set eeg.line_hz = {other_hz:g}"
        for ingest in ingests
        if ingest.eeg is not None and (other_hz := ingest.eeg.line_noise.other_hz) is not None
    )


def loudspeaker_notices(section: SpeechSection | None, ingests: Iterable[StreamIngest]) -> tuple[str, ...]:
    """Say where a person's microphone may hear a loudspeaker that nobody has declared."""
    if section is None or section.headphones or section.reference is not None:
        return ()
    people = any(ingest.info.modality == "speech" and ingest.info.origin != SIMULATED for ingest in ingests)
    return (UNDECLARED_LOUDSPEAKER,) if people else ()


def domain_notices(domain: tuple[str, ...], origins: tuple[str | None, ...]) -> tuple[str, ...]:
    """Give the permanent notice where a model that knows only simulated people decodes anybody else."""
    if SIMULATED in domain and any(origin != SIMULATED for origin in origins):
        return (DEMONSTRATION,)
    return ()
