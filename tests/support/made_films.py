"""Films made of pictures: of any size, rate and colour, standing or turned, whole or cut."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from moodring.models.contract import Image

_TICKS = 1000  # a second
_MATRICES = {90: (0, 1 << 16, -(1 << 16), 0)}  # of a QuickTime track, by how far a player turns it clockwise


def frames_of(path: Path, every: int = 1) -> list[Image]:
    """Return every so many frames of a film, BGR."""
    with av.open(str(path)) as container:
        return [
            frame.to_ndarray(format="bgr24")
            for number, frame in enumerate(container.decode(container.streams.video[0]))
            if number % every == 0
        ]


def write_film(
    path: Path,
    frames: Iterable[Image],
    rate_hz: float = 25.0,
    times_s: Iterable[float] | None = None,
    codec: str = "libx264",
    pixels: str = "yuv420p",
) -> Path:
    """Write a film without sound; its times are those of ``rate_hz`` unless they are given."""
    options = {"movflags": "faststart"} if path.suffix == ".mp4" else {}
    quick = {"preset": "ultrafast"} if codec == "libx264" else {}
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=round(rate_hz), options=quick)
        stream.pix_fmt = pixels
        stream.time_base = stream.codec_context.time_base = Fraction(1, _TICKS)
        moments = None if times_s is None else iter(times_s)
        for number, image in enumerate(frames):
            if number == 0:
                stream.height, stream.width = image.shape[:2]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24").reformat(format=pixels)
            at_s = number / rate_hz if moments is None else next(moments)
            frame.pts, frame.time_base = round(at_s * _TICKS), Fraction(1, _TICKS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def turn_on_playing(path: Path, degrees: int) -> Path:
    """Have an MP4's player turn its pictures, as a phone that is held upright does; the pictures stay as they are."""
    raw = bytearray(path.read_bytes())
    head = raw.index(b"tkhd")
    at = head + 4 + 4 + 20 + 8 + 8  # version, times and ids (version 0), reserved, layer to volume
    a, b, c, d = _MATRICES[degrees]
    for place, value in zip((0, 1, 3, 4), (a, b, c, d), strict=True):
        raw[at + 4 * place : at + 4 * place + 4] = value.to_bytes(4, "big", signed=True)
    path.write_bytes(raw)
    return path


def seen_by_a_camera(picture: Image, count: int, seed: int = 0) -> list[Image]:
    """Return a picture on the wall as a camera sees it over time: with noise and flicker."""
    drawn, flicker = np.random.default_rng(seed), 1.0 + 0.03 * np.sin(2.1 * np.arange(count))
    return [
        np.clip(picture * light + drawn.normal(0.0, 3.0, picture.shape), 0, 255).astype(np.uint8) for light in flicker
    ]


def fitted(image: Image, height: int, width: int) -> Image:
    """Return the middle of a picture in the shape that is asked for."""
    zoom = max(height / image.shape[0], width / image.shape[1])
    large = cv2.resize(image, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    top, left = (large.shape[0] - height) // 2, (large.shape[1] - width) // 2
    return np.ascontiguousarray(large[top : top + height, left : left + width])
