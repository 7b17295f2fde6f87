"""The models of a session, loaded once: their decoders, device, bundles and notices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import LiveConfig, ModelsSection, SpeechSection
from ..contract import SIMULATED, Head
from ..contract.specs import refuse_duplicates
from ..device import best_device
from ..io.bundle import SLOTS, Bundle, bundled, load_bundle, models_path
from ..signals.eeg.montage_match import LEAST_MATCHED, check_montage, match_montage
from ..streaming.decoder import DecoderFactory, Fusion, StreamingDecoder
from ..streaming.ingest.sources import SourceInfo
from ..streaming.ingest.stream_ingest import StreamIngest
from ..streaming.summary import BundleName
from .domain_gate import has_gate
from .origin_guards import PeopleOnly, SimulatedOnly
from .recogniser import ADAPTED_TENSORS

if TYPE_CHECKING:
    import torch

DEMONSTRATION = "demonstration model, not valid for people"
UNDECLARED_LOUDSPEAKER = (
    "loudspeaker not declared (speech.headphones, speech.reference): what the stimulus says may be taken for the "
    "participant"
)
NO_OTHER_VOICE = (
    "no other voice is enrolled (speech.others): of what strangers of the participant's sex say, 74 % passed for the "
    "participant where it was measured; enrol whoever else may speak"
)


@dataclass(frozen=True)
class Models:
    """The decoders of a session, in the order of their answers, and the fusion of these.

    Attributes
    ----------
    decoders : tuple of StreamingDecoder
    fusion : Fusion or None
    device : str
    bundles : tuple of BundleName
    domain : tuple of str
        Of all bundles together.

    Raises
    ------
    ValueError
        Two heads of the same name.
    """

    decoders: tuple[StreamingDecoder, ...]
    fusion: Fusion | None
    device: str
    bundles: tuple[BundleName, ...]
    domain: tuple[str, ...]

    def __post_init__(self) -> None:
        refuse_duplicates([head.name for head in self.heads], "head of a session")

    @property
    def heads(self) -> tuple[Head, ...]:
        """Every head of the session, those of the fusion last."""
        own = tuple(head for decoder in self.decoders for head in decoder.spec.outputs)
        return own if self.fusion is None else (*own, *self.fusion.heads)

    @property
    def guarded(self) -> tuple[SimulatedOnly, ...]:
        """Decoders that nobody but simulated people reaches."""
        return tuple(decoder for decoder in self.decoders if isinstance(decoder, SimulatedOnly))

    def of_people(self, origins: Mapping[str, str | None]) -> Models:
        """Return the models whose ``bundles`` and ``domain`` are those that decode sources of these origins.

        Parameters
        ----------
        origins : mapping of modality to str or None
        """
        kept_apart = (one for one in self.decoders if isinstance(one, SimulatedOnly | PeopleOnly))
        withheld = {one.bundle.sha256 for one in kept_apart if one.withheld(origins)}
        if not withheld:
            return self
        felt = tuple(one for one in self.bundles if one.sha256 not in withheld)
        domain = dict.fromkeys(name for one in felt for name in one.domain)
        return replace(self, bundles=felt, domain=tuple(domain))

    @property
    def target(self) -> str:
        """The constructs that the decoders answer."""
        return ", ".join(dict.fromkeys(head.construct for decoder in self.decoders for head in decoder.spec.outputs))


def load_models(config: LiveConfig, modalities: Sequence[str], factories: Sequence[DecoderFactory] = ()) -> Models:
    """Load the bundles of a session's modalities and of ``models.more``, enrolments, and the pool if it is enabled.

    Parameters
    ----------
    config : LiveConfig
    modalities : sequence of str
        Those that the session has.
    factories : sequence of DecoderFactory
        For bundles of other kinds than video-EEG and speech.

    Raises
    ------
    MoodringError
        A bundle or an enrolment is missing, damaged, foreign or of a kind without decoder; two factories are of one
        kind; or the pool was fitted with others.
    """
    section = config.models
    device = best_device(section.device)
    known = (*_own_factories(config), *factories)
    _refuse_second_factory(known)
    slots = _slots(section, modalities)
    bundles = [load_bundle(models_path(slot, getattr(section, slot)), SLOTS[slot]) for slot in slots]
    bundles += [load_bundle(models_path("more", str(path))) for path in section.more]
    if not bundles and section.video_eeg == "none":
        raise MoodringError(
            f"models.video_eeg is 'none' and no other bundle reads {', '.join(modalities)}; name one in models.more"
        )
    keys = [*slots, *("more" for _ in section.more)]
    names = [_name_of_bundle(bundle) for bundle in bundles]
    decoders = [_decoder_of(bundle, modalities, known, device) for bundle in bundles]
    if not section.allow_simulated:
        decoders = [
            SimulatedOnly(decoder, name, key) if SIMULATED in name.domain else decoder
            for decoder, name, key in zip(decoders, names, keys, strict=True)
        ]
    decoders = [
        PeopleOnly(decoder, name) if bundle.spec.kind == SLOTS["face"] else decoder
        for decoder, name, bundle in zip(decoders, names, bundles, strict=True)
    ]
    domain = [name for bundle in bundles for name in bundle.spec.domain]
    fusion = None
    if config.pooling.enabled and config.pooling.file is not None:
        from ..fusion.pool_file import POOLED, LevelPooling, PooledBundle, load_pool, pool_path

        fitting = {
            slot: PooledBundle(file=one.name, sha256=one.sha256)
            for slot, one in zip(slots, bundles, strict=False)
            if slot in POOLED
        }
        pool = load_pool(pool_path(config.pooling.file), fitting)
        fusion = LevelPooling(pool)
        heads = tuple(head.name for head in fusion.heads)
        names.append(BundleName(pool.name, pool.sha256, tuple(pool.table.domain), "", heads))
        domain += pool.table.domain
    try:
        return Models(
            tuple(decoders),
            fusion,
            str(device),
            (*names, *_enrolments(config.speech if "speech" in modalities else None)),
            tuple(dict.fromkeys(domain)),
        )
    except ValueError as error:
        raise MoodringError(f"{error}: load one of these bundles only") from None


def _name_of_bundle(bundle: Bundle) -> BundleName:
    spec = bundle.spec
    heads = tuple(head.name for head in spec.outputs)
    adapts = bool(bundle.tensors.keys() & set(ADAPTED_TENSORS))
    return BundleName(bundle.name, bundle.sha256, spec.domain, spec.label_source, heads, has_gate(bundle), adapts)


def _slots(section: ModelsSection, modalities: Sequence[str]) -> tuple[str, ...]:
    """Return the keys of ``[models]`` whose bundles decode EEG and face, the face alone, and speech."""
    reads = {
        "video_eeg": bool({"eeg", "face"} & set(modalities)) and section.video_eeg != "none",
        "face": "face" in modalities and section.face != "none",
        "speech": "speech" in modalities,
    }
    return tuple(slot for slot in SLOTS if reads[slot])


def _own_factories(config: LiveConfig) -> tuple[DecoderFactory, ...]:
    """Return the factories of the shipped decoders, which import torch only when they are called."""
    from ..signals.face.detection import FaceDetector
    from ..signals.face.orientation import OrientationCheck
    from ..streaming.streaming_attention import StreamingAttention
    from ..streaming.streaming_eeg_state import StreamingEegState
    from ..streaming.streaming_face import StreamingFaceExpression
    from ..streaming.streaming_speech import StreamingSpeech
    from .attention import AttentionDecoder
    from .eeg_state import KIND, EegStateDecoder
    from .face_backbone import load_backbone
    from .face_expression import KIND as FACE_EXPRESSION
    from .face_expression import FaceExpressionDecoder
    from .speaker import load_gate
    from .speech import SpeechDecoder

    section, voice, face = config.models, config.speech, config.face

    def attention(bundle: Bundle, device: torch.device) -> StreamingDecoder:
        region = None if face is None else face.region
        backbone = load_backbone(bundle, section.vgg16_weights, device)
        decoder = AttentionDecoder(bundle, device, section.policy, section.seed, region=region, backbone=backbone)
        return StreamingAttention(decoder)

    def speech(bundle: Bundle, device: torch.device) -> StreamingDecoder:
        # Without an enrolment nothing tells whose voice it would adapt to.
        gate, history = None, None
        if voice is not None and voice.enrolment is not None:
            _check_there((voice.enrolment, *voice.others))
            gate = load_gate(voice.enrolment, voice.others)
            history = gate.enrolments[0].voice if voice.adaptation else None
        return StreamingSpeech(SpeechDecoder(bundle, device, gate, history))

    def face_expression(bundle: Bundle, device: torch.device) -> StreamingDecoder:
        model, region = bundled("yunet").read_bytes(), None if face is None else face.region
        decoder = FaceExpressionDecoder(bundle, device)
        return StreamingFaceExpression(decoder, FaceDetector(model), OrientationCheck(model), region)

    def eeg_state(bundle: Bundle, _device: torch.device) -> StreamingDecoder:
        return StreamingEegState(EegStateDecoder(bundle))

    return (
        DecoderFactory("attention", attention),
        DecoderFactory(FACE_EXPRESSION, face_expression),
        DecoderFactory("speech", speech),
        DecoderFactory(KIND, eeg_state),
    )


def _refuse_second_factory(factories: Sequence[DecoderFactory]) -> None:
    """Raise MoodringError where two factories make decoders of one kind."""
    first: dict[str, DecoderFactory] = {}
    for factory in factories:
        other = first.setdefault(factory.kind, factory)
        if other is not factory:
            raise MoodringError(
                f"two decoders are there for bundles of kind '{factory.kind}': {_name_of(other)} and "
                f"{_name_of(factory)}; give yours, and its bundles, a kind of their own"
            )


def _name_of(factory: DecoderFactory) -> str:
    return f"{factory.make.__module__}.{getattr(factory.make, '__qualname__', factory.make)}"


def _decoder_of(
    bundle: Bundle, modalities: Sequence[str], factories: Sequence[DecoderFactory], device: torch.device
) -> StreamingDecoder:
    kind, reads = bundle.spec.kind, bundle.spec.modalities
    factory = next((one for one in factories if one.kind == kind), None)
    if factory is None:
        known = ", ".join(one.kind for one in factories)
        raise MoodringError(
            f"bundle '{bundle.name}' is of kind '{kind}', decoders are there for {known}; add one for it"
        )
    if not set(reads) & set(modalities):
        raise MoodringError(
            f"bundle '{bundle.name}' reads {', '.join(reads)}; the session has {', '.join(modalities) or 'no source'}: "
            "name a source for it, or leave the bundle out"
        )
    return factory.make(bundle, device)


def _enrolments(voice: SpeechSection | None) -> list[BundleName]:
    """Name the enrolments that the speech decoder verifies against."""
    if voice is None or voice.enrolment is None:
        return []
    from .speaker import load_gate

    return [BundleName(one.name, one.sha256) for one in load_gate(voice.enrolment, voice.others).enrolments]


def _check_there(enrolments: Iterable[Path]) -> None:
    for path in enrolments:
        if not path.is_file():
            raise MoodringError(
                f"enrolment '{path}' does not exist (looked for '{path.absolute()}'); correct speech.enrolment or "
                "speech.others: 'moodring enrol' writes one"
            )


def check_fit(models: Models, info: SourceInfo, config: LiveConfig) -> None:
    """Raise MoodringError, with the value that came and the value needed, where a stream does not fit a decoder."""
    if info.modality == "eeg" and any("eeg" in decoder.spec.modalities for decoder in models.decoders):
        least = LEAST_MATCHED if config.eeg is None else config.eeg.least_matched
        check_montage(info.name, info.channel_names, least)
    for decoder in models.decoders:
        decoder.check(info, config)


def montage_notices(ingests: Iterable[StreamIngest]) -> tuple[str, ...]:
    """Return a notice for each EEG source of whose possible electrodes some are left out: which, and why."""
    matches = [match_montage(one.info.channel_names) for one in ingests if one.info.modality == "eeg"]
    return tuple(f"EEG: {match}" for match in matches if match.doubtful)


def line_noise_notices(ingests: Iterable[StreamIngest]) -> tuple[str, ...]:
    """Return a notice for each EEG source whose line noise has another frequency than the notch."""
    return tuple(
        f"line noise of {other_hz:g} Hz is in the EEG, but {ingest.eeg.line_noise.line_hz:g} Hz are filtered out: "
        f"set eeg.line_hz = {other_hz:g}"
        for ingest in ingests
        if ingest.eeg is not None and (other_hz := ingest.eeg.line_noise.other_hz) is not None
    )


def loudspeaker_notices(section: SpeechSection | None, ingests: Iterable[StreamIngest]) -> tuple[str, ...]:
    """Return a notice where a person's microphone may hear a loudspeaker that nobody has declared."""
    if section is None or section.headphones or section.reference is not None:
        return ()
    people = any(ingest.info.modality == "speech" and ingest.info.origin != SIMULATED for ingest in ingests)
    return (UNDECLARED_LOUDSPEAKER,) if people else ()


def enrolment_notices(section: SpeechSection | None) -> tuple[str, ...]:
    """Return a notice where strangers are told from the participant without a voice of their own to compare."""
    alone = section is not None and section.enrolment is not None and not section.others
    return (NO_OTHER_VOICE,) if alone else ()


def domain_notices(models: Models, origins: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return what stands on every screen where a model that knows only simulated people meets anybody else.

    Parameters
    ----------
    models : Models
    origins : mapping of modality to str or None
        Of the session's sources.
    """
    if models.guarded:
        return tuple(one.why for one in models.guarded if one.withheld(origins))
    people = any(origin != SIMULATED for origin in origins.values())
    return (DEMONSTRATION,) if people and SIMULATED in models.domain else ()


def needed_rest_notices(decoders: Iterable[StreamingDecoder], rest_s: float) -> tuple[str, ...]:
    """Return a notice for each model that answers relative to the person's rest only, where none is declared."""
    if rest_s > 0:
        return ()
    return tuple(
        f"{', '.join(head.name for head in decoder.spec.outputs)}: answers only relative to the person's rest, and no "
        "rest is declared: set decisions.rest_s, 30 at best, and let the person rest from the start"
        for decoder in decoders
        if decoder.spec.network.get("reference") == "rest"
    )


def origins_of(ingests: Iterable[StreamIngest]) -> dict[str, str | None]:
    """Return the origin of each source by its modality."""
    return {ingest.info.modality: ingest.info.origin for ingest in ingests}
