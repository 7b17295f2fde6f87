from typing import Any

import pytest

from moodring.models.contract import EegInput, FaceInput, Head, ModelSpec, SignalInput, SpeechInput

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
    inputs = (FaceInput(8.0, 48), SignalInput("face", 10.0, 1, 1.0))
    with pytest.raises(ValueError, match="'face' is named twice among face, face"):
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
    ],
)
def test_a_head_is_of_classes_or_a_scale(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Head("joy", "felt", **given)


def test_inputs_and_heads_are_found_by_type_and_name() -> None:
    eeg = EegInput(100.0, 8, "average", 1.0, 16)
    made = spec((eeg, SignalInput("skin_conductance", 10.0, 1, 4.0)), (Head("joy", "felt", LEVELS),))
    assert made.modalities == ("eeg", "skin_conductance")
    assert made.input(EegInput) is eeg
    assert made.input(FaceInput) is None
    with pytest.raises(KeyError, match="no head 'fear'; it has joy"):
        made.head("fear")
