"""Losses over the batches of a training: as CSV, and as TensorBoard events where tensorboard is installed."""

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from ....configs.schema.errors import MoodringError
from ....models.io.files import write_file

TRAINED, HELD_OUT = "training", "held out"


@dataclass(frozen=True)
class LossRow:
    """Mean loss of some batches in a row, or the loss of people held out after a batch.

    Attributes
    ----------
    stage : str
    part : int
        Of the stage, counted from 1: some train one thing after the other.
    batch : int
        The last of them, counted from 1.
    loss : float
    people : str
        Whose loss: :data:`TRAINED`, or :data:`HELD_OUT` where a stage stops early on others.
    """

    stage: str
    part: int
    batch: int
    loss: float
    people: str = TRAINED


_COLUMNS = tuple(field.name for field in fields(LossRow))
_BEGINS = ",".join(_COLUMNS[:4]).encode()


def write_curves(path: Path, curves: Sequence[LossRow]) -> None:
    """Write losses as CSV with the columns stage, part, batch, loss, people."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(astuple(row) for row in curves)
    try:
        write_file(path, text.getvalue().encode())
    except OSError as error:
        raise MoodringError(f"losses '{path}' cannot be written: {error.strerror}; free or choose a place") from error


def read_curves(path: Path) -> list[LossRow]:
    """Read what :func:`write_curves` wrote; nothing where there is no such file."""
    if not path.is_file():
        return []
    rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))
    # Stages that were kept before people were held out have no such column.
    return [
        LossRow(row["stage"], int(row["part"]), int(row["batch"]), float(row["loss"]), row.get("people", TRAINED))
        for row in rows
    ]


def check_losses(bundle: Path) -> None:
    """Raise MoodringError where the table beside a bundle is a file that :func:`write_curves` did not write."""
    path = _beside(bundle)
    if path.exists() and not (path.is_file() and path.read_bytes().startswith(_BEGINS)):
        raise MoodringError(f"'{path}' would hold the losses, but is there already and is something else; move it")


def write_losses(bundle: Path, sha256: str, curves: Sequence[LossRow]) -> None:
    """Write losses beside a bundle as ``NAME.losses.csv``, and where tensorboard is installed as events.

    The events lie in ``NAME.tensorboard``, in a folder named by the bundle's sha256.
    """
    write_curves(_beside(bundle), curves)
    write_events(bundle.with_suffix(".tensorboard") / sha256[:8], curves)


def write_events(folder: Path, curves: Sequence[LossRow]) -> bool:
    """Write losses as TensorBoard events.

    Parameters
    ----------
    folder : Path
        Left as it is where there are events already.
    curves : sequence of LossRow

    Returns
    -------
    bool
        Whether they are there; False where tensorboard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return False
    if not folder.exists():
        with SummaryWriter(str(folder)) as writer:
            for row in curves:
                whose = "" if row.people == TRAINED else f" {row.people}"
                writer.add_scalar(f"{row.stage}/{row.part}{whose}", row.loss, row.batch)
    return True


def _beside(bundle: Path) -> Path:
    return bundle.with_suffix(".losses.csv")
