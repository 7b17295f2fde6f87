"""Votes of listeners whose scans are files: from NIfTI to the table, in one process and in two."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from moodring.cli.app import main
from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.load import check
from moodring.configs.schema.papers.voting import ScansVotingConfig
from moodring.offline.evaluation.voting.evaluate import evaluate_scans_voting
from moodring.offline.evaluation.voting.folds import INDIVIDUAL, SVM_VOTING
from moodring.offline.scheduling.work import Serial

FAKES = Path(__file__).parents[1] / "datasets" / "speech" / "corpus_fakes.py"
RUNS, EVENTS, EVERY_S = 3, 12, 10
IMAGES = EVENTS * EVERY_S + 20
CLASSES = ("a", "b")


@pytest.fixture
def speech_fakes() -> ModuleType:
    spec = importlib.util.spec_from_file_location("corpus_fakes", FAKES)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _study(root: Path, names: list[str] | None = None, events: int = EVENTS) -> Path:
    """Write three listeners of three runs, of whom two respond; events of two classes, or named utterances."""
    rng = np.random.default_rng(3)
    atlas = np.arange(6.0).reshape(3, 2, 1)
    root.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(atlas.astype(np.float32), np.eye(4)), root / "atlas.nii.gz")
    labels = [rng.permutation(np.arange(events) % 2) for _ in range(RUNS)]
    for s in range(3):
        topography = rng.normal(size=(2, 3, 2))
        for run in range(RUNS):
            values = rng.normal(size=(3, 2, 1, IMAGES))
            for number, label in enumerate(labels[run]):
                onset = number * EVERY_S
                values[:, :, 0, onset + 4 : onset + 10] += (s < 2) * 1.5 * topography[label][:, :, None]
            image = nib.Nifti1Image(values.astype(np.float32), np.eye(4))
            image.header.set_zooms((1.0, 1.0, 1.0, 1.0))
            path = root / f"sub-{s}" / "func" / f"sub-{s}_task-x_run-{run + 1}_bold.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            nib.save(image, path)
    for run in range(RUNS):
        lines = ["onset\ttrial_type\tstim_file"]
        for number, label in enumerate(labels[run]):
            named = f"stimuli/{names[label]}.wav" if names else "n/a"
            lines.append(f"{number * EVERY_S}\t{CLASSES[label]}\t{named}")
        (root / f"task-x_run-{run + 1}_events.tsv").write_text("\n".join(lines) + "\n")
    return root


def _values(root: Path, **changes: Any) -> dict[str, Any]:
    return {
        **{"kind": "voting_scans", "data": str(root), "cache": str(root / "kept"), "seeds": [1], "inner_folds": 2},
        **{"classes": list(CLASSES), "n_images": 6, "cnn": {"epochs": 8}},
        **{"fusion": {"epochs": 4, "learning_rate": 1e-3, "thresholds": [1e-4, 1e-3]}, **changes},
    }


def _run(arguments: list[str]) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["moodring", *arguments])
        try:
            main()
        except SystemExit as ended:
            return int(ended.code or 0)
    return 0


def _rows(values: dict[str, Any]) -> dict[str, float]:
    return {one["name"]: one["uar"] for one in values["rows"]}


def test_scans_of_listeners_vote(tmp_path: Path) -> None:
    config = check(_values(_study(tmp_path)), ScansVotingConfig, "test")
    values = evaluate_scans_voting(config, lambda _: None, Serial())
    assert _rows(values)[SVM_VOTING] > 0.8
    assert _rows(values)[INDIVIDUAL] < _rows(values)[SVM_VOTING]
    (one,) = values["listeners"]
    assert list(one["names"]) == ["0", "1", "2"]
    assert one["individual_uar"][2] < min(one["individual_uar"][:2])
    assert values["n"] == RUNS * EVENTS
    assert "leave one of 3 runs out" in values["protocol"]


def test_leaving_an_utterance_out_leaves_out_those_whose_windows_meet_its_own(tmp_path: Path) -> None:
    config = check(
        _values(_study(tmp_path, events=7), leave_out="utterance", n_images=12, cnn={"epochs": 1}),
        ScansVotingConfig,
        "test",
    )
    told: list[str] = []
    values = evaluate_scans_voting(config, told.append, Serial())
    assert sum("utterance" in one for one in told) == RUNS * 7
    assert values["n"] == RUNS * 7
    assert "whose windows meet its own" in values["protocol"]


def test_two_processes_say_what_one_says_and_go_on_where_it_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = _study(tmp_path / "study")
    config = tmp_path / "scans.toml"
    plain = {key: value for key, value in _values(study).items() if not isinstance(value, dict)}
    tables = "[cnn]\nepochs = 8\n[fusion]\nepochs = 4\nlearning_rate = 1e-3\nthresholds = [1e-4, 1e-3]\n"
    config.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in plain.items()) + tables)
    found = []
    for number, more in enumerate(([], ["--workers", "2"], ["--workers", "2"])):
        cache = tmp_path / ("one" if number == 0 else "two")
        out = tmp_path / f"{number}.json"
        assert _run(["evaluate", str(config), "--set", f"cache={cache}", "--json", str(out), *more]) == 0
        values = json.loads(out.read_text())
        found.append({key: values[key] for key in ("rows", "paired", "listeners", "agreement")})
        told = capsys.readouterr().err
        assert ("left, about" in told) == (number < 2)
        if number == 1:
            next(cache.glob("fold-*.npz")).unlink()
            (cache / "unrelated").touch()
    assert found[0] == found[1] == found[2]


def test_labels_come_from_iemocap_where_events_name_utterances(tmp_path: Path, speech_fakes: ModuleType) -> None:
    corpus = speech_fakes.iemocap(tmp_path / "iemocap")
    study = _study(tmp_path / "study", ["Ses01F_impro01_F000", "Ses01F_impro01_M003"])
    given = _values(study, iemocap=str(corpus), classes=["anger", "sadness"])
    values = evaluate_scans_voting(check(given, ScansVotingConfig, "test"), lambda _: None, Serial())
    assert _rows(values)[SVM_VOTING] > 0.8
    given = _values(_study(tmp_path / "other", ["x", "y"]), iemocap=str(corpus), classes=["anger", "sadness"])
    with pytest.raises(MoodringError, match="check the column stim_file"):
        evaluate_scans_voting(check(given, ScansVotingConfig, "test"), lambda _: None, Serial())


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--scheduler", "dask"], "belong together"),
        (["--address", "tcp://127.0.0.1:1"], "belong together"),
        (["--scheduler", "dask", "--address", "tcp://127.0.0.1:1"], "no Dask scheduler answers"),
        (["--scheduler", "dask", "--address", "tcp://127.0.0.1:1", "--workers", "2"], "give one of them"),
    ],
)
def test_schedulers_that_cannot_be_are_refused(
    given: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "scans.toml"
    config.write_text('kind = "voting_scans"\n[fusion]\nthresholds = [1e-4, 1e-3]\n')
    assert _run(["evaluate", str(config), *given]) == 2
    assert told in capsys.readouterr().err


def test_an_evaluation_that_does_not_come_in_parts_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "x.toml"
    config.write_text('kind = "cross_domain"\n')
    assert _run(["evaluate", str(config), "--workers", "2"]) == 2
    assert "computed in one process" in capsys.readouterr().err
