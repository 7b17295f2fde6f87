"""Decoders and sources of a lab's own, named on the command line."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from moodring.models.streaming.decoder import DecoderFactory, Extensions
from moodring.offline.recordings.write_session import write_session
from tests.support.toy.dataset import StressDataset
from tests.support.toy.decoder import DECODER
from tests.support.toy.signal import MODALITY, simulate
from tests.support.toy.source import SOURCE
from tests.support.toy.train import train

BOTH = Extensions((DECODER,), (SOURCE,))
NAMED = ("--extension", "tests.support.toy.decoder:DECODER")
EEG = '[eeg]\nstream = { name = "nobody" }\n'


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    path = tmp_path_factory.mktemp("stress") / "stress.safetensors"
    train(StressDataset(), path)
    return path


@pytest.fixture(scope="module")
def session(fakes, tmp_path_factory):
    """Twelve seconds of skin conductance, and nothing else."""
    recording = replace(fakes.recording(12.0), eeg=None, face=None, speech=None)
    recording = replace(recording, signals={MODALITY: simulate(3, 12.0, recording.t0_s)})
    return write_session(recording, tmp_path_factory.mktemp("skin") / "session", protocol="toy")


def one_line(error):
    lines = error.strip().splitlines()
    assert len(lines) == 1, error
    return lines[0]


def test_a_bundle_of_another_kind_decodes_with_its_decoder(run, session, bundle, tmp_path):
    out = tmp_path / "out.json"
    status, _, error = run("decode", session, "--bundle", bundle, *NAMED, "--out", out)
    assert (status, error) == (0, "")
    found = json.loads(out.read_text())
    assert [one["file"] for one in found["bundles"]] == [bundle.name]
    assert found["heads"]["stress"]["classes"] == ["calm", "stressed"]
    answered = [probabilities for _, probabilities in found["heads"]["stress"]["answers"] if probabilities]
    assert len(answered) > 15
    # The config's own bundles answer none of it.
    assert (
        "stress" not in found["comparison"]["agreement"] or not found["comparison"]["agreement"]["stress"]["compared"]
    )


def test_without_its_decoder_it_is_refused(run, session, bundle):
    status, _, error = run("decode", session, "--bundle", bundle)
    assert status == 1
    assert (
        "is of kind 'stress', decoders are there for attention, face_expression, speech, eeg_state; add one for it"
        in one_line(error)
    )


def test_a_bundle_that_reads_nothing_of_the_recording_is_refused(run, session, fakes, tmp_path):
    other = fakes.write_bundle(tmp_path / "v.safetensors")
    status, _, error = run("decode", session, "--bundle", other)
    assert status == 2
    assert f"v.safetensors' reads eeg, face; recording 'scripted' holds {MODALITY}" in one_line(error)


def test_a_bundle_takes_the_place_of_the_configs_of_its_kind(run, session, bundle, tmp_path):
    first, out = tmp_path / "first.safetensors", tmp_path / "out.json"
    train(StressDataset(people=3), first)
    words = ("decode", session, "--set", f'models.more=["{first}"]', *NAMED, "--out", out)
    assert run(*words)[0] == 0
    assert [one["file"] for one in json.loads(out.read_text())["bundles"]] == [first.name]
    assert run(*words, "--bundle", bundle)[0] == 0
    assert [one["file"] for one in json.loads(out.read_text())["bundles"]] == [bundle.name]


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (NAMED, Extensions((DECODER,))),
        ((*NAMED, "--extension", "tests.support.toy.source:SOURCE"), BOTH),
        (("--extension", "tests.cli.test_extensions:BOTH"), BOTH),
        ((), Extensions()),
    ],
)
def test_live_hands_them_to_the_engine(run, monkeypatch, tmp_path, names, wanted):
    config, jobs = tmp_path / "c.toml", []
    config.write_text(EEG)
    monkeypatch.setattr("moodring.realtime.ui.run_with_screen.run_with_screen", lambda job, *_: jobs.append(job))
    assert run("live", config, *names) == (0, "", "")
    assert [job.extensions for job in jobs] == [wanted]


def test_check_hands_them_on(run, monkeypatch, tmp_path):
    config, given = tmp_path / "c.toml", []
    config.write_text(EEG)
    monkeypatch.setattr(
        "moodring.realtime.lab.preflight.check_config", lambda _, extensions: given.append(extensions) or ()
    )
    monkeypatch.setattr("moodring.realtime.engine.process_settings.apply_lsl_settings", lambda _: None)
    assert run("check", config, *NAMED)[0] == 0
    assert given == [Extensions((DECODER,))]


def test_a_module_of_the_current_folder_is_found(run, session, bundle, monkeypatch, tmp_path):
    name = "lab_of_this_test"
    (tmp_path / f"{name}.py").write_text("from tests.support.toy.decoder import DECODER as MINE\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, name, raising=False)
    assert run("decode", session, "--bundle", bundle, "--extension", f"{name}:MINE")[0] == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tests.support.toy.decoder", "expected MODULE:NAME"),
        ("nowhere_at_all:DECODER", "(ModuleNotFoundError: No module named 'nowhere_at_all')"),
        ("broken_lab:DECODER", "(ZeroDivisionError: division by zero)"),
        ("tests.support.toy.decoder:DECODR", "has no 'DECODR'"),
        ("tests.support.toy.decoder:make", "expected a DecoderFactory, SourceFactory or Extensions, function came"),
    ],
)
@pytest.mark.parametrize("command", ["live", "check", "decode"])
def test_a_wrong_name_is_one_line_and_status_2(run, session, monkeypatch, tmp_path, command, name, words):
    (tmp_path / "broken_lab.py").write_text("1 / 0\n")
    config = tmp_path / "c.toml"
    config.write_text(EEG)
    monkeypatch.syspath_prepend(tmp_path)
    what: Path = session if command == "decode" else config
    status, _, error = run(command, what, "--extension", name)
    assert status == 2
    assert words in one_line(error)
    assert f"--extension '{name}'" in error


def test_a_decoder_for_a_kind_that_has_one_is_refused_with_both(run, session, monkeypatch):
    monkeypatch.setattr("tests.support.toy.decoder.DECODER", DecoderFactory("speech", DECODER.make))
    status, _, error = run("decode", session, *NAMED)
    assert status == 1
    assert "two decoders are there for bundles of kind 'speech': " in one_line(error)
    assert "session_models._own_factories.<locals>.speech and tests.support.toy.decoder.make;" in error
