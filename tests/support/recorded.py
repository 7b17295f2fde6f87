"""A session recorded in memory: every chunk as it came, with its arrival, and every decision."""

from dataclasses import replace

import numpy as np
import pytest

from moodring.models.contract import Arrivals, Recording, Signal, Video
from moodring.offline.decoding.compare import SAME, compare


class KeptFrames:
    """The frames that a camera gave."""

    def __init__(self, frames):
        self._frames = frames

    def __len__(self):
        return len(self._frames)

    def __getitem__(self, index, /):
        return self._frames[index]


def arrivals_of(chunks, info):
    return Arrivals(
        stop=np.cumsum([len(chunk.stamps_s) for chunk in chunks]),
        received_s=np.array([chunk.received_s for chunk in chunks]),
        gap=np.array([chunk.gap for chunk in chunks]),
        skipped=np.array([chunk.skipped for chunk in chunks]),
        rate_hz=info.rate_hz,
        delay_s=info.delay_s,
    )


def signal_of(info, chunks):
    samples = np.concatenate([chunk.samples for chunk in chunks])
    stamps_s = np.concatenate([chunk.stamps_s for chunk in chunks])
    arrivals = arrivals_of(chunks, info)
    return Signal(samples, stamps_s, info.rate_hz, info.channel_names, info.name, info.jitter_s, arrivals)


def video_of(info, chunks):
    frames = np.concatenate([chunk.samples for chunk in chunks])
    stamps_s = np.concatenate([chunk.stamps_s for chunk in chunks])
    height, width, _ = info.shape
    return Video(KeptFrames(frames), stamps_s, info.rate_hz, height, width, info.name, arrivals_of(chunks, info))


def recording_of(sources, journal, rest_s=0.0):
    """Make the recording of a session from (info, chunks) of its EEG, face and speech, and its journal."""
    eeg, face, speech = (sources[modality] for modality in ("eeg", "face", "speech"))
    t0_s = journal[0].time_s - journal[0].session_time_s
    signals = signal_of(*eeg), video_of(*face), signal_of(*speech)
    return Recording("recorded", "p1", "simulated", t0_s, rest_s, *signals, None)


def assert_equal(again, journal, counts=True):
    """Compare every decision of two decodings of a session."""
    comparison = compare(again, journal)
    assert (comparison.only_first_s, comparison.only_second_s) == ((), ())
    assert len(comparison.pairs) == len(journal)
    for name, agreement in comparison.agreement.items():
        assert agreement.one_silent == 0, name
        assert (agreement.largest_difference or 0.0) <= SAME, (name, agreement)
    for one, other in comparison.pairs:
        assert one.used == other.used
        assert [head.abstained for head in one.heads] == [head.abstained for head in other.heads]
        assert one.hearing == other.hearing
        assert one.ring_samples == other.ring_samples or not counts
        assert [look.time_s for look in one.looks] == [look.time_s for look in other.looks]
        assert [(look.face_state, look.frame_stamp_s) for look in one.looks] == [
            (look.face_state, look.frame_stamp_s) for look in other.looks
        ]
        _assert_same_evidence(one, other)


def _assert_same_evidence(one, other):
    """Compare what two estimates carry besides their answers."""
    assert [a.without for a in one.ablations] == [a.without for a in other.ablations]
    for ours, theirs in zip(one.ablations, other.ablations, strict=True):
        for head, row in ours.probabilities.items():
            assert row == pytest.approx(theirs.probabilities[head], abs=SAME)
    assert [(f.looked, f.why, f.waited_frames) for f in one.periphery] == [
        (f.looked, f.why, f.waited_frames) for f in other.periphery
    ]
    for name in ("gain", "price", "expression", "motion", "change", "theta"):
        ours, theirs = ([getattr(f, name) for f in each.periphery] for each in (one, other))
        assert ours == pytest.approx(theirs, abs=1e-5), name
    assert [(d.heads, d.limit) for d in one.domain_distances] == [(d.heads, d.limit) for d in other.domain_distances]
    distances = [[d.distance for d in each.domain_distances] for each in (one, other)]
    assert distances[0] == pytest.approx(distances[1], abs=1e-5)


class MemoryRecorder:
    """A recorder of a live session that keeps everything in memory.

    Attributes
    ----------
    sources : dict of modality to (SourceInfo, list of Chunk)
    decisions : list of Estimate
    """

    status = None

    def __init__(self):
        self.sources = {}
        self.decisions = []
        self.journal = self.decisions.append

    def take(self, info, chunk):
        kept = replace(chunk, samples=chunk.samples.copy(), stamps_s=chunk.stamps_s.copy())
        self.sources.setdefault(info.modality, (info, []))[1].append(kept)

    take_loudspeaker = take

    def begin(self, plan, infos):
        """Hold nothing open."""

    def changed(self, name, change):
        """Keep no health."""

    def step(self):
        return ()

    def stop(self):
        """Hold nothing open."""
