"""What a bundle needs, what it means and where it holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class EegNeeds:
    """What a model asks of the EEG: slowest rate, fewest channels on the scalp, reference, window and image side."""

    min_rate_hz: float
    min_scalp_channels: int
    reference: str
    window_s: float
    image_size: int


@dataclass(frozen=True)
class ModelSpec:
    """What a bundle needs, what it means and where it holds; stored as JSON beside the weights.

    Attributes
    ----------
    kind : "video_eeg" or "speech"
    classes : tuple of str
        Class names of each head, in order of the outputs: levels, or emotion categories.
    target : str
        The construct: felt, expressed or acted.
    label_source : str
        Where the labels came from, with their span and aggregation.
    domain : tuple of str
        ``("simulated",)`` or corpus names.
    protocol : str
        How it was trained and which groups were kept apart.
    data_hashes : tuple of str
    seed : int
    eeg : EegNeeds or None
    frame_rate_hz : float
        The grid on which looks happen (video-EEG); 0 for speech.
    max_wait_frames : int
        Longest wait between looks, in grid frames.
    face_size : int
        Side of the grey face crop in pixels.
    temperatures : mapping of head to float
        Calibration fitted on held-out people.
    conformal : mapping of head to float
        Threshold: the set holds every class whose probability is at least this.
    network : mapping of str to number or str
        The architecture's own sizes.
    """

    kind: Literal["video_eeg", "speech"]
    classes: tuple[str, ...]
    target: str
    label_source: str
    domain: tuple[str, ...]
    protocol: str
    data_hashes: tuple[str, ...]
    seed: int
    eeg: EegNeeds | None
    frame_rate_hz: float
    max_wait_frames: int
    face_size: int
    temperatures: Mapping[str, float]
    conformal: Mapping[str, float]
    network: Mapping[str, float | int | str]
