import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from moodring.configs.schema.live import EegSection, LiveConfig, StreamQuery
from moodring.configs.schema.load import load
from moodring.models.contract import SIMULATED
from moodring.models.decoders.session_models import load_models
from moodring.offline.decoding.compare import as_plain, compare, in_lines
from moodring.offline.decoding.decode import decode
from moodring.offline.simulate import simulate
from tests.support.heads import with_head, without_answer

CONFIGS = Path(__file__).parents[3] / "configs"
CONFIG = LiveConfig(eeg=EegSection(stream=StreamQuery(name="x")))


@pytest.fixture(scope="module")
def said(fakes):
    return decode(fakes.recording(8.0), CONFIG, models=fakes.fake_models()).estimates


def _with_valence(estimate, *valence):
    return with_head(estimate, "valence", probabilities=valence)


def test_the_same_decisions_agree_wholly(said):
    comparison = compare(said, said)
    assert len(comparison.pairs) == len(said)
    for name in ("valence", "arousal"):
        agreement = comparison.agreement[name]
        assert (agreement.compared, agreement.same_class, agreement.largest_difference) == (len(said), 1.0, 0.0)
        assert agreement.first_difference_s is agreement.largest_at_s is agreement.first_other_class_s is None
    assert comparison.same_bundles
    assert "none only in A, none only in B; probabilities at most 0 apart" in in_lines(comparison, "A", "B")[0]


def test_sessions_without_heads_have_nothing_to_compare(said):
    silent = [replace(estimate, heads=(), ablations=()) for estimate in said]
    (line,) = in_lines(compare(silent, silent), "A", "B")
    assert f"{len(said)} decisions in common" in line
    assert "no answer of both to compare" in line


def test_every_difference_is_found_and_placed(said):
    base = [_with_valence(e, 0.2, 0.5, 0.3) for e in said]
    other = list(base)
    other[3] = _with_valence(base[3], 0.25, 0.45, 0.3)  # another probability
    other[5] = _with_valence(base[5], 0.6, 0.1, 0.3)  # another class
    other[7] = without_answer(base[7], "valence", "arousal")
    comparison = compare(base[2:], other[:-1])
    assert comparison.only_first_s == (base[-1].session_time_s,)
    assert comparison.only_second_s == (base[0].session_time_s, base[1].session_time_s)
    valence = comparison.agreement["valence"]
    count = len(base) - 4
    assert (valence.compared, valence.one_silent) == (count, 1)
    assert valence.same_class == pytest.approx(1 - 1 / count)
    assert valence.mean_difference == pytest.approx((0.05 + 0.05 + 0.4 + 0.4) / 3 / count, rel=1e-5)
    assert valence.largest_difference == pytest.approx(0.4)
    assert valence.largest_at_s == valence.first_other_class_s == base[5].session_time_s
    assert valence.first_difference_s == base[3].session_time_s
    assert comparison.agreement["arousal"].first_difference_s is None
    text = "\n".join(in_lines(comparison, "this decoding", "the journal"))
    assert (
        f"{count + 1} decisions in common, 1 only in this decoding (at 7.5 s), 2 only in the journal (at 2, 2.5 s)"
        in text
    )
    assert "first other class at 4.5 s; in 1 only one of them spoke" in text
    plain = json.loads(json.dumps(as_plain(comparison, "a", "b"), allow_nan=False))
    assert plain["decisions"][1]["second"]["valence"] == pytest.approx([0.25, 0.45, 0.3])
    assert plain["decisions"][5]["second"]["valence"] is None


def test_voices_of_other_categories_differ(said):
    def speaking(estimate, classes, *probabilities):
        return with_head(estimate, "speech", classes=classes, probabilities=probabilities)

    first = [speaking(said[0], ("angry", "sad"), 0.7, 0.3), without_answer(said[1], "speech")]
    second = [speaking(said[0], ("sad", "happy"), 0.6, 0.4), speaking(said[1], ("sad",), 1.0)]
    speech = compare(first, second).agreement["speech"]
    assert (speech.compared, speech.one_silent, speech.same_class) == (1, 1, 0.0)
    assert speech.largest_difference == pytest.approx(0.7)


def test_a_voice_that_only_one_heard_is_nothing_to_compare(said):
    silent = [without_answer(e, "speech") for e in said]
    spoke = [with_head(e, "speech", probabilities=(0.8, 0.2), abstained=None) for e in said]
    lines = in_lines(compare(silent, spoke), "A", "B")
    (voice,) = [line for line in lines if "speech" in line]
    assert voice == f"  speech   nothing to compare; in {len(said)} only one of them spoke"


def test_other_sessions_have_nothing_in_common(said):
    moved = [replace(e, session_time_s=e.session_time_s + 1000.25) for e in said]
    (line,) = in_lines(compare(said, moved), "a", "the journal")
    assert "belongs to another session" in line


def test_other_bundles_are_noticed(said):
    assert not compare(said, [replace(e, bundles=("other",)) for e in said]).same_bundles


def test_a_bundle_that_is_kept_from_simulated_people_is_named_neither_live_nor_decoded_again():
    recording = simulate(7, 8.0)
    config = load(CONFIGS / "replay.toml", LiveConfig)
    models = load_models(config, ("eeg", "face", "speech"))
    decoded = decode(recording, config, models=models)
    live = models.of_people({"eeg": SIMULATED, "face": SIMULATED, "speech": SIMULATED})  # as the engine has them
    assert {one.sha256 for one in models.bundles} - {one.sha256 for one in live.bundles}, "face reads people alone"
    assert {one.bundles for one in decoded.estimates} == {tuple(one.sha256 for one in live.bundles)}


def test_another_bundle_is_set_beside_the_shipped_one_and_beside_a_journal(fakes, tmp_path):
    from moodring.cli.app import app

    runner, folder, out = CliRunner(), tmp_path / "s", tmp_path / "d.json"
    assert runner.invoke(app, ["simulate", str(folder), "--seconds", "12", "--seed", "4"]).exit_code == 0
    (session,) = folder.iterdir()
    other = tmp_path / "other.safetensors"
    fakes.write_bundle(other)
    again = runner.invoke(app, ["decode", str(session), "--bundle", str(other), "--out", str(out)])
    assert again.exit_code == 0, again.output
    assert "against the config's bundles: " in again.output
    assert "other bundles" in again.output
    plain = json.loads(out.read_text())["comparison"]
    assert plain["in_common"] == len(plain["decisions"]) >= 16
    assert plain["agreement"]["valence"]["largest_difference"] > 0.01
    journal = session / "decisions.jsonl"
    first = runner.invoke(app, ["decode", str(session), "--set", f"journal={journal}"])
    assert first.exit_code == 0, first.output
    written = journal.read_bytes()
    config = tmp_path / "lab.toml"
    config.write_text(f"journal = '{journal}'\n[eeg]\nstream = {{ name = 'x' }}\n[models]\nspeech = 'simulated'\n")
    second = runner.invoke(app, ["decode", str(session), "--config", str(config)])
    assert "against the journal: " in second.output
    assert "probabilities at most 0 apart" in second.output
    assert "exists and is left as it is" in second.output
    assert journal.read_bytes() == written


def test_nothing_compared_is_no_agreement(said):
    first, second = [without_answer(said[0], "speech")], [without_answer(said[0], "speech")]
    plain = as_plain(compare(first, second), "a", "b")["agreement"]["speech"]
    assert (plain["compared"], plain["same_class"], plain["mean_difference"]) == (0, None, None)
