"""Bundles without their gate: for EEG that is made of noise, or to compare with a training, which withholds none."""

from dataclasses import replace
from pathlib import Path

from moodring.models.decoders.domain_gate import PREFIX
from moodring.models.io.bundle import Bundle, load_bundle, save_bundle


def without_gate(bundle: Bundle) -> Bundle:
    """Return a bundle without the tensors of its gate."""
    kept = {name: tensor for name, tensor in bundle.tensors.items() if not name.startswith(PREFIX)}
    return replace(bundle, tensors=kept)


def write_without_gate(bundle: Bundle | Path, folder: Path) -> Path:
    """Write a bundle without its gate into a folder, and return its path."""
    loaded = load_bundle(bundle) if isinstance(bundle, Path) else bundle
    path = folder / "ungated.safetensors"
    save_bundle(path, loaded.spec, without_gate(loaded).tensors)
    return path
