"""The table in Markdown of an evaluation of adaptation, from the values of its JSON."""

from collections.abc import Mapping
from typing import Any

from ..markdown import markdown_table


def table(values: Mapping[str, Any]) -> str:
    """Return one table for each corpus and protocol."""
    parts = [f"{values['protocol']}; intervals: 95 %, jackknife t over speakers."]
    gains = {(one["corpus"], one["protocol"], one["a"]): one for one in values["paired"]}
    for corpus, protocol in dict.fromkeys((row["corpus"], row["protocol"]) for row in values["rows"]):
        rows = [row for row in values["rows"] if (row["corpus"], row["protocol"]) == (corpus, protocol)]
        parts.append(f"## {corpus}, {protocol}: {len(rows[0]['classes'])} classes, {rows[0]['n']} utterances")
        lines = []
        for row in rows:
            gain = gains.get((corpus, protocol, row["name"]))
            lines.append(
                (
                    row["name"],
                    f"**{row['uar']:.3f}** [{row['low']:.3f}, {row['high']:.3f}]",
                    f"{row['lowest_draw']:.3f}-{row['highest_draw']:.3f}" if row["draws"] > 1 else "",
                    "" if gain is None else f"{gain['difference']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]",
                    "" if row["ece"] is None else f"{row['ece']:.3f}",
                )
            )
        header = ("heard of the speaker", "UAR", "draws", "minus as shipped, the same files", "ECE")
        parts.append(markdown_table(header, lines))
    return "\n\n".join(parts)
