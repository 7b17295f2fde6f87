"""LSL streams in a process of their own that misbehave when told to."""

import json
import time
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any, Literal

import numpy as np
import pylsl
from numpy.typing import NDArray

from ...configs.schema.live import LslSection
from ..engine.process_settings import apply_lsl_settings

EEG_NAMES = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2")
_STEP_S = 0.01


@dataclass(frozen=True)
class StreamSpec:
    """What is published: noise with a rhythm, in microvolts, or for ``Audio`` in -1..1."""

    name: str
    kind: Literal["EEG", "Audio"]
    source_id: str
    channels: int
    rate_hz: float


@dataclass(frozen=True)
class Manner:
    """How it behaves; times are those of the LSL clock.

    Attributes
    ----------
    speed : float
        Of the device's clock.
    begin_s : float
        When sample ``first`` was taken.
    jump_s : float
        Added to the stamps.
    hold_until_s, flood_until_s, halve_until_s : float
        Until when samples are held back, are NaN, or come every other only.
    """

    begin_s: float
    first: int = 0
    speed: float = 1.0
    jump_s: float = 0.0
    hold_until_s: float = 0.0
    flood_until_s: float = 0.0
    halve_until_s: float = 0.0


def serve(lsl: LslSection, spec: StreamSpec, orders: "Connection[Any, Any]") -> None:
    """Publish until killed: the target of a process. Says True once the stream is there, and obeys orders."""
    apply_lsl_settings(lsl)
    outlet = _outlet(spec)
    orders.send_bytes(b"true")
    manner = Manner(pylsl.local_clock() + 0.1)
    rng, sent = np.random.default_rng(0), 0
    while True:
        time.sleep(_STEP_S)
        now_s = pylsl.local_clock()
        while orders.poll():
            manner = _obeyed(manner, spec, sent, now_s, *json.loads(orders.recv_bytes()))
            orders.send_bytes(b"true")
        if now_s < manner.hold_until_s:
            continue
        rate_hz = spec.rate_hz * manner.speed
        due = manner.first + int((now_s - manner.begin_s) * rate_hz)
        if due <= sent:
            continue
        numbers = np.arange(sent, due)
        sent = due
        if now_s < manner.halve_until_s:
            numbers = numbers[numbers % 2 == 0]
        stamps_s = manner.begin_s + (numbers - manner.first) / rate_hz
        values = _values(spec, rng, numbers)
        if now_s < manner.flood_until_s:
            values[:] = np.nan
        if len(numbers):
            outlet.push_chunk(values, (stamps_s + manner.jump_s).tolist())


def _obeyed(manner: Manner, spec: StreamSpec, sent: int, now_s: float, do: str, figure: float) -> Manner:
    if do == "jump":
        return replace(manner, jump_s=manner.jump_s + figure)
    if do == "drift":
        begin_s = manner.begin_s + (sent - manner.first) / (spec.rate_hz * manner.speed)
        return replace(manner, begin_s=begin_s, first=sent, speed=1.0 + figure * 1e-6)
    if do == "hold":
        return replace(manner, hold_until_s=now_s + figure)
    if do == "flood":
        return replace(manner, flood_until_s=now_s + figure)
    return replace(manner, halve_until_s=now_s + figure)


def _values(spec: StreamSpec, rng: np.random.Generator, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
    noise = rng.normal(0.0, 1.0, (len(numbers), spec.channels))
    moments_s = numbers[:, None] / spec.rate_hz
    if spec.kind == "EEG":
        return (10.0 * noise + 15.0 * np.sin(2 * np.pi * 10.0 * moments_s)).astype(np.float32)
    return (0.01 * noise).astype(np.float32)


def _outlet(spec: StreamSpec) -> pylsl.StreamOutlet:
    info = pylsl.StreamInfo(spec.name, spec.kind, spec.channels, spec.rate_hz, pylsl.cf_float32, spec.source_id)
    channels = info.desc().append_child("channels")
    for index in range(spec.channels):
        channel = channels.append_child("channel")
        channel.append_child_value("label", EEG_NAMES[index] if spec.kind == "EEG" else "audio")
        channel.append_child_value("unit", "microvolts" if spec.kind == "EEG" else "full scale")
        channel.append_child_value("type", spec.kind)
    return pylsl.StreamOutlet(info)
