"""Keys of cached results: they change with the version of every stage they depend on, and with nothing else."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from moodring.offline.evaluation import paper_speech
from moodring.offline.training.attention.band_network import BAND_NETWORK
from moodring.offline.training.attention.core import STUDENT, TEACHER
from moodring.offline.training.attention.faces.expressions import EXPRESSIONS
from moodring.offline.training.attention.gaussian import GAUSSIAN
from moodring.offline.training.attention.policy import GAINS, OWN_CORE, PERIPHERY, REINFORCE
from moodring.offline.training.attention.prepare import PREPARED
from moodring.offline.training.common import stages
from moodring.offline.training.common.stages import SIMULATION, Stage
from moodring.offline.training.paper_speech.train import PAPER_TRAINING
from moodring.offline.training.pooling.people import DECODED
from moodring.offline.training.recogniser.features import FEATURES
from moodring.offline.training.recogniser.train import FOLDS
from moodring.offline.training.speech.train import SPEECH_TRAINING

ATTENTION = (
    PREPARED, EXPRESSIONS, BAND_NETWORK, TEACHER, STUDENT, GAUSSIAN, PERIPHERY, GAINS, REINFORCE, OWN_CORE,
)  # fmt: skip
ALL = (SIMULATION, *ATTENTION, DECODED, SPEECH_TRAINING, FEATURES, FOLDS, PAPER_TRAINING)
CORE = {TEACHER, STUDENT, GAUSSIAN, PERIPHERY, GAINS, REINFORCE, OWN_CORE}
DEPENDENTS = {
    SIMULATION: {*ATTENTION, DECODED, SPEECH_TRAINING},
    PREPARED: {EXPRESSIONS, BAND_NETWORK, *CORE},
    EXPRESSIONS: CORE,
    BAND_NETWORK: CORE,
    STUDENT: CORE - {TEACHER, STUDENT},
    GAINS: {REINFORCE, OWN_CORE},
    FEATURES: {FOLDS},
}


def raised(stage: Stage, which: Stage) -> Stage:
    """The stage as it would be if the version of one of those it depends on, or its own, were raised."""
    version = stage.version + 1 if stage == which else stage.version
    return replace(stage, version=version, needs=tuple(raised(one, which) for one in stage.needs))


@pytest.mark.parametrize("which", ALL, ids=lambda stage: stage.name)
def test_raising_a_version_changes_the_keys_of_all_that_depend_on_it_and_no_others(which: Stage) -> None:
    changed = {stage for stage in ALL if raised(stage, which).key("settings") != stage.key("settings")}
    assert changed >= {which} | DEPENDENTS.get(which, set())
    if which in DEPENDENTS:
        assert changed == {which} | DEPENDENTS[which]


def test_stages_have_names_of_their_own() -> None:
    assert len({stage.name for stage in ALL}) == len(ALL)


def test_keys_change_with_the_settings() -> None:
    key = STUDENT.key
    assert len({key(), key(1), key(2), key(1, 2), key({"a": 1}), key({"a": 2})}) == 6
    assert key({"a": 1, "b": 2}) == key({"b": 2, "a": 1})


def test_a_moved_module_with_other_docstrings_gives_the_same_keys(tmp_path: Path) -> None:
    moved = tmp_path / "moved_stages.py"
    text = Path(stages.__file__).read_text(encoding="utf-8")
    moved.write_text(text.replace("Simulated people", "People made by chance").replace("found again", "reused"))
    spec = importlib.util.spec_from_file_location("moved_stages", moved)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["moved_stages"] = module
    try:
        spec.loader.exec_module(module)
        copy = module.Stage("people on ticks", PREPARED.version, (module.SIMULATION,))
        assert copy.key("settings") == PREPARED.key("settings")
    finally:
        del sys.modules["moved_stages"]


def test_no_result_is_kept_by_the_content_of_source_files() -> None:
    for folder in (Path(stages.__file__).parents[1], Path(paper_speech.__file__).parent):
        for path in folder.rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert "inspect" not in text, path
            assert "__file__" not in text, path
