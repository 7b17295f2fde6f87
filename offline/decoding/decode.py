"""Decode a recording as fast as possible: the engine's own intakes and decider on a virtual clock, in one thread."""

from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from ..configs.errors import MoodringError
from ..configs.live import LiveConfig
from ..models.contract import MODALITIES, Estimate, Modality, Recording
from .build import intake_maker, make_plan, plan_facts
from .clock import VirtualClock
from .decoder import Decider
from .journal import Journal
from .loaded import Models, check_fit, domain_notices, load_models, loudspeaker_notices, mains_notices
from .plan import Plan
from .post import Post
from .sources.recorded import RecordedSignal, RecordedVideo
from .summary import STAGES, Costs, Tally, summarise

_STEP_S = 0.5


@dataclass(frozen=True)
class Decoded:
    """The result of :func:`decode`.

    Attributes
    ----------
    estimates : tuple of Estimate
        On the recording's own clock.
    glimpsed_fraction : float or None
    summary : dict
        As ``--json`` of a live session; times count from the recording's t0, and costs are not measured.
    plan : Plan
    """

    estimates: tuple[Estimate, ...]
    glimpsed_fraction: float | None
    summary: dict[str, Any]
    plan: Plan


def decode(
    recording: Recording,
    config: LiveConfig,
    *,
    models: Models | None = None,
    only: tuple[Modality, ...] = MODALITIES,
) -> Decoded:
    """Decode a recording with the code, the decision times and the rules of a live session.

    Parameters
    ----------
    recording : Recording
    config : LiveConfig
        Its models, decisions, journal, and how the EEG is treated; where its sources are does not matter.
    models : Models or None
        Loaded before, to decode many recordings with; they are reset. None loads those of the config.
    only : tuple of modalities
        What to use of what the recording holds.

    Raises
    ------
    MoodringError
        The recording holds none of them, or the bundle does not fit it.
    """
    clock = VirtualClock(recording.t0_s)
    posts = _posts(recording, only, clock)
    reference = _reference(recording, posts, clock)
    models = models or load_models(
        config.models, tuple(post.modality for post in posts), clock, config.pooling, config.speech
    )
    models.reset()
    make = intake_maker(config.eeg, None)
    for post in posts:
        info = post.source.open() if post.source is not None else None
        if info is not None:
            check_fit(models, info, config.eeg)
            post.intake = make(info)
    if reference is not None and reference.source is not None and (info := reference.source.open()) is not None:
        reference.intake = make(info)
    try:
        return _decode(recording, config, models, posts, reference, clock)
    finally:
        for post in (*posts, reference) if reference is not None else posts:
            if post.intake is not None:
                post.intake.ring.close()


def _decode(
    recording: Recording,
    config: LiveConfig,
    models: Models,
    posts: tuple[Post, ...],
    reference: Post | None,
    clock: VirtualClock,
) -> Decoded:
    first_s, last_s = _span(recording, posts)
    sources = (*posts, reference) if reference is not None else posts
    _run_to(clock, sources, first_s, recording.t0_s)
    intakes = [post.intake for post in posts if post.intake is not None]
    plan = make_plan(replace(plan_facts(intakes), t0_s=recording.t0_s), config, models)
    hashes = tuple(bundle.sha256 for bundle in models.bundles)
    declared = config.speech is not None and config.speech.reference is not None
    referenced = declared or reference is not None
    decider = Decider(plan, models.video_eeg, models.speech, clock, hashes, referenced, models.pool)
    notices = domain_notices(models.domain, tuple(intake.info.origin for intake in intakes))
    notices += () if referenced else loudspeaker_notices(config.speech, intakes)
    tally = Tally(eeg_filter_delay_ms=plan.eeg_delay_ms, pooling=models.pool is not None)
    estimates: list[Estimate] = []
    with Journal(config.journal) if config.journal is not None else nullcontext() as journal:
        k = plan.first
        while (time_s := plan.time_s(k)) <= last_s + 1e-6:
            # Samples whose smoothed stamps lie before a decision may come with raw ones behind it, as they do live.
            _run_to(clock, sources, time_s + config.decisions.lateness_s, recording.t0_s)
            lanes = {post.modality: lane for post in posts if (lane := post.lane) is not None}
            played = reference.lane if reference is not None else None
            estimate = decider.decide(time_s, lanes, notices + mains_notices(intakes), played)
            estimate = decider.published(estimate, clock.now())
            estimates.append(estimate)
            tally.add(estimate, recording.t0_s)
            if journal is not None:
                journal.append(estimate)
            k += 1
    tally.glimpsed_fraction = decider.glimpsed_fraction(plan.time_s(k - 1))
    statuses = [post.status(clock.now()) for post in _all_posts(posts)]
    costs, said = Costs(None, None), notices + mains_notices(intakes)
    summary = summarise(tally, recording.t0_s, clock.now(), statuses, costs, models.domain, models.bundles, said)
    # On the virtual clock there is nothing to measure.
    summary["latency_ms"] = {"sample_to_estimate": {"p50": None, "p99": None}, "stages": dict.fromkeys(STAGES)}
    return Decoded(tuple(estimates), tally.glimpsed_fraction, summary, plan)


def _posts(recording: Recording, only: tuple[Modality, ...], clock: VirtualClock) -> tuple[Post, ...]:
    posts = []
    if recording.eeg is not None and len(recording.eeg.stamps_s) and "eeg" in only:
        posts.append(Post("eeg", recording.eeg.name, RecordedSignal("eeg", recording.eeg, recording, clock)))
    if recording.face is not None and len(recording.face.stamps_s) and "face" in only:
        video = RecordedVideo(recording.face, recording, clock)
        posts.append(Post("face", recording.face.name, video, picture=video.picture))
    if recording.speech is not None and len(recording.speech.stamps_s) and "speech" in only:
        posts.append(
            Post("speech", recording.speech.name, RecordedSignal("speech", recording.speech, recording, clock))
        )
    if not posts:
        raise MoodringError(f"recording '{recording.name}' holds none of {', '.join(only)}; choose among what it holds")
    return tuple(posts)


def _reference(recording: Recording, posts: tuple[Post, ...], clock: VirtualClock) -> Post | None:
    """Make the post of what the loudspeaker played, where it was recorded and the voice is decoded."""
    played = recording.loudspeaker
    if played is None or not len(played.stamps_s) or all(post.modality != "speech" for post in posts):
        return None
    return Post("speech", played.name, RecordedSignal("speech", played, recording, clock))


def _all_posts(posts: tuple[Post, ...]) -> tuple[Post, ...]:
    known = {post.modality: post for post in posts}
    return tuple(known.get(modality, Post(modality, "absent", None)) for modality in MODALITIES)


def _span(recording: Recording, posts: tuple[Post, ...]) -> tuple[float, float]:
    """Give the first and the last stamp of what is decoded."""
    held = {"eeg": recording.eeg, "face": recording.face, "speech": recording.speech}
    stamps = [signal.stamps_s for post in posts if (signal := held[post.modality]) is not None]
    return min(float(one[0]) for one in stamps), max(float(one[-1]) for one in stamps)


def _run_to(clock: VirtualClock, posts: tuple[Post, ...], time_s: float, started_s: float) -> None:
    """Let time pass in small steps, so that health is judged as it is live."""
    while True:
        clock.advance_to(min(time_s, clock.now() + _STEP_S))
        for post in posts:
            while post.source is not None and post.intake is not None and (chunk := post.source.poll()) is not None:
                post.intake.take(chunk)
            post.judge(clock.now(), started_s)
        if clock.now() >= time_s:
            return
