"""A simulated person calibrates a bundle that leans to one side: through the command, and decoded again."""

import json
import stat
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.configs.schema.live import LiveConfig, ModelsSection
from moodring.models.contract import Marker, Recording, Signal
from moodring.models.contract.calibration import Calibration
from moodring.models.decoders.calibrated import calibration_notices
from moodring.models.decoders.session_models import load_models
from moodring.models.io.bundle import Bundle, bundled, load_bundle, save_bundle
from moodring.offline.calibration.calibrate import SETTLE_S, Calibrated, calibrate
from moodring.offline.calibration.evidence import collect
from moodring.offline.calibration.last_layer import layers_of, personal
from moodring.offline.decoding.decode import decode, default_config
from moodring.offline.recordings.write_session import write_session
from moodring.offline.simulate import EASY, simulate
from tests.support import eegmat_fake as fake
from tests.support.ungated import without_gate

CPU = torch.device("cpu")
STRETCH_S, FIRST_S, COUNT = 6.0, 20.0, 9
DATE = "2026-11-26"
MARK = Calibration("P07", "fake", DATE, "attention.safetensors", "0" * 64, 9, 7, 0.2, 0.1, 0.3)


@pytest.fixture(scope="module")
def person() -> Recording:
    """EEG alone of somebody easy to read; the middle of each short stretch is rated."""
    whole = simulate(620, FIRST_S + COUNT * STRETCH_S + 0.5, EASY)
    return replace(whole, face=None, speech=None)


@pytest.fixture(scope="module")
def table(person: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labels that alternate, whatever was felt: the bundle of :func:`leaning` never says 'low'."""
    path = tmp_path_factory.mktemp("labels") / "labels.csv"
    rows = [f"{FIRST_S + i * STRETCH_S:g},{STRETCH_S:g},{('low', 'medium')[i % 2]}," for i in range(COUNT)]
    path.write_text("\n".join(["start_s,duration_s,valence,arousal", *rows]) + "\n")
    return path


@pytest.fixture(scope="module")
def base() -> Bundle:
    return load_bundle(bundled("attention"))


@pytest.fixture(scope="module")
def leaning(base: Bundle) -> Bundle:
    """The shipped bundle, sure that valence is high."""
    bias = base.tensors["net.heads.bias"].clone()
    bias[2] += 6.0
    return replace(base, tensors={**base.tensors, "net.heads.bias": bias})


@pytest.fixture(scope="module")
def config(person: Recording) -> LiveConfig:
    return default_config(person)


@pytest.fixture(scope="module")
def result(person: Recording, config: LiveConfig, leaning: Bundle, table: Path) -> Calibrated:
    return calibrate(person, config, leaning, CPU, date=DATE, participant="sim-0620", labels=table)


def test_a_bundle_that_leans_is_set_upright(result: Calibrated, leaning: Bundle) -> None:
    assert result.worth.better
    assert result.heads == ("valence",)
    assert result.left_out == ("arousal",)
    before, after = layers_of(leaning), layers_of(result.bundle)
    assert after[0].bias[2] < before[0].bias[2]
    np.testing.assert_allclose(after[1].weights, before[1].weights)
    assert result.calibration.participant == "sim-0620"
    assert result.calibration.base_sha256 == leaning.sha256
    assert (result.calibration.stretches, result.calibration.counted) == (COUNT, len(result.worth.predictions))


def test_what_is_adapted_is_what_is_decoded(
    person: Recording, config: LiveConfig, leaning: Bundle, result: Calibrated
) -> None:
    layers = layers_of(result.bundle)
    without_rest = personal(leaning, layers, None, (), result.calibration)
    found = collect(person, config, without_rest, CPU)
    assert len(found.times_s) > 100
    said = np.stack([np.exp(layer.log_probabilities(found.features)) for layer in layers], axis=1)
    np.testing.assert_allclose(said, found.probabilities, atol=1e-4)


def test_the_rest_of_the_person_takes_the_place_of_the_population_s(base: Bundle, result: Calibrated) -> None:
    table = result.bundle.tensors["normalisation.prior"]
    assert table.dtype == base.tensors["normalisation.prior"].dtype
    assert not torch.equal(table, base.tensors["normalisation.prior"])


def test_the_command_keeps_what_helps_and_nothing_else(
    run, person: Recording, leaning: Bundle, table: Path, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    folder = write_session(person, tmp_path / "session")
    lean, out, figures = tmp_path / "lean.safetensors", tmp_path / "me.safetensors", tmp_path / "me.json"
    save_bundle(lean, leaning.spec, leaning.tensors)
    words = ("calibrate", folder, "--bundle", lean, "--labels", table, "--json", figures)
    status, said, _ = run(*words, "--out", out, "--participant", person.participant)
    assert status == 0, said
    assert "for sim-0620 alone: set it as models.video_eeg" in said
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert json.loads(figures.read_text())["kept"] is True
    made = load_bundle(out, "attention")
    assert made.spec.calibration is not None
    assert made.spec.calibration.session == person.name
    status, said, _ = run("decode", folder, "--bundle", out)
    assert status == 0
    assert f"note: calibrated for sim-0620 on {made.spec.calibration.date}\n" in said
    status, _, error = run(
        "calibrate", folder, "--bundle", out, "--labels", table, "--out", tmp_path / "again.safetensors"
    )
    assert (status, error.count("\n")) == (1, 1)
    assert "is calibrated for sim-0620 already; calibrate 'lean.safetensors'" in error


def test_what_does_not_help_is_not_written(
    run, person: Recording, leaning: Bundle, table: Path, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    """Labels turned round at half time: what was learned before is wrong after."""
    rows = table.read_text().splitlines()
    turned = [row.replace("low", "high").replace("medium", "high") if i % 2 else row for i, row in enumerate(rows)]
    labels = tmp_path / "turned.csv"
    labels.write_text("\n".join([*rows[:3], *turned[3:6], *(row.replace("low", "high") for row in rows[6:])]) + "\n")
    folder, out = write_session(person, tmp_path / "session"), tmp_path / "me.safetensors"
    lean = tmp_path / "lean.safetensors"
    bias = leaning.tensors["net.heads.bias"].clone()
    bias[2] -= 3.0
    save_bundle(lean, leaning.spec, {**leaning.tensors, "net.heads.bias": bias})
    status, _, error = run("calibrate", folder, "--bundle", lean, "--labels", labels, "--out", out)
    assert (status, error.count("\n")) == (1, 1)
    assert "the adapted model is not better: log loss" in error
    assert not out.exists()


def test_whose_bundle_it_is_stands_on_every_decision(base: Bundle) -> None:
    decoder = SimpleNamespace(spec=replace(base.spec, calibration=MARK))
    assert calibration_notices([decoder], "P07") == (f"calibrated for P07 on {DATE}",)  # type: ignore[list-item]
    (other,) = calibration_notices([decoder], "P08")  # type: ignore[list-item]
    assert other.startswith(f"calibrated for P07 on {DATE} alone, and the participant is P08: use 'attention.safe")
    (unnamed,) = calibration_notices([decoder], "unknown")  # type: ignore[list-item]
    assert "set session.participant" in unnamed


def test_another_s_session_decodes_under_a_warning(
    person: Recording, config: LiveConfig, result: Calibrated, tmp_path: Path
) -> None:
    path = tmp_path / "me.safetensors"
    save_bundle(path, replace(result.bundle.spec, calibration=MARK), result.bundle.tensors)
    models = load_models(config.model_copy(update={"models": ModelsSection(video_eeg=str(path))}), ("eeg",))
    short = replace(
        person, eeg=replace(person.eeg, samples=person.eeg.samples[:2560], stamps_s=person.eeg.stamps_s[:2560])
    )  # type: ignore[union-attr, type-var]
    estimates = decode(short, config, models=models).estimates
    assert any("the participant is sim-0620" in line for line in estimates[-1].notices)


def refused(person: Recording, config: LiveConfig, bundle: Bundle, **given: object) -> str:
    with pytest.raises(MoodringError) as caught:
        calibrate(person, config, bundle, CPU, date=DATE, **given)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_bad_input_is_named_before_any_work(
    person: Recording, config: LiveConfig, base: Bundle, table: Path, tmp_path: Path
) -> None:
    few, single = tmp_path / "few.csv", tmp_path / "single.csv"
    rows = table.read_text().splitlines()
    few.write_text("\n".join(rows[:4]))
    single.write_text("\n".join(row.replace("medium", "low") for row in rows))
    assert "has 3 labelled stretch(es) after the rest, 8 are needed" in refused(person, config, base, labels=few)
    assert "of one class (low); two at least" in refused(person, config, base, labels=single)
    assert "has no rest to normalise to" in refused(replace(person, rest_s=0.0), config, base, labels=table)
    assert "knows simulated ones only" in refused(replace(person, origin="lab"), config, base, labels=table)
    assert "holds nothing to decode" in refused(replace(person, eeg=None), config, base)
    nobody = replace(person, participant="unknown")
    with pytest.raises(ConfigError, match="names no participant; say whose it is: --participant NAME"):
        calibrate(nobody, config, base, CPU, date=DATE, labels=table)
    with pytest.raises(ConfigError, match="is sim-0620's; --participant P08 came"):
        calibrate(person, config, base, CPU, date=DATE, participant="P08", labels=table)


def test_all_that_is_missing_is_named_in_one_run(
    run, person: Recording, config: LiveConfig, base: Bundle, table: Path, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    few = tmp_path / "few.csv"
    few.write_text("\n".join(table.read_text().splitlines()[:2]))
    strange = replace(person, participant="unknown", rest_s=0.0, origin="lab")
    line = refused(strange, config, base, labels=few)
    assert line.startswith("5 things keep moodring from calibrating: (1) ")
    for number, part in enumerate(
        ("names no participant", "has no rest", "knows simulated ones only", "has 1 labelled stretch", "of one class"),
        1,
    ):
        assert part in line.split(f"({number}) ")[1].split(f"; ({number + 1}) ")[0]
    nothing = refused(replace(strange, truth=None), config, base)
    assert "carries no labels for valence, arousal: give --labels CSV" in nothing
    assert nothing.count("(4) ") == 1
    folder = write_session(replace(person, participant="unknown", rest_s=0.0), tmp_path / "session")
    status, _, error = run(
        "calibrate", folder, "--bundle", "attention", "--labels", few, "--out", tmp_path / "me.safetensors"
    )
    assert (status, error.count("\n")) == (2, 1)
    assert all(part in error for part in ("names no participant", "has no rest", "has 1 labelled stretch"))
    status, _, error = run(
        "calibrate", folder, "--bundle", tmp_path / "none.safetensors", "--labels", tmp_path / "none.csv",
        "--scale", "5", "--out", tmp_path / "me.json",
    )  # fmt: skip
    assert (status, error.count("\n")) == (2, 1)
    parts = ("me.json", "--scale '5'", "none.safetensors' does not exist", "none.csv' are not there", "no participant")
    assert [part for part in parts if part not in error] == []
    assert error.startswith("moodring: 6 things keep moodring from calibrating: (1) ")


def test_bundles_of_other_kinds_are_refused(run, person: Recording, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    status, _, error = run("calibrate", tmp_path, "--bundle", bundled("speech"), "--out", tmp_path / "me.safetensors")
    assert (status, error.count("\n")) == (1, 1)
    assert "is a 'speech' model, a 'attention' or 'eeg_state' model is needed" in error


def blocks(order: tuple[str, ...]) -> Recording:
    """A rest of 20 s, then blocks of 13 s, each marked with its name."""
    samples = [fake.person(3, "rest", 20.0)] + [fake.person(3, task, 13.0) for task in order]
    eeg = np.concatenate(samples).astype(np.float32)
    markers = tuple(Marker(20.0 + 13.0 * i, task) for i, task in enumerate(order))
    signal = Signal(eeg, np.arange(len(eeg)) / fake.RATE_HZ, float(fake.RATE_HZ), fake.NAMES, "amplifier")
    return Recording("blocks", "P07", "lab", 0.0, 20.0, signal, None, None, None, markers)


def test_blocks_of_rest_and_task_adapt_a_state_of_mind() -> None:
    alternating = blocks(("rest", "arithmetic") * 4)
    shipped = without_gate(load_bundle(bundled("workload")))
    leaning = replace(shipped, tensors={**shipped.tensors, "bias": shipped.tensors["bias"] + torch.tensor([40.0, 0.0])})
    result = calibrate(alternating, default_config(alternating), leaning, CPU, date=DATE)
    assert result.worth.better
    assert (result.stretches, len(result.worth.predictions)) == (8, 6)
    path_bias = result.bundle.tensors["bias"] - leaning.tensors["bias"]
    assert path_bias[0] < path_bias[1]


def test_eeg_unlike_any_trained_on_is_no_evidence() -> None:
    noise = blocks(("rest", "arithmetic") * 4)
    with pytest.raises(MoodringError, match=r"gave no answer on recording .*: the EEG is unlike any"):
        calibrate(noise, default_config(noise), load_bundle(bundled("workload")), CPU, date=DATE)


def test_blocks_that_do_not_alternate_are_refused() -> None:
    ordered = blocks(("rest",) * 4 + ("arithmetic",) * 4)
    line = refused(ordered, default_config(ordered), load_bundle(bundled("workload")))
    assert "come one after the other (workload: rest, rest" in line
    assert SETTLE_S < STRETCH_S
