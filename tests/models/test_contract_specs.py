from typing import Any

import pytest

from moodring.models.contract import EegInput, FaceInput, Head, HeadOutput, ModelSpec, SignalInput, SpeechInput
from moodring.models.contract.specs import ContractError

LEVELS = ("low", "medium", "high")


def spec(inputs: Any, outputs: Any) -> ModelSpec:
    return ModelSpec("any kind", inputs, outputs, "labels", ("simulated",), "none", (), 0, {})


def test_an_unknown_input_is_refused_with_what_is_known() -> None:
    with pytest.raises(ValueError, match="unknown kind 'smell'; known are eeg, face, speech, signal"):
        spec(("smell",), (Head("joy", "felt", LEVELS),))


def test_a_model_without_input_or_head_is_refused_with_both_counts() -> None:
    with pytest.raises(ValueError, match="0 inputs and 1 heads came"):
        spec((), (Head("joy", "felt", LEVELS),))
    with pytest.raises(ValueError, match="1 inputs and 0 heads came"):
        spec((SpeechInput(),), ())


def test_a_modality_named_twice_is_refused_with_all_names() -> None:
    inputs = (SignalInput("skin", 4.0, 2, 1.0), FaceInput(8.0, 48), SignalInput("skin", 10.0, 1, 1.0))
    with pytest.raises(ValueError, match="'skin' is named twice among skin, face, skin"):
        spec(inputs, (Head("joy", "felt", LEVELS),))


def test_a_head_named_twice_is_refused_with_all_names() -> None:
    with pytest.raises(ValueError, match="'joy' is named twice among joy, fear, joy"):
        spec((SpeechInput(),), tuple(Head(name, "felt", LEVELS) for name in ("joy", "fear", "joy")))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, r"either classes or a scale; classes \(\) and scale None came"),
        ({"classes": LEVELS, "scale": (0.0, 1.0)}, r"either classes or a scale; classes \('low'"),
        ({"classes": ("low", "low")}, "'low' is named twice among low, low"),
        ({"scale": (1.0, 0.0)}, r"a scale that rises; \(1\.0, 0\.0\) came"),
        ({"scale": (0.0, float("inf"))}, r"a scale that rises; \(0\.0, inf\) came"),
        ({"classes": LEVELS, "temperature": 0.0}, "'joy' needs a temperature above 0; 0.0 came"),
        ({"classes": LEVELS, "temperature": float("nan")}, "needs a temperature above 0; nan came"),
        ({"classes": LEVELS, "conformal_threshold": 1.5}, r"a conformal threshold in 0\.\.1; 1.5 came"),
    ],
)
def test_a_head_is_of_classes_or_a_scale_and_calibrated_within_bounds(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Head("joy", "felt", **given)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: EegInput(100.0, 8, "average", 1.0, 16, kind="foo"), "EegInput is of kind 'eeg'; 'foo' came"),
        (lambda: SignalInput("skin", 4.0, 1, 1.0, kind="eeg"), "SignalInput is of kind 'signal'; 'eeg' came"),
        (lambda: SpeechInput(kind="face"), "SpeechInput is of kind 'speech'; 'face' came"),
        (lambda: EegInput(0.0, 8, "average", 1.0, 16), "eeg input needs min_rate_hz above 0; 0.0 came"),
        (lambda: FaceInput(8.0, 0), "face input needs size above 0; 0 came"),
        (lambda: SpeechInput(float("nan")), "speech input needs rate_hz above 0; nan came"),
        (lambda: SignalInput("skin", 0.0, 1, 1.0), "signal input needs rate_hz above 0; 0.0 came"),
        (lambda: SignalInput("skin", 4.0, 0, 1.0), "signal input needs channels above 0; 0 came"),
        (lambda: SignalInput("skin", 4.0, 1, -1.0), r"signal input needs window_s above 0; -1\.0 came"),
        (lambda: SignalInput("eeg", 4.0, 1, 1.0), "a name of its own was expected, 'eeg' came; these have other"),
        (lambda: SignalInput("", 4.0, 1, 1.0), "a name of its own was expected, '' came"),
    ],
)
def test_an_input_of_another_kind_or_without_size_is_refused_with_both(make: Any, words: str) -> None:
    with pytest.raises(ContractError, match=words):
        make()


def test_an_output_that_is_no_head_is_refused_with_its_type() -> None:
    with pytest.raises(ContractError, match="an output of type str; a Head was expected"):
        spec((SpeechInput(),), ("joy",))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"probabilities": (5.0, -1.0, -3.0)},
            r"probabilities in 0\.\.1 that add up to 1; \(5\.0, -1\.0, -3\.0\) came",
        ),
        ({"probabilities": (0.5, 0.1, 0.1)}, r"that add up to 1; \(0\.5, 0\.1, 0\.1\) came"),
        (
            {"probabilities": (float("nan"), 0.5, 0.5)},
            r"why it abstains; \(nan, 0\.5, 0\.5\) came",
        ),
        ({"probabilities": (0.5, 0.5)}, r"3 classes \(low, medium, high\); 2 probabilities came"),
        ({"classes": (), "value": float("nan")}, "needs finite numbers, or none and why it abstains; nan came"),
        ({"value": 1.0}, r"has classes \(low, medium, high\); the value 1\.0 came"),
        ({"probabilities": (0.2, 0.3, 0.5), "kept": (3,)}, r"3 classes; the kept set \(3,\) came"),
    ],
)
def test_an_impossible_answer_is_refused_with_what_came(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ContractError, match=words):
        HeadOutput(**{"name": "joy", "construct": "felt", "classes": LEVELS, **given})


def test_inputs_and_heads_are_found_by_type_and_name() -> None:
    eeg = EegInput(100.0, 8, "average", 1.0, 16)
    made = spec((eeg, SignalInput("skin_conductance", 10.0, 1, 4.0)), (Head("joy", "felt", LEVELS),))
    assert made.modalities == ("eeg", "skin_conductance")
    assert made.input(EegInput) is eeg
    assert made.input(FaceInput) is None
    with pytest.raises(KeyError, match="no head 'fear'; it has joy"):
        made.head("fear")
