"""Joint learning beside single sets: who is kept apart, what is kept, and what rows and differences say."""

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import moodring
from moodring.cli.app import main
from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.configs.schema.load import check, load
from moodring.configs.schema.papers.cross_domain import CrossDomainConfig, PairSection, SetSection, StepSection
from moodring.offline.evaluation.cross_domain.evaluate import evaluate_cross_domain, read_sets
from moodring.offline.evaluation.cross_domain.plan import jobs, splits_of
from moodring.offline.evaluation.cross_domain.rows import Answers, results, table
from moodring.offline.training.cross_domain.sets import PERSON, segmented
from tests.support import talking_films
from tests.support.fer_fake import write_fer

SHIPPED = Path(moodring.__file__).parent / "configs" / "cross_domain.toml"
STEP = {"batches": 2, "batch": 4}
SETS = (
    {"name": "fer2013", "source": "nemo", "single": STEP, "tuned": STEP},
    {"name": "emodb", "source": "nemo", "folds": 2, "single": STEP, "tuned": STEP},
)
"""nEMO is a source alone."""


def settings(data: Path | None, cache: Path | None = None, **changes: Any) -> CrossDomainConfig:
    values = {
        **{"kind": "cross_domain", "seeds": [1, 2], "pictures": 40, "visual_source": STEP, "audio_source": STEP},
        **{"sets": SETS, "pairs": [{"sets": ["fer2013", "emodb"], "joint": STEP, "source": "nemo", "leaky": True}]},
        **{"leaky": ["emodb"], "data": data, "cache": cache},
        **{"published": [{"what": "there", "accuracy": "89 %", "differs": "much"}]},
    }
    return check({**values, **changes}, CrossDomainConfig, "test")


def _speak(path: Path, number: int) -> None:
    times_s = np.arange(24_000) / 16_000
    sound = 0.2 * np.sin(2 * np.pi * 250.0 * 2 ** (number % 4) * times_s)
    sound += np.random.default_rng(number).normal(0.0, 0.02, len(sound))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(str(path), sound.astype(np.float32), 16_000)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FER2013 of drawn faces, EMO-DB of four speakers and nEMO of two, whose emotions are pitches."""
    root = tmp_path_factory.mktemp("sets")
    write_fer(root / "fer2013")
    for number, (person, prompt, letter) in enumerate(
        (p, s, e) for p in ("03", "08", "09", "10") for s in ("a01", "b02") for e in "WNFT"
    ):
        _speak(root / "emodb" / f"{person}{prompt}{letter}a.wav", number)
    rows = ["file_id\temotion\tnormalized_text\tspeaker_id\tgender\tage"]
    for number, (actor, word) in enumerate(
        (a, w) for a in ("EB0", "SM0") for w in ("anger", "neutral", "happiness", "sadness")
    ):
        _speak(root / "nemo" / f"{actor}_{word}_1.flac", number)
        rows.append(f"{actor}_{word}_1.flac\t{word}\tx\t{actor}\tfemale\t30")
    (root / "nemo" / "data.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return root


def quiet(_: str) -> None:
    pass


def test_the_shipped_config_is_valid_and_asks_for_three_seeds() -> None:
    shipped = load(SHIPPED, CrossDomainConfig)
    assert len(shipped.seeds) >= 3
    assert {"fer2013", "emodb", "ravdess", "nemo"} == {one.name for one in shipped.sets}


def test_every_row_stands_beside_its_differences_and_a_second_run_trains_nothing(data: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    values = evaluate_cross_domain(settings(data, tmp_path), lines.append)
    assert sum(line.startswith("seed 1, ") for line in lines) == 2 + 4 + 2 + 2 + 1
    named = {(row["set"], row["system"], row["leaky"]): row for row in values["rows"]}
    assert set(named) == {
        *(("fer2013", system, False) for system in ("single-domain", "fine-tuned", "joint with emodb")),
        *(("emodb", system, leaky) for system in ("single-domain", "fine-tuned", "joint with fer2013")
          for leaky in (False, True)),
    }  # fmt: skip
    for row in values["rows"]:
        assert row["leaky"] == ("leaky" in row["protocol"]) == ("leaky" in row["name"])
        assert row["low"] <= row["uar"] <= row["high"]
        assert len(row["by_seed"]) == 2
        assert np.sum(row["confusion"]) % row["n"] == 0
    assert named["emodb", "single-domain", False]["n"] == 32
    assert named["fer2013", "joint with emodb", False]["n"] == 28
    for one in values["paired"]:
        if one["set"]:
            ours, theirs = (named[one["set"], one[side], one["leaky"]]["uar"] for side in "ab")
            assert one["difference"] == pytest.approx(ours - theirs, abs=2e-4)
    assert [one["b"] for one in values["paired"] if not one["set"]] == ["single-domain", "fine-tuned"]
    assert "| there | 89 % | much |" in table(values)

    def no_training(line: str) -> None:
        assert line.startswith("reading "), line

    again = evaluate_cross_domain(settings(data, tmp_path), no_training)
    assert {**again, "wall_s": 0} == {**values, "wall_s": 0}


def test_people_are_apart_in_every_stage_but_under_the_protocol_that_says_leaky(data: Path) -> None:
    asked = settings(data)
    sets = read_sets(asked, data, quiet)
    several = list(jobs(asked, sets, {"emodb": segmented(sets["emodb"])}))
    assert len(several) == 11
    for job in several:
        for test in job.tests:
            tested = {test.data.groups[i] for i in test.chosen}
            trained_on = {
                task.data.groups[i]
                for step in job.steps
                for task in step.tasks
                if task.data.name == test.data.name
                for i in task.members
            }
            assert bool(tested & trained_on) == ("leaky" in test.protocol)


def test_two_sets_of_films_are_learned_together_with_clips_and_people_apart(data: Path, tmp_path: Path) -> None:
    for name, write in (("enterface", talking_films.enterface), ("savee", talking_films.savee)):
        write(tmp_path / name)
    (tmp_path / "fer2013").symlink_to(data / "fer2013")
    (tmp_path / "emodb").symlink_to(data / "emodb")
    films = [{"name": name, "folds": 2, "single": STEP, "tuned": STEP} for name in ("enterface_faces", "savee_faces")]
    pairs = [{"sets": ["enterface_faces", "savee_faces"], "joint": STEP, "source": "emodb"}]
    asked = settings(
        tmp_path, tmp_path / "kept", sets=[SETS[0] | {"source": ""}, *films], pairs=pairs, leaky=[], frames=2
    )
    values = evaluate_cross_domain(asked.model_copy(update={"seeds": (1,)}), quiet)
    named = {(row["set"], row["system"]): row for row in values["rows"]}
    assert named["savee_faces", "joint with enterface_faces"]["n"] == 4
    assert named["enterface_faces", "joint with savee_faces"]["n"] == 60
    assert named["enterface_faces", "single-domain"]["protocol"] == "2 folds by speaker"


def test_the_page_shows_a_config_that_is_valid() -> None:
    page = (SHIPPED.parent.parent / "docs" / "cross_domain.md").read_text(encoding="utf-8")
    shown = tomllib.loads(page.partition("```toml\n")[2].partition("```")[0])
    shipped = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))
    found = check(
        {**shipped, **shown, "sets": [shipped["sets"][0], *shown["sets"]], "leaky": []}, CrossDomainConfig, "x"
    )
    assert [one.name for one in found.sets] == ["fer2013", "enterface_faces", "savee_faces"]


def test_the_audit_stops_a_person_who_is_on_both_sides(data: Path) -> None:
    asked = settings(data)
    faces = read_sets(asked, data, quiet)["fer2013"]
    tests = faces.tests
    assert tests is not None
    groups = list(faces.groups)
    groups[int(np.flatnonzero(~tests)[0])] = groups[int(np.flatnonzero(tests)[0])]
    crossed = {
        **faces.__dict__,
        "items": type(faces.items)(**{**faces.items.__dict__, "groups": {faces.apart: tuple(groups)}}),
    }
    with pytest.raises(MoodringError, match="photograph is on both sides"):
        splits_of(type(faces)(**crossed), asked.sets[0], False)


def answers(system: str, predicted: list[int], data: str = "emodb") -> Answers:
    truth = np.array([0, 1] * 4)
    who = tuple(f"{i // 2}" for i in range(8))
    return Answers(data, system, "apart", ("a", "b"), truth, np.array(predicted), np.zeros(8, np.int64), (0,), who)


def test_a_difference_is_that_of_the_same_people_and_the_mean_is_over_sets() -> None:
    several = [
        answers("single-domain", [0, 0] * 4), answers("fine-tuned", [0, 1] * 4),
        answers("joint with fer2013", [0, 1, 0, 1, 0, 0, 0, 1]), answers("single-domain", [0, 1] * 4, "fer2013"),
        answers("fine-tuned", [0, 1] * 4, "fer2013"), answers("joint with emodb", [0, 1] * 4, "fer2013"),
    ]  # fmt: skip
    rows, paired = results(settings(None), several)
    assert [row.uar.value for row in rows] == [0.5, 1.0, 0.875, 1.0, 1.0, 1.0]
    found = {(one.data, one.b): one.value for one in paired}
    assert found["emodb", "single-domain"].value == pytest.approx(0.375)
    assert found["emodb", "fine-tuned"].value == pytest.approx(-0.125)
    assert found["emodb", "fine-tuned"].low < -0.125 < found["emodb", "fine-tuned"].high
    assert found["", "single-domain"].value == pytest.approx(0.375 / 2)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sets": [SETS[1]]}, "one of the sets is 'fer2013'"),
        ({"sets": [*SETS, SETS[1]]}, "each set is named once"),
        ({"pairs": [{"sets": ["fer2013", "ravdess"], "joint": STEP}]}, "a pair is two of the sets fer2013, emodb"),
        ({"pairs": [{"sets": ["fer2013", "emodb"], "joint": STEP, "source": "emodb"}]}, "has a source among them"),
        ({"sets": [SETS[0], {**SETS[1], "source": "emodb"}]}, "is its own source"),
        (
            {
                "sets": [*SETS, {**SETS[1], "name": "emodb_faces"}],
                "pairs": [{"sets": ["emodb", "emodb_faces"], "joint": STEP}],
            },
            "same people",
        ),
        (
            {"sets": [*SETS, {**SETS[1], "name": "savee_faces", "source": "savee"}]},
            "'savee_faces' is its own source",
        ),
        ({"leaky": ["fer2013"]}, "leaky names sets of voices"),
    ],
)
def test_contradictions_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        settings(None, **changes)


def test_the_command_says_in_one_line_that_a_set_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = tmp_path / "nowhere"
    asked = ["moodring", "evaluate", str(SHIPPED), "--set", f"data={nowhere}", "--set", f"cache={tmp_path / 'kept'}"]
    monkeypatch.setattr("sys.argv", asked)
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    said = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("reading ")]
    assert len(said) == 1
    assert str(nowhere / "fer2013") in said[0]


def test_what_is_not_there_or_not_what_it_was_is_one_line(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--set data=FOLDER"):
        evaluate_cross_domain(settings(None), quiet)
    with pytest.raises(MoodringError, match="different pictures to train on, 5000 were asked for"):
        read_sets(settings(data, pictures=5000), data, quiet)
    cache = tmp_path / "kept"
    evaluate_cross_domain(settings(data, cache, seeds=[1], leaky=[]), quiet)
    kept = next(cache.glob("answers-*.json"))
    kept.write_text(json.dumps({"answers": [[0]]}), encoding="utf-8")
    with pytest.raises(MoodringError, match="are not of"):
        evaluate_cross_domain(settings(data, cache, seeds=[1], leaky=[]), quiet)


def test_sections_name_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="batches"):
        StepSection(batches=0)
    assert PairSection(sets=("a", "b"), joint=StepSection(batches=1)).source == ""
    assert SetSection(name="x", single=StepSection(batches=1), tuned=StepSection(batches=1)).folds == 4
    assert PERSON == "speaker"
