"""Check before a session that every source of the config is there, delivers, and fits the models."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import LiveConfig, StreamQuery
from ...models.contract import EegInput
from ...models.decoders.calibrated import calibration_notice, calibrations_of
from ...models.decoders.session_models import (
    Models,
    check_fit,
    domain_notices,
    enrolment_notices,
    load_models,
    needed_rest_notices,
)
from ...models.signals.eeg.amplitude import check_amplitudes
from ...models.signals.eeg.chain import delay_s
from ...models.signals.eeg.montage import scalp_channels
from ...models.signals.eeg.montage_match import match_montage
from ...models.signals.speech.microphone_level import check_microphone, fault_text
from ...models.streaming.clock import Clock
from ...models.streaming.decoder import Extensions
from ...models.streaming.ingest.source_channel import SourceChannel
from ...models.streaming.ingest.sources import Source, SourceInfo
from ...models.streaming.ingest.stream_ingest import chain_spec, ring_layout, too_large
from ..engine.build import build_reference, build_source_channels
from ..engine.lsl_clock import LslClock
from ..sources.lsl import listed, matching, on_the_network
from .doctor import Finding

_LISTEN_S = 3.0
_LISTEN_LONGER_S = 6.0
_LISTEN_PERIODS = 4.0  # of a slow source
_RATE_OFF = 0.05


def check_config(config: LiveConfig, extensions: Extensions | None = None) -> Iterator[Finding]:
    """Check all that a live session of this config needs, and yield the findings one by one.

    Parameters
    ----------
    config : LiveConfig
    extensions : Extensions or None
        Further decoders and sources of the session.

    Raises
    ------
    MoodringError
        A bundle cannot be loaded.
    """
    clock = LslClock()
    extensions = extensions or Extensions()
    modalities = (*config.modalities, *(source.modality for source in extensions.sources))
    models = load_models(config, modalities, extensions.decoders)
    named = () if config.speech is None else (config.speech.enrolment, *config.speech.others)
    for path in named:
        if path is not None:
            yield Finding("voice", True, f"enrolment {path.name}")
    for notice in enrolment_notices(config.speech):
        yield Finding("voice", True, notice, note=True)
    found: dict[str, SourceInfo] = {}
    for source_channel in build_source_channels(config, clock, extensions.sources):
        yield _checked(source_channel, source_channel.modality, models, config, clock, found)
    # Which models answer depends on who the sources say they are.
    yield from check_models(models, config, found)
    reference = build_reference(config, clock)
    if reference is not None:
        yield _checked(reference, "loudspeaker", models, config, clock, {})
    for query in config.session.markers:
        yield check_markers(query, config.lsl.resolve_timeout_s)


def check_models(models: Models, config: LiveConfig, found: Mapping[str, SourceInfo]) -> Iterator[Finding]:
    """Yield what each bundle will do with the sources that were found, and fail where none will answer.

    Parameters
    ----------
    models : Models
    config : LiveConfig
    found : mapping of modality to SourceInfo
        Sources that were opened.
    """
    origins = {modality: info.origin for modality, info in found.items()}
    withheld = {one.bundle.sha256: one.why for one in models.guarded if one.withheld(origins)}
    rest_s = max((info.rest_s or 0.0 for info in found.values()), default=0.0) or config.decisions.rest_s
    needs_rest = needed_rest_notices(models.decoders, rest_s)
    for bundle in models.bundles:
        if not bundle.domain:
            continue  # an enrolment
        gate = "abstains on EEG unlike its domain's" if bundle.domain_gate else "no out-of-domain gate"
        text = f"{bundle.file}, domain {', '.join(bundle.domain)}, runs on {models.device}; {gate}"
        voice = config.speech
        if "speech" in bundle.heads and voice is not None and voice.adaptation and voice.enrolment is not None:
            text += "; adapts to the participant" if bundle.adapts else "; cannot adapt to the participant"
        if bundle.sha256 in withheld:
            yield Finding("model", True, f"{bundle.file} will not answer: {withheld[bundle.sha256]}", note=True)
        else:
            yield Finding("model", True, text)
    for notice in (*needs_rest, *(() if models.guarded else domain_notices(models, origins))):
        yield Finding("model", True, notice, note=True)
    participant = config.session.participant
    for mark in calibrations_of(models.decoders):
        yield Finding("model", True, calibration_notice(mark, participant), note=mark.participant != participant)
    silent = {decoder.spec.outputs for decoder in models.guarded if decoder.bundle.sha256 in withheld}
    silent |= {decoder.spec.outputs for decoder in models.decoders if needed_rest_notices((decoder,), rest_s)}
    if found and len(silent) == len(models.decoders):
        text = "no model of the config answers with these sources and settings; the notes say what each needs"
        yield Finding("model", False, text)


def check_markers(query: StreamQuery, wait_s: float) -> Finding:
    """Check that a stream which is to be recorded beside the sources is there; it is not read."""
    found = matching(query, wait_s)
    if not found:
        return Finding(
            "markers",
            False,
            f"stream {query} of session.markers was not found within {wait_s:g} s and would not be recorded; on the "
            f"network: {on_the_network()}. Start its sender, or correct the config",
        )
    empty = next((info for info in found if info.channel_count() == 0), None)
    if empty is not None:
        return Finding("markers", False, f"'{empty.name()}' has no channels (0) and cannot be read; check its sender")
    return Finding("markers", True, f"{listed(found)}: there, and recorded with --record; not listened to")


def _checked(
    source_channel: SourceChannel,
    what: str,
    models: Models,
    config: LiveConfig,
    clock: Clock,
    found: dict[str, SourceInfo],
) -> Finding:
    """Check a source, and add what it says of itself to ``found``."""
    if source_channel.source is None:
        return Finding(what, True, "not in the config; decoding goes on without")
    try:
        return check_source(source_channel, what, models, config, clock, found)
    except MoodringError as error:
        return Finding(what, False, str(error))
    finally:
        source_channel.source.close()


def check_source(
    source_channel: SourceChannel,
    what: str,
    models: Models,
    config: LiveConfig,
    clock: Clock,
    opened: dict[str, SourceInfo] | None = None,
) -> Finding:
    """Open a source as a session would, and check its rate and amplitudes for a few seconds.

    Parameters
    ----------
    source_channel : SourceChannel
    what : str
        Its name in the finding.
    models : Models
    config : LiveConfig
    clock : Clock
    opened : dict of modality to SourceInfo, optional
        What the source says of itself is added to it.

    Raises
    ------
    MoodringError
        The source cannot be used, or does not fit the models.
    """
    source = source_channel.source
    if source is None:
        raise ValueError("a source channel without a source cannot be checked")
    deadline_s = clock.now() + config.lsl.resolve_timeout_s
    while (info := source.open()) is None:
        if clock.now() > deadline_s:
            return Finding(
                what,
                False,
                f"{source_channel.title} was not found within {config.lsl.resolve_timeout_s:g} s; on the network: "
                f"{on_the_network()}. Start it, or correct the config",
            )
    if opened is not None:
        opened[info.modality] = info
    check_fit(models, info, config)
    if ring_layout(info).nbytes > config.memory.rings_gb * 1e9:
        return Finding(what, False, too_large(info, 0, config.memory.rings_gb))
    if info.first_sample_after_t0_s is not None:
        return Finding(what, True, f"'{info.name}': a replay, which begins when it is read; not listened to")
    newest = _RecentSamples(info)
    listened_s = max(_LISTEN_S, _LISTEN_PERIODS / info.rate_hz) if info.rate_hz else _LISTEN_S
    rate_hz = _listen(source, newest, clock, listened_s)
    if rate_hz is None:
        return Finding(
            what,
            False,
            f"'{info.name}' is there but sent {newest.count or 'nothing'} in {listened_s:g} s; is it running?",
        )
    channels = f"{len(info.channel_names)} channels, " if info.channel_names else ""
    text = f"'{info.name}': {channels}{rate_hz:.1f} Hz"
    if _is_off(info, rate_hz):
        return Finding(what, False, f"{text} came, {info.rate_hz:g} Hz were announced; set the sender's rate right")
    delay = (
        "undeclared ('moodring calibrate-sync' measures it)" if info.delay_s is None else f"{info.delay_s * 1e3:.0f} ms"
    )
    text = f"{text}, device delay {delay}{_filters(info, config)}"
    # A loudspeaker plays nothing before the session.
    trouble, fatal = ("", False) if what == "loudspeaker" else _amplitudes(newest, models, config)
    if not trouble:
        return Finding(what, True, text)
    return Finding(what, not fatal, f"{text}; {'' if fatal else 'note: '}{trouble}")


def _listen(source: Source, newest: "_RecentSamples", clock: Clock, listened_s: float) -> float | None:
    """Listen for a few seconds and return the rate of the samples; None where none came.

    A source whose single stamps may be far off, as a sound server's are while it settles on a latency, is listened to
    for longer where its rate seems wrong, and judged by what comes once it has settled.
    """
    info = newest.info
    chunks: list[tuple[float, int]] = []
    began_s = clock.now()
    _take(source, newest, clock, began_s + listened_s, chunks)
    rate_hz = _rate_hz(chunks)
    if info.jitter_s and rate_hz is not None and _is_off(info, rate_hz):
        chunks.clear()
        _take(source, newest, clock, began_s + listened_s + _LISTEN_LONGER_S, chunks)
        rate_hz = _rate_hz(chunks)
    return rate_hz


def _take(
    source: Source, newest: "_RecentSamples", clock: Clock, until_s: float, chunks: list[tuple[float, int]]
) -> None:
    """Poll until a time; append the last stamp and the number of samples of each chunk."""
    while clock.now() < until_s:
        chunk = source.poll()
        if chunk is not None and len(chunk.stamps_s):
            if not chunks and len(chunk.stamps_s) > 1:
                chunks.append((float(chunk.stamps_s[0]), 1))
                chunks.append((float(chunk.stamps_s[-1]), len(chunk.stamps_s) - 1))
            else:
                chunks.append((float(chunk.stamps_s[-1]), len(chunk.stamps_s)))
            newest.add(chunk.samples)


def _rate_hz(chunks: Sequence[tuple[float, int]]) -> float | None:
    """Return the rate from the samples after the first, by the time from the first to the last."""
    if len(chunks) < 2 or chunks[-1][0] <= chunks[0][0]:
        return None
    return sum(n for _, n in chunks[1:]) / (chunks[-1][0] - chunks[0][0])


def _is_off(info: SourceInfo, rate_hz: float) -> bool:
    return bool(info.rate_hz) and abs(rate_hz / (info.rate_hz or 1.0) - 1) > _RATE_OFF


class _RecentSamples:
    """The newest seconds of a signal; frames are not kept."""

    def __init__(self, info: SourceInfo) -> None:
        self.info = info
        self.count = 0
        self._pieces: list[NDArray[Any]] = []

    def add(self, samples: NDArray[Any]) -> None:
        """Append a copy of samples, because the source reuses their memory."""
        self.count += len(samples)
        if self.info.modality != "face":
            self._pieces.append(samples.copy())

    def seconds(self, n: float) -> NDArray[Any]:
        """Return the newest ``n`` seconds, ``(n_times, n_channels)``."""
        return np.concatenate(self._pieces)[-round(n * (self.info.rate_hz or 1.0)) :]


def _amplitudes(newest: _RecentSamples, models: Models, config: LiveConfig) -> tuple[str, bool]:
    """Return the fault of the amplitudes with its cure, and whether it makes a session useless."""
    info = newest.info
    if info.modality == "speech":
        trouble = fault_text(check_microphone(newest.seconds(_LISTEN_S)[:, 0]))
        return trouble, bool(trouble)
    if info.modality != "eeg" or info.rate_hz is None:
        return "", False
    scalp = scalp_channels(info.channel_names)
    line_hz = config.eeg.line_hz if config.eeg is not None else None
    second = newest.seconds(1.0).astype(np.float64)
    found = check_amplitudes(second, info.channel_names, scalp, info.rate_hz, line_hz)
    if found.unit:
        return f"the median channel has {found.typical_uv:.2g} µV: {found.unit}", True
    inputs = [needs for decoder in models.decoders if (needs := decoder.spec.input(EegInput)) is not None]
    least = max((needs.min_scalp_channels for needs in inputs), default=2)
    few = f"only {found.good} of at least {least} channels are usable; " if found.good < least else ""
    return few + found.channels, bool(few)


def _filters(info: SourceInfo, config: LiveConfig) -> str:
    """Return a text on the EEG chain: channels on the scalp, pass band and delay."""
    if info.modality != "eeg":
        return ""
    spec = chain_spec(info.rate_hz or 0.0, info.channel_names, config.eeg)
    scalp = int(scalp_channels(info.channel_names).sum())
    match = match_montage(info.channel_names)
    dropped = f" ({match})" if match.dropped else ""
    passed = f"filters {spec.low_hz:g}-{spec.high_hz:g} Hz delay it by {delay_s(spec) * 1e3:.0f} ms"
    return f", {scalp} on the scalp{dropped}; {passed}"
