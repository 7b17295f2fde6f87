"""`moodring bench decode`: what a look of the attention model costs, with each backbone and on each device.

Beside it, what reading a face's expression costs (:mod:`~.decode_face`).

A look is all that a decision may need: the policy's periphery, the search for the face, its embedding, and the EEG's
tick with the read-out. Weights of VGG-16 are drawn at random: they change no time.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from ...configs.schema.errors import MoodringError
from ...models.contract import EegWindow, FaceFrame, FloatArray, Recording
from ...models.decoders.attention import AttentionDecoder
from ...models.io.bundle import Bundle
from ...models.networks import vgg16
from ...models.networks.attention import FRAME_HZ, FRAMES_PER_TICK, AttentionNet, Backbone, Sizes, Ticks
from ...models.networks.look_policy import GaussianPolicy, HazardPolicy
from ...models.signals.eeg import chain
from ..engine.process_settings import cap_blas
from .decode_face import face_row

SECONDS = 60.0
MEASURED: tuple[Backbone, ...] = ("compact", "vgg16")
"""Backbones that have rows; that of real faces has its own, ``face``."""
# As in configs/train_attention_vgg16.toml.
PAPER = Sizes(
    image_size=32, face_size=227, face_features=128, band_features=64, glimpse=128, layer1=256, core=1024
)  # fmt: skip
_FRAMES = 32
_WINDOW_S, _SHORT_S = 1.0, 0.5
_WARM_UP = 8
_FEWEST = 5
_CLIP_TICKS = 100
_ALWAYS, _NEVER = -1e6, 1e6
_BATCH = {"compact": 96, "vgg16": 12}


@dataclass(frozen=True)
class Moment:
    """What a decoder is given at one frame: the picture, the last half second of EEG, and its last second."""

    face: FaceFrame
    short: EegWindow
    window: EegWindow


def measure(
    bundle: Bundle,
    face: Bundle | None,
    recording: Recording,
    seconds: float,
    backbones: tuple[Backbone, ...],
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Measure the backbones on the CPU, and on CUDA where there is one.

    Parameters
    ----------
    bundle : Bundle
        Of kind "attention" with the compact backbone.
    face : Bundle or None
        Of kind "face_expression"; None leaves its row out.
    recording : Recording
        With EEG and face.
    seconds : float
        About how long each configuration is measured.
    backbones : tuple of str
    say : callable
        Told how it stands.

    Returns
    -------
    dict
        ``configs``: one row for each backbone and device. ``cold`` and ``warm``: p50 and p99 of a look in ms, the first
        of decoders made anew (no map of the scalp yet, nothing tracked), and those after; ``cpu_ms`` is the processor
        time of the latter, which other work on the machine changes less. Medians: ``periphery_ms``, a frame that is not
        looked at; ``look_ms``, what looking at it adds; ``tick_ms``, EEG, core and read-out. ``train_items_per_s``:
        clips of 100 ticks through forward, backward and a step of the optimiser, from features of the fixed layers.
        ``embedded_faces_per_s``: faces in batches of 32 through backbone and face network.
    """
    torch.set_num_threads(1)
    cap_blas(1)
    moments = list(_moments(recording))
    devices = [torch.device("cpu"), *([torch.device("cuda")] if torch.cuda.is_available() else [])]
    rows = []
    for name in backbones:
        for device in devices:
            row = _row(name, device, bundle, moments, seconds)
            say(f"{name} on {device}: warm {row['warm']['p50_ms']} ms a look, p99 {row['warm']['p99_ms']}")
            rows.append(row)
    for device in devices:
        if face is None:
            break
        row = face_row(face, [moment.face.image for moment in moments], device, seconds)
        say(f"face on {device}: warm {row['warm']['p50_ms']} ms a frame, p99 {row['warm']['p99_ms']}")
        rows.append(row)
    return {"configs": rows, "threads": torch.get_num_threads()}


def _row(name: Backbone, device: torch.device, bundle: Bundle, moments: list[Moment], seconds: float) -> dict[str, Any]:
    chosen = bundle if name == "compact" else _paper_bundle(bundle)
    frozen = None if name == "compact" else vgg16.FrozenVgg16(vgg16.Vgg16(), device)
    if device.type == "cuda":
        _compile(frozen, device)

    def fresh(price: float) -> AttentionDecoder:
        priced = replace(chosen, tensors={**chosen.tensors, "hazard.price": torch.tensor(price)})
        return AttentionDecoder(priced, device, backbone=frozen)

    cold = _cold(fresh, moments, seconds / 3)
    warm, look, tick, cpu = _warm(fresh(_ALWAYS), moments, device, seconds / 3)
    periphery_ms = _periphery(fresh(_NEVER), moments, device, seconds / 12)
    net = AttentionNet(Sizes.of(chosen.spec.network), name).to(device)
    return {
        "backbone": name,
        "device": str(device),
        "cold": _percentiles(cold),
        "warm": {**_percentiles(warm), "cpu_ms": round(float(np.median(cpu)), 2)},
        "periphery_ms": round(periphery_ms, 3),
        "look_ms": round(float(np.median(look)) - periphery_ms, 3),
        "tick_ms": round(float(np.median(tick)), 3),
        "train_items_per_s": round(_trained_per_s(net, _BATCH[name], device, seconds / 6), 2),
        "embedded_faces_per_s": round(_embedded_per_s(net, frozen, device, seconds / 12), 1),
    }


def _cold(fresh: Callable[[float], AttentionDecoder], moments: list[Moment], seconds: float) -> list[float]:
    """Return the times of the first looks of decoders made anew."""
    end_s, times = time.perf_counter() + seconds, list[float]()
    while len(times) < _FEWEST or time.perf_counter() < end_s:
        decoder, moment = fresh(_ALWAYS), moments[len(times) % len(moments)]
        began_s = time.perf_counter()
        _look(decoder, 1, moment)
        decoder.tick(moment.window)
        decoder.read()
        times.append(1e3 * (time.perf_counter() - began_s))
    return times


def _warm(
    decoder: AttentionDecoder, moments: list[Moment], device: torch.device, seconds: float
) -> tuple[list[float], list[float], list[float], list[float]]:
    """Return the times of whole looks, of their frames, of their ticks, and the processor time of whole looks."""
    whole, looks, ticks, cpu = list[float](), list[float](), list[float](), list[float]()
    end_s, number = time.perf_counter() + seconds, 0
    while len(whole) < _FEWEST or time.perf_counter() < end_s:
        number += 1
        moment = moments[number % len(moments)]
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        _look(decoder, number, moment)
        _wait_for(device)
        looked_s = time.perf_counter()
        decoder.tick(moment.window)
        decoder.read()
        if number > _WARM_UP:
            looks.append(1e3 * (looked_s - began_s))
            ticks.append(1e3 * (time.perf_counter() - looked_s))
            cpu.append(1e3 * (time.process_time() - began_cpu_s))
            whole.append(looks[-1] + ticks[-1])
    return whole, looks, ticks, cpu


def _periphery(decoder: AttentionDecoder, moments: list[Moment], device: torch.device, seconds: float) -> float:
    """Return the median time of a frame that is not looked at while a face is known."""
    end_s, times = time.perf_counter() + seconds, list[float]()
    number = 0
    while len(times) < _FEWEST or time.perf_counter() < end_s:
        number += 1
        moment = moments[number % len(moments)]
        began_s = time.perf_counter()
        sighting = decoder.frame(number / FRAME_HZ, moment.face, moment.short)
        _wait_for(device)
        if sighting is None and number > _WARM_UP:
            times.append(1e3 * (time.perf_counter() - began_s))
        if number % FRAMES_PER_TICK == 0:
            decoder.tick(moment.window)
    return float(np.median(times))


def _look(decoder: AttentionDecoder, number: int, moment: Moment) -> None:
    sighting = decoder.frame(number / FRAME_HZ, moment.face, moment.short)
    if sighting is None or sighting.box is None:
        raise MoodringError("the recording shows no face at the frames that were to be looked at; give another")


def _trained_per_s(net: AttentionNet, batch: int, device: torch.device, seconds: float) -> float:
    """Return clips a second through training steps of LSTMs, attention and heads on features."""
    optimizer = torch.optim.AdamW(net.parameters(), 1e-4)
    sizes, rng = net.sizes, torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.rand(_CLIP_TICKS, batch, *shape, generator=rng).to(device)

    ticks = Ticks(
        face=drawn(sizes.face_features), looks=(drawn() < 0.3).float(), presence=drawn(), elapsed_s=drawn(),
        bands=drawn(3, sizes.band_features), eeg_present=torch.ones(_CLIP_TICKS, batch, device=device),
        since_onset_s=-torch.ones(_CLIP_TICKS, batch, device=device),
    )  # fmt: skip
    levels = torch.randint(0, 3, (_CLIP_TICKS * batch * 2,), generator=rng).to(device)

    def step() -> None:
        _, cores, _ = net.run(net.start(batch), ticks, 0.2)
        loss = nn.functional.cross_entropy(net.logits(cores).reshape(-1, 3), levels)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()
        _wait_for(device)

    return batch * _times_per_s(step, seconds)


def _embedded_per_s(net: AttentionNet, frozen: vgg16.FrozenVgg16 | None, device: torch.device, seconds: float) -> float:
    rng = np.random.default_rng(0)
    size = net.sizes.face_size
    shape = (_FRAMES, size, size) if frozen is None else (_FRAMES, size, size, 3)
    crops = rng.integers(0, 255, shape, dtype=np.uint8)

    def step() -> None:
        with torch.inference_mode():
            net.face_net(torch.from_numpy(crops).to(device) if frozen is None else frozen.embed(crops))
        _wait_for(device)

    return _FRAMES * _times_per_s(step, seconds)


def _times_per_s(step: Callable[[], None], seconds: float) -> float:
    step()
    began_s, times = time.perf_counter(), 0
    while times < 1 or time.perf_counter() - began_s < seconds:
        step()
        times += 1
    return times / (time.perf_counter() - began_s)


def _paper_bundle(bundle: Bundle) -> Bundle:
    """Return a bundle of the paper's sizes with random weights, for times alone."""
    modules = {
        "net": AttentionNet(PAPER, "vgg16"),
        "hazard": HazardPolicy(PAPER.core),
        "gaussian": GaussianPolicy(PAPER.core),
    }
    tensors = {f"{part}.{name}": t for part, module in modules.items() for name, t in module.state_dict().items()}
    kept = {name: tensor for name, tensor in bundle.tensors.items() if name.startswith("normalisation.")}
    network = {**bundle.spec.network, **asdict(PAPER), "policy": "hazard", "backbone": "vgg16"}
    return replace(bundle, spec=replace(bundle.spec, network=network), tensors={**tensors, **kept})


def _compile(frozen: vgg16.FrozenVgg16 | None, device: torch.device) -> None:
    """Let the compiler work for both sizes of batch that are measured."""
    for count in (1, _FRAMES):
        if frozen is not None:
            frozen.embed(np.zeros((count, vgg16.FACE_SIZE, vgg16.FACE_SIZE, 3), np.uint8))
    _wait_for(device)


def _moments(recording: Recording) -> Iterator[Moment]:
    """Yield frames of a recording with the EEG that ends at each."""
    eeg, face = recording.eeg, recording.face
    if eeg is None or face is None:
        raise MoodringError(f"recording '{recording.name}' lacks EEG or face, and both are measured; give another")
    spec = chain.EegChainSpec(rate_hz=eeg.rate_hz, channel_names=eeg.channel_names, line_hz=50.0)
    chunk, _ = chain.step(chain.start(spec), eeg.samples, False)

    def window(end_s: float, seconds: float) -> EegWindow:
        stop = int(np.searchsorted(eeg.stamps_s, end_s, side="right"))
        samples: FloatArray = chunk.samples_uv[stop - round(seconds * eeg.rate_hz) : stop]
        return EegWindow(samples, eeg.rate_hz, eeg.channel_names, chunk.good_rows[stop - 1], end_s)

    for number in range(_FRAMES):
        time_s = recording.t0_s + 4.0 + number / FRAME_HZ
        newest = int(np.searchsorted(face.stamps_s, time_s, side="right")) - 1
        if newest < 0 or time_s > min(float(eeg.stamps_s[-1]), float(face.stamps_s[-1])):
            raise MoodringError(f"recording '{recording.name}' is shorter than 8 s; give a longer one")
        picture = FaceFrame(face.frames[newest], float(face.stamps_s[newest]))
        yield Moment(picture, window(time_s, _SHORT_S), window(time_s, _WINDOW_S))


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _percentiles(times_ms: list[float]) -> dict[str, float]:
    p50, p99 = np.percentile(times_ms, (50, 99))
    return {"p50_ms": round(float(p50), 2), "p99_ms": round(float(p99), 2), "n": len(times_ms)}
