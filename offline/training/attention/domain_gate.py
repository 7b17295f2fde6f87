"""The gate of an attention bundle: log band power at the electrodes, as far as they are there."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....models.decoders.bundle_parts import normalisation_of
from ....models.decoders.domain_gate import PREFIX, DomainGate, power_features
from ....models.io.bundle import load_bundle, save_bundle
from ..common.domain_gate import distances, fit_gate, recent_means, with_limit
from .prepare import PreparedSession, read_prepared

Array = NDArray[np.float64]
_ELECTRODES = (24, 16, 12, 8)
_SEED = 17
_STRIDE = 4
_QUANTILE = 0.999  # other EEG is far away: the limit may be wide


def power_means(person: PreparedSession, electrodes: Sequence[str], kept: Sequence[str] | None = None) -> Array:
    """Return the recent means of one person's log band power, ``(n_means, n_electrodes * 3)``.

    Parameters
    ----------
    person : PreparedSession
    electrodes : sequence of str
        Of the gate.
    kept : sequence of str, optional
        The channels that are there; by default all.
    """
    names = [str(name) for name in person.channel_names]
    there = np.isin(names, names if kept is None else list(kept))
    there = person.good[person.eeg_there] & there
    return recent_means(power_features(person.power[person.eeg_there], there, names, electrodes))


def fit_attention_gate(
    training: Iterable[PreparedSession], calibration: Iterable[PreparedSession], electrodes: Sequence[str]
) -> DomainGate | None:
    """Fit the gate to training people and its limit to others, with all of their electrodes and with some.

    Parameters
    ----------
    training, calibration : iterable of PreparedSession
        People, read one at a time.
    electrodes : sequence of str
        Canonical 10-10 names: those of the bundle's normalisation.

    Returns
    -------
    DomainGate or None
        None where the people held out are too far from the others for a limit.
    """
    gate = fit_gate([power_means(person, electrodes) for person in training])
    rng = np.random.default_rng(_SEED)
    held_out = []
    for person in calibration:
        names = [str(name) for name in person.channel_names]
        counts = [count for count in _ELECTRODES if count < len(names)] or [len(names) - 1]
        parts = [names, *(rng.permutation(names)[:count].tolist() for count in counts)]
        held_out += [distances(gate, power_means(person, electrodes, part), _STRIDE) for part in parts]
    return with_limit(gate, held_out, _QUANTILE)


def add_attention_gate(bundle: Path, training: Sequence[Path], calibration: Sequence[Path]) -> str:
    """Add a gate to an attention bundle, or replace it, in place; nothing else of it changes.

    Parameters
    ----------
    bundle : Path
    training, calibration : sequence of Path
        Files of prepared people.

    Returns
    -------
    str
        The file's sha256 in hexadecimal.
    """
    loaded = load_bundle(bundle, "attention")
    electrodes = normalisation_of(loaded).prior.names
    gate = fit_attention_gate(map(read_prepared, training), map(read_prepared, calibration), electrodes)
    kept = {name: tensor for name, tensor in loaded.tensors.items() if not name.startswith(PREFIX)}
    return save_bundle(bundle, loaded.spec, kept | (gate.tensors() if gate else {}))
