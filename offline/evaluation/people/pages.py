"""Tables of an evaluation on simulated people in Markdown pages, between marks, so that a page is never retyped.

A place is ``<!-- evaluation: NAME -->`` to ``<!-- end of evaluation -->``; the names are those of :func:`blocks`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from ....configs.schema.errors import MoodringError
from .table import controls, detail_table, findings, looks_table, paired_table, protocol, risk_table, uar_table

UNMEASURED = "*Not measured yet with the bundle that ships.*"
_PLACE = re.compile(r"(<!-- evaluation: ([a-z ]+) -->\n)(.*?)(\n<!-- end of evaluation -->)", re.DOTALL)


def blocks(values: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the text of each place by its name; where there is no result, a line that says so."""
    if values is None:
        return dict.fromkeys(_BLOCKS, UNMEASURED)
    return {name: make(values) for name, make in _BLOCKS.items()}


def printed(page: str, text: str, values: Mapping[str, Any] | None) -> str:
    """Return the text of a page with the tables of a result in their places.

    Parameters
    ----------
    page : str
        Its name, for the error's line.
    text : str
    values : mapping or None
        As :func:`~.evaluate.evaluate` returns them; None where nothing is measured.

    Raises
    ------
    MoodringError
        The page has no place for a table, or one of an unknown name.
    """
    known = blocks(values)
    names = [match[2] for match in _PLACE.finditer(text)]
    unknown = [name for name in names if name not in known]
    if not names or unknown:
        came = f"'{unknown[0]}'" if unknown else "none"
        raise MoodringError(
            f"page '{page}' needs places '<!-- evaluation: NAME -->' … '<!-- end of evaluation -->' for tables named "
            f"{', '.join(known)}; {came} came"
        )
    return _PLACE.sub(lambda match: match[1] + known[match[2]] + match[4], text)


_BLOCKS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "decisions": lambda values: uar_table(values, "decision"),
    "stimuli": lambda values: uar_table(values, "stimulus"),
    "paired decisions": lambda values: paired_table(values, "decision"),
    "paired stimuli": lambda values: paired_table(values, "stimulus"),
    "details": detail_table,
    "risk": risk_table,
    "looks": looks_table,
    "controls": lambda values: controls(values) if "stimulus_found" in values else UNMEASURED,
    "findings": findings,
    "protocol": protocol,
}
