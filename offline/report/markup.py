"""Markup in which text is text: whatever is not markup already is escaped."""

import html
from collections.abc import Iterable

from ...configs.schema.foreign_text import visible

_VOID = ("meta", "img", "br", "line", "rect", "path", "circle", "polyline", "polygon", "image", "use")


class Markup(str):
    """Text that is HTML or SVG; made by :func:`tag` and :func:`joined`."""

    __slots__ = ()


Child = str | float | None
"""What stands in an element: markup as it is, anything else as escaped text; None is nothing."""


def tag(name: str, /, *children: Child, **attributes: str | float | None) -> Markup:
    """Return an element.

    Parameters
    ----------
    name : str
    *children : str, number or None
    **attributes : str, number or None
        ``_`` stands for ``-``, and is dropped at the end (``class_``); None leaves an attribute out.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_escaped(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID and not children:
        return Markup(f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{joined(children)}</{name}>")


def joined(children: Iterable[Child]) -> Markup:
    """Return pieces of markup and text behind each other."""
    return Markup("".join(one if isinstance(one, Markup) else _escaped(one) for one in children if one is not None))


def _escaped(value: str | float) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".") or "0"
    if isinstance(value, int):
        return str(value)
    return html.escape("\n".join(visible(line) for line in value.split("\n")), quote=True)
