"""The row ``face`` of `moodring bench decode`: what reading one frame's expression costs, search included."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from ...configs.schema.errors import MoodringError
from ...models.contract import Image
from ...models.decoders.face_expression import FaceExpressionDecoder
from ...models.io.bundle import Bundle, bundled
from ...models.networks.face_expression import SIDE, FaceExpressionNetwork
from ...models.signals.face.detection import FaceDetector

_WARM_UP, _FEWEST, _BATCH = 8, 5, 64


def face_row(bundle: Bundle, pictures: Sequence[Image], device: torch.device, seconds: float) -> dict[str, Any]:
    """Measure reading faces.

    Parameters
    ----------
    bundle : Bundle
        Of kind "face_expression".
    pictures : sequence of (height, width, 3) uint8
        Each with a face.
    device : torch.device
    seconds : float
        About how long it is measured.

    Returns
    -------
    dict
        As the other rows: ``cold`` and ``warm`` of a whole frame, from picture to answer, the first of decoders made
        anew and those after, with ``cpu_ms``; medians of its parts: ``search_ms`` for the faces of the frame,
        ``read_ms`` for crop, alignment and network; and ``train_items_per_s``, faces through forward, backward and a
        step of the optimiser.
    """
    cold = _cold(bundle, pictures, device, seconds / 4)
    whole, search, read, cpu = _warm(bundle, pictures, device, seconds / 2)
    return {
        "backbone": "face",
        "device": str(device),
        "cold": _percentiles(cold),
        "warm": {**_percentiles(whole), "cpu_ms": round(float(np.median(cpu)), 2)},
        "search_ms": round(float(np.median(search)), 3),
        "read_ms": round(float(np.median(read)), 3),
        "train_items_per_s": round(_trained_per_s(bundle, device, seconds / 4), 1),
    }


def _cold(bundle: Bundle, pictures: Sequence[Image], device: torch.device, seconds: float) -> list[float]:
    end_s, times = time.perf_counter() + seconds, list[float]()
    while len(times) < _FEWEST or time.perf_counter() < end_s:
        detector, decoder = _fresh(bundle, device)
        began_s = time.perf_counter()
        _read(detector, decoder, pictures[len(times) % len(pictures)])
        times.append(1e3 * (time.perf_counter() - began_s))
    return times


def _warm(
    bundle: Bundle, pictures: Sequence[Image], device: torch.device, seconds: float
) -> tuple[list[float], list[float], list[float], list[float]]:
    detector, decoder = _fresh(bundle, device)
    whole, search, read, cpu = list[float](), list[float](), list[float](), list[float]()
    end_s, number = time.perf_counter() + seconds, 0
    while len(whole) < _FEWEST or time.perf_counter() < end_s:
        number += 1
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        searched_s = _read(detector, decoder, pictures[number % len(pictures)])
        if number > _WARM_UP:
            search.append(1e3 * (searched_s - began_s))
            read.append(1e3 * (time.perf_counter() - searched_s))
            cpu.append(1e3 * (time.process_time() - began_cpu_s))
            whole.append(search[-1] + read[-1])
    return whole, search, read, cpu


def _fresh(bundle: Bundle, device: torch.device) -> tuple[FaceDetector, FaceExpressionDecoder]:
    return FaceDetector(bundled("yunet").read_bytes()), FaceExpressionDecoder(bundle, device)


def _read(detector: FaceDetector, decoder: FaceExpressionDecoder, picture: Image) -> float:
    """Read the largest face; return when the search was over."""
    faces = detector.find_faces(picture)
    searched_s = time.perf_counter()
    if not faces:
        raise MoodringError("the recording shows no face at the frames that were to be read; give another")
    decoder.read(picture, max(faces, key=lambda one: one.box.width * one.box.height))
    return searched_s


def _trained_per_s(bundle: Bundle, device: torch.device, seconds: float) -> float:
    heads = {head.name: len(head.classes) for head in bundle.spec.outputs if head.classes}
    network = FaceExpressionNetwork(heads).to(device).train()
    optimizer = torch.optim.AdamW(network.parameters(), 1e-4)
    rng = torch.Generator().manual_seed(0)
    crops = torch.randint(0, 256, (_BATCH, SIDE, SIDE), generator=rng, dtype=torch.uint8).to(device)
    classes = {name: torch.randint(0, n, (_BATCH,), generator=rng).to(device) for name, n in heads.items()}
    began_s, steps = time.perf_counter(), 0
    while steps < 1 or time.perf_counter() - began_s < seconds:
        logits = network(crops).logits
        losses = [nn.functional.cross_entropy(logits[name], chosen) for name, chosen in classes.items()]
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(losses)
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        steps += 1
    return _BATCH * steps / (time.perf_counter() - began_s)


def _percentiles(times_ms: list[float]) -> dict[str, float]:
    p50, p99 = np.percentile(times_ms, (50, 99))
    return {"p50_ms": round(float(p50), 2), "p99_ms": round(float(p99), 2), "n": len(times_ms)}
