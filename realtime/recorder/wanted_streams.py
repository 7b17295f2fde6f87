"""LSL streams to record besides the sources that the engine decodes."""

from ...configs.schema.live import LiveConfig, StreamQuery
from ...configs.schema.session_folder import HEALTH_SUFFIX, MARKS_SUFFIX
from ...models.io.stream_descriptions import TRUTH_TYPE
from ..engine.lsl_outlet import source_id
from .part_job import WantedStream


def decoded_streams(config: LiveConfig) -> tuple[StreamQuery, ...]:
    """Return the LSL streams that the engine decodes."""
    sections = (
        config.eeg,
        config.face,
        config.speech,
        config.speech.reference if config.speech is not None else None,
        *config.signals,
    )
    streams = (section.stream for section in sections if section is not None)
    return tuple(stream for stream in streams if stream is not None)


def wanted_streams(config: LiveConfig) -> tuple[WantedStream, ...]:
    """Return the streams to record: of the config, the amplifier's triggers, a simulation's truth, the engine's own."""
    wanted = [WantedStream(query, named=True) for query in config.session.markers]
    if config.eeg is not None:
        wanted.append(WantedStream(config.eeg.stream, auxiliary=True))
    wanted.append(WantedStream(StreamQuery(type=TRUTH_TYPE)))
    if config.outlet.enabled:
        for suffix in ("", HEALTH_SUFFIX, MARKS_SUFFIX):
            name = f"{config.outlet.name}{suffix}"
            query = StreamQuery(name=name, source_id=source_id(name, config.name))
            wanted.append(WantedStream(query, own=True))
    return tuple(wanted)
