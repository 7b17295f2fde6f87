"""The load of the benchmarks: an amplifier's stream of known samples from a child process.

Channel 0 carries the sample's index, the stamp of sample k is the start plus k / rate to the last bit, and a chunk is
pushed at the stamp of its last sample. What the age of the newest sample is to a reader follows from that alone.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...configs.schema.live import LslSection
from ...models.signals.eeg.montage import POSITIONS
from ...processes import Parent
from ..engine.lsl_clock import LslClock
from ..engine.process_settings import apply_lsl_settings

if TYPE_CHECKING:
    import pylsl

_BLOCK_S = 4.0
_LINE_HZ = 50.0


@dataclass(frozen=True)
class Load:
    """Channels, rate and chunk size of the stream."""

    channels: int
    rate_hz: float
    chunk: int

    @property
    def names(self) -> tuple[str, ...]:
        """Electrodes of the 10-10 system as far as there are, then plain numbers."""
        return (*list(POSITIONS)[: self.channels], *(f"E{index}" for index in range(len(POSITIONS), self.channels)))


def publish(parent: Parent, load: Load, name: str, lsl: LslSection) -> None:
    """Push the load in a child process until asked to end; send ``{"ready": true}``, then ``{"sent": samples}``."""
    apply_lsl_settings(lsl)
    import pylsl

    outlet = pylsl.StreamOutlet(eeg_info(load, name))
    clock, block = LslClock(), block_of(load)
    parent.send({"ready": True})
    start_s, sent = clock.now() + 0.1, 0
    while not parent.ended.is_set():
        chunk = block[np.arange(sent, sent + load.chunk) % len(block)]
        chunk[:, 0] = np.arange(sent, sent + load.chunk)
        last_s = start_s + (sent + load.chunk - 1) / load.rate_hz
        clock.sleep(last_s - clock.now())
        outlet.push_chunk(chunk, last_s)
        sent += load.chunk
    parent.send({"sent": sent})


def eeg_info(load: Load, name: str) -> "pylsl.StreamInfo":
    """Describe the stream of a load."""
    import pylsl

    info = pylsl.StreamInfo(name, "EEG", load.channels, load.rate_hz, pylsl.cf_float32, name)
    channels = info.desc().append_child("channels")
    for label in load.names:
        channel = channels.append_child("channel")
        for key, value in (("label", label), ("unit", "microvolts"), ("type", "EEG")):
            channel.append_child_value(key, value)
    return info


def block_of(load: Load) -> NDArray[np.float32]:
    """Return some seconds of noise on offsets of millivolts, with line noise."""
    rng = np.random.default_rng(0)
    time_s = np.arange(round(_BLOCK_S * load.rate_hz)) / load.rate_hz
    noise = rng.normal(0.0, 10.0, (len(time_s), load.channels)) + rng.normal(0.0, 3000.0, load.channels)
    line_noise = 20.0 * np.sin(2 * np.pi * _LINE_HZ * time_s)
    return (noise + line_noise[:, np.newaxis]).astype(np.float32)
