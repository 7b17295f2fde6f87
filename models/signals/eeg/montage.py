"""Positions of the electrodes of the 10-10 system, and the electrode that a channel's name means.

The table is MNE's standard 10-05 montage (the Colin27 head; its 86 positions of the 10-10 system), as directions
from the centre of the sphere that fits them best, in azimuthal equidistant projection: the distance from the vertex
is the polar angle, 1 at the equator (about Fpz, T7, Oz, T8); x points to the right ear, y to the nose. It is a
literal so that the live path need not import MNE.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ....configs.schema.errors import MoodringError

_TABLE = """
Fp1 -0.297 0.986; Fpz -0.007 0.998; Fp2 0.283 0.990; AF9 -0.676 1.094; AF7 -0.577 0.881
AF5 -0.436 0.843; AF3 -0.296 0.801; AF1 -0.154 0.768; AFz -0.005 0.766; AF2 0.151 0.769
AF4 0.295 0.798; AF6 0.429 0.847; AF8 0.566 0.889; AF10 0.676 1.096; F9 -1.010 0.828
F7 -0.819 0.679; F5 -0.619 0.612; F3 -0.413 0.563; F1 -0.206 0.535; Fz -0.004 0.529
F2 0.209 0.541; F4 0.414 0.576; F6 0.623 0.617; F8 0.815 0.688; F10 1.010 0.831
FT9 -1.232 0.451; FT7 -0.998 0.375; FC5 -0.737 0.332; FC3 -0.482 0.310; FC1 -0.239 0.291
FCz -0.003 0.287; FC2 0.235 0.297; FC4 0.482 0.316; FC6 0.736 0.341; FT8 0.993 0.392
FT10 1.236 0.459; T9 -1.312 0.011; T7 -1.054 0.006; C5 -0.766 0.026; C3 -0.498 0.037
C1 -0.244 0.043; Cz -0.003 0.046; C2 0.246 0.046; C4 0.502 0.043; C6 0.769 0.035
T8 1.056 0.019; T10 1.318 0.003; TP9 -1.212 -0.420; TP7 -0.979 -0.337; CP5 -0.718 -0.268
CP3 -0.467 -0.221; CP1 -0.229 -0.194; CPz -0.003 -0.187; CP2 0.237 -0.193; CP4 0.474 -0.217
CP6 0.724 -0.259; TP8 0.980 -0.336; TP10 1.212 -0.433; P9 -0.989 -0.766; P7 -0.792 -0.615
P5 -0.597 -0.523; P3 -0.399 -0.461; P1 -0.197 -0.427; Pz -0.003 -0.415; P2 0.204 -0.420
P4 0.402 -0.455; P6 0.594 -0.526; P8 0.790 -0.618; P10 0.982 -0.778; PO9 -0.682 -0.997
PO7 -0.549 -0.798; PO5 -0.433 -0.728; PO3 -0.301 -0.680; PO1 -0.153 -0.660; POz -0.005 -0.649
PO2 0.147 -0.661; PO4 0.293 -0.687; PO6 0.430 -0.728; PO8 0.542 -0.803; PO10 0.669 -1.008
O1 -0.280 -0.888; Oz -0.007 -0.893; O2 0.270 -0.891; I1 -0.348 -1.111; Iz -0.009 -1.129
I2 0.330 -1.118
"""


def _read(table: str) -> dict[str, tuple[float, float]]:
    rows = (row.split() for row in table.replace(";", "\n").strip().splitlines())
    return {name: (float(x), float(y)) for name, x, y in rows}


POSITIONS = _read(_TABLE)
"""Canonical 10-10 name -> (x, y)."""

_OLD_NAMES = {"t3": "T7", "t4": "T8", "t5": "P7", "t6": "P8"}
_BY_LOWER_NAME = {name.lower(): name for name in POSITIONS} | _OLD_NAMES

# A name may carry the signal's type in front and the recording's reference behind. A second *scalp* electrode
# behind ("F7-T3") makes it a bipolar derivation, which sits at no single position.
_TYPE = re.compile(r"^(eeg|ch(an(nel)?)?(?=[\s_:.-]*\d))[\s_:.-]*", re.IGNORECASE)
_REFERENCE = re.compile(r"[\s_:/-]+(ref|le|re|avg?|ar|car|[am][12]|a1a2|m1m2|a1\+a2|m1\+m2)$", re.IGNORECASE)

_GRID = re.compile(r"^[A-I]\d{1,2}$", re.IGNORECASE)
_EARS_AND_EYES = ("a1", "a2", "e1", "e2")
_FOREIGN = 4


def find_channel(wanted: str, channel_names: Sequence[str]) -> int | None:
    """Find the channel that a name in a config means.

    An exact match comes first. Otherwise case, the signal's type in front (``EEG``), the recording's reference
    behind (``-REF``), zeros before a number and old names (T3 for T7) do not count: ``A1`` finds ``EEG A1-REF``, and
    ``EEG 3`` and ``ch3`` find ``EEG 003``.

    Returns
    -------
    int or None
        None where no channel fits.

    Raises
    ------
    MoodringError
        Several fit and none exactly.
    """
    if wanted in channel_names:
        return list(channel_names).index(wanted)
    fitting = [index for index, name in enumerate(channel_names) if _key(name) == _key(wanted)]
    if len(fitting) > 1:
        listed = ", ".join(f"'{channel_names[index]}'" for index in fitting)
        raise MoodringError(f"channel '{wanted}' may be any of {listed}; write it exactly as the stream does")
    return fitting[0] if fitting else None


def _key(name: str) -> str:
    bare = _bare(name).lower()
    return canonical_name(name) or re.sub(r"^0+(?=\d)", "", bare)


def _bare(name: str) -> str:
    return _REFERENCE.sub("", _TYPE.sub("", name.strip())).strip(" .'\"")


def canonical_name(name: str) -> str | None:
    """Find the 10-10 electrode a channel's name means.

    Parameters
    ----------
    name : str
        As a stream or file gives it: ``"Fp1"``, ``"FP1"``, ``"EEG Fp1-REF"``, ``"Fc5."``, ``"T3"`` (old for T7) ….

    Returns
    -------
    str or None
        The name in :data:`POSITIONS`; None for anything that is not on the scalp (EOG, GSR, AUX, earlobes) or is a
        bipolar derivation.
    """
    return _BY_LOWER_NAME.get(_bare(name).lower())


def grid_labels(channel_names: Sequence[str]) -> frozenset[str]:
    """Return the labels of a grid or of a cap with its own letters (BioSemi's A1 … H32), where the channels have one.

    Some of them look like 10-20 names (C1, F3, I1) and are none. Names of one letter and a number are such labels where
    at least four of them cannot be 10-20 names; A1, A2 (ears) and E1, E2 (eyes) say nothing.
    """
    labels = [name for name in channel_names if _GRID.match(_bare(name))]
    foreign = [name for name in labels if canonical_name(name) is None and _bare(name).lower() not in _EARS_AND_EYES]
    return frozenset(labels) if len(foreign) >= _FOREIGN else frozenset()


def scalp_channels(channel_names: Sequence[str]) -> NDArray[np.bool_]:
    """Return which channels lie on the scalp: ``(n_channels,)`` bool; of several at one electrode, the first.

    Labels of a grid do not, whatever they look like; see :func:`grid_labels`.
    """
    seen: set[str] = set()
    grid = grid_labels(channel_names)
    on_scalp = np.zeros(len(channel_names), dtype=np.bool_)
    for index, name in enumerate(channel_names):
        canonical = canonical_name(name)
        if canonical is not None and canonical not in seen and name not in grid:
            seen.add(canonical)
            on_scalp[index] = True
    return on_scalp


def positions(channel_names: Sequence[str]) -> NDArray[np.float64]:
    """Return the projected positions of channels: ``(n_channels, 2)``, NaN for those that are not on the scalp."""
    found = np.full((len(channel_names), 2), np.nan)
    for index, on_scalp in enumerate(scalp_channels(channel_names)):
        canonical = canonical_name(channel_names[index])
        if on_scalp and canonical is not None:
            found[index] = POSITIONS[canonical]
    return found
