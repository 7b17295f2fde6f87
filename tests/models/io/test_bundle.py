import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import EegInput, FaceInput, Head, ModelSpec, SignalInput, SpeechInput
from moodring.models.decoders.attention import AttentionDecoder
from moodring.models.io.bundle import (
    Bundle,
    bundled,
    load_bundle,
    models_path,
    save_bundle,
    shipped_bundles,
    speech_bundle_path,
)

SPEC = ModelSpec(
    kind="attention",
    inputs=(EegInput(100.0, 8, "average", 1.0, 16), FaceInput(8.0, 48)),
    outputs=(
        Head("valence", "felt", ("low", "medium", "high"), temperature=1.25, conformal_threshold=0.1),
        Head("arousal", "felt", ("low", "medium", "high"), temperature=0.8),
    ),
    label_source="simulated latents",
    domain=("simulated",),
    protocol="leave people out",
    data_hashes=("abc",),
    seed=3,
    network={"core": 64, "dropout": 0.5, "cell": "lstm"},
)
TENSORS = {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([1, 2], dtype=torch.int64)}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    save_bundle(path, SPEC, TENSORS)
    return path


def tampered(path: Path, spec: object, written: object = 2) -> Path:
    save_file(TENSORS, path, {"moodring_spec": json.dumps({"format": written, "spec": spec})})
    return path


def spec_as_json(path: Path) -> dict[str, object]:
    header = path.read_bytes()
    length = int.from_bytes(header[:8], "little")
    described = json.loads(json.loads(header[8 : 8 + length])["__metadata__"]["moodring_spec"])
    spec: dict[str, object] = described["spec"]
    return spec


def test_what_is_written_is_read(saved: Path) -> None:
    bundle = load_bundle(saved, "attention")
    assert bundle == Bundle(SPEC, bundle.tensors, bundle.sha256, "model.safetensors")
    assert type(bundle.spec.network["core"]) is int
    assert set(bundle.tensors) == set(TENSORS)
    assert all(torch.equal(bundle.tensors[name], tensor) for name, tensor in TENSORS.items())
    assert bundle.sha256 == hashlib.sha256(saved.read_bytes()).hexdigest()


def test_any_inputs_and_heads_are_kept(tmp_path: Path) -> None:
    inputs = (SpeechInput(), SignalInput("skin_conductance", 10.0, 2, 4.0))
    outputs = (Head("stress", "felt", scale=(0.0, 1.0)), Head("speech", "acted", ("a", "b"), shares=("voice",)))
    spec = replace(SPEC, kind="stress", inputs=inputs, outputs=outputs)
    save_bundle(tmp_path / "s.safetensors", spec, TENSORS)
    assert load_bundle(tmp_path / "s.safetensors").spec == spec


def test_the_same_model_is_the_same_file(tmp_path: Path) -> None:
    first = save_bundle(tmp_path / "1.safetensors", SPEC, TENSORS)
    turned = save_bundle(tmp_path / "2.safetensors", SPEC, dict(reversed(TENSORS.items())))
    other = save_bundle(tmp_path / "3.safetensors", replace(SPEC, seed=4), TENSORS)
    assert first == turned != other


def test_views_and_shared_weights_are_written_whole(tmp_path: Path) -> None:
    base = torch.arange(12.0).reshape(3, 4).requires_grad_()
    save_bundle(tmp_path / "v.safetensors", SPEC, {"one": base.T, "two": base[1]})
    tensors = load_bundle(tmp_path / "v.safetensors").tensors
    assert torch.equal(tensors["one"], base.detach().T)
    assert torch.equal(tensors["two"], base.detach()[1])


def test_nothing_half_written_stays(tmp_path: Path) -> None:
    place = tmp_path / "folder.safetensors"
    place.mkdir()
    with pytest.raises(MoodringError, match="cannot be written"):
        save_bundle(place, SPEC, TENSORS)
    assert list(tmp_path.iterdir()) == [place]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MoodringError, match=r"no\.safetensors' does not exist"):
        load_bundle(tmp_path / "no.safetensors")


def test_a_relative_path_that_is_missing_says_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MoodringError) as caught:
        load_bundle(Path("no.safetensors"))
    assert f"(looked for '{tmp_path / 'no.safetensors'}')" in str(caught.value)


@pytest.mark.parametrize("keep", [0, 4, 200, -1])
def test_a_truncated_file_is_refused(saved: Path, keep: int) -> None:
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(MoodringError, match="truncated or not a"):
        load_bundle(saved)


def test_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"\x80\x04 this is a pickle, or whatever" * 20)
    with pytest.raises(MoodringError, match="truncated or not a"):
        load_bundle(path)


def test_a_foreign_safetensors_is_refused(tmp_path: Path) -> None:
    for metadata in (None, {"format": "pt"}):
        save_file(TENSORS, tmp_path / "x.safetensors", metadata)
        with pytest.raises(MoodringError, match="holds tensors but no moodring spec"):
            load_bundle(tmp_path / "x.safetensors")


@pytest.mark.parametrize(("written", "cure"), [(3, "update moodring"), (0, "train it again"), (None, "format None")])
def test_another_format_is_refused(saved: Path, written: int | None, cure: str) -> None:
    tampered(saved, spec_as_json(saved), written)
    with pytest.raises(MoodringError, match=cure):
        load_bundle(saved)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": "three"}, "'seed'"),
        ({"outputs": None}, "'outputs'"),
        ({"extra": 1}, "unknown key extra"),
        ({"inputs": [{"kind": "smell", "rate_hz": 1.0}]}, "unknown kind 'smell'; known are eeg, face, speech, signal"),
        ({"inputs": [{"kind": "speech", "colour": 1}]}, r"unknown key inputs\.colour"),
        ({"outputs": [{"name": "joy", "construct": "felt"}]}, r"either classes or a scale; classes \(\)"),
        ({"inputs": [{"kind": "speech"}, {"kind": "speech"}]}, "'speech' is named twice"),
    ],
)
def test_a_wrong_spec_is_refused(saved: Path, change: dict[str, object], words: str) -> None:
    tampered(saved, spec_as_json(saved) | change)
    with pytest.raises(MoodringError, match=words) as error:
        load_bundle(saved)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["{", "[]", "null", "", "{}", '{"format": 2}', '{"format": 2, "spec": []}'])
def test_a_spec_that_is_no_table_is_refused(saved: Path, text: str) -> None:
    save_file(TENSORS, saved, {"moodring_spec": text})
    with pytest.raises(MoodringError, match="cannot be read") as error:
        load_bundle(saved)
    assert "\n" not in str(error.value)


def test_another_kind_is_refused(saved: Path) -> None:
    with pytest.raises(MoodringError, match="is a 'attention' model, a 'speech' model is needed"):
        load_bundle(saved, "speech")


def test_shipped_files() -> None:
    assert bundled("yunet").is_file()
    with pytest.raises(MoodringError, match="no bundle 'nose' is shipped"):
        bundled("nose")


def test_the_simulated_speech_bundle_has_both_names_everywhere() -> None:
    for name in ("speech", "simulated"):
        assert speech_bundle_path(name) == models_path("speech", name) == bundled("speech")
    assert speech_bundle_path("emodb") == models_path("speech", "emodb") == bundled("emodb")
    for name in ("voices", "pool", "yunet", "attention"):
        with pytest.raises(MoodringError, match=f"no speech bundle '{name}' is shipped"):
            speech_bundle_path(name)


def test_a_shipped_bundle_under_the_key_of_another_says_where_it_belongs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MoodringError) as caught:
        models_path("face", "emodb")
    line = str(caught.value)
    assert "models.face = 'emodb': the shipped bundle of that name is for models.speech" in line
    assert line.endswith("shipped for models.face are face; or give a path")
    (tmp_path / "emodb").write_bytes(b"a file of the user's")
    assert models_path("face", "emodb") == Path("emodb")
    assert models_path("face", "mine.safetensors") == Path("mine.safetensors")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_weight_that_is_not_finite_is_refused(saved: Path, value: float) -> None:
    broken = TENSORS | {"a.weight": torch.tensor([[1.0, value]])}
    save_bundle(saved, SPEC, broken)
    with pytest.raises(MoodringError, match=r"weights that are no finite numbers \('a\.weight'\)"):
        load_bundle(saved)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("outputs", 0, "temperature"), 0.0),
        (("outputs", 0, "temperature"), -1.0),
        (("outputs", 0, "conformal_threshold"), 7.0),
        (("inputs", 0, "window_s"), 1e9),
        (("inputs", 0, "image_size"), 10**6),
        (("inputs", 1, "rate_hz"), 1e-9),
        (("network", "core"), 10**12),
        (("network", "core"), "x" * 5000),
        (("domain",), [""]),
    ],
)
def test_a_value_out_of_its_range_is_refused(saved: Path, place: tuple[str | int, ...], value: object) -> None:
    spec: Any = spec_as_json(saved)
    table = spec
    for part in place[:-1]:
        table = table[part]
    table[place[-1]] = value
    tampered(saved, spec)
    with pytest.raises(MoodringError, match="has a spec that cannot be read") as error:
        load_bundle(saved)
    assert "\n" not in str(error.value)


def test_a_spec_nested_a_thousand_deep_is_refused(saved: Path) -> None:
    save_file(TENSORS, saved, {"moodring_spec": '{"spec":' * 100_000})
    with pytest.raises(MoodringError, match="nested too deeply"):
        load_bundle(saved)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"layer1": 0}, "layer1 is 0"),
        ({"glimpse": 1e9}, "glimpse is"),
        ({"core": "many"}, "core is 'many'"),
        ({"core": 4096}, "do not fit its sizes"),
        ({"prior_channels": -1}, "prior_channels lists 1 channels"),
        ({"budget": -3.0}, "budget is -3.0"),
        ({"budget": None}, "budget is None"),
        ({"policy": None}, "policy of looks 'None'"),
    ],
)
def test_a_network_that_is_none_is_refused_before_memory_is_taken(
    tmp_path: Path, fakes: Any, values: dict[str, Any], words: str
) -> None:
    bundle = load_bundle(fakes.write_bundle(tmp_path / "v.safetensors"))
    network = {key: one for key, one in (dict(bundle.spec.network) | values).items() if one is not None}
    with pytest.raises(MoodringError, match=words):
        AttentionDecoder(replace(bundle, spec=replace(bundle.spec, network=network)), torch.device("cpu"))


def test_shipped_names_come_once_and_all_load(tmp_path):
    with pytest.raises(MoodringError) as caught:
        load_bundle(tmp_path / "nosuch")
    assert str(caught.value).count("attention") == 1
    assert {"attention", "workload", "emodb", "speech"} <= set(shipped_bundles())
    for name in shipped_bundles():
        load_bundle(bundled(name))


def test_doctor_names_every_shipped_bundle():
    from moodring.realtime.lab.doctor import _bundles

    found = {finding.what.removeprefix("bundle "): finding.ok for finding in _bundles()}
    assert found == {**dict.fromkeys(shipped_bundles(), True), "voices": True}
