"""What decoders take out of a bundle, checked: its heads, its normalisation of the EEG, what EEG it needs."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from ...configs.schema.errors import MoodringError
from ..contract import EegInput, Head
from ..io.bundle import Bundle
from ..signals.eeg.band_power import BandPrior
from ..signals.eeg.montage import canonical_name, scalp_channels
from ..signals.eeg.normalisation import Normalisation


def normalisation_of(bundle: Bundle) -> Normalisation:
    """Return the normalisation of a bundle.

    Raises
    ------
    MoodringError
        It lacks one, or its channels and their table do not fit each other.
    """
    names = tuple(str(bundle.spec.network.get("prior_channels", "")).split(","))
    none = torch.zeros(0)
    table = bundle.tensors.get("normalisation.prior", none).numpy().astype(np.float64)
    scale = bundle.tensors.get("normalisation.scale", none).numpy().astype(np.float32)
    if table.shape != (len(names), 3) or scale.shape != (3,) or not (scale > 0).all():
        raise MoodringError(
            f"bundle '{bundle.name}': network.prior_channels lists {len(names)} channels; a table of them by 3 "
            f"bands and 3 scales above 0 were expected, {table.shape} and {scale.tolist()[:3]} came; use another"
        )
    return Normalisation(BandPrior(table.mean(axis=0), names, table), scale)


def checked_heads(bundle: Bundle, classes: Mapping[str, int]) -> list[Head]:
    """Return the heads of a bundle by name; raise MoodringError where one is missing or has other classes."""
    there = {head.name: len(head.classes) for head in bundle.spec.outputs}
    if there != classes:
        raise MoodringError(
            f"bundle '{bundle.name}': heads with so many classes were expected: {classes}; {there} came; use another"
        )
    return [bundle.spec.head(name) for name in classes]


def check_eeg(bundle: str, needs: EegInput | None, channel_names: Sequence[str], rate_hz: float) -> None:
    """Refuse an EEG stream that does not fit a bundle's needs.

    Raises
    ------
    MoodringError
        Too few channels on the scalp, or too slow; with both values.
    """
    if needs is None:
        raise MoodringError(f"bundle '{bundle}' takes no EEG; leave [eeg] out or use another bundle")
    scalp = int(scalp_channels(channel_names).sum())
    if scalp < needs.min_scalp_channels:
        raise MoodringError(
            f"EEG stream has {scalp} channels on the scalp (of {len(channel_names)}: {', '.join(channel_names[:8])}"
            f"{', …' if len(channel_names) > 8 else ''}); bundle '{bundle}' needs at least {needs.min_scalp_channels}. "
            'Rename channels to 10-20 names under [eeg.rename], or use another bundle (models.video_eeg = "none" '
            "leaves the video-EEG one out)"
        )
    there = {canonical_name(name) for name in channel_names}
    missing = [name for name in needs.electrodes if canonical_name(name) not in there]
    if len(needs.electrodes) - len(missing) < min(needs.min_scalp_channels, len(needs.electrodes)):
        raise MoodringError(
            f"EEG stream has no {', '.join(missing)}; bundle '{bundle}' reads {', '.join(needs.electrodes)} and needs "
            f"{needs.min_scalp_channels} of them. Rename channels to 10-20 names under [eeg.rename], or use another "
            "bundle"
        )
    if rate_hz < needs.min_rate_hz:
        raise MoodringError(
            f"EEG stream runs at {rate_hz:g} Hz; bundle '{bundle}' needs at least {needs.min_rate_hz:g} Hz. "
            "Raise the amplifier's rate, or use another bundle"
        )
