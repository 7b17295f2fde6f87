"""Files of opinion pools: fitted weights of face and EEG against the voice, for two bundles.

Nothing in it is executed. It holds for two bundles, named by their hashes, and for no others: weights say how far each
may be trusted.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, ValidationError, model_validator

from ...configs.schema.errors import MoodringError
from ...configs.schema.load import Section
from ...configs.schema.regular_files import read_regular
from ..contract import LEVELS, Head, HeadOutput
from ..contract.specs import kept_classes
from ..io.bundle import bundled
from ..io.files import write_file
from . import opinion_pool
from .opinion_pool import Situation, VoiceLevels

Axis = Literal["valence", "arousal"]
AXES: tuple[Axis, Axis] = ("valence", "arousal")
POOLED = ("video_eeg", "speech")
"""Keys of ``[models]`` whose bundles a pool is fitted with."""
CONSTRUCT = "felt and expressed, pooled"
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Weight = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class PooledBundle(Section):
    """A bundle that a pool was fitted with: its file's name and hash."""

    file: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class WeightsTable(Section):
    """See :class:`~moodring.models.fusion.opinion_pool.Weights`."""

    felt: Weight
    voice: Weight
    prior: tuple[Number, Number, Number]
    threshold: Share


class PoolFile(Section):
    """Contents of a pool's file.

    ``weights`` has the weights of valence and arousal for every situation; ``half_life_s`` says how what the voice
    said fades; ``protocol`` says who it was fitted on and how.
    """

    format: Literal[1] = 1
    video_eeg: PooledBundle
    speech: PooledBundle
    domain: tuple[str, ...]
    protocol: str
    people: Annotated[int, Field(ge=2)]
    coverage: Share
    half_life_s: Annotated[float, Field(gt=0.0, le=600.0)]
    weights: dict[Axis, dict[Situation, WeightsTable]]

    @model_validator(mode="after")
    def _complete(self) -> "PoolFile":
        for axis in AXES:
            missing = [name for name in opinion_pool.SITUATIONS if name not in self.weights.get(axis, {})]
            if missing:
                raise ValueError(f"weights of {axis} lack {', '.join(missing)}")
        return self


@dataclass(frozen=True)
class Pool:
    """A pool as loaded: its table, its file's name and hash."""

    table: PoolFile
    name: str
    sha256: str

    @property
    def heads(self) -> tuple[Head, ...]:
        """One head for each axis."""
        return tuple(Head(f"pooled_{axis}", CONSTRUCT, LEVELS, shares=("voice",)) for axis in AXES)

    def decide(
        self, time_s: float, felt: opinion_pool.Array | None, voice: VoiceLevels | None, speaks: bool
    ) -> tuple[HeadOutput, ...] | None:
        """Return the pooled estimate of one decision.

        Parameters
        ----------
        time_s : float
        felt : (2, 3) array or None
            Levels of valence and arousal from face and EEG.
        voice : VoiceLevels or None
            The newest answer of the voice; see :func:`~moodring.models.fusion.opinion_pool.remember`.
        speaks : bool

        Returns
        -------
        tuple of HeadOutput or None
            Pooled valence and arousal; None where neither side has an answer.
        """
        case = opinion_pool.situation(felt is not None, voice, speaks)
        if case is None:
            return None
        left = 1.0 if voice is None else float(opinion_pool.left_of(time_s - voice.end_s, self.table.half_life_s))
        outputs = []
        for index, (axis, head) in enumerate(zip(AXES, self.heads, strict=True)):
            tables = self.table.weights[axis]
            unheard = opinion_pool.NOTHING if felt is None else weights_of(tables["quiet"])
            weights = opinion_pool.slid(weights_of(tables[case]), unheard, left)
            sides = None if felt is None else felt[index], None if voice is None else voice.levels[index]
            row = opinion_pool.pooled(weights, *sides)
            outputs.append(
                HeadOutput(
                    head.name,
                    head.construct,
                    head.classes,
                    tuple(row.tolist()),
                    kept=kept_classes(row, weights.threshold),
                    shares={"voice": opinion_pool.voice_share(weights, *sides)},
                )
            )
        return tuple(outputs)


class LevelPooling:
    """Pools the levels of face and EEG with the voice's, decision by decision; a fusion of the decider.

    Parameters
    ----------
    pool : Pool
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._voice: VoiceLevels | None = None

    @property
    def heads(self) -> tuple[Head, ...]:
        """Pooled valence and arousal."""
        return self._pool.heads

    def start(self) -> None:
        """Reset to the start of a session."""
        self._voice = None

    def fuse(
        self, time_s: float, now_s: float, heads: tuple[HeadOutput, ...], speaking: bool
    ) -> tuple[HeadOutput, ...]:
        """Return pooled valence and arousal; both abstain where neither side has an answer."""
        named = {head.name: head for head in heads if head.answered}
        self._voice = opinion_pool.remember(self._voice, named.get("speech"))
        rows = [named[axis].probabilities for axis in AXES if axis in named]
        felt = np.asarray(rows, np.float64) if len(rows) == len(AXES) else None
        pooled = self._pool.decide(time_s, felt, self._voice, speaking)
        if pooled is None:
            return tuple(HeadOutput(h.name, h.construct, h.classes, abstained="nothing to pool") for h in self.heads)
        ages_s = {name: age_s for axis in AXES if axis in named for name, age_s in named[axis].ages_s.items()}
        if self._voice is not None:
            ages_s["speech"] = now_s - self._voice.end_s
        return tuple(replace(head, ages_s=ages_s) for head in pooled)


def weights_of(table: WeightsTable) -> opinion_pool.Weights:
    """Return the weights of a table."""
    return opinion_pool.Weights(table.felt, table.voice, table.prior, table.threshold)


def pool_path(name: str) -> Path:
    """Return the path of a pool by the name in a config: "simulated" is the shipped one, any other a path."""
    return bundled("pool") if name == "simulated" else Path(name)


def load_pool(path: Path, bundles: Mapping[str, PooledBundle]) -> Pool:
    """Read a pool for the bundles of a session.

    Parameters
    ----------
    path : Path
    bundles : mapping of kind to PooledBundle
        Those that decode; one may be missing, where the session has nothing for it.

    Raises
    ------
    MoodringError
        No such file, no pool, or it was fitted with other bundles; with both names and hashes.
    """
    try:
        raw = read_regular(path)
    except OSError as error:
        raise MoodringError(
            f"pool '{path}' cannot be read ({error.strerror}); give pooling.file = \"simulated\" or the path of a pool"
        ) from error
    try:
        table = PoolFile.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise MoodringError(
            f"'{path}' is no pool ({f'{place}: ' if place else ''}{first['msg']}); give a file written by "
            "'moodring train'"
        ) from None
    for kind, came in bundles.items():
        fitted: PooledBundle = getattr(table, kind)
        if came.sha256 != fitted.sha256:
            raise MoodringError(
                f"pool '{path.name}' was fitted with {kind} bundle '{fitted.file}' ({fitted.sha256[:12]}), this "
                f"session has '{came.file}' ({came.sha256[:12]}): set models.{kind} to that bundle, give a pool "
                "fitted with this one as pooling.file, or leave pooling off"
            )
    return Pool(table, path.name, hashlib.sha256(raw).hexdigest())


def save_pool(path: Path, table: PoolFile) -> str:
    """Write a pool, in one move; return the file's sha256.

    Raises
    ------
    MoodringError
        It cannot be written.
    """
    raw = (table.model_dump_json(indent=1) + "\n").encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, raw)
    except OSError as error:
        raise MoodringError(f"pool '{path}' cannot be written: {error.strerror}; choose another place") from error
    return hashlib.sha256(raw).hexdigest()
