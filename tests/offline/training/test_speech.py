"""Training of the speech model: what it learns from, that it learns, stops, goes on, and says how well it does."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from moodring.configs.schema.load import check
from moodring.configs.schema.train_speech import TrainSpeechConfig
from moodring.models.decoders.speech import SpeechDecoder, network_of
from moodring.models.decoders.voice_activity import VoiceActivity
from moodring.models.io.bundle import bundled, load_bundle
from moodring.models.networks.speech import SpeechNetwork, SpeechSizes
from moodring.models.signals.speech.segments import UtteranceRules, segments_of
from moodring.offline.simulate.difficulty import EASY
from moodring.offline.simulate.latents import simulate_latents
from moodring.offline.simulate.voice import plan_voice
from moodring.offline.training.common.checkpoints import Checkpoint, Checkpoints
from moodring.offline.training.common.utterances import LabelledUtterance
from moodring.offline.training.speech import train
from moodring.offline.training.speech.scores import (
    UtteranceLogits,
    balanced_loss,
    fit_utterance_temperature,
    recalls,
    score_utterances,
)
from moodring.offline.training.speech.simulated_utterances import CLASSES, VoiceActivityScores, simulate_utterances
from moodring.offline.training.speech.train import (
    GuidedNetwork,
    batches,
    fit,
    segment_logits,
    train_speech,
    utterance_class_weights,
)

DETECTION = VoiceActivityScores(0.9, 0.1, 1, 0)
SMALL = {"channels": [4, 4, 4, 4], "strides": [16, 1, 1, 1], "pools": [4, 4, 4, 2], "lstm_units": 6}
PEOPLE = {
    "difficulty": "easy",
    "count": 2,
    "seconds": 20.0,
    "stopping_seeds": [801],
    "calibration_seeds": [805],
    "test_seeds": [901, 902],
    "held_out_seconds": 20.0,
}


def small(**changes: object) -> TrainSpeechConfig:
    values = {"people": PEOPLE, "network": SMALL, "epochs": 3, "batch": 4, **changes}
    return check(values, TrainSpeechConfig, "test")


def tones(people: range, per_class: int = 6) -> list[LabelledUtterance]:
    """Utterances of a tone in noise whose pitch is the class: something that can be learnt in no time."""
    spoken = []
    for person in people:
        rng = np.random.default_rng(person)
        for label in range(len(CLASSES)):
            for n in range(per_class):
                times_s = np.arange(16_000 * (1 + n % 2)) / 16_000
                sound = np.sin(2 * np.pi * 300.0 * 2**label * times_s + rng.uniform(0, 6))
                samples = (0.1 * (sound + 0.3 * rng.standard_normal(len(sound)))).astype(np.float32)
                spoken.append(LabelledUtterance(samples, label, person))
    return spoken


def test_every_utterance_of_a_simulated_person_is_heard_with_its_label() -> None:
    planned = plan_voice(7, 60.0, simulate_latents(7, 60.0, EASY), EASY)
    spoken, detection = simulate_utterances(7, 60.0, EASY, VoiceActivity())
    assert [one.label for one in spoken] == [CLASSES.index(one.label) for one in planned]
    np.testing.assert_allclose([one.expressed for one in spoken], [(p.valence, p.arousal) for p in planned], rtol=1e-6)
    for one, said in zip(spoken, planned, strict=True):
        assert len(one.samples) / 16_000 == pytest.approx(said.stop_s - said.start_s, abs=0.4)
    assert detection.recall > 0.95
    assert detection.false_alarm < 0.1
    assert (detection.missed, detection.false) == (0, 0)


def test_batches_show_every_utterance_once_cut_as_live() -> None:
    spoken = tones(range(1))
    shown = []
    for segments, own in batches(spoken, 5, 0, np.random.default_rng(0)):
        assert segments.shape[0] == len(own) <= 5
        shown.extend((one.label, segments[i].numpy()) for i, one in enumerate(own))
    assert len(shown) == len(spoken)
    for one in spoken:
        own = segments_of(one.samples, UtteranceRules())
        hits = [s for label, s in shown if label == one.label and s.shape == own.shape and np.array_equal(s, own)]
        assert len(hits) == 1


def test_shifted_batches_keep_at_least_a_second() -> None:
    shapes = {tuple(s.shape[1:]) for s, _ in batches(tones(range(1)), 5, 8_000, np.random.default_rng(0))}
    assert shapes == {(1, 16_000), (2, 16_000)}


def test_it_learns_what_can_be_learnt(tmp_path: Path) -> None:
    torch.manual_seed(0)
    learner = GuidedNetwork(
        SpeechNetwork(SpeechSizes(channels=(8, 8, 8, 8), strides=(16, 1, 1, 1), pools=(4, 4, 4, 2)), 4)
    )
    lines: list[str] = []
    config = small(epochs=4, guide=0.0, learning_rate=0.03)
    fit(learner, tones(range(3)), tones(range(10, 11)), config, Checkpoints(tmp_path, "run"), lines.append)
    verdicts = segment_logits(learner.network, tones(range(20, 22)))
    said = [int(one.logits[-1].argmax()) for one in verdicts]
    assert np.mean([s == one.label for s, one in zip(said, verdicts, strict=True)]) > 0.9
    assert len(lines) == 4


def test_it_stops_when_nothing_improves(tmp_path: Path) -> None:
    learner = GuidedNetwork(
        SpeechNetwork(SpeechSizes((4, 4, 4, 4), strides=(16, 1, 1, 1), pools=(4, 4, 4, 2), lstm_units=6), 4)
    )
    saying: list[str] = []
    mixed = [LabelledUtterance(s.samples, (s.label + 1) % 4, s.person) for s in tones(range(1))]
    # The people to stop by are labelled otherwise: learning makes it worse for them from the second epoch on.
    config = small(epochs=12, patience=2, learning_rate=0.05)
    newest = fit(learner, tones(range(2)), mixed, config, Checkpoints(tmp_path, "run"), saying.append)
    assert len(saying) < 12
    assert len(newest.losses) == len(saying) == newest.best_epoch + 2
    assert len(list(tmp_path.iterdir())) == 2


class Interrupted(Exception):  # noqa: N818 - nothing went wrong
    pass


def test_an_interrupted_run_goes_on_to_the_same_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The three runs have the same people: they are simulated once.
    people = cache(lambda seed, seconds: simulate_utterances(seed, seconds, EASY, VoiceActivity()))
    monkeypatch.setattr(train, "simulate_utterances", lambda seed, seconds, *_: people(seed, seconds))
    straight, resumed = tmp_path / "straight.safetensors", tmp_path / "resumed.safetensors"
    scores = train_speech(small(), straight, lambda line: None)

    def stop(line: str) -> None:
        if line.startswith("epoch 2"):
            raise Interrupted

    with pytest.raises(Interrupted):
        train_speech(small(), resumed, stop)
    lines: list[str] = []
    train_speech(small(), resumed, lines.append)
    assert any("goes on after epoch 2" in line for line in lines)
    assert load_bundle(straight).sha256 == load_bundle(resumed).sha256
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "resumed.md", "resumed.safetensors", "straight.md", "straight.safetensors",
    ]  # fmt: skip
    bundle = load_bundle(straight, "speech")
    assert bundle.spec.domain == ("simulated",)
    assert bundle.spec.head("speech").classes == CLASSES
    assert bundle.spec.head("speech").construct == "expressed"
    assert bundle.spec.head("speech").temperature == scores.temperature
    assert SpeechDecoder(bundle, torch.device("cpu")).feed(np.zeros(1000, np.float32), 0.0) == ()
    card = straight.with_suffix(".md").read_text(encoding="utf-8")
    assert "not valid for people" in card
    assert f"| utterance | {scores.utterances.n} | {scores.utterances.uar}" in card
    assert {person for person, _, _ in scores.by_person} == {901, 902}


def test_checkpoints_of_another_run_or_damaged_ones_are_not_resumed(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, "this")
    for losses in ((0.9,), (0.9, 0.5), (0.9, 0.5, 0.7)):
        checkpoints.save(Checkpoint({"w": torch.full((2,), losses[-1])}, {"w": torch.zeros(2)}, losses))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["epoch_002.safetensors", "epoch_003.safetensors"]
    newest = checkpoints.newest()
    assert newest is not None
    assert newest.losses == (0.9, 0.5, 0.7)
    assert float(checkpoints.best(newest).weights["w"][0]) == 0.5
    assert Checkpoints(tmp_path, "other").newest() is None
    (tmp_path / "epoch_003.safetensors").write_bytes(b"cut short")
    older = checkpoints.newest()
    assert older is not None
    assert len(older.losses) == 2


def test_rare_classes_weigh_more() -> None:
    spoken = [LabelledUtterance(np.zeros(1, np.float32), label) for label in (0, 1, 1, 1, 2, 2, 3, 3)]
    np.testing.assert_allclose(utterance_class_weights(spoken), [2.0, 2 / 3, 1.0, 1.0])


def verdicts_of(labels: list[int], said: list[int], sure: float, persons: list[int]) -> list[UtteranceLogits]:
    return [UtteranceLogits(p, label, sure * np.eye(4)[[s]]) for p, label, s in zip(persons, labels, said, strict=True)]


def test_scores_are_right() -> None:
    labels, said = [0, 0, 1, 1, 2, 2, 2, 3], [0, 1, 1, 1, 2, 2, 0, 3]
    result = score_utterances(verdicts_of(labels, said, 3.0, [1] * 4 + [2] * 4), 1.0, [DETECTION], 0)
    assert result.utterances.uar.value == pytest.approx((1 / 2 + 1 + 2 / 3 + 1) / 4)
    assert result.by_person == (
        (1, pytest.approx(3 / 4), pytest.approx(3 / 4)),
        (2, pytest.approx(5 / 6), pytest.approx(5 / 6)),
    )
    assert result.utterances.majority_uar == 0.25
    np.testing.assert_allclose(recalls(result.utterances.confusion), [1 / 2, 1, 2 / 3, 1])


def test_temperature_cools_who_is_too_sure() -> None:
    rng = np.random.default_rng(0)
    labels = list(rng.integers(4, size=400))
    said = [int(label) if rng.random() < 0.6 else int(rng.integers(4)) for label in labels]
    verdicts = verdicts_of(labels, said, 10.0, [1] * 400)
    temperature = fit_utterance_temperature(verdicts)
    assert temperature > 3.0
    assert balanced_loss(verdicts, temperature) < balanced_loss(verdicts)
    assert balanced_loss(verdicts_of([0, 1, 2, 3], [0, 0, 0, 0], 0.0, [1] * 4)) == pytest.approx(np.log(4))


def test_the_shipped_bundle_hears_emotion_in_people_it_never_met() -> None:
    bundle = load_bundle(bundled("speech"), "speech")
    assert "901" in bundle.spec.protocol
    network = network_of(bundle)
    voice = VoiceActivity()
    spoken = [one for seed in (951, 952) for one in simulate_utterances(seed, 60.0, EASY, voice)[0]]
    verdicts = segment_logits(network, spoken)
    assert score_utterances(verdicts, 1.0, [DETECTION], 0).utterances.uar.value > 0.45
