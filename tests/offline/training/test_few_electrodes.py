"""An attention model of a device with four electrodes: it reads these alone, whatever else there is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.live import ModelsSection
from moodring.models.contract import EegInput, EegWindow, Estimate, Recording, Signal
from moodring.models.io.bundle import load_bundle
from moodring.models.signals.eeg.electrodes import of_montage
from moodring.offline.datasets.open_affect import read_affect
from moodring.offline.decoding.decode import decode_with
from moodring.offline.training.attention.train import train_attention
from tests.offline.training.test_corpus_training import config_for, quiet
from tests.support.deap_fake import write_preprocessed
from tests.support.ungated import write_without_gate

FOUR = ("AF3", "F7", "F8", "AF4")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_preprocessed(tmp_path_factory.mktemp("deap") / "DEAP", (1, 2, 3), 2, 8, films=False)


@pytest.fixture(scope="module")
def bundle(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("few")
    config = config_for(corpus, eeg={"electrodes": FOUR}, clip_ticks=20)
    trained = train_attention(config, folder / "four.safetensors", quiet, folder)
    return write_without_gate(load_bundle(trained.path), folder)


@pytest.fixture(scope="module")
def recording(corpus: Path) -> Recording:
    affect = read_affect(corpus)
    return replace(affect.load(affect.trials[0]), speech=None)


def of_channels(recording: Recording, names: tuple[str, ...]) -> Recording:
    assert recording.eeg is not None
    columns = [recording.eeg.channel_names.index(name) for name in names]
    eeg = replace(recording.eeg, samples=recording.eeg.samples[:, columns], channel_names=names, source=None)
    return replace(recording, eeg=eeg)


def valence(recording: Recording, bundle: Path) -> np.ndarray:
    def answer(estimate: Estimate) -> list[float]:
        head = estimate.head("valence")
        return list(head.probabilities or [np.nan] * 3) if head is not None else [np.nan] * 3

    estimates = decode_with(recording, ModelsSection(video_eeg=str(bundle))).estimates
    return np.array([answer(one) for one in estimates])


def test_the_bundle_says_what_it_reads(bundle: Path) -> None:
    needs = load_bundle(bundle).spec.input(EegInput)
    assert needs is not None
    assert needs.electrodes == FOUR
    assert needs.min_scalp_channels == 3


def test_a_whole_cap_and_the_device_alone_give_the_same_answers(bundle: Path, recording: Recording) -> None:
    cap, device = valence(recording, bundle), valence(of_channels(recording, FOUR), bundle)
    answered = np.isfinite(device).all(axis=1)
    assert answered.sum() >= 8
    assert np.nanmax(np.abs(cap - device)[answered]) < 1e-3


def test_other_electrodes_change_nothing_and_its_own_do(bundle: Path, recording: Recording) -> None:
    def with_noise(own: bool) -> Recording:
        eeg: Signal | None = recording.eeg
        assert eeg is not None
        samples = eeg.samples.copy()
        there = np.isin(eeg.channel_names, FOUR)
        rng = np.random.default_rng(0)
        samples[:, there == own] += 20.0 * rng.standard_normal((len(samples), (there == own).sum())).astype(np.float32)
        return replace(recording, eeg=replace(eeg, samples=samples))

    plain = valence(recording, bundle)
    answered = np.isfinite(plain).all(axis=1)
    assert np.nanmax(np.abs(valence(with_noise(False), bundle) - plain)[answered]) < 1e-3
    assert np.nanmax(np.abs(valence(with_noise(True), bundle) - plain)[answered]) > 1e-3


def test_one_electrode_may_be_missing_and_two_are_named(bundle: Path, recording: Recording) -> None:
    assert np.isfinite(valence(of_channels(recording, (*FOUR[:3], "Oz", "Pz")), bundle)).any()
    with pytest.raises(MoodringError, match=r"no F8, AF4; bundle '.*' reads AF3, F7, F8, AF4 and needs 3"):
        valence(of_channels(recording, (*FOUR[:2], "Oz", "Pz")), bundle)


def test_the_reference_is_the_average_of_the_good_among_them() -> None:
    samples = np.random.default_rng(1).standard_normal((50, 4)).astype(np.float32)
    good = np.array([True, True, False, True])
    window = of_montage(EegWindow(samples, 128.0, ("Fp1", "af3", "F7", "AF4"), good, 0.0), ("AF3", "F7", "AF4"))
    assert window.channel_names == ("af3", "F7", "AF4")
    assert np.allclose(window.samples_uv[:, window.good].sum(axis=1), 0.0, atol=1e-5)
    assert np.allclose(window.samples_uv[:, 0] - window.samples_uv[:, 2], samples[:, 1] - samples[:, 3], atol=1e-5)


@pytest.mark.parametrize(
    ("electrodes", "line"),
    [(FOUR[:3], "four or more different ones are needed"), ((*FOUR[:3], "af3"), "four or more different ones")],
)
def test_a_montage_that_cannot_be_is_refused(corpus: Path, electrodes: tuple[str, ...], line: str) -> None:
    with pytest.raises(ValueError, match=line):
        config_for(corpus, eeg={"electrodes": electrodes})


def test_an_electrode_that_the_corpus_lacks_is_named(corpus: Path, tmp_path: Path) -> None:
    config = config_for(corpus, eeg={"electrodes": ("AF3", "F7", "TP9", "TP10")})
    with pytest.raises(MoodringError, match=r"the EEG has no TP9, TP10 \(32 channels: Fp1, "):
        train_attention(config, tmp_path / "never.safetensors", quiet, tmp_path)
