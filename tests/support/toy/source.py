"""A device that delivers simulated skin conductance as time passes."""

import numpy as np

from moodring.models.streaming.decoder import SourceFactory
from moodring.models.streaming.ingest.source_channel import SourceChannel
from moodring.models.streaming.ingest.sources import Chunk, SourceInfo

from .signal import CHANNELS, MODALITY, RATE_HZ, conductance

_CHUNK_S = 0.2


class SimulatedSkin:
    """Delivers what was captured up to now on a clock, in chunks of 0.2 s."""

    def __init__(self, clock):
        self._clock, self._begin_s, self._sent = clock, clock.now(), 0

    def open(self):
        return SourceInfo(MODALITY, "simulated skin", RATE_HZ, (len(CHANNELS),), "<f4", CHANNELS, origin="simulated")

    def poll(self):
        due = int((self._clock.now() - self._begin_s) * RATE_HZ)
        if due < self._sent + _CHUNK_S * RATE_HZ:
            self._clock.sleep(0.02)
            return None
        times_s = np.arange(self._sent, due) / RATE_HZ
        self._sent = due
        return Chunk(conductance(times_s, due), self._begin_s + times_s, self._clock.now())

    def close(self):
        """Hold nothing open."""


def make(_config, clock):
    return SourceChannel(MODALITY, "simulated skin", SimulatedSkin(clock))


SOURCE = SourceFactory(MODALITY, make)
