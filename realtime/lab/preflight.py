"""Check before a session that every source of the config is there, delivers, and fits the models."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import LiveConfig
from ...models.contract import EegInput
from ...models.decoders.session_models import Models, check_fit, domain_notices, load_models
from ...models.signals.eeg.amplitude import check_amplitudes
from ...models.signals.eeg.chain import delay_s
from ...models.signals.eeg.montage import scalp_channels
from ...models.signals.eeg.montage_match import match_montage
from ...models.signals.speech.microphone_level import check_microphone, fault_text
from ...models.streaming.clock import Clock
from ...models.streaming.decoder import Extensions
from ...models.streaming.ingest.source_channel import SourceChannel
from ...models.streaming.ingest.sources import SourceInfo
from ...models.streaming.ingest.stream_ingest import chain_spec
from ..engine.build import build_reference, build_source_channels
from ..engine.lsl_clock import LslClock
from ..sources.lsl import on_the_network
from .doctor import Finding

_LISTEN_S = 3.0
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
    models = load_models(config, modalities, clock, extensions.decoders)
    named = () if config.speech is None else (config.speech.enrolment, *config.speech.others)
    for bundle in models.bundles:
        if bundle.file in {path.name for path in named if path is not None}:
            yield Finding("voice", True, f"enrolment {bundle.file}")
            continue
        domain = ", ".join(bundle.domain)
        text = f"{bundle.file}, domain {domain}, runs on {models.device}; no out-of-domain gate"
        yield Finding("model", True, text)
    for notice in domain_notices(models, dict.fromkeys(config.modalities)):
        yield Finding("model", True, f"note: {notice}, unless the participant is simulated")
    for source_channel in build_source_channels(config, clock, extensions.sources):
        yield _checked(source_channel, source_channel.modality, models, config, clock)
    reference = build_reference(config, clock)
    if reference is not None:
        yield _checked(reference, "loudspeaker", models, config, clock)


def _checked(source_channel: SourceChannel, what: str, models: Models, config: LiveConfig, clock: Clock) -> Finding:
    if source_channel.source is None:
        return Finding(what, True, "not in the config; decoding goes on without")
    try:
        return check_source(source_channel, what, models, config, clock)
    except MoodringError as error:
        return Finding(what, False, str(error))
    finally:
        source_channel.source.close()


def check_source(source_channel: SourceChannel, what: str, models: Models, config: LiveConfig, clock: Clock) -> Finding:
    """Open a source as a session would, and check its rate and amplitudes for a few seconds.

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
    check_fit(models, info, config)
    if info.first_sample_after_t0_s is not None:
        return Finding(what, True, f"'{info.name}': a replay, which begins when it is read; not listened to")
    count, stamps = 0, []
    newest = _RecentSamples(info)
    listened_s = max(_LISTEN_S, _LISTEN_PERIODS / info.rate_hz) if info.rate_hz else _LISTEN_S
    until_s = clock.now() + listened_s
    while clock.now() < until_s:
        chunk = source.poll()
        if chunk is not None and len(chunk.stamps_s):
            count += len(chunk.stamps_s)
            stamps += [float(chunk.stamps_s[0]), float(chunk.stamps_s[-1])]
            newest.add(chunk.samples)
    if count < 2 or stamps[-1] <= stamps[0]:
        return Finding(
            what, False, f"'{info.name}' is there but sent {count or 'nothing'} in {listened_s:g} s; is it running?"
        )
    rate_hz = (count - 1) / (stamps[-1] - stamps[0])
    channels = f"{len(info.channel_names)} channels, " if info.channel_names else ""
    text = f"'{info.name}': {channels}{rate_hz:.1f} Hz"
    if info.rate_hz and abs(rate_hz / info.rate_hz - 1) > _RATE_OFF:
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


class _RecentSamples:
    """The newest seconds of a signal; frames are not kept."""

    def __init__(self, info: SourceInfo) -> None:
        self.info = info
        self._pieces: list[NDArray[Any]] = []

    def add(self, samples: NDArray[Any]) -> None:
        """Append a copy of samples, because the source reuses their memory."""
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
