"""Felt valence and arousal from EEG and face, live: one look at a time, with a state that persists.

Live decoding, `decode` and evaluation all drive this class, on whatever clock they are given.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ...configs.schema.errors import MoodringError
from ..contract import LEVELS, EegInput, EegWindow, FaceFrame, HeadOutput, Look
from ..contract.specs import kept_classes
from ..io.bundle import Bundle, bundled
from ..networks.loading import with_weights
from ..networks.video_eeg import AXES, Glimpse, Sizes, State, VideoEegNet
from ..signals.eeg.band_power import ENOUGH_REST_WINDOWS, RestBaseline, add_window, log_band_power
from ..signals.eeg.scalp_images import ScalpMapper
from ..signals.face.detection import FaceDetector
from ..signals.face.images import crop_face
from ..signals.face.tracking import Region, Sighting, TrackerState, TrackingRules, track
from .bundle_parts import check_eeg, checked_heads, normalisation_of

Policy = Literal["learned", "uniform", "random"]


@dataclass(frozen=True)
class LookTimes:
    """Times of features and logits of the last look, on the decoder's clock."""

    features_done_s: float
    inference_done_s: float


class VideoEegDecoder:
    """Decode with a video-EEG bundle.

    Call :meth:`rest` with windows of the resting person, then :meth:`look` at the moments it asks for itself:
    ``Look.wait_frames`` grid frames after the previous look. :meth:`read` may be called at any time after the first.

    Parameters
    ----------
    bundle : Bundle
        Of kind "video_eeg".
    device : torch.device
    policy : "learned", "uniform" or "random"
        The policy of looks; the last two spend the budget that the bundle was trained for.
    seed : int
        Of the random policy.
    face_detector : FaceDetector
    region : (x, y, width, height) or None
        Part of the frame, in fractions of its sides, that holds the participant's face; None is the whole frame.
    now : callable
        Clock of :attr:`times`; moves nothing else.

    Raises
    ------
    MoodringError
        The bundle is of another kind, or its weights do not fit its own sizes.
    """

    def __init__(
        self,
        bundle: Bundle,
        device: torch.device,
        policy: Policy = "learned",
        seed: int = 0,
        face_detector: FaceDetector | None = None,
        region: Region | None = None,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.spec = bundle.spec
        self._name = bundle.name
        self._net = network_of(bundle).to(device).eval()
        self.normalisation = normalisation_of(bundle)
        self._mean_wait_frames = _mean_wait_frames(bundle, self._net.sizes.max_wait_frames)
        self._device = device
        self._policy: Policy = policy
        self._seed = seed
        self._finder = face_detector or FaceDetector(bundled("yunet").read_bytes())
        self._tracking = TrackingRules(region)
        self._now = now
        self._heads = checked_heads(bundle, {axis: len(LEVELS) for axis in AXES})
        self._temperature = torch.tensor([[head.temperature] for head in self._heads])
        self._mappers: dict[tuple[str, ...], ScalpMapper] = {}
        self.reset()

    @property
    def calibrated(self) -> bool:
        """Whether enough rest was seen to normalise the EEG to this person (5 s)."""
        return self._baseline is not None and self._baseline.windows >= ENOUGH_REST_WINDOWS

    @property
    def max_wait_frames(self) -> int:
        """Longest wait between looks, in frames of the grid."""
        return self._net.sizes.max_wait_frames

    @property
    def looked(self) -> bool:
        """Whether a look was made since the start."""
        return self._last_s is not None

    def reset(self) -> None:
        """Reset to the start of a session."""
        self._state: State = self._net.start(1)
        self._tracked = TrackerState()
        self._baseline: RestBaseline | None = None
        self._last_s: float | None = None
        self._rng = np.random.default_rng(self._seed)
        self._owed = 0.0
        self.times = LookTimes(0.0, 0.0)

    def check_eeg(self, channel_names: Sequence[str], rate_hz: float) -> None:
        """Raise MoodringError where an EEG stream does not fit the bundle.

        Raises
        ------
        MoodringError
            Too few channels on the scalp, or too slow; with both values.
        """
        check_eeg(self._name, self.spec.input(EegInput), channel_names, rate_hz)

    def rest(self, eeg: EegWindow) -> None:
        """Add a window of rest to the baseline; call every half second of the rest."""
        if self._baseline is None or len(self._baseline.count) != len(eeg.channel_names):
            self._baseline = RestBaseline.empty(eeg.channel_names)
        self._baseline = add_window(self._baseline, log_band_power(eeg))

    def look(self, time_s: float, eeg: EegWindow | None, face: FaceFrame | None) -> Look:
        """Embed the inputs of one look and update the state.

        Where another face is followed than before, what was seen of the former is forgotten first: only the state of
        the EEG goes on.

        Parameters
        ----------
        time_s : float
            On the look grid, later than the look before.
        eeg : EegWindow or None
            The valid window that ends here.
        face : FaceFrame or None
            The newest frame captured by now.

        Returns
        -------
        Look
        """
        sighting, crop = self._crop(time_s, face)
        changed = sighting is not None and sighting.state == "changed"
        if changed:
            self._state = replace(self._net.start(1), eeg=self._state.eeg)
        images = None if eeg is None else self._images(eeg)
        features_done_s = self._now()
        elapsed_s = 0.0 if self._last_s is None or changed else time_s - self._last_s
        with torch.inference_mode():
            glimpse = self._glimpse(crop, images, elapsed_s)
            self._state, attention = self._net.look(self._state, glimpse)
            wait = int(self._net.frames(self._net.wait_mean(self._state.core[0]))[0])
            weights = attention[0].cpu().numpy()
        self._last_s = time_s
        self.times = LookTimes(features_done_s, self._now())
        return Look(
            time_s=time_s,
            frame_stamp_s=None if face is None else face.stamp_s,
            face=None if sighting is None else sighting.box,
            eeg=images is not None,
            band_attention=None if images is None else weights,
            wait_frames=self._wait(wait),
            face_state=None if sighting is None else sighting.state,
            faces=0 if sighting is None else sighting.faces,
            person=self._tracked.person or None,
        )

    def read(self) -> tuple[HeadOutput, ...]:
        """Return valence and arousal of the present state.

        Raises
        ------
        MoodringError
            Nothing was looked at yet.
        """
        if not self.looked:
            raise MoodringError("the video-EEG model has not looked yet; call look() before read()")
        with torch.inference_mode():
            logits = self._net.logits(self._state.core[0])[0].float().cpu()
            probabilities = torch.softmax(logits / self._temperature, dim=1).numpy()
        return tuple(
            HeadOutput(
                head.name,
                head.construct,
                head.classes,
                tuple(row.tolist()),
                kept=kept_classes(row, head.conformal_threshold),
            )
            for row, head in zip(probabilities, self._heads, strict=True)
        )

    def _crop(self, time_s: float, face: FaceFrame | None) -> tuple[Sighting | None, Tensor | None]:
        """Find the participant's face; return what was seen, and the crop where it is used."""
        if face is None:
            return None, None
        height, width = face.image.shape[:2]
        found = self._finder.find_all(face.image)
        sighting, self._tracked = track(self._tracked, found, time_s, (height, width), self._tracking)
        if sighting.box is None:
            return sighting, None
        return sighting, torch.from_numpy(crop_face(face.image, sighting.box, self._net.sizes.face_size))

    def _images(self, eeg: EegWindow) -> Tensor | None:
        names = eeg.channel_names
        if names not in self._mappers:
            self._mappers[names] = ScalpMapper(names, self._net.sizes.image_size)
        relative = self.normalisation.apply(log_band_power(eeg), names, self._baseline)
        images = self._mappers[names].images(relative, eeg.good)
        # Electrodes that span no area, or samples that are no numbers, say nothing: the EEG counts as absent.
        return torch.from_numpy(images) if np.isfinite(images).all() and images.any() else None

    def _glimpse(self, crop: Tensor | None, images: Tensor | None, elapsed_s: float) -> Glimpse:
        sizes, device = self._net.sizes, self._device
        face = torch.zeros(1, sizes.face_features, device=device)
        bands = torch.zeros(1, 3, sizes.band_features, device=device)
        if crop is not None:
            face = self._net.face_net(crop[None].to(device))
        if images is not None:
            bands = self._net.band_net(images[None].to(device))

        def one(value: float) -> Tensor:
            return torch.tensor([value], device=device)

        return Glimpse(face, bands, one(float(crop is not None)), one(float(images is not None)), one(elapsed_s))

    def _wait(self, learned: int) -> int:
        mean_frames = self._mean_wait_frames
        if self._policy == "learned":
            return learned
        if self._policy == "uniform":
            self._owed += mean_frames
            wait = max(1, round(self._owed))
            self._owed -= wait
            return min(wait, self._net.sizes.max_wait_frames)
        return random_wait(self._rng, mean_frames, self._net.sizes.max_wait_frames)


def _mean_wait_frames(bundle: Bundle, longest: int) -> float:
    mean = bundle.spec.network.get("mean_wait_frames")
    if not (isinstance(mean, int | float) and 1 <= mean <= longest):
        raise MoodringError(
            f"bundle '{bundle.name}': network.mean_wait_frames is {mean!r}; a number from 1 to its longest wait of "
            f"{longest} frames was expected: use another"
        )
    return float(mean)


def random_wait(rng: np.random.Generator, mean_frames: float, longest: int) -> int:
    """Draw a wait uniformly around the mean, within 1 and the longest wait."""
    reach = min(mean_frames - 1.0, longest - mean_frames)
    value = mean_frames + rng.uniform(-reach, reach)
    low = int(np.floor(value))
    return int(np.clip(low + int(rng.random() < value - low), 1, longest))


def network_of(bundle: Bundle) -> VideoEegNet:
    """Return the network of a video-EEG bundle.

    Raises
    ------
    MoodringError
        It holds another kind, or weights and sizes do not fit each other.
    """
    if bundle.spec.kind != "video_eeg":
        raise MoodringError(
            f"EEG and face need a bundle of kind 'video_eeg'; '{bundle.name}' is of kind '{bundle.spec.kind}': "
            "give another one as models.video_eeg"
        )
    sizes = Sizes.of(bundle.spec.network)
    weights = {name: tensor for name, tensor in bundle.tensors.items() if not name.startswith("normalisation.")}
    return with_weights(lambda: VideoEegNet(sizes), weights, bundle.name)
