"""A scripted session for the tests of the screens: what an engine would say and put into its rings, without one."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from moodring.models.contract import (
    LEVELS,
    Ablation,
    DomainDistance,
    Estimate,
    FaceBox,
    Head,
    HeadOutput,
    Ledger,
    Look,
    Percentiles,
    Periphery,
    RecordingStatus,
    SampleRange,
    SourceStatus,
    Transition,
)
from moodring.models.fusion.opinion_pool import Weights, left_of, levels_of, pooled, voice_share
from moodring.models.io.ring import Ring
from moodring.realtime.engine.lsl_outlet import estimate_labels
from moodring.realtime.ipc.snapshot import RingPlace, Snapshot
from tests.support.heads import levels, spoken

CHANNELS = ("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz", "C4", "T8", "P3", "Pz", "P4", "Oz")
BAD = (7,)
SPEECH = ("anger", "happiness", "neutral", "sadness")
HEADS = (*(Head(axis, "felt", LEVELS) for axis in ("valence", "arousal")), Head("speech", "expressed", SPEECH))
FUSED = tuple(Head(f"pooled_{axis}", "pooled", LEVELS, shares=("voice",)) for axis in ("valence", "arousal"))
REST_S = 20.0
EEG_HZ, FACE_HZ, AUDIO_HZ = 256, 25, 16_000
NOTICE = "demonstration model, not valid for people"
T0 = 1000.0
LABELS = estimate_labels(HEADS)
NOISE = np.random.default_rng(1).normal(0, 5, (EEG_HZ * 16, len(CHANNELS)))


def latent(t):
    """True valence and arousal at session times (…,) -> (…, 2): steps between stimuli, smoothed."""
    t = np.asarray(t, float)[..., None]
    levels = np.random.default_rng(5).permuted(np.tile([-0.75, 0.0, 0.75], (4, 1)).T, axis=0).ravel()
    levels = np.stack([levels, np.roll(levels[::-1], 3)], axis=1)
    starts = REST_S + 12.0 * np.arange(len(levels))
    steps = np.diff(levels, axis=0, prepend=np.zeros((1, 2)))
    rise = 1 / (1 + np.exp(-np.clip((t - starts) * 2.0, -60, 60)))
    return rise @ steps


def shares(value, wobble):
    logits = -4.0 * (np.array([-0.7, 0.0, 0.7]) - value) ** 2 + wobble
    p = np.exp(logits - logits.max())
    return (p / p.sum()).astype(np.float32)


@lru_cache(4096)
def readout(t):
    rng = np.random.default_rng(int(t * 2))
    value = latent(t - 1.5) + 0.12 * np.sin([t * 0.7, t * 0.9 + 2])
    valence, arousal = (shares(v, rng.normal(0, 0.25, 3)) for v in value)
    sets = [tuple(int(i) for i in np.flatnonzero(p >= 0.12)) for p in (valence, arousal)]
    return levels("valence", valence, sets[0]), levels("arousal", arousal, sets[1])


def looks(until):
    """Looks of a policy that waits 4 to 16 grid frames, up to a session time."""
    return list(_looks(until))


@lru_cache(4096)
def _looks(until):
    rng = np.random.default_rng(3)
    j, found, waited = 16, [], None
    while j / 8 <= until:
        wait = int(rng.integers(4, 17))
        face = None if rng.random() < 0.08 else FaceBox(*face_place(j / 8), 0.93)
        found.append(Look(T0 + j / 8, T0 + j / 8, face, waited))
        waited = wait
        j += wait
    return found


def band_attention(t):
    """Weights of the bands at a session time."""
    return np.random.default_rng(int(t * 2)).dirichlet((5, 8, 4)).astype(np.float32)


def speaking(t):
    return t % 14.0 > 8.0


def face_place(t):
    return 110.0 + 12 * np.sin(t / 3), 52.0 + 4 * np.cos(t / 4), 100.0, 124.0


@lru_cache(512)
def frame(t):
    """A friendly drawing, (240, 320, 3) BGR; drawn once."""
    y, x = np.mgrid[:240, :320].astype(np.float32)
    left, top, width, height = face_place(t)
    dx, dy = (x - left - width / 2) / (width / 2), (y - top - height / 2) / (height / 2)
    image = np.empty((240, 320, 3), np.float32)
    image[:] = np.array([82, 70, 58]) + (y / 240 * 26)[..., None]
    image[(dx / 1.9) ** 2 + ((dy - 2.0) / 0.95) ** 2 < 1] = (120, 84, 60)
    image[dx**2 / 1.1 + (dy + 0.12) ** 2 / 1.15 < 1] = (38, 44, 58)
    head = dx**2 + dy**2
    image[head < 0.94] = np.array([142, 174, 214])
    image[head < 0.94] -= (18 * (dx + 1))[head < 0.94][:, None]
    for side in (-0.38, 0.38):
        image[((dx - side) / 0.13) ** 2 + ((dy + 0.15) / 0.075) ** 2 < 1] = (245, 245, 245)
        image[((dx - side) / 0.06) ** 2 + ((dy + 0.15) / 0.07) ** 2 < 1] = (60, 50, 40)
        image[(np.abs(dx - side) < 0.2) & (np.abs(dy + 0.36) < 0.03)] = (50, 60, 76)
    smile = float(latent(t)[0]) * 0.22
    image[(np.abs(dx) < 0.36) & (np.abs(dy - 0.45 - smile * (0.6 - (dx / 0.36) ** 2)) < 0.03)] = (86, 84, 168)
    image[(np.abs(dx) < 0.06) & (np.abs(dy - 0.14) < 0.05)] -= 18
    return _lasting(np.clip(image, 0, 255).astype(np.uint8))


def _lasting(values):
    """What is used again and again is not to be changed by anybody."""
    values.flags.writeable = False
    return values


@lru_cache(256)
def eeg(first, stop):
    """Filtered microvolts, (n, 16), a pure function of the sample numbers."""
    t = np.arange(first, stop)[:, None] / EEG_HZ
    c = np.arange(len(CHANNELS))[None, :]
    alpha = (4 + 10 * (c / 15)) * np.sin(2 * np.pi * 10.1 * t + c / 3) * (0.6 + 0.4 * np.sin(0.9 * t + c / 7))
    theta = 6 * np.sin(2 * np.pi * (5 + c / 20) * t + c)
    blink = 45 * np.exp(-(((t % 5.3) - 2.0) ** 2) / 0.01) * (c < 2)
    out = alpha + theta + NOISE[np.arange(first, stop) % len(NOISE)] + blink
    out[:, BAD] = 120 * np.sin(2 * np.pi * 50 * t)
    return _lasting(out.astype(np.float32))


@lru_cache(256)
def sound(first, stop):
    t = np.arange(first, stop) / AUDIO_HZ
    loud = np.where(
        speaking(t), 0.16 * (0.55 + 0.45 * np.sin(2 * np.pi * 3.1 * t)) * (0.6 + 0.4 * np.sin(1.7 * t)), 0.002
    )
    return _lasting((loud * np.sin(2 * np.pi * 170 * t))[:, None].astype(np.float32))


def pooled_at(when, felt):
    """What face, EEG and the newest voice amount to together, the voice fading with a half-life of 3 s."""
    newest = max((k / 2 for k in range(int(when * 2) + 1) if speaking(k / 2)), default=None)
    weights = Weights(1.0, 0.0 if newest is None else 0.8 * float(left_of(when - newest, 3.0)))
    voice = (None, None) if newest is None else levels_of(SPEECH, voice_at(newest))
    fused = []
    for head, side in zip(felt, voice, strict=True):
        row = pooled(weights, head.probabilities, side)
        share = {"voice": voice_share(weights, head.probabilities, side)}
        kept = tuple(int(i) for i in np.flatnonzero(row >= 0.2))
        fused.append(levels(f"pooled_{head.name}", row, kept, shares=share))
    return tuple(fused)


def voice_at(when):
    return tuple(np.random.default_rng(int(when)).dirichlet((1.2, 6.0, 2.0, 1.0)).tolist())


def estimate_at(t, pooling=False):
    """The estimate of a session time, or None before the first."""
    k = int(t * 2)
    if k < 4:
        return None
    when = k / 2
    voice = HeadOutput("speech", "expressed", SPEECH, abstained="no speech")
    if speaking(when):
        voice = spoken(T0 + when - 1, T0 + when, SPEECH, voice_at(when))
    felt = readout(when)
    if any(len(head.kept) == 3 for head in felt):
        felt = tuple(replace(head, abstained="the face has not moved and the EEG is ambiguous") for head in felt)
    return Estimate(
        time_s=T0 + when,
        session_time_s=when,
        heads=(*felt, voice, *(pooled_at(when, felt) if pooling else ())),
        used=("eeg", "face", "speech"),
        looks=tuple(look for look in looks(when) if T0 + when - 0.5 < look.time_s <= T0 + when),
        calibrated=when >= REST_S,
        ranges={modality: SampleRange(0, 1) for modality in ("eeg", "face", "speech")},
        ledger=Ledger(0.0, 0.0, 0.0, 0.0, 0.0),
        bundles=("video_eeg", "speech"),
        notices=(NOTICE,),
        band_attention=band_attention(when),
        periphery=(periphery_at(when),),
        domain_distances=(DomainDistance(("valence", "arousal"), 0.9 + 0.1 * float(np.sin(when)), 1.6),),
        ablations=ablations_at(when) if when >= 10.0 else (),
    )


def ablations_at(when):
    """What would be said without a part: levels that drift apart from the answer."""
    shifted = {"eeg": 0.5 * latent(when - 4.0), "face": latent(when) - 0.3, "last_look": latent(when - 1.0)}
    return tuple(
        Ablation(
            name, {axis: tuple(shares(v, 0.0).tolist()) for axis, v in zip(("valence", "arousal"), pair, strict=True)}
        )
        for name, pair in shifted.items()
    )


def periphery_at(when):
    looked = any(T0 + when - 0.125 < look.time_s <= T0 + when for look in looks(when))
    gain = 0.05 if looked else -0.2
    return Periphery(T0 + when, looked, "gain", 7, gain, 0.03, 0.4, 0.08, 0.1, 0.2)


def source(modality, **changes):
    """The status of a source that does well."""
    name, rate, channels = {
        "eeg": ("simulated_eeg", float(EEG_HZ), CHANNELS),
        "face": ("simulated_face", float(FACE_HZ), ()),
        "speech": ("simulated_speech", float(AUDIO_HZ), ()),
    }[modality]
    status = SourceStatus(
        modality=modality,
        name=name,
        configured=True,
        health="live",
        observed_rate_hz=rate,
        nominal_rate_hz=rate,
        lost_samples=0,
        age_s={"eeg": 0.021, "face": 0.034, "speech": 0.019}[modality],
        level=-24.0 if modality == "speech" else None,
        good_channels=tuple(i not in BAD for i in range(len(channels))),
        channel_names=channels,
        delay_s=None if modality == "face" else 0.008,
        transitions=(Transition(0.4, "live", "first sample after 0.4 s"),),
        error=None,
    )
    return replace(status, **changes)


def snapshot_at(t, rings=(), pooling=False, **changes):
    """What the engine says at a session time."""
    estimate = estimate_at(t, pooling)
    done = looks(t)
    made = Snapshot(
        engine="demo",
        elapsed_s=t + 1.2,
        phase="resting" if t < REST_S else "decoding",
        t0_s=T0,
        now_s=T0 + t,
        device="cpu",
        estimate=estimate,
        band_attention=None if estimate is None else tuple(estimate.band_attention.tolist()),
        truth=tuple(latent(t).tolist()),
        decisions=max(int(t * 2) - 3, 0),
        dropped_decisions=0,
        skipped_decisions=0,
        glimpsed_fraction=len(done) / max(t * 8, 1),
        latency_ms=None if estimate is None else Percentiles(143.0, 212.0),
        sources=(source("eeg"), source("face"), source("speech")),
        rings=tuple(rings),
        heads=(*HEADS, *FUSED) if pooling else HEADS,
        notices=(NOTICE,),
        rest_left_s=max(REST_S - t, 0.0) if t < REST_S else None,
        information_age_ms=()
        if estimate is None
        else (
            ("eeg", Percentiles(534.0, 601.0)),
            ("face", Percentiles(61.0, 98.0)),
            ("speech", Percentiles(510.0, 902.0)),
        ),
        eeg_filter_delay_ms=11.0,
    )
    return replace(made, **changes)


def recording(**changes):
    """A recording that goes well."""
    return replace(
        RecordingStatus(True, "data/sub-P1", 123_000_000, 850.0, False, 0, 0, 2, 0, True, None, None), **changes
    )


def silent(t, **changes):
    """A snapshot of an engine that is still connecting: nothing is there yet."""
    sources = tuple(
        source(m, health="searching", observed_rate_hz=None, age_s=None, level=None, transitions=())
        for m in ("eeg", "face", "speech")
    )
    nothing = {"estimate": None, "truth": None, "latency_ms": None, "glimpsed_fraction": None, "band_attention": None}
    nothing["information_age_ms"] = ()
    given = {"phase": "connecting", "t0_s": None, "sources": sources, "decisions": 0, "rest_left_s": None}
    return replace(snapshot_at(t), **{**nothing, **given, **changes})


class Stage:
    """Writes the rings and answers as a source of snapshots; the test moves its time."""

    def __init__(self, folder: Path):
        self.t = 0.0
        self.now = 0.0
        self.override = None
        self.closed = False
        self.why = ""
        self.changes = {}
        self.rings = {
            "eeg": Ring.create(EEG_HZ * 30, (len(CHANNELS),), np.float32, EEG_HZ, CHANNELS, folder / "eeg"),
            "face": Ring.create(64, (240, 320, 3), np.uint8, FACE_HZ, (), folder / "face"),
            "speech": Ring.create(AUDIO_HZ * 20, (1,), np.float32, AUDIO_HZ, ("mic",), folder / "speech"),
            "estimates": Ring.create(600, (len(LABELS),), np.float32, 2.0, LABELS, folder / "estimates"),
        }
        self.places = tuple(RingPlace(name, str(ring.path)) for name, ring in self.rings.items())

    def clock(self):
        return self.now

    def to(self, t):
        """Go to a session time: rings filled, snapshot ready."""
        for name, rate, make in (("eeg", EEG_HZ, eeg), ("speech", AUDIO_HZ, sound)):
            ring = self.rings[name]
            stop = int(t * rate)
            first = max(ring.count, 0)
            if stop > first:
                ring.append(make(first, stop), T0 + np.arange(first, stop) / rate, T0 + t)
        face = self.rings["face"]
        # Frames of the looks' own times (the 8 Hz grid), and enough of them: the drawing is slow.
        newest = int(t * 8)
        for j in range(face.count, newest + 1):
            image = frame(j / 8) if j > newest - 40 else np.zeros((240, 320, 3), np.uint8)
            face.append(image[None], np.array([T0 + j / 8]), T0 + t)
        estimates = self.rings["estimates"]
        for k in range(estimates.count + 4, int(t * 2) + 1):
            answer = readout(k / 2)
            row = np.concatenate([*(head.probabilities for head in answer), np.full(5, np.nan)]).astype(np.float32)
            estimates.append(row[None], np.array([T0 + k / 2]), T0 + t)
        self.now += max(t - self.t, 0.05)
        self.t = t
        return self

    def snapshot(self):
        if self.override is not None:
            return self.override()
        return snapshot_at(self.t, self.places, **self.changes)

    def why_silent(self):
        return self.why

    def close(self):
        self.closed = True
