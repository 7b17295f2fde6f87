"""Clean samples that are unlike any EEG a shipped bundle knows: it abstains, says why, and comes back."""

from dataclasses import replace

import numpy as np
import pytest

from moodring.configs.schema.live import DecisionSection, EegSection, LiveConfig, ModelsSection, StreamQuery
from moodring.models.io.bundle import bundled
from moodring.models.io.journal import Journal, read_journal
from moodring.offline.decoding.decode import decode
from moodring.offline.simulate.simulated_session import simulate

WORDS = "the EEG is unlike any this model was trained on: distance "
EEG = EegSection(stream=StreamQuery(name="x"))
FELT = LiveConfig(eeg=EEG, models=ModelsSection(video_eeg="attention", allow_simulated=True, device="cpu"))
STATE = LiveConfig(
    eeg=EEG,
    models=ModelsSection(video_eeg="none", more=[bundled("workload")], device="cpu"),
    decisions=DecisionSection(rest_s=10.0),
)
NOISE_S = (12, 18)


@pytest.fixture(scope="module")
def person():
    return simulated(48.0)


def simulated(seconds):
    return replace(simulate(4321, seconds), face=None, speech=None, rest_s=10.0)


def with_noise(recording, start_s, stop_s):
    """Return a recording with white noise of a plausible size for some seconds."""
    samples = recording.eeg.samples.copy()
    rows = slice(int(start_s * 256), int(stop_s * 256))
    samples[rows] = np.random.default_rng(3).normal(0, 15.0, samples[rows].shape)
    return replace(recording, eeg=replace(recording.eeg, samples=samples))


def reasons(estimates, head):
    return [(one.session_time_s, one.head(head).abstained or "") for one in estimates]


@pytest.mark.parametrize(("config", "head"), [(FELT, "valence"), (STATE, "workload")])
def test_a_simulated_person_passes_and_noise_does_not(person, config, head):
    whole = decode(person, config).estimates
    assert not any(WORDS in why for _, why in reasons(whole, head))
    noise = decode(with_noise(simulated(24.0), 0, 24), config).estimates
    late = [(one, why) for one, (at_s, why) in zip(noise, reasons(noise, head), strict=True) if at_s >= 14.0]
    assert late
    assert all(why.startswith(WORDS) and ", limit " in why and not one.head(head).answered for one, why in late)
    assert all(one.used == () for one, _ in late)


def test_it_recovers_and_the_journal_has_the_reason(person, tmp_path):
    estimates = decode(with_noise(person, *NOISE_S), FELT).estimates
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        for one in estimates:
            journal.append(one)
    kept = read_journal(path)
    unlike = [at_s for at_s, why in reasons(kept, "arousal") if why.startswith(WORDS)]
    assert unlike
    assert NOISE_S[0] < min(unlike) < NOISE_S[0] + 6.0
    assert NOISE_S[1] - 1.0 < max(unlike) < 46.0
    assert kept[-1].answer("arousal") is not None
    assert kept[-1].used == ("eeg",)
