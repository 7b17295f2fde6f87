"""The shipped attention bundle on a simulated person it was never trained on: the policy does what its name says."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from moodring.configs.schema.live import ModelsSection
from moodring.models.contract import Estimate
from moodring.models.decoders.attention import networks_of
from moodring.models.decoders.bundle_parts import normalisation_of
from moodring.models.io.bundle import bundled, load_bundle, save_bundle
from moodring.models.networks.attention import AXES, FRAME_HZ
from moodring.models.signals.face.detection import FaceDetector
from moodring.offline.decoding.decode import decode_with
from moodring.offline.simulate.simulated_session import SimulatedSession, simulate_parts
from moodring.offline.training.attention.feature_bank import draw_images, extract_features, ticks_of, whole_sessions
from moodring.offline.training.attention.prepare import prepare, write_prepared
from moodring.offline.training.attention.roll_out import (
    by_hazard,
    clip_hidden,
    hidden_states,
    periphery_of,
    roll_out,
)
from tests.support.ungated import write_without_gate

SEED, SECONDS = 2201, 100.0
VISIBLE = 0.3


@dataclass(frozen=True)
class DecodedPerson:
    session: SimulatedSession
    estimates: tuple[Estimate, ...]
    glimpsed_fraction: float


@pytest.fixture(scope="module")
def decoded() -> DecodedPerson:

    session = simulate_parts(SEED, SECONDS)
    silent = replace(session.recording, speech=None)
    result = decode_with(silent, ModelsSection())
    assert result.glimpsed_fraction is not None
    return DecodedPerson(session, result.estimates, result.glimpsed_fraction)


def look_times(decoded: DecodedPerson) -> np.ndarray:
    t0_s = decoded.session.recording.t0_s
    return np.array([look.time_s - t0_s for estimate in decoded.estimates for look in estimate.looks])


def test_looks_are_rationed(decoded: DecodedPerson) -> None:
    spec = load_bundle(bundled("attention")).spec
    assert decoded.glimpsed_fraction < 2.0 * float(spec.network["budget"])


def test_looks_fall_on_expressions(decoded: DecodedPerson) -> None:
    def visible(times_s: np.ndarray) -> float:
        return float(np.mean(decoded.session.face_plan.expression_at(times_s)[0] >= VISIBLE))

    base = visible(np.arange(int(SECONDS * FRAME_HZ)) / FRAME_HZ)
    assert visible(look_times(decoded)) >= 3.0 * base


def test_waits_depend_on_what_is_seen(decoded: DecodedPerson) -> None:
    waits = np.diff(look_times(decoded)) * FRAME_HZ
    assert waits.std() > 0.5 * waits.mean()


def test_training_and_decoding_give_the_same_probabilities(decoded: DecodedPerson, tmp_path) -> None:  # type: ignore[no-untyped-def]
    bundle = load_bundle(bundled("attention"))
    net, hazard, _ = networks_of(bundle)
    recording = decoded.session.recording
    path = tmp_path / "person.npz"
    prepared = prepare(recording, FaceDetector(bundled("yunet").read_bytes()))
    write_prepared(path, prepared)
    images = draw_images([prepared], normalisation_of(bundle), net.sizes.image_size, 1, 0)
    bank = extract_features([path], images, net)
    clips = whole_sessions(bank)
    hidden = clip_hidden(hidden_states(hazard, periphery_of(hazard, bank, torch.arange(1), bank.face.shape[1])), clips)
    rollout = roll_out(net, bank, clips, by_hazard(hazard, hidden, float(hazard.price), clips.no_face))
    temperature = torch.tensor([[bundle.spec.head(axis).temperature] for axis in AXES])
    with torch.no_grad():
        trained = torch.softmax(net.logits(rollout.cores)[:, 0] / temperature, dim=-1).numpy()
    differences = []
    silent = replace(recording, speech=None)
    for estimate in decode_with(silent, ModelsSection(video_eeg=str(write_without_gate(bundle, tmp_path)))).estimates:
        tick = round((estimate.time_s - recording.t0_s) * 2)
        heads = [estimate.head(axis) for axis in AXES]
        if 1 <= tick <= len(trained) and all(head is not None and head.probabilities for head in heads):
            differences.append(np.abs(trained[tick - 1] - [h.probabilities for h in heads if h is not None]).max())
    # The training takes the face's place from the tick before; a look takes it from its own frame, so that single looks
    # and their features differ a little.
    assert len(differences) > 150
    assert np.median(differences) < 0.02
    assert np.mean(np.array(differences) < 0.15) > 0.9


def test_eeg_cleaned_on_the_stream_is_the_same_in_training_and_decoding(decoded: DecodedPerson, tmp_path: Path) -> None:
    shipped = load_bundle(bundled("attention"))
    path = tmp_path / "soft.safetensors"
    save_bundle(path, replace(shipped.spec, network={**shipped.spec.network, "artifact": "soft"}), shipped.tensors)
    bundle = load_bundle(path)
    path = write_without_gate(bundle, tmp_path)
    eeg_alone = replace(decoded.session.recording, face=None, speech=None)
    clipped = decode_with(eeg_alone, ModelsSection()).estimates
    estimates = decode_with(eeg_alone, ModelsSection(video_eeg=str(path))).estimates
    prepared = prepare(eeg_alone, FaceDetector(bundled("yunet").read_bytes()), "soft")
    write_prepared(tmp_path / "person.npz", prepared)
    net = networks_of(bundle)[0]
    images = draw_images([prepared], normalisation_of(bundle), net.sizes.image_size, 1, 0)
    bank = extract_features([tmp_path / "person.npz"], images, net)
    clips = whole_sessions(bank, face=False)
    with torch.no_grad():
        ticks = ticks_of(bank, clips, torch.zeros(clips.length, 4, 1, dtype=torch.bool))
        cores = net.run(net.start(1), ticks)[1]
        temperature = torch.tensor([[bundle.spec.head(axis).temperature] for axis in AXES])
        trained = torch.softmax(net.logits(cores)[:, 0] / temperature, dim=-1).numpy()
    differences, moved = [], []
    for estimate, other in zip(estimates, clipped, strict=True):
        tick = round((estimate.time_s - eeg_alone.t0_s) * 2)
        heads = [estimate.head(axis) for axis in AXES]
        if 1 <= tick <= len(trained) and all(head is not None and head.probabilities for head in heads):
            answers = np.array([h.probabilities for h in heads if h is not None])
            differences.append(np.abs(trained[tick - 1] - answers).max())
            before = [h.probabilities for h in (other.head(axis) for axis in AXES) if h is not None and h.probabilities]
            moved.append(np.abs(answers - before).max() if len(before) == 2 else 0.0)
    assert len(differences) > 150
    assert max(moved) > 0.02
    # Live, the rest is known only so far while it lasts.
    assert np.median(differences) < 5e-3
    assert np.median(differences[100:]) < 2e-3
    ages = [estimate.ages_s.get("eeg") for estimate in estimates[-5:]]
    late_s = 62 / 256
    before = [estimate.ages_s.get("eeg") for estimate in clipped[-5:]]
    assert ages == pytest.approx([age + late_s for age in before if age is not None], abs=0.01)
