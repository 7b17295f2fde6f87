"""Report of measured delays: as a table, as lines for the config, as plain numbers."""

from dataclasses import dataclass
from typing import Any

from ....models.signals.sync.delays import Delay

_LONG_S = 0.35
_DIFFERS_S = 0.02
_CAVEATS = {
    "flash": "includes the display's own delay",
    "beep": "includes the loudspeaker's own delay and 3 ms per metre of air",
    "photodiode": "includes the display's own delay, the same as the camera's",
    "blinks": "the camera's delay, and how much later the EEG shows blinks; good to about 20 ms",
}


@dataclass(frozen=True)
class DeviceDelay:
    """Delay of one device.

    Attributes
    ----------
    modality : str
    title : str
        Its name in the config.
    method : str
        ``"flash"``, ``"beep"``, ``"photodiode"``, ``"blinks"``.
    declared_s : float or None
        Delay in the config, which the measurement ignored.
    delay : Delay or None
    why : str or None
        Reason for a missing delay.
    """

    modality: str
    title: str
    method: str
    declared_s: float | None
    delay: Delay | None
    why: str | None


@dataclass(frozen=True)
class DelayReport:
    """Delays of all devices of a config.

    Attributes
    ----------
    rows : tuple of DeviceDelay
    eeg_after_face : Delay or None
        Lag of blinks in the EEG behind the camera, which needs neither delay.
    """

    rows: tuple[DeviceDelay, ...]
    eeg_after_face: Delay | None = None


def table(report: DelayReport) -> list[str]:
    """Return a line for each device, with notes."""
    lines = []
    for row in report.rows:
        if row.delay is None:
            lines.append(f"{row.modality:7} {row.title}: undeclared: {row.why}")
            continue
        delay = row.delay
        lines.append(
            f"{row.modality:7} {row.title}: {delay.delay_s * 1e3:.1f} ms by {row.method} (95 % "
            f"{delay.low_s * 1e3:.1f} to {delay.high_s * 1e3:.1f}, single events spread {delay.iqr_s * 1e3:.1f} ms, "
            f"n = {delay.n}); {_CAVEATS[row.method]}"
        )
        lines += [f"        {note}" for note in _notes(row, delay)]
    return lines


def toml_lines(report: DelayReport) -> list[str]:
    """Return the lines for the config."""
    lines: list[str] = []
    for row in report.rows:
        if row.delay is not None and row.delay.high_s >= 0.0:
            lines += [f"[{row.modality}]", f"delay_s = {max(0.0, row.delay.delay_s):.4f}"]
    shift = report.eeg_after_face
    if shift is not None and not any(row.modality == "eeg" and row.delay is not None for row in report.rows):
        later, other = ("eeg", "camera") if shift.delay_s >= 0 else ("face", "EEG")
        lines += [
            f"# Brings EEG and camera together, as if the {other} had no delay of its own:",
            f"# [{later}]",
            f"# delay_s = {abs(shift.delay_s):.4f}",
        ]
    return lines


def as_plain(report: DelayReport) -> dict[str, Any]:
    """Return plain numbers; None with a reason where nothing was measured."""
    devices = {
        row.modality: {
            "device": row.title,
            "method": row.method if row.delay is not None else None,
            "declared_s": row.declared_s,
            **_figures(row.delay),
            "undeclared": row.why,
        }
        for row in report.rows
    }
    return {
        "devices": devices,
        "eeg_after_face": None if report.eeg_after_face is None else _figures(report.eeg_after_face),
    }


def _figures(delay: Delay | None) -> dict[str, float | int | None]:
    if delay is None:
        return {"delay_s": None, "low_s": None, "high_s": None, "iqr_s": None, "n": 0}
    return {
        "delay_s": delay.delay_s,
        "low_s": delay.low_s,
        "high_s": delay.high_s,
        "iqr_s": delay.iqr_s,
        "n": delay.n,
    }


def _notes(row: DeviceDelay, delay: Delay) -> list[str]:
    notes = []
    if delay.high_s < 0:
        notes.append(
            "negative: its stamps lie before the event. Its driver takes off more than its delay, or what the event "
            "came from (display, loudspeaker, camera) is later than thought; nothing to write into the config"
        )
    elif delay.delay_s < 0:
        notes.append("not different from 0")
    if delay.delay_s > _LONG_S:
        notes.append("unusually long; a network camera, a Bluetooth device or a sound server's buffer can be the cause")
    if row.declared_s is not None and abs(row.declared_s - delay.delay_s) > _DIFFERS_S:
        notes.append(f"the config declares {row.declared_s * 1e3:.1f} ms")
    return notes
