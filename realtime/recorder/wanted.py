"""LSL streams to record besides the sources that the engine decodes."""

from ...configs.schema.live import LiveConfig, StreamQuery
from ...configs.schema.session_folder import HEALTH_SUFFIX
from ...models.io.stream_descriptions import TRUTH_TYPE
from ..engine.outlet import source_id


def decoded_streams(config: LiveConfig) -> tuple[StreamQuery, ...]:
    """Return the LSL streams that the engine decodes."""
    sections = (
        config.eeg,
        config.face,
        config.speech,
        config.speech.reference if config.speech is not None else None,
    )
    streams = (section.stream for section in sections if section is not None)
    return tuple(stream for stream in streams if stream is not None)


def wanted_streams(config: LiveConfig) -> tuple[tuple[StreamQuery, bool, bool], ...]:
    """Return the streams to record: of the config, the amplifier's triggers, a simulation's truth, the engine's own.

    Returns
    -------
    tuple of (StreamQuery, bool, bool)
        With each, whether it must be of this machine, and whether only its channels that are not EEG are wanted.
    """
    wanted = [(query, False, False) for query in config.session.markers]
    if config.eeg is not None:
        wanted.append((config.eeg.stream, False, True))
    wanted.append((StreamQuery(type=TRUTH_TYPE), False, False))
    if config.outlet.enabled:
        for name in (config.outlet.name, f"{config.outlet.name}{HEALTH_SUFFIX}"):
            wanted.append((StreamQuery(name=name, source_id=source_id(name, config.name)), True, False))
    return tuple(wanted)
