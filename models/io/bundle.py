"""Model bundles: one ``.safetensors`` file with the weights, and the :class:`ModelSpec` as JSON in its metadata.

Nothing in a bundle is ever executed or unpickled.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from ...configs.schema.errors import MoodringError
from ...configs.schema.regular_files import check_regular, parse_json
from ..contract import ModelSpec
from .bundle_format import FORMAT, read_spec, write_spec
from .files import write_file

_SPEC_KEY = "moodring_spec"
MOST_BYTES = 2_000_000_000
_SHIPPED = {
    "attention": "attention.safetensors",
    "speech": "speech.safetensors",
    "emodb": "emodb.safetensors",
    "voices": "voices.safetensors",
    "workload": "workload.safetensors",
    "face": "face.safetensors",
    "pool": "pool.json",
    "yunet": "yunet.onnx",
}

SLOTS = {"video_eeg": "attention", "face": "face_expression", "speech": "speech"}
"""Keys of ``[models]`` that take one bundle, and its kind."""
_NAMES: dict[str, dict[str, str]] = {
    "video_eeg": {"bundled": "attention", "attention": "attention"},
    "face": {"face": "face"},
    # The bundle of simulated voices has two names: that of its file, and what it was trained on.
    "speech": {"emodb": "emodb", "simulated": "speech", "speech": "speech"},
    "more": {"workload": "workload", "attention": "attention", "face": "face"},
}


@dataclass(frozen=True)
class Bundle:
    """A model as loaded: spec, weights on the CPU, and its file.

    Attributes
    ----------
    spec : ModelSpec
    tensors : mapping of str to Tensor
    sha256 : str
        Of the whole file, in hexadecimal.
    name : str
        Of the file.
    """

    spec: ModelSpec
    tensors: Mapping[str, torch.Tensor]
    sha256: str
    name: str


def bundled(name: str) -> Path:
    """Return the path of a file shipped with the package.

    The names are ``"attention"``, ``"speech"`` (simulated), ``"emodb"``, ``"voices"``, ``"workload"``, ``"face"``,
    ``"pool"`` and ``"yunet"``.

    Raises
    ------
    MoodringError
        No such name, or the file is missing from this installation.
    """
    if name not in _SHIPPED:
        raise MoodringError(f"no bundle {name!r} is shipped; shipped are {', '.join(_SHIPPED)}; or give a path")
    path = Path(__file__).resolve().parent.parent / "bundles" / _SHIPPED[name]
    if not path.is_file():
        raise MoodringError(f"shipped file '{path.name}' is missing from this installation; reinstall moodring")
    return path


def shipped_bundles() -> tuple[str, ...]:
    """Return the names of the shipped files that :func:`load_bundle` reads, for :func:`bundled`."""
    return tuple(name for name, file in _SHIPPED.items() if file.endswith(".safetensors") and name != "voices")


def speech_bundle_path(name: str) -> Path:
    """Return the path of a speech bundle: that of a file, or of a shipped one by its name in configs.

    Raises
    ------
    MoodringError
        It is neither.
    """
    path, shipped = Path(name), _NAMES["speech"]
    if path.is_file() or path.suffix:
        return path
    if name not in shipped:
        raise MoodringError(f"no speech bundle {name!r} is shipped; shipped are {', '.join(shipped)}; or give a path")
    return bundled(shipped[name])


def face_bundle_path(name: str) -> Path:
    """Return the path of a face-expression bundle: that of a file, or ``"face"``, the shipped one."""
    return bundled("face") if name == "face" else Path(name)


def slot_of(kind: str) -> str:
    """Return the key of ``[models]`` that takes bundles of a kind: "video_eeg", "face", "speech" or "more"."""
    return next((slot for slot, taken in SLOTS.items() if taken == kind), "more")


def models_path(slot: str, given: str) -> Path:
    """Return the path of a bundle that a key of ``[models]`` names: a shipped one by its name, or a path.

    Raises
    ------
    MoodringError
        The name of one that is shipped for another key.
    """
    shipped = _NAMES.get(slot, {})
    if given in shipped:
        return bundled(shipped[given])
    if not Path(given).exists() and (keys := [f"models.{key}" for key, names in _NAMES.items() if given in names]):
        raise MoodringError(
            f"models.{slot} = '{given}': the shipped bundle of that name is for {' and '.join(keys)}; shipped for "
            f"models.{slot} are {', '.join(shipped)}; or give a path"
        )
    return Path(given)


def save_bundle(path: Path, spec: ModelSpec, tensors: Mapping[str, torch.Tensor], *, mode: int | None = None) -> str:
    """Write a bundle in one move; ``mode`` are the file's permissions, by default the system's.

    Returns
    -------
    str
        The file's sha256 in hexadecimal; the same spec and weights give the same file.
    """
    # One key only: safetensors writes several in random order, and the same model shall be the same file.
    metadata = {_SPEC_KEY: write_spec(spec)}
    plain = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in sorted(tensors.items())}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, save(plain, metadata), mode=mode)
    except (OSError, SafetensorError) as error:
        raise MoodringError(f"bundle '{path}' cannot be written: {error}; free or choose another place") from error
    return _sha256(path)


def _looked_for(path: Path) -> str:
    return "" if path.is_absolute() else f" (looked for '{path.absolute()}')"


def load_bundle(path: Path, *kinds: str) -> Bundle:
    """Read a bundle.

    Parameters
    ----------
    path : Path
    *kinds : str
        What it may be, for example ``"attention"``; anything where none is named.

    Raises
    ------
    MoodringError
        The file is missing, truncated, not a moodring bundle, of a newer moodring, or of another kind.
    """
    if not path.is_file():
        names = ", ".join(dict.fromkeys(name for names in _NAMES.values() for name in names))
        raise MoodringError(
            f"bundle '{path}' does not exist{_looked_for(path)}; give the path of a .safetensors file, or in "
            f"[models] the name of a shipped one ({names})"
        )
    try:
        check_regular(path)
        if (size := path.stat().st_size) > MOST_BYTES:
            raise MoodringError(
                f"bundle '{path}' has {size / 1e9:.1f} GB, at most {MOST_BYTES / 1e9:.1f} GB are read; give another"
            )
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata: dict[str, str] = file.metadata() or {}
            spec = _parse(metadata, path)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it has no __iter__
        sha256 = _sha256(path)
    except (OSError, SafetensorError) as error:
        raise MoodringError(
            f"bundle '{path}' is truncated or not a .safetensors file ({error}); copy or train it again"
        ) from error
    broken = next((name for name, one in tensors.items() if not _is_finite(one)), None)
    if broken is not None:
        raise MoodringError(
            f"bundle '{path}' has weights that are no finite numbers ('{broken}'); copy or train it again"
        )
    if kinds and spec.kind not in kinds:
        needed = " or ".join(map(repr, kinds))
        raise MoodringError(
            f"bundle '{path}' is a {spec.kind!r} model, a {needed} model is needed; give another bundle"
        )
    return Bundle(spec=spec, tensors=tensors, sha256=sha256, name=path.name)


def _is_finite(tensor: torch.Tensor) -> bool:
    return not (tensor.is_floating_point() or tensor.is_complex()) or bool(torch.isfinite(tensor).all())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _parse(metadata: Mapping[str, str], path: Path) -> ModelSpec:
    if _SPEC_KEY not in metadata:
        raise MoodringError(
            f"'{path}' holds tensors but no moodring spec, so it is not a moodring bundle; "
            "give a file written by 'moodring train'"
        )
    try:
        described = parse_json(metadata[_SPEC_KEY])
        written, raw = described["format"], described["spec"]
    except (ValueError, TypeError, KeyError) as error:
        raise MoodringError(f"bundle '{path}' has a spec that cannot be read ({error!r}); train it again") from None
    if written != FORMAT:
        cure = "update moodring" if isinstance(written, int) and written > FORMAT else "train it again"
        raise MoodringError(
            f"bundle '{path}' has format {str(written)[:60]}, this moodring reads format {FORMAT}; {cure}"
        )
    try:
        return read_spec(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])[:200]
        problem = f"'{place}': {first['msg']}" if place else str(first["msg"]).removeprefix("Value error, ")
    except ValueError as error:
        problem = str(error)
    raise MoodringError(f"bundle '{path}' has a spec that cannot be read ({problem}); train it again")
