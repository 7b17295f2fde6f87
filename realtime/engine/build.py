"""Build the source channels of a session from its config."""

from collections.abc import Sequence

from ...configs.schema.errors import ConfigError
from ...configs.schema.live import LiveConfig
from ...models.contract import STANDARD_MODALITIES
from ...models.contract.specs import refuse_duplicates
from ...models.streaming.clock import Clock
from ...models.streaming.decoder import SourceFactory
from ...models.streaming.ingest.source_channel import SourceChannel

_TITLES = {"eeg": "EEG", "face": "camera", "speech": "microphone"}


def build_source_channels(
    config: LiveConfig, clock: Clock, factories: Sequence[SourceFactory] = ()
) -> tuple[SourceChannel, ...]:
    """Return the channels of eeg, face and speech, in this order, of the config's further signals, and of factories.

    Of the first three an absent modality has a channel without source.

    Raises
    ------
    ConfigError
        Two sources of the same modality.
    """
    # Each source imports its device's library, so only those that are asked for are imported.
    channels = {key: SourceChannel(key, _TITLES[key], None) for key in STANDARD_MODALITIES}
    if config.eeg is not None:
        from ..sources.lsl_eeg import LslEeg

        channels["eeg"] = SourceChannel("eeg", f"stream {config.eeg.stream}", LslEeg(config.eeg), config.eeg.delay_s)
    face = config.face
    if face is not None and face.stream is not None:
        from ..sources.lsl_video import LslVideo

        channels["face"] = SourceChannel(
            "face", f"stream {face.stream}", LslVideo(face.stream, face.delay_s), face.delay_s
        )
    elif face is not None and face.camera is not None:
        from ..sources.camera import Camera

        channels["face"] = SourceChannel(
            "face", f"camera {face.camera}", Camera(face.camera, face.delay_s, clock), face.delay_s
        )
    speech = config.speech
    if speech is not None and speech.stream is not None:
        from ..sources.lsl_audio import LslAudio

        channels["speech"] = SourceChannel(
            "speech", f"stream {speech.stream}", LslAudio(speech.stream, speech.delay_s), speech.delay_s
        )
    elif speech is not None and speech.microphone is not None:
        from ..sources.microphone import Microphone

        alone = speech.reference is None or speech.reference.device is None
        microphone = Microphone(speech.microphone, speech.delay_s, clock, alone=alone)
        channels["speech"] = SourceChannel("speech", f"microphone {speech.microphone}", microphone, speech.delay_s)
    source_channels = list(channels.values())
    for signal in config.signals:
        from ..sources.lsl_signal import LslSignal

        source = LslSignal(signal.name, signal.stream, signal.delay_s)
        source_channels.append(SourceChannel(signal.name, f"stream {signal.stream}", source, signal.delay_s))
    source_channels += [factory.make(config, clock) for factory in factories]
    try:
        refuse_duplicates([channel.modality for channel in source_channels], "source of modality")
    except ValueError as error:
        raise ConfigError(str(error)) from None
    return tuple(source_channels)


def build_reference(config: LiveConfig, clock: Clock) -> SourceChannel | None:
    """Return the channel of the loudspeaker's signal; None where the config has no reference."""
    section = config.speech.reference if config.speech is not None else None
    if section is None:
        return None
    if section.stream is not None:
        from ..sources.lsl_audio import LslAudio

        title = f"loudspeaker reference {section.stream}"
        return SourceChannel("speech", title, LslAudio(section.stream, section.delay_s), section.delay_s)
    from ..sources.microphone import Microphone

    device = section.device if section.device is not None else "default"
    alone = config.speech is None or config.speech.microphone is None
    source = Microphone(device, section.delay_s, clock, "speech.reference.device", alone)
    return SourceChannel("speech", f"loudspeaker reference {device}", source, section.delay_s)
