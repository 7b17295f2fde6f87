"""The lines about a session that stay on the screens and go with every estimate."""

from collections.abc import Mapping

from ...configs.schema.live import LiveConfig
from ...models.contract import Estimate, RecordingStatus
from ...models.decoders.calibrated import calibration_notices
from ...models.decoders.session_models import (
    Models,
    domain_notices,
    enrolment_notices,
    line_noise_notices,
    loudspeaker_notices,
    montage_notices,
    needed_rest_notices,
    origins_of,
)
from ...models.streaming.decider import LOUDSPEAKER
from ...models.streaming.decision_schedule import Plan
from ...models.streaming.ingest.source_channel import SourceChannel


def session_notices(
    config: LiveConfig, models: Models, channels: Mapping[str, SourceChannel], rest: tuple[str, ...], connected: bool
) -> tuple[str, ...]:
    """Return what deserves a permanent line: the models' domain, line noise, rest, loudspeaker, missing sources.

    Parameters
    ----------
    config : LiveConfig
    models : Models
    channels : mapping of str to SourceChannel
        Those with a source, by modality, and ``"loudspeaker"`` for the reference.
    rest : tuple of str
        From :func:`rest_notices`.
    connected : bool
        Whether the session has stopped waiting for its sources.
    """
    ingests = [one.ingest for key, one in channels.items() if key != LOUDSPEAKER and one.ingest is not None]
    return (
        domain_notices(models, origins_of(ingests))
        + calibration_notices(models.decoders, config.session.participant)
        + montage_notices(ingests)
        + line_noise_notices(ingests)
        + rest
        + loudspeaker_notices(config.speech, ingests)
        + (enrolment_notices(config.speech) if any(ingest.info.modality == "speech" for ingest in ingests) else ())
        + (_missing(channels) if connected else ())
        + _unread(models, channels)
    )


def rest_notices(models: Models, plan: Plan | None, estimate: Estimate | None) -> tuple[str, ...]:
    """Return the notice that a rest is needed and none declared, or that it held too little EEG.

    ``estimate`` is the newest after the rest, None before its end.
    """
    if plan is None:
        return ()
    if plan.rest_s <= 0:
        return needed_rest_notices(models.decoders, plan.rest_s)
    if estimate is None or estimate.calibrated:
        return ()
    return ("the rest held too little clean EEG to normalise to: uncalibrated; for a calibrated session start again",)


def recording_notices(status: RecordingStatus | None) -> tuple[str, ...]:
    """Return what went wrong with the recording; for screens only."""
    if status is None:
        return ()
    stopped = () if status.error is None else (f"NOT RECORDING: {status.error}",)
    missing = tuple(
        f"NOT RECORDED: {stream}, which the config names and is not there; start its sender"
        for stream in status.missing
    )
    if status.news is None:
        return (*stopped, *missing)
    return (*stopped, *missing, f"recording: {status.news}")


def _unread(models: Models, channels: Mapping[str, SourceChannel]) -> tuple[str, ...]:
    """Return which sources no bundle takes as an input."""
    read = {one.modality for decoder in models.decoders for one in decoder.spec.inputs}
    return tuple(
        f"no bundle reads '{key}': it is shown and recorded, and changes no estimate; name one that does in models.more"
        for key in channels
        if key != LOUDSPEAKER and key not in read
    )


def _missing(channels: Mapping[str, SourceChannel]) -> tuple[str, ...]:
    return tuple(
        f"no {key}: {channel.error or f'{channel.title} was not found yet'}"
        for key, channel in channels.items()
        if channel.ingest is None
    )
