"""How many tiles stand side by side, and how large their fonts are."""

from .. import theme

TILE = (320, 196)
"""The least size of a tile at scale 1, in pixels."""
_HEAD = 48
_GAP = 8
_SHAPE = 1.55  # width to height of a tile that uses its room best


def columns_for(count: int, width: int, height: int) -> int:
    """Return the number of columns at which the tiles are largest in a room of a size in pixels."""
    return max(range(1, max(count, 1) + 1), key=lambda columns: (_size(count, columns, width, height), -columns))


def scale_of(count: int, width: int, height: int) -> float:
    """Return the scale of fonts that fits as many tiles in a room."""
    columns = columns_for(count, width, height)
    rows = -(-max(count, 1) // columns)
    return theme.scale_in(width / columns / (TILE[0] + _GAP), height / (rows * (TILE[1] + _GAP) + _HEAD))


def _size(count: int, columns: int, width: int, height: int) -> float:
    rows = -(-max(count, 1) // columns)
    return min(width / columns, _SHAPE * height / rows)
