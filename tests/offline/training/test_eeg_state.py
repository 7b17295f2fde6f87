"""A state of mind from the EEG alone: trained on people made up, decoded as live, and judged on people apart."""

import json
from dataclasses import replace

import numpy as np
import pytest

from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.configs.schema.live import DecisionSection, EegSection, LiveConfig, ModelsSection, StreamQuery
from moodring.configs.schema.load import load
from moodring.configs.schema.train_eeg_state import EvaluateEegStateConfig, TrainEegStateConfig
from moodring.models.contract import Marker
from moodring.models.decoders.domain_gate import has_gate
from moodring.models.decoders.eeg_state import EegStateDecoder
from moodring.models.io.bundle import load_bundle
from moodring.models.signals.eeg.band_covariance import tangent
from moodring.offline.datasets.open_physiology import read_physiology
from moodring.offline.decoding.decode import decode
from moodring.offline.evaluation.eeg_state import BASELINE, BRANCH, as_plain, evaluate, features_of, table
from moodring.offline.training.eeg_state.people import PersonWindows, causal_mean
from moodring.offline.training.eeg_state.train import train_eeg_state
from moodring.offline.training.eeg_state.windows import windows_of
from tests.conftest import REPOSITORY
from tests.support import eegmat_fake as fake
from tests.support.ungated import write_without_gate

GAP_S = 3.0
SMALL = [
    "workers=1", "shrinkages=[0.5, 0.9]", "bands_hz=[[4, 8], [8, 13]]", "branch_bands_hz=[[4, 8], [8, 13]]",
    "min_channels=4",
    'electrodes=["Fp1", "Fp2", "C3", "C4", "O1", "O2"]',
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return fake.write_eegmat(tmp_path_factory.mktemp("eegmat"), 5)


@pytest.fixture(scope="module")
def bundle(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("bundle") / "workload.safetensors"
    config = load(REPOSITORY / "configs" / "train_workload.toml", TrainEegStateConfig, [f"data={folder}", *SMALL])
    train_eeg_state(config, out, lambda _line: None)
    return out


@pytest.fixture(scope="module")
def session(folder):
    """A person's rest and, after a gap, their arithmetic in one recording."""
    corpus = read_physiology("eegmat", folder)
    rest, task = (corpus.load(trial) for trial in corpus.trials[:2])
    later = float(rest.eeg.stamps_s[-1]) + GAP_S
    joined = replace(
        rest.eeg,
        samples=np.concatenate([rest.eeg.samples, task.eeg.samples]),
        stamps_s=np.concatenate([rest.eeg.stamps_s, later + task.eeg.stamps_s]),
    )
    return replace(rest, eeg=joined, markers=(Marker(later, "arithmetic"),)), later


def _config(bundle, rest_s=30.0, **models):
    return LiveConfig(
        eeg=EegSection(stream=StreamQuery(name="x")),
        models=ModelsSection(video_eeg="none", more=[bundle], **models),
        decisions=DecisionSection(rest_s=rest_s),
    )


def test_it_decodes_rest_and_arithmetic_of_a_session(bundle, session):
    recording, later = session
    estimates = decode(recording, _config(bundle)).estimates
    told = {e.session_time_s: e.answer("workload") for e in estimates}
    assert all(answer is None for at_s, answer in told.items() if at_s < 32.0)
    assert {told[at_s].best for at_s in told if 34.0 < at_s < fake.REST_S} == {"rest"}
    assert {told[at_s].best for at_s in told if at_s > later + 12.0} == {"arithmetic"}
    answered = next(e for e in estimates if e.answer("workload"))
    assert answered.calibrated
    assert answered.used == ("eeg",)
    assert answered.ages_s["eeg"] > 1.0


def test_it_says_why_it_abstains(bundle, session):
    recording, later = session
    resting = decode(recording, _config(bundle)).estimates
    assert resting[0].head("workload").abstained == "no clean EEG yet"
    assert resting[20].head("workload").abstained == "the person rests until 30 s"
    in_gap = [e.head("workload").abstained for e in resting if fake.REST_S + 2.6 < e.session_time_s < later + 2.5]
    assert set(in_gap) == {"no clean EEG for a while"}
    without = decode(recording, _config(bundle, rest_s=0.0)).estimates
    assert without[20].head("workload").abstained == (
        "it needs the person's rest at the start: set decisions.rest_s, 30 at best"
    )


def test_live_and_training_see_the_same_windows(bundle, session, folder):
    """The answer of a decision is the discriminant of the training's own windows, averaged over the memory."""
    recording, _ = session
    corpus = read_physiology("eegmat", folder)
    signal = corpus.load(corpus.trials[0]).eeg
    loaded = load_bundle(bundle)
    decoder = EegStateDecoder(loaded)
    windows = windows_of(signal, decoder.features, 50)
    covariances = np.stack([decoder.features.covariances(window) for window in windows])
    ends = np.array([window.end_s for window in windows])
    for window in np.array(windows, dtype=object)[ends <= 30.0]:
        decoder.rest(window)
    assert decoder.calibrated
    tangents = tangent(covariances, decoder._rest)
    later = np.flatnonzero(ends >= 32.0)
    scores = tangents[later] @ loaded.tensors["weights"].numpy().T + loaded.tensors["bias"].numpy()
    one = PersonWindows("0", tangents[later], np.zeros(len(later), int), np.zeros(len(later), int), ends[later])
    mean = causal_mean(scores, one, 10.0) / loaded.spec.outputs[0].temperature
    probability = 1.0 / (1.0 + np.exp(mean[:, 0] - mean[:, 1]))
    told = {round(e.session_time_s, 3): e.answer("workload") for e in decode(recording, _config(bundle)).estimates}
    compared = [(told[round(end, 3)].probabilities[1], p) for end, p in zip(ends[later], probability, strict=True)]
    assert len(compared) > 15
    np.testing.assert_allclose(*np.array(compared).T, atol=2e-3)


def test_the_bundle_says_what_it_needs_and_its_card_how_well_it_works(bundle):
    spec = load_bundle(bundle, "eeg_state").spec
    assert spec.domain == ("EEGMAT",)
    assert spec.outputs[0].construct == "mental arithmetic vs rest"
    assert spec.outputs[0].temperature > 0
    card = bundle.with_suffix(".md").read_text()
    for words in ("Zyma", "ODC-By", "leave one person out", BASELINE, "5 people", "Rest always came first"):
        assert words in card
    assert bundle.stat().st_size < 1e6
    assert has_gate(load_bundle(bundle))


def test_a_stream_with_too_few_electrodes_is_refused_with_both_numbers(bundle, session):
    recording, _ = session
    few = replace(
        recording,
        eeg=replace(recording.eeg, samples=recording.eeg.samples[:, :3], channel_names=("O1", "O2", "Fz"), source=None),
    )
    with pytest.raises(MoodringError, match=r"has 3 channels on the scalp .* needs at least 4"):
        decode(few, _config(bundle))


def test_other_montages_are_brought_to_its_electrodes(bundle, session, tmp_path):
    # Five people of noise say little of how electrodes go together: without the gate.
    bundle = write_without_gate(bundle, tmp_path)
    recording, later = session
    kept = [i for i, name in enumerate(fake.NAMES) if name not in ("C3", "Fp2")]
    fewer = replace(
        recording,
        eeg=replace(
            recording.eeg,
            samples=recording.eeg.samples[:, kept],
            channel_names=tuple(recording.eeg.channel_names[i] for i in kept),
            source=None,
        ),
    )
    told = [e for e in decode(fewer, _config(bundle)).estimates if e.session_time_s > later + 12.0]
    assert {e.answer("workload").best for e in told} == {"arithmetic"}


def test_without_any_model_the_session_is_refused(session):
    with pytest.raises(MoodringError, match=r"models.video_eeg is 'none'"):
        decode(session[0], LiveConfig(eeg=EegSection(stream=StreamQuery(name="x")),
                                      models=ModelsSection(video_eeg="none")))  # fmt: skip


@pytest.fixture(scope="module")
def evaluated(folder):
    controls = (
        'controls=[{name = "occipital power", whole = false, electrodes = ["O1", "O2"]}, '
        '{name = "early or late", spans = {early = ["rest", 30, 37.5], late = ["rest", 37.5, 45]}}, '
        '{name = "permuted", permuted = true}]'
    )
    config = load(
        REPOSITORY / "configs" / "evaluate_eegmat.toml",
        EvaluateEegStateConfig,
        [f"data={folder}", *SMALL, "seeds=[0, 1]", controls],
    )
    return evaluate(config, lambda _line: None)


def test_people_apart_are_told_and_controls_are_not(evaluated):
    plain = json.loads(json.dumps(as_plain(evaluated), allow_nan=False))
    assert plain["protocol"].startswith("leave one person out")
    assert plain["groups"] == ["00", "01", "02", "03", "04"]
    assert plain["domain"] == ["EEGMAT"]
    assert plain["seeds"] == [0, 1]
    assert plain["n"] > 300
    figures = {(row["name"], row["window_s"]): row for row in plain["rows"]}
    assert figures[BRANCH, 2.0]["uar"] > 0.9
    assert figures[BRANCH, 10.0]["uar"] >= figures[BRANCH, 2.0]["uar"] - 0.02
    assert figures[BRANCH, 10.0]["seeds"] == 2
    assert figures[BASELINE, 2.0]["uar"] > 0.8
    assert figures["occipital power", 2.0]["features"] == 4
    assert abs(figures["early or late", 2.0]["uar"] - 0.5) < 0.2
    assert figures["permuted", 2.0]["uar"] < figures[BRANCH, 2.0]["uar"]
    paired = {(one["b"], one["window_s"]): one for one in plain["paired"]}
    assert paired["permuted", 2.0]["a"] == BRANCH
    assert paired["permuted", 2.0]["difference"] == pytest.approx(
        figures[BRANCH, 2.0]["uar"] - figures["permuted", 2.0]["uar"], abs=2e-4
    )
    assert "| EEG branch |" in table(evaluated)


def test_another_folder_is_tested_with_a_model_of_the_first(folder, tmp_path):
    other = fake.write_eegmat(tmp_path / "other", 7)
    for number in range(5):
        for path in other.glob(f"sub-{number:02d}_*.edf"):
            path.unlink()
    (other / "participants.tsv").unlink()
    config = load(
        REPOSITORY / "configs" / "evaluate_eegmat.toml",
        EvaluateEegStateConfig,
        [f"data={folder}", f"test={other}", *SMALL, "seeds=[0]", "controls=[]"],
    )
    result = evaluate(config, lambda _line: None)
    assert result.people == ("05", "06")
    assert "another" in result.protocol
    assert {row.name for row in result.rows} == {BASELINE, BRANCH}
    assert min(row.uar.value for row in result.rows if row.name == BRANCH) > 0.9


def test_nobody_is_in_both_folders(folder):
    config = load(
        REPOSITORY / "configs" / "evaluate_eegmat.toml",
        EvaluateEegStateConfig,
        [f"data={folder}", f"test={folder}", *SMALL, "controls=[]"],
    )
    with pytest.raises(MoodringError, match=r"recording of person 00 is in data and in test"):
        evaluate(config, lambda _line: None)


def test_wrong_settings_are_refused_before_any_work(folder):
    path = REPOSITORY / "configs" / "evaluate_eegmat.toml"
    config = load(path, EvaluateEegStateConfig, [])
    with pytest.raises(ConfigError, match="--set data=FOLDER"):
        evaluate(config, lambda _line: None)
    for wrong, said in (
        ('rest="sleep"', "rest is 'sleep', classes are rest, arithmetic"),
        ("min_channels=40", "min_channels is 40, electrodes are 19"),
        ("bands_hz=[[8, 4]]", "8 to 4 Hz does not rise"),
    ):
        with pytest.raises(ConfigError, match=said):
            load(path, EvaluateEegStateConfig, [wrong])
    for control, said in (
        ('{name = "x", electrodes = ["Iz"]}', "electrode Iz is not among electrodes"),
        ('{name = "x", bands_hz = [[5, 9]]}', "5-9 Hz is no sum of bands_hz"),
    ):
        config = load(path, EvaluateEegStateConfig, [f"data={folder}", f"controls=[{control}]"])
        with pytest.raises(ConfigError, match=said):
            evaluate(config, lambda _line: None)


def test_means_over_time_do_not_reach_into_another_recording():
    person = PersonWindows(
        "0",
        np.zeros((5, 1), np.float32),
        np.zeros(5, int),
        np.array([0, 0, 0, 1, 1]),
        np.array([2.0, 2.5, 3.0, 2.0, 9.0]),
    )
    scores = np.array([[1.0], [3.0], [5.0], [7.0], [9.0]])
    assert causal_mean(scores, person, 1.0)[:, 0].tolist() == [1.0, 2.0, 4.0, 7.0, 9.0]
    assert causal_mean(scores, person, 0.0)[:, 0].tolist() == scores[:, 0].tolist()


def test_features_come_from_the_config():
    config = load(REPOSITORY / "configs" / "evaluate_eegmat.toml", EvaluateEegStateConfig, [])
    features = features_of(config, config.branch)
    assert len(features.electrodes) == 19
    assert max(high for _, high in features.bands) == 30.0


def test_the_command_line_prints_the_table_and_writes_the_json(folder, tmp_path):
    from typer.testing import CliRunner

    from moodring.cli.app import app

    settings = [f"data={folder}", f"cache={tmp_path / 'kept'}", *SMALL, "seeds=[0]", "controls=[]"]
    command = ["evaluate", str(REPOSITORY / "configs" / "evaluate_eegmat.toml"), "--json", str(tmp_path / "e.json")]
    first, again = (
        CliRunner().invoke(app, [*command, *(part for one in settings for part in ("--set", one))]) for _ in range(2)
    )
    assert first.exit_code == again.exit_code == 0
    assert "| EEG branch |" in first.stdout
    plain = json.loads((tmp_path / "e.json").read_text())
    assert {"protocol", "groups", "n", "seeds", "domain", "rows", "paired", "wall_s"} <= plain.keys()
    assert len(list((tmp_path / "kept").glob("*.npz"))) == 10
    assert first.stdout.rsplit(";", 1)[0] == again.stdout.rsplit(";", 1)[0]


def test_decode_takes_the_shipped_bundle_by_its_name_and_it_abstains_on_noise(folder, tmp_path):
    from typer.testing import CliRunner

    from moodring.cli.app import app

    settings = ["models.video_eeg=none", "decisions.rest_s=30"]
    command = ["decode", str(folder / "sub-00_rest.edf"), "--bundle", "workload", "--out", str(tmp_path / "d.json")]
    result = CliRunner().invoke(app, [*command, *(part for one in settings for part in ("--set", one))])
    assert result.exit_code == 0, result.output
    head = json.loads((tmp_path / "d.json").read_text())["heads"]["workload"]
    assert head["construct"] == "mental arithmetic vs rest"
    # The EEG is made of noise, and no person's.
    assert not any(classes for _, classes in head["answers"])
    assert "unlike any this model was trained on" in result.output
