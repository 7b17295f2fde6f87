"""An answer that is no finite number is an abstention with its reason, whatever decoder or fusion gave it."""

import pytest

from moodring.models.contract import HeadOutput
from moodring.models.contract.specs import NOT_FINITE, ContractError, NotFiniteError
from moodring.offline.decoding.decode import decode
from tests.support.engine_fakes import FakeSpeech, fake_models, pooled_models, recording, video_eeg_of
from tests.support.scripted_sources import CONFIG

NAN = float("nan")


@pytest.mark.parametrize("probabilities", [(NAN, 0.5), (float("inf"), 0.0)])
def test_probabilities_that_are_not_finite_make_no_output(probabilities):
    with pytest.raises(NotFiniteError):
        HeadOutput("valence", "felt", ("low", "high"), probabilities)


@pytest.mark.parametrize("probabilities", [(0.9, 0.9), (-0.5, 1.5), (0.0, 0.0)])
def test_probabilities_that_are_no_distribution_misuse_the_contract(probabilities):
    with pytest.raises(ContractError) as caught:
        HeadOutput("valence", "felt", ("low", "high"), probabilities)
    assert not isinstance(caught.value, NotFiniteError)


def test_a_session_shows_no_number_of_a_model_that_has_none(monkeypatch):
    models = fake_models()

    def read(self):
        return tuple(HeadOutput(one.name, one.construct, one.classes, (NAN,) * 3) for one in self.spec.outputs)

    def feed(self, samples, start_s):
        return (HeadOutput("speech", "expressed", self.head.classes, (NAN, 0.5), start_s=start_s, end_s=start_s + 1),)

    monkeypatch.setattr(type(video_eeg_of(models)), "read", read)
    monkeypatch.setattr(FakeSpeech, "feed", feed)
    estimates = decode(recording(5.0), CONFIG, models=models).estimates
    for name in ("valence", "arousal", "speech"):
        assert NOT_FINITE in {estimate.head(name).abstained for estimate in estimates}
        assert all(estimate.answer(name) is None for estimate in estimates)


def test_a_pool_whose_answer_is_not_finite_abstains(monkeypatch):
    models = pooled_models()

    def fuse(self, time_s, now_s, heads, speaking):
        return tuple(HeadOutput(one.name, one.construct, one.classes, (NAN,) * 3) for one in self.heads)

    monkeypatch.setattr(type(models.fusion), "fuse", fuse)
    estimates = decode(recording(5.0), CONFIG, models=models).estimates
    assert {estimate.head("pooled_valence").abstained for estimate in estimates} == {NOT_FINITE}
    assert any(estimate.answer("valence") for estimate in estimates)
