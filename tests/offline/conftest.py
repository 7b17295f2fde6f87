from collections.abc import Callable

import numpy as np
import pytest

from moodring.models.contract import FloatArray, Image, Marker, Recording, Signal, Truth, Video


class DrawnFrames:
    """Frames that move a soft pattern along, so that each differs from the others."""

    def __init__(self, count: int, height: int, width: int) -> None:
        self._count, self._height, self._width = count, height, width

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int, /) -> Image:
        if not 0 <= index < self._count:
            raise IndexError(index)
        y, x = np.mgrid[: self._height, : self._width]
        waves = [128 + 100 * np.sin((x * a + y * b) / 17 + index / 5) for a, b in ((1, 0), (0, 1), (1, 1))]
        return np.stack(waves, axis=-1).astype(np.uint8)


@pytest.fixture(scope="session")
def fake_recording() -> Callable[..., Recording]:
    """Makes small recordings with every stream, off-grid stamps and a gap in nothing."""

    def make(seconds: float = 2.0, *, seed: int = 0, height: int = 72, width: int = 96) -> Recording:
        random = np.random.default_rng(seed)
        t0_s = 5000.25
        eeg_count, audio_count = round(256 * seconds), round(16_000 * seconds)
        frame_count, truth_count = round(25 * seconds), round(8 * seconds)
        eeg: FloatArray = random.normal(-6000, 20, (eeg_count, 4)).astype(np.float32)
        eeg[:, 3] = np.arange(eeg_count)
        voice: FloatArray = random.uniform(-0.9, 0.9, (audio_count, 1)).astype(np.float32)
        return Recording(
            name="fake",
            participant="p 01",
            origin="simulated",
            t0_s=t0_s,
            rest_s=0.75,
            eeg=Signal(
                eeg, t0_s + 0.0013 + np.arange(eeg_count) / 256, 256.0, ("Fp1", "Fp2", "O1", "count"), "amplifier"
            ),
            face=Video(
                DrawnFrames(frame_count, height, width),
                t0_s + 0.01 + np.arange(frame_count) / 25 + random.uniform(0, 0.004, frame_count),
                25.0,
                height,
                width,
                "camera",
            ),
            speech=Signal(voice, t0_s + 0.004 + np.arange(audio_count) / 16_000, 16_000.0, ("audio",), "microphone"),
            truth=Truth(
                t0_s + np.arange(truth_count) / 8,
                random.uniform(-1, 1, (truth_count, 2)).astype(np.float32),
                random.integers(-1, 3, (truth_count, 2)),
                random.integers(-1, 5, truth_count),
            ),
            markers=(Marker(t0_s, "start"), Marker(t0_s + seconds / 2, "stimulus „3“")),
        )

    return make
