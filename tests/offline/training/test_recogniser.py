"""Training of the recogniser: the ridge, the copies, honest folds, and a bundle that decodes."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import soundfile
import torch

from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.configs.schema.load import check, load
from moodring.configs.schema.train_recogniser import AdaptationSection, TrainRecogniserConfig
from moodring.models.contract import FloatArray, SpeechSegment
from moodring.models.decoders.recogniser import VoiceRecogniser
from moodring.models.decoders.speech import SpeechDecoder
from moodring.models.decoders.voice_adaptation import VoiceHistory
from moodring.models.io.bundle import load_bundle
from moodring.models.signals.speech.voice_summary import functional_weights
from moodring.offline.datasets.speech import emodb
from moodring.offline.evaluation.splits import Items, LeaveOneGroupOut
from moodring.offline.training.common.ridge import fit_linear, solve_from_products
from moodring.offline.training.recogniser import train
from moodring.offline.training.recogniser.adaptation import adapted_logits, between_speakers, fit_adapted
from moodring.offline.training.recogniser.augment import at_speed, augment, by_telephone, with_noise
from moodring.offline.training.recogniser.features import FeatureCache, FeatureSets
from moodring.offline.training.recogniser.task import ClassificationTask
from moodring.offline.training.recogniser.train import train_recogniser

CONFIGS = Path(train.__file__).resolve().parents[3] / "configs"
COPIES = ("noise", "first_1s")
LETTERS = {"W": (5.0, 260.0), "T": (1.5, 120.0)}


def voice(letter: str, speaker: int, prompt: int) -> FloatArray:
    """A buzz whose pitch and syllable rate tell the emotion and whose timbre tells the speaker."""
    rate, pitch = LETTERS[letter]
    rng = np.random.default_rng((speaker, prompt, ord(letter)))
    t = np.arange(17_600) / 16_000
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.04 * speaker + 0.05 * np.sin(2 * np.pi * (1 + prompt) * t))) / 16_000
    wave = sum(np.sin(k * phase) / k ** (1 + 0.1 * speaker) for k in range(1, 12))
    return np.asarray(
        0.1 * wave * (0.6 + 0.4 * np.sin(2 * np.pi * rate * t)) + 0.003 * rng.standard_normal(len(t)), np.float32
    )


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("emodb")
    for speaker in (3, 8, 9, 10):
        for prompt in (1, 2):
            for letter in LETTERS:
                name = f"{speaker:02d}a{prompt:02d}{letter}a.wav"
                soundfile.write(folder / name, voice(letter, speaker, prompt), 16_000)
    return folder


@pytest.fixture(scope="module")
def measured(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The features of the corpus and its copies, measured once; copy the folder to train with it."""
    folder = tmp_path_factory.mktemp("measured")
    FeatureCache(emodb.read(corpus), folder, lambda line: None).features(COPIES, 0)
    return folder


def config(data: Path | None, cache: Path, **changes: object) -> TrainRecogniserConfig:
    values = {
        "corpus": "emodb", "data": data, "domain": "made", "seeds": [0], "folds": 0, "prompt_folds": 2,
        "copies": COPIES, "cache": cache, **changes,
    }  # fmt: skip
    return check(values, TrainRecogniserConfig, "test")


def test_a_trained_bundle_decodes_and_folds_are_kept(
    corpus: Path, measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(measured, tmp_path / "cache")
    out = tmp_path / "made.safetensors"
    lines: list[str] = []
    scored = train_recogniser(config(corpus, tmp_path / "cache"), out, lines.append)
    assert lines[-1].startswith(f"wrote {out} (")
    by_speaker = next(j for j in scored if j.protocol == "leave one speaker out" and j.condition == "whole")
    assert by_speaker.scores.uar.value == 1.0
    assert by_speaker.scores.n == 16
    both = [j for j in scored if "both apart" in j.protocol and j.condition == "whole"]
    assert both[0].scores.n == 16
    bundle = load_bundle(out, "speech")
    assert bundle.spec.head("speech").classes == ("anger", "sadness")
    SpeechDecoder(bundle, torch.device("cpu"))
    assert "never trained on" in out.with_suffix(".md").read_text(encoding="utf-8")

    # Started again, every number and fold is there already; only the final model is fitted anew.
    fits: list[int] = []
    real = train.fit
    monkeypatch.setattr(train, "fit", lambda *given: (fits.append(len(given[2])), real(*given))[1])
    again = tmp_path / "again.safetensors"
    train_recogniser(config(corpus, tmp_path / "cache"), again, lambda line: None)
    assert load_bundle(again).sha256 == bundle.sha256
    assert fits.count(16) == 1
    assert len(fits) <= 7


def test_nothing_of_the_test_speaker_reaches_training(
    corpus: Path, measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []
    real = train.fit_linear

    def spy(numbers: FloatArray, labels: object, speakers: np.ndarray, *rest: object) -> object:
        seen.append(set(speakers.tolist()))
        return real(numbers, labels, speakers, *rest)

    monkeypatch.setattr(train, "fit_linear", spy)
    shutil.copytree(measured, tmp_path / "cache")
    train_recogniser(config(corpus, tmp_path / "cache"), tmp_path / "made.safetensors", lambda line: None)
    # All but the last fits (temperature and weights of the shipped model) lack at least one speaker.
    assert all(len(speakers) < 4 for speakers in seen[:-1])
    assert seen[-1] == {"03", "08", "09", "10"}


def test_data_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--set data="):
        train_recogniser(config(None, tmp_path), tmp_path / "made.safetensors", lambda line: None)


@pytest.mark.parametrize("name", ["train_emodb.toml", "train_ravdess.toml"])
def test_the_shipped_configs_hold_no_path(name: str) -> None:
    assert load(CONFIGS / name, TrainRecogniserConfig).data is None


def test_classes_weigh_the_same_however_frequent() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [190, 10])
    x = (rng.standard_normal((200, 4)) + 1.2 * labels[:, None]).astype(np.float32)
    model = fit_linear(x, labels, np.full(200, "a"), 2, np.ones(4, np.float32), 0.01, 0.0)
    fresh = rng.standard_normal((4_000, 4)).astype(np.float32)
    recalls = [(model.scores(fresh + 1.2 * k).argmax(1) == k).mean() for k in (0, 1)]
    assert abs(recalls[0] - recalls[1]) < 0.12
    assert min(recalls) > 0.8


def test_what_tells_speakers_apart_is_discouraged() -> None:
    rng = np.random.default_rng(1)
    labels = np.tile([0, 1], 60)
    speakers = np.repeat(["a", "b", "c"], 40)
    x = rng.standard_normal((120, 3)).astype(np.float32) * 0.3
    x[:, 0] += labels
    x[:, 1] += 2.0 * labels + np.repeat([0.0, 1.0, -1.0], 40)
    free, strict = (
        fit_linear(x, labels, speakers, 2, np.ones(3, np.float32), 0.1, weight).weights[:, 1] for weight in (0.0, 10.0)
    )
    assert abs(strict[1]) < 0.5 * abs(free[1])
    assert free[1] > 0.05


def test_sexes_learn_what_differs_between_them() -> None:
    rng = np.random.default_rng(3)
    labels, female = np.tile([0, 1], 100), np.repeat([True, False], 100)
    speakers = np.repeat(["a", "b"], 100)
    x = rng.standard_normal((200, 3)).astype(np.float32) * 0.3
    x[:, 0] += np.where(female, 3.0, -3.0)
    x[:, 1] += np.where(female, 1.5, -1.5) * labels
    rest = (speakers, 2, np.ones(3, np.float32), 0.1, 0.0)
    one = fit_linear(x, labels, *rest)
    two = fit_linear(x, labels, *rest, female, 0.5)
    assert (one.scores(x).argmax(1) == labels).mean() < 0.9
    # What is not told which sex a voice has finds out by itself.
    assert (two.scores(x).argmax(1) == labels).mean() > 0.95
    apart = fit_linear(x, labels, *rest, female, 1.0)
    only = fit_linear(x[female], labels[female], speakers[female], 2, np.ones(3, np.float32), 0.1, 0.0)
    assert (apart.scores(x[female]).argmax(1) == only.scores(x[female]).argmax(1)).mean() > 0.97


def test_a_recipe_of_some_classes_and_both_sexes(corpus: Path, measured: Path, tmp_path: Path) -> None:
    shutil.copytree(measured, tmp_path / "cache")
    out = tmp_path / "made.safetensors"
    chosen = config(corpus, tmp_path / "cache", classes=["sadness", "anger"], sex_weight=0.5)
    scored = train_recogniser(chosen, out, lambda line: None)
    assert {j.task for j in scored} == {"anger, sadness"}
    bundle = load_bundle(out, "speech")
    assert {"sex_weights", "tell_weights", "tell_bias"} < set(bundle.tensors)
    recogniser_of = VoiceRecogniser(bundle)
    for path in sorted(corpus.glob("*.wav")):
        samples = soundfile.read(path, dtype="float32")[0]
        segment = SpeechSegment(samples, 0.0, len(samples) / 16_000, True, True, len(samples))
        logits, _ = recogniser_of.step(segment, None)
        assert bundle.spec.head("speech").classes[logits.argmax()] == {"W": "anger", "T": "sadness"}[path.stem[5]]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"classes": ["anger", "joy"]}, "classes names .'joy'."),
        ({"corpus": "folders", "sex_weight": 0.5}, "does not say whose voices are women's"),
    ],
)
def test_what_the_corpus_cannot_give_is_refused(
    corpus: Path, tmp_path: Path, changes: dict[str, object], line: str
) -> None:
    data = corpus
    if changes.get("corpus") == "folders":
        data = tmp_path / "own"
        for label in ("anger", "sadness"):
            (data / label).mkdir(parents=True)
            for path in corpus.glob(f"*{'W' if label == 'anger' else 'T'}a.wav"):
                (data / label / path.name).write_bytes(path.read_bytes())
    with pytest.raises(ConfigError, match=line):
        train_recogniser(config(data, tmp_path / "cache", **changes), tmp_path / "made.safetensors", lambda _: None)


def test_copies_are_what_they_say() -> None:
    rng = np.random.default_rng(2)
    samples = np.sin(2 * np.pi * 200 * np.arange(32_000) / 16_000).astype(np.float32)
    assert len(at_speed(samples, 1.25)) == pytest.approx(25_600, abs=2)
    assert np.abs(np.fft.rfft(at_speed(samples, 1.25)[:16_000])).argmax() == 250
    noise = with_noise(samples, 10.0, 1.0, rng) - samples
    assert 10 * np.log10(np.mean(samples**2) / np.mean(noise**2)) == pytest.approx(10.0, abs=0.1)
    spectrum = np.abs(np.fft.rfft(by_telephone(rng.standard_normal(16_000).astype(np.float32)))) ** 2
    assert spectrum[5_000:].mean() < 0.01 * spectrum[500:3_000].mean()
    assert len(augment("first_1s", samples, rng)) == 16_000
    assert augment("noise", samples, np.random.default_rng(3)) == pytest.approx(
        augment("noise", samples, np.random.default_rng(3))
    )


@pytest.mark.parametrize(
    ("speakers", "prompts", "changes", "line"),
    [
        (2, 2, {}, "has 2 speaker.s., and testing needs 3"),
        (3, 2, {}, r"folds = 0 .with prompts apart: 4. does not fit the 3 speakers: .*; set folds = 3$"),
        (4, 2, {"folds": 9}, "folds = 9 does not fit the 4 speakers: .*; set folds = 4$"),
        (4, 2, {"folds": 1}, "folds = 1 does not fit the 4 speakers: .*; set folds = 3$"),
        (3, 2, {"folds": 2}, "folds = 2 does not fit the 3 speakers: .*; set folds = 3$"),
        (4, 2, {"prompt_folds": 5}, "prompt_folds = 5, but there are 2 prompts; set prompt_folds = 2$"),
        (4, 1, {}, "everybody says the same prompt"),
    ],
)
def test_too_few_speakers_or_prompts_are_told_before_anything_is_measured(
    corpus: Path, tmp_path: Path, speakers: int, prompts: int, changes: dict[str, object], line: str
) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for path in corpus.glob("*.wav"):
        if path.name[:2] in ("03", "08", "09", "10")[:speakers] and int(path.name[3:5]) <= prompts:
            (few / path.name).write_bytes(path.read_bytes())
    lines: list[str] = []
    with pytest.raises(ConfigError, match=line):
        train_recogniser(config(few, tmp_path / "cache", **changes), tmp_path / "made.safetensors", lines.append)
    assert lines == []
    assert not (tmp_path / "cache").exists()


def test_the_fewest_speakers_that_are_let_through_can_be_trained_on(corpus: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for path in corpus.glob("*.wav"):
        if path.name[:2] != "03":
            (few / path.name).write_bytes(path.read_bytes())
    (few / "08a09Wa.wav").write_bytes(b"")
    chosen = config(few, tmp_path / "cache", folds=3, copies=["noise"])
    with pytest.raises(MoodringError, match='goes on without them with on_bad = "skip"'):
        train_recogniser(chosen, tmp_path / "made.safetensors", print)
    lines: list[str] = []
    scored = train_recogniser(chosen.model_copy(update={"on_bad": "skip"}), tmp_path / "made.safetensors", lines.append)
    assert "08a09Wa.wav' is empty" in lines[0]
    assert all(np.isfinite(one.scores.uar.value) for one in scored)
    assert load_bundle(tmp_path / "made.safetensors", "speech").spec.head("speech").temperature > 0


def synthetic(seed: int) -> tuple[ClassificationTask, FeatureSets]:
    """Four speakers of two classes, with numbers that tell the class a little."""
    grid = [(s, p, e) for s in range(4) for p in range(3) for e in range(2)]
    names = tuple(f"s{s}p{p}e{e}" for s, p, e in grid)
    groups = {"speaker": tuple(f"s{s}" for s, _, _ in grid), "prompt": tuple(f"p{p}" for _, p, _ in grid)}
    n = len(names)
    items = Items(names, groups, names, names, names, np.zeros(n), np.ones(n))
    labels = np.array([e for _, _, e in grid])
    rng = np.random.default_rng(seed)
    whole = rng.standard_normal((n, len(functional_weights()))).astype(np.float32)
    whole[:, :40] += 2.0 * labels[:, None]
    features = FeatureSets(
        {"whole": whole, "noise 0 dB": (whole + rng.normal(0, 2, whole.shape)).astype(np.float32)}, ()
    )
    return ClassificationTask("two", ("a", "b"), labels, items), features


def folds_in(folder: Path) -> FeatureCache:
    return cast(
        FeatureCache, SimpleNamespace(path=lambda stage, *settings: folder / f"{stage.key(*settings)[:20]}.npy")
    )


def test_folds_of_other_features_are_not_taken_from_the_cache(tmp_path: Path) -> None:
    chosen = config(tmp_path, tmp_path)
    task, features = synthetic(1)
    _, others = synthetic(2)
    one, again, other = (
        train.cross_validate(task, LeaveOneGroupOut("speaker"), these, chosen, 0, folds_in(tmp_path))["whole"]
        for these in (features, features, others)
    )
    np.testing.assert_array_equal(one, again)
    assert not np.allclose(one, other)
    assert len(list(tmp_path.glob("*.npy"))) == 8, "four folds of each"


@pytest.mark.parametrize("what", ["scaling and weights", "temperature"])
def test_a_fold_that_is_fitted_on_its_test_speaker_stops(
    what: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    task, features = synthetic(1)
    real = train.fit if what == "scaling and weights" else train._inner_temperature
    everything = np.arange(len(task.labels))

    def leaky(task, features, *rest):  # type: ignore[no-untyped-def]
        return real(task, features, everything, *rest[1:])

    monkeypatch.setattr(train, real.__name__, leaky)
    with pytest.raises(MoodringError, match=rf"the {what} is fitted on test items \({what} and s0p0e0"):
        train.cross_validate(
            task, LeaveOneGroupOut("speaker"), features, config(tmp_path, tmp_path), 0, folds_in(tmp_path)
        )


def test_the_temperature_away_is_that_of_the_other_sex_in_noise() -> None:
    task, features = synthetic(1)
    sexes = ("female", "female", "male", "male")
    groups = {**task.items.groups, "sex": tuple(sexes[int(name[1])] for name in task.items.names)}
    task = replace(task, items=replace(task.items, groups=groups))
    quiet, loud = features.conditions["whole"].copy(), features.conditions["whole"].copy()
    # What tells the classes of women apart says the opposite of men.
    men = np.array([name[1] in "23" for name in task.items.names])
    loud[men, :40] *= -1.0
    chosen = config(Path(), Path())
    alike, unlike = (FeatureSets({"whole": numbers}, ()) for numbers in (quiet, loud))
    assert train.temperature_away(task, alike, chosen) < 1.0
    assert train.temperature_away(task, unlike, chosen) > 5.0


def test_products_alone_give_the_same_fit() -> None:
    rng = np.random.default_rng(4010)
    rows, labels = rng.standard_normal((60, 20)), rng.integers(0, 3, 60)
    speakers = np.array(list("abcd"))[rng.integers(0, 4, 60)]
    fitted = fit_linear(rows.astype(np.float32), labels, speakers, 3, np.ones(20, np.float32), 0.7, 0.3)
    x = fitted.standardised(rows.astype(np.float32))
    coefficients, bias = solve_from_products((x @ x.T).astype(np.float64), labels, speakers, 3, 0.7 * 20, 0.3)
    np.testing.assert_allclose(x.T @ coefficients, fitted.weights, atol=1e-5)
    np.testing.assert_allclose(bias, fitted.bias, atol=1e-5)


def test_a_bundle_trained_with_adaptation_adapts_and_answers_the_same_without(
    corpus: Path, measured: Path, tmp_path: Path
) -> None:
    shutil.copytree(measured, tmp_path / "cache")
    made = []
    for name, section in (("plain", None), ("adapting", {"single_share": 0.5})):
        made.append(tmp_path / f"{name}.safetensors")
        train_recogniser(config(corpus, tmp_path / "cache", adaptation=section), made[-1], lambda line: None)
    plain, adapting = (load_bundle(path) for path in made)
    for name, tensor in plain.tensors.items():
        assert torch.equal(tensor, adapting.tensors[name])
    assert adapting.spec.network["adapted_temperature"] > 0
    assert SpeechDecoder(adapting, torch.device("cpu"), voice=VoiceHistory()).adapts
    assert not SpeechDecoder(plain, torch.device("cpu"), voice=VoiceHistory()).adapts


def test_the_adapted_model_forgives_a_speaker_what_sets_the_voice_apart_and_its_cap_counts_in_spreads() -> None:
    rng = np.random.default_rng(4011)
    n_numbers, n_each = len(functional_weights()), 16
    speakers = np.repeat(list("abcdef"), n_each)
    labels = np.tile([0, 1], 3 * n_each)
    apart = np.repeat(rng.standard_normal((6, n_numbers)), n_each, axis=0)
    rows = (apart + 0.5 * rng.standard_normal((6 * n_each, n_numbers))).astype(np.float32)
    rows[labels == 1, :400] += 1.0
    trained, new = speakers != "f", np.flatnonzero(speakers == "f")
    model = fit_linear(rows[trained], labels[trained], speakers[trained], 2, functional_weights(), 1.0, 0.3)
    rules = AdaptationSection(longest_shift=3.0)
    adapted = fit_adapted([rows[trained]], labels[trained], speakers[trained], 2, model, rules, 0)
    standardised = (rows[trained] - model.mean) / model.scale
    assert float(adapted.longest) == pytest.approx(3.0 * between_speakers(standardised, speakers[trained]), rel=1e-4)
    # The new speaker's voice lies where the other class does.
    heard = rows[new].copy()
    heard[:, :400] += 1.0
    right = [
        np.mean(logits.argmax(axis=1)[4:] == labels[new][4:])
        for logits in (adapted_logits(heard, model, adapted), model.scores(heard))
    ]
    assert right[1] < 0.8 < 0.95 < right[0]
