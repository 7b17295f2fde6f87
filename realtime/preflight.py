"""Before the participant comes: is every source that the config names there, does it deliver, does it fit the model."""

import time
from collections.abc import Iterator

from ..configs.errors import MoodringError
from ..configs.live import LiveConfig
from ..models.signals.eeg_chain import delay_s
from ..models.signals.montage import scalp_channels
from .build import build_posts, chain_spec
from .clock import LslClock
from .doctor import Finding
from .loaded import Models, check_fit, domain_notices, load_models
from .post import Post
from .session import configured
from .sources.base import SourceInfo
from .sources.lsl import on_the_network

_LISTEN_S = 3.0
_RATE_OFF = 0.05


def inspect(config: LiveConfig) -> Iterator[Finding]:
    """Try everything that a live session of this config will need, one finding at a time.

    Raises
    ------
    MoodringError
        A bundle cannot be loaded: then there is nothing to try the sources against.
    """
    clock = LslClock()
    models = load_models(config.models, configured(config), clock, config.pooling, config.speech)
    named = () if config.speech is None else (config.speech.enrolment, *config.speech.others)
    for bundle in models.bundles:
        if bundle.file in {path.name for path in named if path is not None}:
            yield Finding("voice", True, f"enrolment {bundle.file}")
            continue
        yield Finding("model", True, f"{bundle.file}, domain {', '.join(models.domain)}, runs on {models.device}")
    for notice in domain_notices(models.domain, (None,)):
        yield Finding("model", True, f"note: {notice}, unless the participant is simulated")
    for post in build_posts(config, clock):
        if post.source is None:
            yield Finding(post.modality, True, "not in the config; decoding goes on without")
            continue
        try:
            yield _listen(post, models, config)
        except MoodringError as error:
            yield Finding(post.modality, False, str(error))
        finally:
            post.source.close()


def _listen(post: Post, models: Models, config: LiveConfig) -> Finding:
    """Open a source as a session would, and count for a while what it sends."""
    source = post.source
    if source is None:
        raise ValueError("a post without a source has nothing to listen to")
    deadline_s = time.monotonic() + config.lsl.resolve_timeout_s
    while (info := source.open()) is None:
        if time.monotonic() > deadline_s:
            return Finding(
                post.modality,
                False,
                f"{post.title} was not found within {config.lsl.resolve_timeout_s:g} s; on the network: "
                f"{on_the_network()}. Start it, or correct the config",
            )
    check_fit(models, info, config.eeg)
    if info.first_sample_after_t0_s is not None:
        return Finding(post.modality, True, f"'{info.name}': a replay, which begins when it is read; not listened to")
    count, stamps = 0, []
    until_s = time.monotonic() + _LISTEN_S
    while time.monotonic() < until_s:
        chunk = source.poll()
        if chunk is not None and len(chunk.stamps_s):
            count += len(chunk.stamps_s)
            stamps += [float(chunk.stamps_s[0]), float(chunk.stamps_s[-1])]
    if count < 2 or stamps[-1] <= stamps[0]:
        return Finding(
            post.modality, False, f"'{info.name}' is there but sent nothing in {_LISTEN_S:g} s; is it running?"
        )
    rate_hz = (count - 1) / (stamps[-1] - stamps[0])
    channels = f"{len(info.channel_names)} channels, " if info.channel_names else ""
    text = f"'{info.name}': {channels}{rate_hz:.1f} Hz"
    if info.rate_hz and abs(rate_hz / info.rate_hz - 1) > _RATE_OFF:
        return Finding(
            post.modality, False, f"{text} came, {info.rate_hz:g} Hz were announced; set the sender's rate right"
        )
    delay = (
        "undeclared ('moodring calibrate-sync' measures it)" if info.delay_s is None else f"{info.delay_s * 1e3:.0f} ms"
    )
    return Finding(post.modality, True, f"{text}, device delay {delay}{_filters(info, config)}")


def _filters(info: SourceInfo, config: LiveConfig) -> str:
    """Say what the chain makes of an EEG stream, and how much it delays it."""
    if info.modality != "eeg":
        return ""
    spec = chain_spec(info.rate_hz or 0.0, info.channel_names, config.eeg)
    scalp = int(scalp_channels(info.channel_names).sum())
    return (
        f", {scalp} on the scalp; filters {spec.low_hz:g}-{spec.high_hz:g} Hz delay it by {delay_s(spec) * 1e3:.0f} ms"
    )
