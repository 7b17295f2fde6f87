from dataclasses import replace

import numpy as np
import pytest

from moodring.models.contract import HeadOutput
from moodring.models.streaming.finite_answers import NOT_FINITE, finite_or_abstained
from moodring.offline.decoding.decode import decode
from tests.support.engine_fakes import FakeSpeech, fake_models, recording, video_eeg_of
from tests.support.scripted_sources import CONFIG

HEAD = HeadOutput("valence", "felt", ("low", "high"), (0.25, 0.75), kept=(1,))


@pytest.mark.parametrize(
    "probabilities",
    [(float("nan"), 0.5), (float("inf"), 0.0), (0.9, 0.9), (-0.5, 1.5), (0.0, 0.0)],
)
def test_an_answer_that_is_no_distribution_is_withheld_with_its_reason(probabilities):
    found = finite_or_abstained(replace(HEAD, probabilities=probabilities))
    assert (found.probabilities, found.kept, found.abstained) == (None, (), NOT_FINITE)


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_a_value_that_is_not_finite_is_withheld(value):
    assert finite_or_abstained(HeadOutput("stress", "felt", value=value)).abstained == NOT_FINITE


def test_answers_and_abstentions_stay_as_they_are():
    for head in (HEAD, HeadOutput("stress", "felt", value=0.3), HeadOutput("x", "felt", abstained="no look yet")):
        assert finite_or_abstained(head) is head


def test_a_session_shows_no_number_of_a_model_that_has_none(monkeypatch):
    models = fake_models()
    state = video_eeg_of(models)
    monkeypatch.setattr(type(state), "read", lambda self: tuple(
        HeadOutput(head.name, head.construct, head.classes, (float("nan"),) * 3) for head in self.spec.outputs
    ))  # fmt: skip
    monkeypatch.setattr(FakeSpeech, "feed", lambda self, samples, start_s: (
        HeadOutput("speech", "expressed", self.head.classes, (float("nan"), 0.5), start_s=start_s, end_s=start_s + 1),
    ))  # fmt: skip
    estimates = decode(recording(5.0), CONFIG, models=models).estimates
    for name in ("valence", "arousal", "speech"):
        said = {estimate.head(name).abstained for estimate in estimates}
        assert NOT_FINITE in said
        assert all(estimate.answer(name) is None for estimate in estimates)
    assert np.isfinite([estimate.time_s for estimate in estimates]).all()
