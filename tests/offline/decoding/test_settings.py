"""Settings of a decoding: from the session, the config given, or a neutral default."""

from dataclasses import replace

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.live import DecisionSection, EegSection, LiveConfig, ModelsSection, StreamQuery
from moodring.models.contract import EegSettings
from moodring.models.io.bundle import bundled
from moodring.models.io.stream_descriptions import StreamDescription
from moodring.models.io.xdf_writer import StreamData, write_xdf
from moodring.models.signals.eeg.stream_layout import with_settings
from moodring.models.streaming.decision_schedule import Plan
from moodring.offline.decoding.decode import decode, default_config
from moodring.offline.recordings.xdf.as_recording import read_xdf
from tests.support.ungated import write_without_gate

NAMES = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4")
EEG = EegSection(stream=StreamQuery(name="x"))


def foreign(path, labels, unit="microvolts", seconds=26.0, scale=1.0):
    """A recording of a person in XDF: eight channels under any labels, in any unit."""
    rng = np.random.default_rng(3)
    samples = (scale * rng.normal(0, 12, (round(256 * seconds), len(labels)))).astype(np.float32)
    rows = tuple(("channel", (("label", label), ("unit", unit), ("type", "EEG"))) for label in labels)
    description = StreamDescription("amp", "EEG", len(labels), 256.0, "float32", "amp", (("channels", rows),))
    write_xdf(path, [StreamData(description, samples, 70.0 + np.arange(len(samples)) / 256)])
    return path


def eeg_of(path, **changes):
    recording = read_xdf(path)
    return with_settings(recording.eeg, EEG.model_copy(update=changes), recording.eeg_settings)


@pytest.mark.parametrize(("unit", "factor"), [("nanovolts", 1e-3), ("nV", 1e-3), ("-9", 1e-3), ("mV", 1e3)])
def test_files_and_streams_share_one_table_of_units(tmp_path, unit, factor):
    plain = read_xdf(foreign(tmp_path / "a.xdf", NAMES, "uV")).eeg
    scaled = read_xdf(foreign(tmp_path / "b.xdf", NAMES, unit)).eeg
    np.testing.assert_allclose(scaled.samples, plain.samples * factor, rtol=1e-6)


def test_an_unknown_unit_is_refused_until_the_config_says_what_it_is(tmp_path, fakes):
    path = foreign(tmp_path / "a.xdf", NAMES, "furlongs", scale=1e3)
    config = LiveConfig(eeg=EEG)
    with pytest.raises(MoodringError, match=r"'amp' gives its units as furlongs; .* set eeg\.units"):
        decode(read_xdf(path), config, models=fakes.fake_models())
    said = eeg_of(path, units="nanovolts")
    np.testing.assert_allclose(said.samples.std(), 12.0, rtol=0.02)


def test_the_configs_unit_comes_before_the_files(tmp_path):
    path = foreign(tmp_path / "a.xdf", NAMES, "millivolts")
    assert eeg_of(path).samples.std() == pytest.approx(12_000, rel=0.02)
    assert eeg_of(path, units="microvolts").samples.std() == pytest.approx(12.0, rel=0.02)


def test_numbered_channels_are_decoded_under_the_names_of_the_config(run, tmp_path):
    path = foreign(tmp_path / "a.xdf", [f"ch{index}" for index in range(1, 9)])
    status, _, error = run("decode", path, "--set", "models.allow_simulated=true")
    assert status == 1
    assert "10-20" in error
    assert "rename" in error
    names = "[" + ",".join(f'"{name}"' for name in NAMES) + "]"
    ways = [f"eeg.names={names}", "eeg.rename={" + ",".join(f'ch{i + 1}="{n}"' for i, n in enumerate(NAMES)) + "}"]
    said = []
    for way in ways:
        status, out, error = run("decode", path, "--set", way, "--set", "models.allow_simulated=true")
        assert (status, error) == (0, "")
        said.append(out.splitlines()[-1])
    assert said[0] == said[1]
    assert ": valence low" in said[0]


def test_a_session_has_its_settings_already(fakes):
    recording = fakes.recording(6.0)
    section = EEG.model_copy(update={"rename": {"EEG 001": "Fp1"}, "units": "millivolts"})
    applied = EegSettings(None, (("EEG 001", "Fp1"),), "millivolts")
    again = with_settings(recording.eeg, section, applied)
    assert again.channel_names == recording.eeg.channel_names
    np.testing.assert_array_equal(again.samples, recording.eeg.samples)
    changed = with_settings(recording.eeg, EEG.model_copy(update={"rename": {"Fp1": "AF3"}}), applied)
    assert changed.channel_names == ("AF3", *recording.eeg.channel_names[1:])


def test_a_foreign_recording_gets_no_rest_that_nobody_declared(run, tmp_path):
    path = foreign(tmp_path / "a.xdf", NAMES)
    ungated = write_without_gate(bundled("attention"), tmp_path)
    allowed = ("--set", "models.allow_simulated=true", "--set", f"models.video_eeg={ungated}")
    assert "(0 calibrated by a rest)" in run("decode", path, *allowed)[1]
    rested = run("decode", path, *allowed, "--set", "decisions.rest_s=10")[1]
    assert "(0 calibrated" not in rested
    person = replace(read_xdf(path), origin="lab")
    config = default_config(person)
    assert (config.decisions.rest_s, config.models.speech, config.models.allow_simulated) == (0.0, "emodb", False)
    assert default_config(replace(person, origin="simulated")).models.speech == "simulated"


def test_without_a_rest_no_window_is_fed(fakes):
    models = fakes.fake_models()
    rests = models.decoders[0]._decoder.rests
    decode(fakes.recording(6.0, rest_s=0.0), LiveConfig(eeg=EEG), models=models)
    assert models.decoders[0]._decoder.rests == rests == []
    assert Plan(0.0, 0.5, 0, 0.0).rest_s == 0.0
    decode(fakes.recording(6.0, rest_s=0.0), LiveConfig(eeg=EEG, decisions=DecisionSection(rest_s=10.0)), models=models)
    assert models.decoders[0]._decoder.rests


@pytest.fixture(scope="module")
def shipped():
    return LiveConfig(eeg=EEG, models=ModelsSection(device="cpu"))


def test_a_bundle_of_simulated_people_decodes_nobody_else_unasked(fakes, shipped):
    person = replace(fakes.recording(6.0, origin="lab"), face=None, speech=None)
    decoded = decode(person, shipped)
    heads = [head for one in decoded.estimates for head in one.heads]
    assert len(heads) == 2 * len(decoded.estimates) > 0
    assert not any(head.answered for head in heads)
    assert all("no model of felt emotion in people" in head.abstained for head in heads)
    assert all("moodring train" in head.abstained for head in heads)
    assert decoded.summary["notices"][0] == heads[0].abstained
    assert decoded.summary["bundles"] == decoded.summary["domain"] == []
    assert not any(one.looks or one.used or one.calibrated for one in decoded.estimates)


def test_it_decodes_simulated_people_and_with_permission_anybody(fakes, shipped):
    simulated = replace(fakes.recording(6.0), face=None, speech=None)
    allowed = shipped.model_copy(update={"models": shipped.models.model_copy(update={"allow_simulated": True})})
    expected = decode(simulated, shipped)
    assert expected.estimates[-1].answer("valence") is not None
    assert expected.summary["domain"] == ["simulated"]
    person = decode(replace(simulated, origin="lab"), allowed)
    assert person.estimates[-1].answer("valence") == expected.estimates[-1].answer("valence")
    assert "demonstration model, not valid for people" in person.summary["notices"]


def test_predict_uses_simulated_voices_only_when_told_to(run, tmp_path):
    import soundfile

    quiet = tmp_path / "quiet.wav"
    soundfile.write(quiet, np.zeros(16_000, np.float32), 16_000)
    status, _, error = run("predict", "simulated", quiet)
    assert status == 2
    assert "no model of expressed emotion in people" in error
    assert "--allow-simulated" in error
    assert run("predict", "simulated", quiet, "--allow-simulated")[0] == 0
