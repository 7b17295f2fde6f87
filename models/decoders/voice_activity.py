"""Voice activity detection by silero-vad's ONNX model, window by window.

The package `silero-vad` is only the home of the model's file: importing it would import and reconfigure torch, so
its file is found without running it.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime

from ...configs.schema.errors import MoodringError
from ..contract import AUDIO_RATE_HZ, FloatArray
from ..signals.speech.segments import WINDOW_SAMPLES

CONTEXT_SAMPLES = 64


@dataclass(frozen=True)
class VoiceState:
    """State between two windows: the last 64 samples, and the network's state ``(2, 1, 128)``."""

    context: FloatArray
    memory: FloatArray


def start() -> VoiceState:
    """Return the state before the first window."""
    return VoiceState(np.zeros(CONTEXT_SAMPLES, np.float32), np.zeros((2, 1, 128), np.float32))


def model_file() -> Path:
    """Return the path of the ONNX file in the installed package `silero-vad`.

    Raises
    ------
    MoodringError
        The package or the file is not there.
    """
    found = find_spec("silero_vad")
    for folder in (found.submodule_search_locations or ()) if found else ():
        file = Path(folder) / "data" / "silero_vad.onnx"
        if file.is_file():
            return file
    raise MoodringError("voice activity needs silero_vad.onnx of the package silero-vad, version 6 or later; "
                        "it is not installed: pip install 'silero-vad[onnx-cpu]>=6'")  # fmt: skip


class VoiceActivity:
    """The network; it has no state between calls.

    Source: Silero Team, *Silero VAD: pre-trained enterprise-grade voice activity detector* (MIT), version 6.
    """

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        # One window is a tenth of a millisecond of work: more threads would only wake each other up.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(model_file()), sess_options=options, providers=["CPUExecutionProvider"]
        )
        self._rate = np.array(AUDIO_RATE_HZ, np.int64)

    def step(self, state: VoiceState, window: FloatArray) -> tuple[float, VoiceState]:
        """Return the speech probability of one window.

        Parameters
        ----------
        state : VoiceState
            As the window before left it, or :func:`start`.
        window : (512,) float32
            The next 32 ms at 16 kHz, in -1..1.

        Returns
        -------
        probability : float
            Of speech, 0..1.
        state : VoiceState

        Raises
        ------
        MoodringError
            The window has another length.
        """
        if window.shape != (WINDOW_SAMPLES,):
            raise MoodringError(
                f"voice activity takes windows of {WINDOW_SAMPLES} samples at 16 kHz; one of shape {window.shape} came"
            )
        with_context = np.concatenate((state.context, window)).astype(np.float32)
        inputs = {"input": with_context[np.newaxis], "state": state.memory, "sr": self._rate}
        probability, memory = self._session.run(None, inputs)
        return float(probability[0, 0]), VoiceState(with_context[-CONTEXT_SAMPLES:], memory)
