"""Join the parts of a recording: what several recorders wrote of the same streams, one after the other or at once."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...models.contract import TimeArray
from .xdf_reading import ReadStream

_APART_S = 0.001


def join_parts(parts: Sequence[Sequence[ReadStream]]) -> list[ReadStream]:
    """Join streams of the same name, type and width over parts; of text, every part's is kept.

    Parts may overlap: of numbers, a part goes on where the part that began before it ended.
    """
    groups: dict[tuple[str, str, int, bool], list[ReadStream]] = {}
    for part in parts:
        for stream in part:
            if len(stream.stamps_s):
                key = (stream.name, stream.type, stream.channel_count, stream.values is None)
                groups.setdefault(key, []).append(stream)
    return [_together(group) for group in groups.values()]


def _together(streams: list[ReadStream]) -> ReadStream:
    first, *later = sorted(streams, key=lambda one: float(one.stamps_s[0]))
    if first.values is None:
        pairs = sorted(
            ((stamp_s, text) for one in streams for stamp_s, text in zip(one.stamps_s, one.texts, strict=False)),
            key=lambda pair: float(pair[0]),
        )
        stamps_s: TimeArray = np.array([stamp_s for stamp_s, _ in pairs], dtype=np.float64)
        return replace(first, stamps_s=stamps_s, texts=tuple(text for _, text in pairs))
    # Half a sample where the rate is known; clock offsets measured by two recorders differ by less.
    apart_s = 0.5 / first.rate_hz if first.rate_hz > 0 else _APART_S
    stamps, values = [first.stamps_s], [first.values]
    end_s = float(first.stamps_s[-1])
    for one in later:
        start = int(np.searchsorted(one.stamps_s, end_s + apart_s, side="right"))
        if one.values is None or start == len(one.stamps_s):
            continue
        stamps.append(one.stamps_s[start:])
        values.append(one.values[start:])
        end_s = float(one.stamps_s[-1])
    return replace(first, stamps_s=np.concatenate(stamps), values=np.concatenate(values))
