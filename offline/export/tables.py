"""Tables as BIDS has them: tab-separated, "n/a" where there is nothing; and CSV; each with its columns described."""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...configs.schema.foreign_text import visible

MISSING = "n/a"


def tsv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return a table of tab-separated values; what would break a line or a column is written out."""
    lines = [columns, *([_cell(row.get(column)) for column in columns] for row in rows)]
    return "".join("\t".join(line) + "\n" for line in lines)


def read_tsv(text: str) -> tuple[list[str], list[dict[str, str]]]:
    """Return the columns and rows of a table of tab-separated values."""
    lines = [line.split("\t") for line in text.removeprefix("\ufeff").splitlines() if line]
    columns = lines[0] if lines else []
    return columns, [dict(zip(columns, line, strict=False)) for line in lines[1:]]


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return a table of comma-separated values, empty where there is nothing."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        cells = (_cell(row.get(column)) for column in columns)
        writer.writerow(["" if cell == MISSING else cell for cell in cells])
    return file.getvalue()


def json_text(values: Mapping[str, Any]) -> str:
    """Return a sidecar."""
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return MISSING
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".") if abs(value) < 1e9 else repr(value)
    text = visible(str(value)).strip()
    return text or MISSING
