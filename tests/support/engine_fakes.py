"""Scripted models and recordings for the tests of the engine: cheap, deterministic, and a function of what they see."""

from dataclasses import replace

import numpy as np

from moodring.models.contract import (
    AUDIO_RATE_HZ,
    Ablation,
    EegInput,
    FaceBox,
    FaceInput,
    Head,
    HeadOutput,
    ModelSpec,
    Periphery,
    Recording,
    Signal,
    SpeechInput,
    Video,
)
from moodring.models.decoders.domain_gate import DomainWatch
from moodring.models.decoders.session_models import Models
from moodring.models.fusion.opinion_pool import SITUATIONS
from moodring.models.fusion.pool_file import LevelPooling, Pool, PooledBundle, PoolFile, WeightsTable
from moodring.models.signals.face.tracking import Sighting
from moodring.models.streaming.streaming_attention import StreamingAttention
from moodring.models.streaming.streaming_speech import StreamingSpeech
from moodring.models.streaming.summary import BundleName

NAMES = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2")
WAITS = (3, 10, 16, 1)


def _spread(state):
    row = np.exp(np.sin(state * np.array([1.0, 2.0, 3.0])))
    return tuple((row / row.sum()).tolist())


class FakeAttention:
    """Its state is a running sum over exactly the samples it was shown, so any other sample changes the answer."""

    artifact = "clip"
    domain = DomainWatch(None)

    def __init__(self):
        self.spec = ModelSpec(
            "attention",
            (EegInput(128.0, 4, "average", 1.0, 16), FaceInput(8.0, 48)),
            tuple(Head(axis, "felt", ("low", "medium", "high")) for axis in ("valence", "arousal")),
            "none", ("simulated",), "none", (), 0, {},
        )  # fmt: skip
        self.reset()

    def reset(self):
        self.state = np.zeros(2)
        self.looked_s, self.ticks, self.rests = [], 0, []
        self.ticked, self.band_attention = False, None
        self._waited = WAITS[-1]
        self.periphery = None

    def ablations(self):
        """Without the face what the EEG alone has summed up, without EEG what the looks have."""
        rows = {"eeg": self.state[1], "face": self.state[0]}
        heads = [head.name for head in self.spec.outputs]
        return tuple(Ablation(name, dict.fromkeys(heads, _spread(state))) for name, state in rows.items())

    @property
    def calibrated(self):
        return len(self.rests) >= 10

    def check_eeg(self, names, rate_hz):
        if rate_hz < 128:
            from moodring.configs.schema.errors import MoodringError

            raise MoodringError(f"EEG stream has {rate_hz:g} Hz; the bundle needs at least 128 Hz. Use another")

    def rest(self, eeg):
        self.rests.append(eeg.end_s)

    def frame(self, time_s, face, short):
        if short is not None:
            self.state[0] += 0.01 * float(np.log(np.mean(np.square(short.samples_uv, dtype=np.float64)) + 1e-9))
        looks = face is not None and self._waited >= WAITS[len(self.looked_s) % len(WAITS) - 1]
        self.periphery = Periphery(time_s, looks, "schedule" if face is not None else "no_picture", self._waited)
        if not looks:
            self._waited += 1
            return None
        self._waited = 1
        self.looked_s.append(time_s)
        self.state[1] = 0.7 * self.state[1] + float(face.image.astype(np.float64).mean()) / 50
        return Sighting("tracked", FaceBox(1.0, 2.0, 3.0, 4.0, 0.9), 1, 1)

    def tick(self, eeg):
        self.ticked = True
        self.ticks += 1
        self.band_attention = None if eeg is None else np.full(3, 1 / 3, np.float32)
        level = 0.0 if eeg is None else float(np.log(np.mean(np.square(eeg.samples_uv, dtype=np.float64)) + 1e-9))
        self.state[0] = 0.7 * self.state[0] + level

    def read(self):
        spread = np.exp(np.sin(self.state[:, None] * np.array([1.0, 2.0, 3.0])))
        rows = (spread / spread.sum(axis=1, keepdims=True)).astype(np.float32)
        return tuple(
            HeadOutput(head.name, head.construct, head.classes, tuple(row.tolist()), kept=(int(row.argmax()),))
            for head, row in zip(self.spec.outputs, rows, strict=True)
        )


class FakeSpeech:
    """Speaks once per second of loud samples; a function of the samples' sum."""

    withheld = None

    def __init__(self, classes=("calm", "angry")):
        self.head = Head("speech", "expressed", classes)
        self.spec = ModelSpec("speech", (SpeechInput(),), (self.head,), "none", ("simulated",), "none", (), 0, {})
        self.reset()

    def reset(self):
        self.fed, self.starts, self._second, self.voiced = 0, [], np.zeros(0), False

    def feed(self, samples, start_s):
        self.fed += len(samples)
        self.starts.append(start_s)
        self._second = np.concatenate((self._second, samples))
        said = []
        while len(self._second) >= AUDIO_RATE_HZ:
            second, self._second = self._second[:AUDIO_RATE_HZ], self._second[AUDIO_RATE_HZ:]
            self.voiced = bool(np.abs(second).max() > 0.1)
            if self.voiced:
                p = float(1 / (1 + np.exp(-np.sum(second, dtype=np.float64))))
                end_s = start_s + (len(samples) - len(self._second)) / AUDIO_RATE_HZ
                said.append(
                    HeadOutput("speech", "expressed", self.head.classes, (p, 1 - p), start_s=end_s - 1, end_s=end_s)
                )
        return tuple(said)

    def close(self):
        """End what is open; its last word was said."""
        self._second, self.voiced = np.zeros(0), False
        return ()


def fake_models():
    bundles = (BundleName("a.safetensors", "a" * 64), BundleName("b.safetensors", "b" * 64))
    decoders = (StreamingAttention(FakeAttention()), StreamingSpeech(FakeSpeech()))
    return Models(decoders, None, "cpu", bundles, ("simulated",))


def video_eeg_of(models):
    """The scripted video-EEG decoder of :func:`fake_models`."""
    return models.decoders[0]._decoder


def speech_of(models):
    """The scripted speech decoder of :func:`fake_models`."""
    return models.decoders[1]._decoder


def made_up_pool():
    """A pool of the scripted models: weights that differ by axis and situation, so that a mix-up shows."""
    made = {
        axis: {
            case: WeightsTable(felt=0.5 + 0.1 * n, voice=0.3 + 0.2 * n, prior=(0.1, 0.0, -0.1), threshold=0.3)
            for n, case in enumerate(SITUATIONS, start=start)
        }
        for start, axis in enumerate(("valence", "arousal"))
    }
    table = PoolFile(
        video_eeg=PooledBundle(file="a.safetensors", sha256="a" * 64),
        speech=PooledBundle(file="b.safetensors", sha256="b" * 64),
        domain=("simulated",), protocol="made up", people=2, coverage=0.8, half_life_s=0.5, weights=made,
    )  # fmt: skip
    return Pool(table, "pool.json", "p" * 64)


def pooled_models():
    """Scripted models that are pooled; the voice's categories have places on the axes."""
    models = fake_models()
    bundles = (*models.bundles, BundleName("pool.json", "p" * 64))
    decoders = (models.decoders[0], StreamingSpeech(FakeSpeech(("calm", "anger"))))
    return replace(models, decoders=decoders, fusion=LevelPooling(made_up_pool()), bundles=bundles)


class Flat:
    """Frames of one grey value each, which is their index."""

    def __init__(self, n, height=24, width=32):
        self._n, self._shape = n, (height, width, 3)

    def __len__(self):
        return self._n

    def __getitem__(self, index, /):
        return np.full(self._shape, index % 251, np.uint8)


def recording(seconds=20.0, t0_s=500.0, rest_s=4.0, lead_s=0.0, origin="simulated"):
    """Noise with offsets for EEG, a frame counter for a face, and a tone that comes and goes for speech."""
    rng = np.random.default_rng(7)
    begin_s = t0_s - lead_s
    n = round(seconds * 256)
    eeg = rng.normal(0, 10, (n, len(NAMES))) + np.linspace(-4000, 4000, len(NAMES))
    frames = round(seconds * 25)
    audio = np.arange(round(seconds * AUDIO_RATE_HZ)) / AUDIO_RATE_HZ
    tone = 0.3 * np.sin(2 * np.pi * 200 * audio) * (audio % 6 < 3) + 1e-5 * np.cos(2 * np.pi * 50 * audio)
    return Recording(
        "scripted",
        "p1",
        origin,
        t0_s,
        rest_s,
        Signal(eeg.astype(np.float32), begin_s + np.arange(n) / 256, 256.0, NAMES, "eeg"),
        Video(Flat(frames), begin_s + np.arange(frames) / 25, 25.0, 24, 32, "face"),
        Signal(tone[:, None].astype(np.float32), begin_s + audio, float(AUDIO_RATE_HZ), ("audio",), "speech"),
        None,
    )


def write_bundle(path):
    """Write a video-EEG bundle that was never trained."""
    import torch

    from moodring.models.io.bundle import save_bundle
    from moodring.models.networks.attention import Sizes
    from moodring.offline.training.attention.train import Networks

    torch.manual_seed(0)
    sizes = Sizes(core=24, layer1=12)
    tensors = dict(Networks(sizes).state_dict())
    tensors["normalisation.prior"] = torch.zeros(len(NAMES), 3)
    tensors["normalisation.scale"] = torch.ones(3)
    spec = ModelSpec(
        kind="attention",
        inputs=(EegInput(100.0, 8, "average", 1.0, 16), FaceInput(8.0, 48)),
        outputs=(
            Head("valence", "felt", ("low", "medium", "high"), None, 1.0, 0.2),
            Head("arousal", "felt", ("low", "medium", "high"), None, 1.0, 0.2),
        ),
        label_source="test",
        domain=("simulated",),
        protocol="none",
        data_hashes=(),
        seed=0,
        network={"core": 24, "layer1": 12, "policy": "hazard", "budget": 0.05, "prior_channels": ",".join(NAMES)},
    )
    save_bundle(path, spec, tensors)
    return path
