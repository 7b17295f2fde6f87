"""What an EEG file is by its first bytes, and whether all that an EDF or BDF header announces is there."""

from pathlib import Path

from ...configs.schema.errors import MoodringError
from ...configs.schema.regular_files import open_regular

_BEGINNINGS = {
    ".edf": (b"0       ",),
    ".bdf": (b"\xffBIOSEMI",),
    ".gdf": (b"GDF ",),
    ".vhdr": (b"Brain", b"\xef\xbb\xbfBrain", b";"),
    ".set": (b"MATLAB", b"\x89HDF"),
    ".fif": (b"\x00\x00\x00\x64",),
}
_OTHERS = {
    b"0       ": "EDF",
    b"\xffBIOSEMI": "BDF",
    b"GDF ": "GDF",
    b"Brain": "BrainVision",
    b"MATLAB": "MATLAB",
    b"\x89HDF": "HDF5",
    b"\x00\x00\x00\x64": "FIF",
    b"RIFF": "WAV or AVI",
    b"XDF:": "XDF",
    b"fLaC": "FLAC",
    b"OggS": "Ogg",
    b"\x1aE\xdf\xa3": "Matroska",
    b"\x1f\x8b": "gzip",
    b"PK": "zip",
    b"%PDF": "PDF",
}
_FIXED, _EACH = 256, 256  # bytes of an EDF header: before the channels, and of each
_SAMPLE_BYTES = {".edf": 2, ".bdf": 3}


def refuse_other_kinds(path: Path) -> None:
    """Raise MoodringError where a file's first bytes are not those of the kind that its name says."""
    wanted = _BEGINNINGS.get(path.suffix.lower())
    if wanted is None:
        return
    try:
        with open_regular(path) as file:
            head = file.read(64)
    except OSError as error:
        raise MoodringError(f"'{path}' cannot be read: {error.strerror}; check the path") from None
    if head.startswith(wanted):
        return
    raise MoodringError(
        f"'{path}' is no {path.suffix[1:].upper()} file whatever its name says: it holds {_kind(head)}; give the EEG "
        "file itself, or rename it to what it is"
    )


def _kind(head: bytes) -> str:
    known = next((kind for begin, kind in _OTHERS.items() if head.startswith(begin)), None)
    if known is not None:
        return f"{known} data"
    if not head:
        return "nothing"
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        text = head[: error.start].decode() if error.start > len(head) - 4 else ""
    return (
        "text" if text and all(one.isprintable() or one.isspace() for one in text) else f"bytes that begin {head[:8]!r}"
    )


def missing_part(path: Path) -> str:
    """Return how much an EDF or BDF file lacks of what its header announces; empty where it lacks nothing."""
    width = _SAMPLE_BYTES.get(path.suffix.lower())
    if width is None:
        return ""
    try:
        with open_regular(path) as file:
            fixed = file.read(_FIXED)
            header_bytes, records, seconds, channels = (
                int(fixed[184:192]),
                int(fixed[236:244]),
                float(fixed[244:252]),
                int(fixed[252:256]),
            )
            table = file.read(_EACH * channels)
        counts = table[216 * channels : 224 * channels]
        record_bytes = width * sum(int(counts[8 * one : 8 * one + 8]) for one in range(channels))
        there = (path.stat().st_size - header_bytes) / record_bytes
    except (OSError, ValueError, ZeroDivisionError):
        return ""  # what cannot be read is for MNE to refuse
    if records < 0:
        return "its header was never finished, which recorders do at the end"
    if there >= records:
        return ""
    return f"its header announces {records * seconds:g} s and {max(int(there), 0) * seconds:g} s are there"
