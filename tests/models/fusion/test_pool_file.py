"""The file of a pool: what is refused, and whose weight a decision was."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.configs.schema.live import (
    EegSection,
    LiveConfig,
    ModelsSection,
    PoolingSection,
    SpeechSection,
    StreamQuery,
)
from moodring.configs.schema.load import check
from moodring.models.decoders.session_models import load_models
from moodring.models.fusion.opinion_pool import SITUATIONS, VoiceLevels
from moodring.models.fusion.pool_file import Pool, PooledBundle, PoolFile, WeightsTable, load_pool, pool_path, save_pool
from moodring.models.io.bundle import bundled, load_bundle

FELT = np.array([0.7, 0.2, 0.1], np.float32)
VOICE = np.array([[0.1, 0.2, 0.7], [0.2, 0.2, 0.6]])
OURS = {"video_eeg": PooledBundle(file="a", sha256="a" * 64), "speech": PooledBundle(file="b", sha256="b" * 64)}


def table(**changes) -> PoolFile:
    one = WeightsTable(felt=1.0, voice=1.0, prior=(0.0, 0.0, 0.0), threshold=0.25)
    quiet = WeightsTable(felt=2.0, voice=0.0, prior=(0.0, 0.0, 0.0), threshold=0.0)
    cases = {case: quiet if case == "quiet" else one for case in SITUATIONS}
    values = {
        **OURS,
        "domain": ("simulated",),
        "protocol": "made up",
        "people": 2,
        "coverage": 0.8,
        "half_life_s": 1.5,
        "weights": {"valence": cases, "arousal": {**cases, "speaking": quiet}},
    }
    return PoolFile(**{**values, **changes})


def written(path: Path, **changes) -> Path:
    save_pool(path, table(**changes))
    return path


def test_a_written_pool_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "made.json"
    sha256 = save_pool(path, table())
    pool = load_pool(path, OURS)
    assert (pool.table, pool.name, pool.sha256) == (table(), "made.json", sha256)
    assert load_pool(path, {}).table == table()
    assert list(tmp_path.iterdir()) == [path]


def test_a_pool_holds_for_its_bundles_only(tmp_path: Path) -> None:
    path = written(tmp_path / "made.json")
    for kind in OURS:
        others = {**OURS, kind: PooledBundle(file="mine.safetensors", sha256="c" * 64)}
        with pytest.raises(MoodringError) as caught:
            load_pool(path, others)
        said = str(caught.value)
        assert "\n" not in said
        for word in (kind, "made.json", OURS[kind].file, OURS[kind].sha256[:12], "mine.safetensors", "c" * 12):
            assert word in said
        assert f"set models.{kind}" in said


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda raw: raw["weights"]["arousal"].pop("after"), "weights of arousal lack after"),
        (lambda raw: raw["weights"]["valence"]["after"].update(voice=-1.0), "greater than or equal to 0"),
        (lambda raw: raw.update(format=2), "format"),
        (lambda raw: raw.update(temperature=1.0), "temperature"),
        (lambda raw: raw["speech"].update(sha256="x"), "speech.sha256"),
    ],
)
def test_what_is_no_pool_is_refused_in_one_line(tmp_path: Path, spoil, says) -> None:
    raw = json.loads(table().model_dump_json())
    spoil(raw)
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(raw))
    with pytest.raises(MoodringError, match="is no pool") as caught:
        load_pool(path, OURS)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_or_foreign_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MoodringError, match="cannot be read"):
        load_pool(tmp_path / "none.json", OURS)
    (tmp_path / "x.json").write_bytes(b"\x80\x04 not json")
    with pytest.raises(MoodringError, match="is no pool"):
        load_pool(tmp_path / "x.json", OURS)


def test_a_decision_uses_the_weights_of_its_situation() -> None:
    pool = Pool(table(), "made.json", "p" * 64)
    felt = np.stack([FELT, FELT])
    voice = VoiceLevels(VOICE, 100.0)
    after = pool.decide(100.0, felt, voice, speaks=False)
    np.testing.assert_allclose(after[0].probabilities, np.array([0.07, 0.04, 0.07]) / 0.18, atol=1e-6)
    assert after[0].kept == (0, 2)
    assert after[0].shares["voice"] == pytest.approx(0.5, abs=1e-6)
    speaking = pool.decide(100.0, felt, voice, speaks=True)
    np.testing.assert_array_equal(speaking[0].probabilities, after[0].probabilities)
    assert speaking[1].shares["voice"] == 0.0
    assert speaking[1].probabilities[0] > after[1].probabilities[0]
    older = pool.decide(101.5, felt, voice, speaks=False)
    # Half of the way to the weights of silence: face and EEG by 1.5, the voice by 0.5.
    expected = FELT**1.5 * VOICE[0] ** 0.5
    np.testing.assert_allclose(older[0].probabilities, expected / expected.sum(), atol=1e-6)
    assert older[0].shares["voice"] == pytest.approx(0.25, abs=1e-6)
    quiet = pool.decide(100.0, felt, None, speaks=True)
    np.testing.assert_allclose(quiet[0].probabilities, FELT**2 / (FELT**2).sum(), atol=1e-6)
    assert (quiet[0].shares["voice"], quiet[0].kept) == (0.0, (0, 1, 2))
    long_after = pool.decide(200.0, felt, voice, speaks=False)
    np.testing.assert_allclose(long_after[0].probabilities, quiet[0].probabilities, atol=1e-6)
    assert long_after[0].shares["voice"] == pytest.approx(0.0, abs=1e-6)
    alone = pool.decide(100.0, None, voice, speaks=False)
    np.testing.assert_allclose(alone[1].probabilities, VOICE[1], atol=1e-6)
    assert alone[1].shares["voice"] == 1.0
    forgotten = pool.decide(200.0, None, voice, speaks=False)
    np.testing.assert_allclose(forgotten[1].probabilities, np.full(3, 1 / 3), atol=1e-6)
    assert forgotten[1].kept == (0, 1, 2)
    assert pool.decide(100.0, None, None, speaks=False) is None


# ------------------------------------------------------------------------------------------------ in a session


def test_the_shipped_pool_fits_the_shipped_simulated_bundles() -> None:
    eeg, speech = EegSection(stream=StreamQuery(name="x")), SpeechSection(microphone="default")
    section = PoolingSection(enabled=True, file="simulated")
    config = LiveConfig(eeg=eeg, speech=speech, models=ModelsSection(speech="simulated"), pooling=section)
    models = load_models(config, ("eeg", "speech"))
    pool = bundled("pool")
    assert [head.name for head in models.heads[-2:]] == ["pooled_valence", "pooled_arousal"]
    sha256 = hashlib.sha256(pool.read_bytes()).hexdigest()
    assert (models.bundles[-1].file, models.bundles[-1].sha256) == ("pool.json", sha256)
    table = PoolFile.model_validate_json(pool.read_bytes())
    assert models.domain == ("simulated",)
    for kind, name in (("video_eeg", "attention"), ("speech", "speech")):
        assert getattr(table, kind).sha256 == load_bundle(bundled(name)).sha256
    off = load_models(config.model_copy(update={"pooling": PoolingSection()}), ("eeg", "speech"))
    assert off.fusion is None
    assert off.bundles == models.bundles[:-1]
    with pytest.raises(MoodringError, match=r"fitted with speech bundle 'speech.safetensors'.*has 'emodb.safetensors'"):
        load_models(config.model_copy(update={"models": ModelsSection()}), ("eeg", "speech"))


def test_the_shipped_pool_says_who_it_was_fitted_on() -> None:
    found = PoolFile.model_validate_json(pool_path("simulated").read_bytes())
    assert found.domain == ("simulated",)
    assert "seeds 1101 to 1124" in found.protocol
    assert found.people == 24


LAB = {"eeg": {"stream": {"type": "EEG"}}, "speech": {"microphone": "default"}}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({**LAB, "pooling": {"enabled": True}}, "enabled needs file"),
        ({"eeg": LAB["eeg"], "pooling": {"enabled": True, "file": "simulated"}}, r"pooling needs \[speech\]"),
        ({"speech": LAB["speech"], "pooling": {"enabled": True, "file": "simulated"}}, r"\[eeg\] or \[face\]"),
        ({**LAB, "pooling": {"enable": True}}, "did you mean 'enabled'"),
    ],
)
def test_there_are_no_weights_by_default(values, says) -> None:
    with pytest.raises(ConfigError, match=says):
        check(values, LiveConfig, "made up")


def test_pooling_is_off_by_default() -> None:
    config = check(LAB, LiveConfig, "made up")
    assert not config.pooling.enabled
    assert config.pooling.file is None
