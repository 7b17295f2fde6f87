"""Felt valence and arousal from EEG at every tick and from the camera frames worth looking at.

Live decoding, `decode` and evaluation all drive this class, on whatever clock they are given.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ...configs.schema.errors import MoodringError
from ..contract import (
    LEVELS,
    Ablation,
    EegInput,
    EegWindow,
    FaceBox,
    FaceFrame,
    FaceInput,
    FloatArray,
    HeadOutput,
    Image,
    Periphery,
)
from ..contract.specs import kept_classes
from ..io.bundle import Bundle, bundled
from ..networks.attention import AXES, FRAME_HZ, LONGEST_ELAPSED_S, AttentionNet, Sizes, Ticks, pooled
from ..networks.loading import with_weights
from ..networks.look_policy import GaussianPolicy, HazardPolicy
from ..networks.vgg16 import FrozenVgg16
from ..signals.eeg.band_power import (
    ARTIFACTS,
    ENOUGH_REST_WINDOWS,
    Artifact,
    RestBaseline,
    add_window,
    log_band_power,
)
from ..signals.eeg.electrodes import of_montage
from ..signals.eeg.scalp_images import ScalpMapper
from ..signals.face.detection import FaceDetector
from ..signals.face.tracking import Region, Sighting, TrackerState, TrackingRules, track
from .ablated_cores import AblatedCores, TickEvidence
from .bundle_parts import check_eeg, checked_heads, normalisation_of
from .domain_gate import DomainWatch, gate_of, power_features
from .face_backbone import backbone_of, face_input
from .looking import Looking, budget_of, policy_of

# Looks may be ten seconds apart: a face is held for longer than that.
_HOLD_S = 12.0


class AttentionDecoder:
    """Decode with an attention bundle.

    Call :meth:`rest` with windows of the resting person; :meth:`frame` with each frame of the 8 Hz grid, which looks
    where the policy says so; and :meth:`tick` every half second.

    Parameters
    ----------
    bundle : Bundle
        Of kind "attention".
    device : torch.device
    policy : "learned", "uniform", "random" or "every"
        The bundle's own policy, or one that its core was not trained for: looks at the same budget, or at every frame.
    seed : int
        Of the random policy.
    face_detector : FaceDetector
    region : (x, y, width, height) or None
        Part of the frame, in fractions of its sides, that holds the participant's face; None is the whole frame.
    backbone : FrozenVgg16 or None
        That the bundle reads faces by: :func:`~moodring.models.decoders.face_backbone.load_backbone`.

    Raises
    ------
    MoodringError
        The bundle is of another kind, or its weights do not fit its own sizes.
    """

    def __init__(
        self,
        bundle: Bundle,
        device: torch.device,
        policy: Literal["learned", "uniform", "random", "every"] = "learned",
        seed: int = 0,
        face_detector: FaceDetector | None = None,
        region: Region | None = None,
        backbone: FrozenVgg16 | None = None,
    ) -> None:
        self.spec = bundle.spec
        self._name = bundle.name
        self._net, hazard, gaussian = networks_of(bundle)
        for module in (self._net, hazard, gaussian):
            module.to(device).eval()
        chosen = policy_of(bundle) if policy == "learned" else policy
        self._looking = Looking(chosen, budget_of(bundle), hazard, gaussian, device, seed)
        self._ablated = AblatedCores(self._net)
        self.artifact = artifact_of(bundle)
        self.normalisation = normalisation_of(bundle)
        needs = self.spec.input(EegInput)
        self._montage = () if needs is None else needs.electrodes
        self._electrodes = self.normalisation.prior.names
        self.domain = DomainWatch(gate_of(bundle, 3 * len(self._electrodes)))
        self._device = device
        self._backbone = backbone
        self._finder = face_detector or FaceDetector(bundled("yunet").read_bytes())
        self._tracking = TrackingRules(region, hold_s=_HOLD_S)
        # A bundle of a corpus has the heads that were rated, and no face where nobody was filmed.
        self._sees = self.spec.input(FaceInput) is not None
        rated = {head.name for head in self.spec.outputs} & set(AXES)
        self._axes = [axis for axis in AXES if axis in rated or not rated]
        self._heads = checked_heads(bundle, {axis: len(LEVELS) for axis in self._axes})
        self._temperature = torch.tensor([[head.temperature] for head in self._heads])
        self._mappers: dict[tuple[str, ...], ScalpMapper] = {}
        self.reset()

    @property
    def calibrated(self) -> bool:
        """Whether enough rest was seen to normalise the EEG to this person (5 s)."""
        return self._baseline is not None and self._baseline.windows >= ENOUGH_REST_WINDOWS

    def reset(self) -> None:
        """Reset to the start of a session."""
        self._state = self._net.start(1)
        self._core = self._state.core[0]
        self._looking.reset()
        self._ablated.reset()
        self._baseline: RestBaseline | None = None
        self.rest_channels: tuple[str, ...] = ()
        self._box: FaceBox | None = None
        self._tracked = TrackerState()
        self._since_face = self._since_face_before = round(LONGEST_ELAPSED_S * FRAME_HZ)
        self._faces: list[Tensor] = []
        self.periphery: Periphery | None = None
        """Of the newest frame; None before the first, and for a bundle that sees no faces."""
        self.ticked = False
        self.domain.reset()
        self.band_attention: FloatArray | None = None

    def check_eeg(self, channel_names: Sequence[str], rate_hz: float) -> None:
        """Raise MoodringError, with both values, where an EEG stream does not fit the bundle."""
        check_eeg(self._name, self.spec.input(EegInput), channel_names, rate_hz)

    def rest(self, eeg: EegWindow) -> None:
        """Add a window of rest to the baseline; call every half second of the rest."""
        eeg = of_montage(eeg, self._montage)
        if self._baseline is None or len(self._baseline.count) != len(eeg.channel_names):
            self._baseline = RestBaseline.empty(eeg.channel_names)
            self.rest_channels = eeg.channel_names
        self._baseline = add_window(self._baseline, log_band_power(eeg, self.artifact))

    def frame(self, time_s: float, face: FaceFrame | None, short: EegWindow | None) -> Sighting | None:
        """Process one frame of the grid, and look at it where the policy says so.

        Where another face is followed than before, what was seen of the former is forgotten: only the state of the EEG
        goes on.

        Parameters
        ----------
        time_s : float
            On the grid, later than the frame before.
        face : FaceFrame or None
            The newest frame captured by now.
        short : EegWindow or None
            The half second of EEG that ends here.

        Returns
        -------
        Sighting or None
            What the look saw; None where the frame was not looked at.
        """
        self._since_face += 1
        self._since_face_before += 1
        if not self._sees:
            return None
        short = None if short is None else of_montage(short, self._montage)
        self.periphery = self._looking.at(time_s, face, self._box, short, self._core)
        if face is None or not self.periphery.looked:
            return None
        height, width = face.image.shape[:2]
        found = self._finder.find_all(face.image)
        sighting, self._tracked = track(self._tracked, found, time_s, (height, width), self._tracking)
        self._box = sighting.box
        if sighting.state == "changed":
            self._forget_face()
        if sighting.box is not None:
            with torch.inference_mode():
                self._faces.append(self._net.face_net(self._read_face(face.image, sighting.box))[0])
            self._since_face_before, self._since_face = self._since_face, 0
        return sighting

    def tick(self, eeg: EegWindow | None) -> None:
        """Update the core with the EEG second that ends here and with the looks since the tick before.

        EEG that is out of the model's domain (:attr:`domain`) counts as absent.
        """
        images = None if eeg is None else self._images(eeg)
        before = self._state
        with torch.inference_mode():
            bands = (
                torch.zeros(1, 3, self._net.sizes.band_features, device=self._device)
                if images is None
                else self._net.band_net(images[None].to(self._device))
            )
            ticks = self._ticks(self._faces, self._since_face, bands, images is not None)
            self._state, cores, attention = self._net.run(before, ticks)
        if self._sees:
            self._ablated.tick(self._evidence(ticks, eeg is not None), before, self.ticked)
        self._core = cores[0]
        self._faces = []
        self.ticked = True
        self.band_attention = None if images is None else attention[0, 0].cpu().numpy()

    @property
    def rest_baseline(self) -> RestBaseline | None:
        """Log band power of the rest so far, of :attr:`rest_channels`; None before any."""
        return self._baseline

    @property
    def hidden(self) -> FloatArray:
        """Hidden state of the core after the last tick, ``(core,)``: what the heads read."""
        state: FloatArray = self._core[0].float().cpu().numpy()
        return state

    def read(self) -> tuple[HeadOutput, ...]:
        """Return valence and arousal after the last tick.

        Raises
        ------
        MoodringError
            There was no tick yet.
        """
        if not self.ticked:
            raise MoodringError("the video-EEG model has read nothing yet; call tick() before read()")
        return tuple(
            HeadOutput(
                head.name,
                head.construct,
                head.classes,
                tuple(row.tolist()),
                kept=kept_classes(row, head.conformal_threshold),
            )
            for row, head in zip(self._probabilities(self._core)[0], self._heads, strict=True)
        )

    def ablations(self) -> tuple[Ablation, ...]:
        """Return what the heads would say without EEG, without the face and without the last look with a face.

        Each only where something came in that is withheld or left: see
        :class:`~moodring.models.decoders.ablated_cores.AblatedCores`.
        """
        cores = self._ablated.cores()
        if not cores:
            return ()
        names, rows = [head.name for head in self._heads], self._probabilities(torch.cat(list(cores.values())))
        return tuple(
            Ablation(without, dict(zip(names, map(tuple, row.tolist()), strict=True)))
            for without, row in zip(cores, rows, strict=True)
            if np.isfinite(row).all()
        )

    def _probabilities(self, cores: Tensor) -> FloatArray:
        """Return the probabilities of the heads' classes, ``(n_cores, n_heads, 3)``."""
        with torch.inference_mode():
            rated = [AXES.index(axis) for axis in self._axes]
            logits = self._net.logits(cores)[:, rated].float().cpu()
            found: FloatArray = torch.softmax(logits / self._temperature, dim=-1).numpy()
        return found

    def _ticks(self, faces: Sequence[Tensor], since_face: int, bands: Tensor, eeg: bool) -> Ticks:
        """Return the input of one tick."""
        device = self._device
        stack = torch.stack(list(faces))[:, None] if faces else bands.new_zeros(0, 1, self._net.sizes.face_features)
        looked = torch.ones(len(faces), 1, dtype=torch.bool, device=device)
        face, presence = pooled(stack, self._net.face_net.expressed(stack)[..., 0], looked)
        return Ticks(
            face=face[None],
            looks=torch.tensor([[float(len(faces))]], device=device),
            presence=presence[None],
            elapsed_s=self._elapsed(since_face),
            bands=bands[None],
            eeg_present=torch.tensor([[float(eeg)]], device=device),
            since_onset_s=torch.tensor([[-1.0]], device=device),
        )

    def _elapsed(self, frames: int) -> Tensor:
        return torch.tensor([[min(frames / FRAME_HZ, LONGEST_ELAPSED_S)]], device=self._device)

    def _evidence(self, ticks: Ticks, eeg_came: bool) -> TickEvidence:
        looked, before = bool(self._faces), self._since_face_before
        with torch.inference_mode():
            if looked:
                there = bool(ticks.eeg_present[0, 0] > 0)
                without_last = self._ticks(self._faces[:-1], before, ticks.bands[0], there)
            else:
                without_last = replace(ticks, elapsed_s=self._elapsed(before))
        return TickEvidence(ticks, without_last, looked, len(self._faces) > 1, eeg_came)

    def _read_face(self, image: Image, box: FaceBox) -> Tensor:
        return face_input(image, box, self._net.sizes.face_size, self._backbone, self._device)

    def _forget_face(self) -> None:
        """Start the core, the face's part of the first LSTM and the periphery anew."""
        self._state = self._net.forget_face(self._state)
        self._core = self._state.core[0]
        self._ablated.forget_face()
        self._looking.forget_face()
        self._since_face_before = round(LONGEST_ELAPSED_S * FRAME_HZ)
        self._faces = []

    def _images(self, eeg: EegWindow) -> Tensor | None:
        eeg = of_montage(eeg, self._montage)
        names, power = eeg.channel_names, log_band_power(eeg, self.artifact)
        self.domain.add(power_features(power, eeg.good, names, self._electrodes))
        if self.domain.unlike is not None:
            return None
        if names not in self._mappers:
            self._mappers[names] = ScalpMapper(names, self._net.sizes.image_size)
        relative = self.normalisation.apply(power, names, self._baseline)
        images = self._mappers[names].images(relative, eeg.good)
        # Electrodes that span no area, or samples that are no numbers, say nothing: the EEG counts as absent.
        return torch.from_numpy(images) if np.isfinite(images).all() and images.any() else None


def artifact_of(bundle: Bundle) -> Artifact:
    """Return how a bundle's EEG is rid of artifacts; raise MoodringError for an unknown way."""
    named = str(bundle.spec.network.get("artifact", "clip"))
    for artifact in ARTIFACTS:
        if named == artifact:
            return artifact
    raise MoodringError(
        f"bundle '{bundle.name}' takes artifacts out by {named!r}; known are {', '.join(ARTIFACTS)}: update moodring, "
        "or use another bundle"
    )


def networks_of(bundle: Bundle) -> tuple[AttentionNet, HazardPolicy, GaussianPolicy]:
    """Return the network and the policies of a bundle.

    Raises
    ------
    MoodringError
        It holds another kind, or weights and sizes do not fit each other.
    """
    if bundle.spec.kind != "attention":
        raise MoodringError(
            f"EEG and face need a bundle of kind 'attention'; '{bundle.name}' is of kind '{bundle.spec.kind}': give "
            "another one as models.video_eeg"
        )
    sizes, backbone = Sizes.of(bundle.spec.network), backbone_of(bundle)

    def own(part: str) -> dict[str, Tensor]:
        return {k.removeprefix(f"{part}."): v for k, v in bundle.tensors.items() if k.startswith(f"{part}.")}

    return (
        with_weights(lambda: AttentionNet(sizes, backbone), own("net"), bundle.name),
        with_weights(lambda: HazardPolicy(sizes.core), own("hazard"), bundle.name),
        with_weights(lambda: GaussianPolicy(sizes.core), own("gaussian"), bundle.name),
    )
