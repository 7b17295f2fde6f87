"""Causal EEG chain with carried state: bad channels excluded, reference, filters.

The result is that of excluding bad channels, then referencing, then filtering. The implementation filters each channel
first and references the filtered signals. Both are linear, so this is the same while the set of good channels stays,
and better when it changes: a channel with an offset of millivolts that leaves the average of raw channels would make a
step that rings in the filters of all channels.

The result does not depend on how samples are cut into chunks: bad channels are found on each whole second of raw data,
counted in samples from the start or the last gap, and excluded after it.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.signal import sosfilt

from ....configs.schema.errors import MoodringError
from ...contract import BoolArray, FloatArray
from .channel_quality import channel_faults
from .filters import FilterBank, filter_bank, group_delay_s
from .montage import find_channel, scalp_channels

# From the first sample after the start or a gap to the first one to be trusted. The slowest section (1 Hz high-pass)
# decays with a time constant of 0.23 s; a second leaves 1.2 % of what the first sample missed the mean by. It is also
# the first moment at which bad channels are known.
SETTLE_S = 1.0

# No electrode gives more than this (10 V); such a value is a broken number, treated as NaN.
BROKEN_UV = 1e7

Samples = NDArray[np.float64]


@dataclass(frozen=True)
class EegChainSpec:
    """Parameters of the chain.

    Attributes
    ----------
    rate_hz : float
        Nominal rate.
    channel_names : tuple of str
    line_hz : float or None
        Line frequency, 50 or 60; None for no notch filter.
    reference : str or sequence of str
        ``"average"`` over the good scalp channels, or the channels whose mean is the reference.
    low_hz, high_hz : float
        Pass band.
    """

    rate_hz: float
    channel_names: tuple[str, ...]
    line_hz: float | None
    reference: str | tuple[str, ...] | list[str] = "average"
    low_hz: float = 1.0
    high_hz: float = 45.0


@dataclass(frozen=True)
class EegChainState:
    """State of the chain between chunks; never changed in place.

    Attributes
    ----------
    spec : EegChainSpec
    bank : FilterBank
        The filters' coefficients.
    memory : (n_sections, 2, n_channels) float64
        The filters' state.
    started : (n_channels,) bool
        Whether each channel's filter has had its first sample; the others start with the next one.
    last_uv : (n_channels,) float64
        The last finite value of each channel, 0 before there was one.
    second_uv : tuple of (n_times, n_channels) float64
        The raw samples, chunk by chunk, of the second that is not yet complete.
    in_second : int
        How many they are.
    since_start : int
        Samples since the start or the last gap.
    named : (n_channels,) bool
        Which channels the reference names; none for the average.
    wanted, good : (n_channels,) bool
        Which channels may be good (on the scalp, or named as reference), and which are.
    faults : tuple of str
        What is wrong with each wanted channel since the last whole second; none before the first.
    """

    spec: EegChainSpec
    bank: FilterBank
    memory: Samples
    started: BoolArray
    last_uv: Samples
    second_uv: tuple[Samples, ...]
    in_second: int
    since_start: int
    named: BoolArray
    wanted: BoolArray
    good: BoolArray
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class EegChunk:
    """Filtered EEG.

    Attributes
    ----------
    samples_uv : (n_times, n_channels) float32
        Always finite. Bad channels and those off the scalp are filtered and referenced too, and not to be used.
    valid : (n_times,) bool
        False until the filters have settled after the start or a gap, and where too few channels are good.
    good : (n_channels,) bool
        Channels worth using after the last sample.
    good_rows : (n_times, n_channels) bool
        Channels worth using at each sample; a window's good channels are those of its last row.
    faults : tuple of (int, tuple of str)
        Row from which on the wanted channels have these faults; one for each second that begins here.
    """

    samples_uv: FloatArray
    valid: BoolArray
    good: BoolArray
    good_rows: BoolArray
    faults: tuple[tuple[int, tuple[str, ...]], ...] = ()


def start(spec: EegChainSpec) -> EegChainState:
    """Return the state of a chain before its first sample.

    Raises
    ------
    MoodringError
        No channels, a rate too slow for the pass band, or a reference that is not among the channels.
    """
    n_channels = len(spec.channel_names)
    if n_channels == 0:
        raise MoodringError("the EEG stream has 0 channels, at least 1 is needed; check the amplifier's channel set-up")
    if not spec.rate_hz >= 2.2 * spec.high_hz:
        raise MoodringError(
            f"the EEG stream has {spec.rate_hz:g} Hz; the pass band {spec.low_hz:g}-{spec.high_hz:g} Hz needs at "
            f"least {2.2 * spec.high_hz:g} Hz; raise the amplifier's sampling rate"
        )
    named = _is_reference(spec)
    bank = filter_bank(spec.rate_hz, spec.low_hz, spec.high_hz, spec.line_hz)
    wanted = scalp_channels(spec.channel_names) | named
    if not wanted.any():  # unknown names are filtered and shown; the model refuses them
        wanted = np.ones(n_channels, dtype=np.bool_)
    fresh = EegChainState(
        spec=spec,
        bank=bank,
        memory=np.zeros((len(bank.sos), 2, n_channels)),
        started=np.zeros(n_channels, dtype=np.bool_),
        last_uv=np.zeros(n_channels),
        second_uv=(),
        in_second=0,
        since_start=0,
        named=named,
        wanted=wanted,
        good=wanted,
    )
    return _after_gap(fresh)


def step(state: EegChainState, samples_uv: NDArray[np.floating], gap_before: bool) -> tuple[EegChunk, EegChainState]:
    """Process the next samples.

    Parameters
    ----------
    state : EegChainState
    samples_uv : (n_times, n_channels)
        Raw, in microvolts, with NaN or infinity where the amplifier sent them. Any number of samples, 0 included.
    gap_before : bool
        Whether samples are missing between the last chunk and this one: filters and channel quality start anew.

    Returns
    -------
    EegChunk, EegChainState
        Independent of how the samples are cut into chunks.
    """
    raw = np.array(samples_uv, dtype=np.float64)  # a copy, because it is kept until the second is complete
    if raw.ndim != 2 or raw.shape[1] != len(state.spec.channel_names):
        raise MoodringError(
            f"EEG samples have shape {raw.shape}, expected (n_times, {len(state.spec.channel_names)}); "
            "the stream changed its channels: reconnect to it"
        )
    if gap_before:
        state = _after_gap(state)
    second = round(state.spec.rate_hz)
    pieces: list[EegChunk] = []
    while True:
        piece, raw = np.split(raw, [second - state.in_second])
        chunk, state = _within_second(state, piece)
        pieces.append(chunk)
        if state.in_second == second:
            state = _update_good(state)
        if not len(raw):
            return _joined(pieces, state.good), state


def delay_s(spec: EegChainSpec) -> float:
    """Return the group delay of the filters at 10 Hz in seconds."""
    bank = filter_bank(spec.rate_hz, spec.low_hz, spec.high_hz, spec.line_hz)
    return group_delay_s(bank, spec.rate_hz, 10.0)


def _reference_names(spec: EegChainSpec) -> tuple[str, ...]:
    if isinstance(spec.reference, str):
        return () if spec.reference == "average" else (spec.reference,)
    return tuple(spec.reference)


def _is_reference(spec: EegChainSpec) -> BoolArray:
    """Return which channels the reference names: ``(n_channels,)``."""
    named = np.zeros(len(spec.channel_names), dtype=np.bool_)
    for name in _reference_names(spec):
        index = find_channel(name, spec.channel_names)
        if index is None:
            raise MoodringError(
                f"reference channel {name!r} is not in the EEG stream, which has {', '.join(spec.channel_names)}; "
                "name one of those or use 'average'"
            )
        named[index] = True
    return named


def _after_gap(state: EegChainState) -> EegChainState:
    return replace(
        state,
        started=np.zeros_like(state.started),
        second_uv=(),
        in_second=0,
        since_start=0,
        good=state.wanted,
        faults=(),
    )


def _within_second(state: EegChainState, raw: Samples) -> tuple[EegChunk, EegChainState]:
    """Filter and reference samples of one second."""
    broken = ~(np.abs(raw) <= BROKEN_UV)
    any_broken = bool(broken.any())
    filled = _filled(raw, broken, state.last_uv) if any_broken else raw
    filtered, state = _filtered(state, filled)
    n_times = len(raw)
    settled = np.arange(state.since_start, state.since_start + n_times) >= round(SETTLE_S * state.spec.rate_hz)
    weights, usable = _reference_weights(state)
    chunk = EegChunk(
        samples_uv=(filtered - (filtered @ weights)[:, None]).astype(np.float32),
        valid=settled & usable,
        good=state.good,
        good_rows=np.broadcast_to(state.good, raw.shape),
        faults=((0, state.faults),) if n_times else (),
    )
    after = replace(
        state,
        last_uv=filled[-1] if n_times else state.last_uv,
        second_uv=(*state.second_uv, np.where(broken, np.nan, raw) if any_broken else raw),
        in_second=state.in_second + n_times,
        since_start=state.since_start + n_times,
    )
    return chunk, after


def _filled(raw: Samples, broken: BoolArray, last_uv: Samples) -> Samples:
    """Return the samples with each broken value replaced by the last finite one of its channel."""
    stacked = np.vstack([last_uv, raw])
    row = np.arange(len(stacked))[:, None]
    holds = np.where(np.vstack([np.zeros_like(broken[:1]), broken]), 0, row)
    return np.take_along_axis(stacked, np.maximum.accumulate(holds, axis=0), axis=0)[1:]


def _filtered(state: EegChainState, samples: Samples) -> tuple[Samples, EegChainState]:
    if not len(samples):
        return samples, state
    memory = state.memory
    if not state.started.all():  # steady state of the first value, so that offsets of millivolts cause no transient
        steady = state.bank.steady[:, :, None] * samples[0]
        memory = np.where(state.started, memory, steady)
    filtered, memory = sosfilt(state.bank.sos, samples, axis=0, zi=memory)
    return filtered, replace(state, memory=memory, started=np.ones_like(state.started))


def _reference_weights(state: EegChainState) -> tuple[Samples, bool]:
    """Return the weight of each channel in the reference, and whether there is enough to reference to."""
    named = state.named
    members = state.good & named if named.any() else state.good
    enough = int(members.sum()) >= (1 if named.any() else 2)
    return members / max(1, members.sum()), bool(enough and state.good.any())


def _update_good(state: EegChainState) -> EegChainState:
    """Return the state with the good channels of the second that is complete.

    Filters of bad channels start anew with the next sample, so that of a channel that returns has processed nothing but
    the good second before.
    """
    second_uv = np.concatenate(state.second_uv)
    faults = channel_faults(second_uv, state.wanted, state.good, state.spec.rate_hz, state.spec.line_hz)
    good = state.wanted & np.array([not fault for fault in faults], np.bool_)
    if state.named.any() and not (good & state.named).any():
        good = np.zeros_like(good)
    faults = tuple(fault for fault, one in zip(faults, state.wanted, strict=True) if one)
    return replace(state, good=good, faults=faults, started=good | ~state.wanted, second_uv=(), in_second=0)


def _joined(pieces: list[EegChunk], good: BoolArray) -> EegChunk:
    starts = np.cumsum([0, *(len(piece.samples_uv) for piece in pieces)])
    found = tuple((int(row), faults) for row, piece in zip(starts, pieces, strict=False) for _, faults in piece.faults)
    return EegChunk(
        samples_uv=np.concatenate([piece.samples_uv for piece in pieces]),
        valid=np.concatenate([piece.valid for piece in pieces]),
        good=good,
        good_rows=np.concatenate([piece.good_rows for piece in pieces]),
        faults=found,
    )
