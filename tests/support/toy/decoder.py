"""Stress from the newest two seconds of skin conductance."""

from scipy.special import softmax

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import HeadOutput, SignalInput
from moodring.models.contract.specs import kept_classes
from moodring.models.streaming import alignment
from moodring.models.streaming.decoder import DecoderFactory, DecoderStep

from .signal import MODALITY
from .train import features


class StressDecoder:
    """Reads one window per decision; keeps no state."""

    def __init__(self, bundle):
        self.spec = bundle.spec
        self._weights, self._bias = (bundle.tensors[name].numpy() for name in ("weights", "bias"))

    def start(self, plan, clock):
        """Nothing is remembered."""

    def check(self, info, config):
        needs = self.spec.input(SignalInput)
        if info.modality == MODALITY and (info.rate_hz, info.shape) != (needs.rate_hz, (needs.channels,)):
            raise MoodringError(
                f"{info.name} has shape {info.shape} at {info.rate_hz} Hz; the bundle needs ({needs.channels},) at "
                f"{needs.rate_hz} Hz: use another bundle"
            )

    def step(self, time_s, inputs):
        given, needs = inputs.get(MODALITY), self.spec.input(SignalInput)
        n = round(needs.window_s * needs.rate_hz)
        stop = 0 if given is None else alignment.stop_at(given.ring, time_s)
        if stop < n or not alignment.is_fresh(given.ring, time_s):
            return DecoderStep(tuple(HeadOutput(h.name, h.construct, h.classes, abstained="no skin conductance yet")
                                     for h in self.spec.outputs))  # fmt: skip
        window = given.ring.between(stop - n, stop)
        stress, level = self.spec.outputs
        p = softmax((self._weights @ features(window.samples) + self._bias) / stress.temperature)
        heads = (
            HeadOutput(stress.name, stress.construct, stress.classes, tuple(p.tolist()),
                       kept=kept_classes(p, stress.conformal_threshold)),
            HeadOutput(level.name, level.construct, value=float(level.scale[1] * p[1])),
        )  # fmt: skip
        return DecoderStep(heads, described_s={MODALITY: time_s - needs.window_s / 2}, first={MODALITY: window.first})


def make(bundle, _device):
    return StressDecoder(bundle)


DECODER = DecoderFactory("stress", make)
