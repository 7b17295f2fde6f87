"""Answers of finished folds, kept on disk: a run that was cut goes on, and runs of single seeds are put together."""

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import platformdirs

from ....configs.schema.errors import ConfigError, MoodringError
from ....configs.schema.papers.voting import VotingSection
from ...datasets.fmri.scans import ResponseWindows
from ...training.common.stages import Stage
from ..leakage import digest
from ..splits import Split
from .folds import FoldAnswers

FOLDS = Stage("voting folds", 2)
"""Raise its version whenever the same windows and settings give other answers."""
_SYSTEM = "system: "
_NOT_IN_KEY = {"kind", "name", "seeds", "cache", "threads", "data", "shifts"}
"""Of a config: what decides neither windows, whose digest is in the key, nor training."""


def kept_folder(config: VotingSection) -> Path:
    """Return the folder of kept folds, made where it is not there.

    Raises
    ------
    ConfigError
        It cannot be made.
    """
    folder = config.cache or Path(platformdirs.user_cache_dir("moodring", appauthor=False)) / "voting"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"the folder '{folder}' for what is kept cannot be made: {error.strerror}") from None
    return folder


def fold_key(data: ResponseWindows, split: Split, config: VotingSection, seed: int) -> str:
    """Return what the answers of a fold depend on, as a SHA-256."""
    contents = digest(data.windows, data.labels, data.blocks, data.runs, split.train, split.test)
    return FOLDS.key(config.model_dump(mode="json", exclude=_NOT_IN_KEY), contents, seed)


class KeptAnswers:
    """Answers of folds in files."""

    def read(self, path: Path) -> FoldAnswers:
        """Return the answers of a fold.

        Raises
        ------
        MoodringError
            The file is damaged.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
                return FoldAnswers(
                    test=found["test"],
                    classes={name.removeprefix(_SYSTEM): found[name] for name in found if name.startswith(_SYSTEM)},
                    by_threshold=found["by_threshold"],
                    threshold=float(found["threshold"]),
                    weights=found["weights"],
                    masked=found["masked"],
                )
        except Exception as error:
            # A damaged file makes the reader fail in every way there is.
            raise MoodringError(f"kept answers '{path}' cannot be read ({error}); remove the file") from None

    def write(self, file: BinaryIO, answers: FoldAnswers) -> None:
        """Write the answers of a fold to an open file."""
        arrays: dict[str, Any] = {
            **{name: getattr(answers, name) for name in ("test", "by_threshold", "threshold", "weights", "masked")},
            **{_SYSTEM + name: one for name, one in answers.classes.items()},
        }
        np.savez(file, **arrays)
