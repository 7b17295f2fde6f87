"""A trial of a corpus replays over LSL as a recording does."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.live import LslSection
from moodring.models.contract import Recording
from moodring.offline.datasets.affect.deap import ELECTRODES
from moodring.offline.datasets.open_affect import read_affect, trial_named
from moodring.offline.replay.process import TrialSource, start_replay
from moodring.offline.replay.publish import ReplayOptions
from tests.support.deap_fake import write_preprocessed

SECONDS = 2


@dataclass(frozen=True)
class Received:
    infos: dict[str, Any]
    values: dict[str, np.ndarray]


def received(names: tuple[str, ...], counts: dict[str, int]) -> Received:
    """Read every stream until all its samples have come; each pull waits for the next chunk."""
    import pylsl

    inlets = {}
    for name in names:
        (found,) = pylsl.resolve_byprop("name", name, 1, 30.0)
        inlets[name] = pylsl.StreamInlet(found, max_buflen=60)
    infos = {name: inlet.info(30.0) for name, inlet in inlets.items()}
    for inlet in inlets.values():
        inlet.open_stream(30.0)
    parts: dict[str, list[Any]] = {name: [] for name in names}
    for name, inlet in inlets.items():
        while sum(len(part) for part in parts[name]) < counts[name]:
            values, stamps_s = inlet.pull_chunk(30.0, max_samples=1, as_numpy=True, min_samples=1)
            assert len(stamps_s), f"{name} ended after {len(parts[name])} samples"
            parts[name].append(values.copy())
    return Received(infos, {name: np.concatenate(part) for name, part in parts.items()})


@pytest.mark.lsl
def test_a_trial_of_deap_is_published_with_film_levels_and_rest(lsl_session: LslSection, tmp_path: Path) -> None:
    root = write_preprocessed(tmp_path / "DEAP", (1,), 1, SECONDS)
    corpus = read_affect(root)
    recording: Recording = corpus.load(corpus.trials[0])
    assert recording.eeg is not None
    assert recording.face is not None
    assert recording.truth is not None
    counts = {
        "replay_eeg": len(recording.eeg.samples),
        "replay_face": len(recording.face.stamps_s),
        "replay_truth": len(recording.truth.stamps_s),
        "replay_markers": len(recording.markers),
    }
    options = ReplayOptions(lsl=lsl_session, patience_s=60.0)
    with start_replay(TrialSource(root, "s01 video 01"), options) as replay:
        names = replay.wait_ready(60.0)
        assert set(names) == set(counts)
        got = received(names, counts)
        published = replay.wait(30.0)
    assert published is not None
    assert published.complete
    np.testing.assert_array_equal(got.values["replay_eeg"], recording.eeg.samples)
    np.testing.assert_array_equal(got.values["replay_truth"][:, 2:4], recording.truth.levels)
    frames = got.values["replay_face"].view(np.uint8).reshape(-1, 192, 192, 3)
    np.testing.assert_array_equal(frames[3], recording.face.frames[3])
    said = got.infos["replay_eeg"].desc().child("moodring")
    assert said.child_value("origin") == "DEAP"
    assert said.child_value("participant") == "s01"
    assert float(said.child_value("rest_s")) == 3.0
    first = got.infos["replay_eeg"].desc().child("channels").child("channel")
    assert first.child_value("label") == ELECTRODES[0]


def test_a_trial_is_found_by_a_part_of_its_name_and_others_are_named(tmp_path: Path) -> None:
    corpus = read_affect(write_preprocessed(tmp_path, (1, 2), 2, 1, films=False))
    assert trial_named(corpus, "s02 video 01").subject == "s02"
    assert trial_named(corpus, "s01 video 02").stimulus == "2"
    with pytest.raises(MoodringError, match=r"--trial 'video 01' fits 2 trials of DEAP, such as 's01 video 01'"):
        trial_named(corpus, "video 01")
    with pytest.raises(MoodringError, match=r"--trial 's09 video 01' is no trial of DEAP, such as 's0"):
        trial_named(corpus, "s09 video 01")
