"""The reference observer of simulated people."""

import numpy as np
import pytest
from pydantic import ValidationError

from moodring.configs.schema.evaluate import EvaluatePoliciesConfig
from moodring.offline.evaluation.people import observer
from moodring.offline.evaluation.people.observer import Observer

KNOWN, ASKED, SECONDS = range(4201, 4213), range(4221, 4227), 120.0


@pytest.fixture(scope="module")
def learned() -> Observer:
    return Observer(KNOWN, SECONDS, 1)


def test_expressions_are_worth_something_and_the_eeg_too(learned: Observer) -> None:
    full, no_face = learned.recalls(ASKED, SECONDS, 1)
    assert full.shape == no_face.shape == (len(ASKED), 2)
    assert no_face.mean() > 0.40
    assert full.mean() > no_face.mean() + 0.02


def test_an_answer_does_not_know_what_comes(learned: Observer) -> None:
    (person,) = observer._people([ASKED[0]], SECONDS, 1)
    whole = learned._decide(person, face=True)
    half = len(whole) // 2
    early = observer._Person(person.features[:half], person.levels[:half], person.bursts[person.bursts[:, 0] < half])
    assert np.array_equal(learned._decide(early, face=True), whole[:half])


def test_people_it_learns_from_are_not_judged() -> None:
    with pytest.raises(ValidationError, match="the observer is learned from"):
        EvaluatePoliciesConfig(
            name="x", systems=("every-1",), trainings=(0,), seeds=(805, 2201), observer_people=(801, 864)
        )
    with pytest.raises(ValidationError, match="observer is no system"):
        EvaluatePoliciesConfig(
            name="x", systems=("every-1",), trainings=(0,), seeds=(2201, 2202), paired=(("every-1", "observer"),)
        )
