"""Training of the background of voices on people made of one voice, played slower and faster."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.configs.schema.load import check, load
from moodring.configs.schema.train_speech import TrainVoicesConfig
from moodring.models.contract import AUDIO_RATE_HZ
from moodring.models.decoders.speaker import load_voices
from moodring.offline.datasets.speech import emodb
from moodring.offline.evaluation.intervals import mean_over_people
from moodring.offline.simulate.voice import simulate_voice
from moodring.offline.training.speaker import train
from moodring.offline.training.speaker.card import error_table
from moodring.offline.training.speaker.scores import (
    ENROLMENT_CONDITIONS,
    KNOWN,
    RECOMMENDED,
    CorpusTrials,
    VerificationTrials,
    equal_error_rate,
    margins,
    thresholds_of,
)

CONFIGS = Path(train.__file__).resolve().parents[3] / "configs"
PEOPLE = {"03": 0.75, "08": 1.3, "10": 0.95, "11": 1.12}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("emodb")
    for number, (speaker, speed) in enumerate(PEOPLE.items()):
        sound = simulate_voice(1, 100.0)
        # Syllables alone: pauses would make it long.
        words = sound.reshape(-1, 160)[np.abs(sound.reshape(-1, 160)).max(axis=1) > 0.02].ravel()
        words = soxr.resample(words, AUDIO_RATE_HZ * speed, AUDIO_RATE_HZ)
        for take in range(12):
            begin = round((take * 3.7 + number * 0.2) * AUDIO_RATE_HZ) % (len(words) - 4 * AUDIO_RATE_HZ)
            letter, prompt = "NW"[take % 2], take // 2 + 1
            soundfile.write(
                folder / f"{speaker}a{prompt:02d}{letter}a.wav", words[begin : begin + 64_000], AUDIO_RATE_HZ
            )
    return folder


def config(data: Path | None, **changes: object) -> TrainVoicesConfig:
    values = {"corpus": "emodb", "data": data, "domain": "made", "women": ["08"], "gaussians": 4, "frames": 3000}
    return check({**values, **changes}, TrainVoicesConfig, "test")


def test_a_background_is_tested_trained_and_described(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "made.safetensors"
    measured = train.measure_corpus(emodb.read(corpus), ["08"])
    monkeypatch.setattr(train, "measure_corpus", lambda corpus, women: measured)  # once for both trainings
    scored = train.train_voices(config(corpus), out, lambda line: None)
    assert [one.condition for one in scored if KNOWN not in one.condition] == [way.name for way in ENROLMENT_CONDITIONS]
    recommended = next(one.trials for one in scored if one.condition == RECOMMENDED)
    assert set(zip(recommended.enrolled, recommended.speaker, strict=True)) == {
        (a, b) for a in PEOPLE for b in PEOPLE
    }, "everybody is tried against everybody"
    # With one person left to train on, people in general are that person; the two enrolled ones differ all the same.
    known = next(one.trials for one in scored if one.condition == RECOMMENDED + KNOWN)
    own, end = known.own, margins(known, np.zeros(3))[:, -1]
    assert equal_error_rate(end[own], end[~own]) < 0.1
    assert set(
        recommended.same_sex[recommended.enrolled == "03"][recommended.speaker[recommended.enrolled == "03"] == "08"]
    ) == {np.False_}
    made = load_voices(out)
    assert made.spec.domain == "made"
    assert made.background.means.shape == (4, 18)
    card = out.with_suffix(".md").read_text(encoding="utf-8")
    assert f"EMO-DB, {RECOMMENDED}" in card
    again = tmp_path / "again.safetensors"
    train.train_voices(config(corpus), again, lambda line: None)
    assert load_voices(again).sha256 == made.sha256


def test_without_data_or_calm_speech_it_says_so(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--set data=FOLDER"):
        train.train_voices(config(None), tmp_path / "x.safetensors", lambda line: None)
    angry = tmp_path / "angry"
    angry.mkdir()
    for path in corpus.glob("*Wa.wav"):
        (angry / path.name).write_bytes(path.read_bytes())
    with pytest.raises(MoodringError, match="nothing of speaker 03 is neutral or calm"):
        train.train_voices(config(angry), tmp_path / "x.safetensors", lambda line: None)


def test_the_shipped_config_is_valid() -> None:
    assert load(CONFIGS / "train_voices.toml", TrainVoicesConfig).gaussians == 128


def test_thresholds_lose_what_they_may_and_short_utterances_have_their_own() -> None:
    n = 200
    own = np.linspace(0, 1, n)
    people = np.column_stack((own, own + 1, own + 2, own + 2))
    people[:50, 1:3] = np.nan  # a second long: their end is scored by the first threshold
    people[:50, 3] = own[:50]
    segments = np.where(np.arange(n) < 50, 1, 3)
    names, nobody = np.full(n, "a"), np.full((n, 4), np.inf)
    made = VerificationTrials(names, names, np.ones(n, bool), names, people, nobody, segments)
    thresholds = thresholds_of(made, 0.05)
    margin = margins(made, np.array(thresholds))
    assert np.isnan(margin[:50, 1]).all()
    for column in range(3):
        there = margin[np.isfinite(margin[:, column]), column]
        assert (there >= 0).mean() == pytest.approx(0.95, abs=0.01)
    np.testing.assert_allclose(margin[:50, 3], own[:50] - thresholds[0])
    np.testing.assert_allclose(margin[50:, 3], own[50:] + 2 - thresholds[2])
    beaten = margins(replace(made, others=np.full((n, 4), -0.1)), np.array(thresholds))
    assert (beaten[np.isfinite(beaten)] <= -0.1).all()


def test_the_equal_error_rate_of_known_distributions() -> None:
    rng = np.random.default_rng(0)
    own, other = rng.normal(2, 1, 20_000), rng.normal(0, 1, 20_000)
    assert equal_error_rate(own, other) == pytest.approx(0.1587, abs=0.006)
    assert equal_error_rate(own, own) == pytest.approx(0.5, abs=0.01)
    assert np.isnan(equal_error_rate(own, np.array([])))


def test_thresholds_of_a_judged_pair_know_nothing_of_it(corpus: Path) -> None:
    utterances = train.measure_corpus(emodb.read(corpus), ["08"])
    settings = config(corpus)
    before = train.set_on_others(utterances, settings, lambda line: None)
    assert len(before) == 6
    # The pair's own voices become noise: whatever is set for others changes, their own thresholds do not.
    rng = np.random.default_rng(1)
    pair = ("03", "08")
    spoilt = [
        replace(one, seconds=tuple(rng.normal(0, 9, row.shape).astype(np.float32) for row in one.seconds))
        if one.speaker in pair
        else one
        for one in utterances
    ]
    after = train.set_on_others(spoilt, settings, lambda line: None)
    assert after[pair] == before[pair]
    assert all(after[other] != before[other] for other in before if set(other) & set(pair) and other != pair)


def test_three_speakers_are_too_few_to_judge_by_others(corpus: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for path in corpus.glob("*.wav"):
        if path.name[:2] != "03":
            (few / path.name).write_bytes(path.read_bytes())
    with pytest.raises(ConfigError, match=r"has 3 speaker.s., and testing needs 4"):
        train.train_voices(config(few), tmp_path / "x.safetensors", lambda line: None)


def test_rates_have_their_interval_over_enrolled_speakers() -> None:
    """Eight speakers of whom a tenth to eight tenths are lost; ten times as many utterances each change nothing."""
    lost = np.arange(1, 9) / 10.0

    def shown(each: int) -> str:
        n = 8 * each
        enrolled = np.repeat([f"p{k}" for k in range(8)], each)
        beaten = np.concatenate([np.arange(each) < round(share * each) for share in lost])
        scores = np.where(beaten, -1.0, 1.0)[:, None] * np.ones((1, 4))
        made = VerificationTrials(
            enrolled, enrolled, np.ones(n, bool), enrolled, scores, np.full((n, 4), np.inf), np.full(n, 3)
        )
        row = error_table([CorpusTrials("made", "some", made, np.zeros((n, 3)))]).splitlines()[2]
        return row.split("|")[5].strip()

    mean = mean_over_people(lost)
    assert shown(10) == shown(100) == f"**45.0 %** [{100 * mean.low:.0f}, {100 * mean.high:.0f}]"
