"""What an engine has in memory: no libraries that decoding does not need."""

import subprocess
import sys

import pytest

_LOADS = """
import sys
import moodring.realtime.engine.shared_libraries
from moodring.configs.schema.live import EegSection, FaceSection, LiveConfig, ModelsSection, SpeechSection, StreamQuery
from moodring.models.decoders.session_models import load_models

stream = StreamQuery(name="x")
kinds = {"eeg": EegSection, "face": FaceSection, "speech": SpeechSection}
sections = {name: kind(stream=stream) for name, kind in kinds.items()}
load_models(LiveConfig(**sections, models=ModelsSection(face=sys.argv[1], speech=sys.argv[2])), tuple(sections))
print(*{name.partition(".")[0] for name in sys.modules}, "compiler" if "torch._dynamo" in sys.modules else "")
"""


@pytest.mark.parametrize(("face", "speech"), [("face", "emodb"), ("none", "simulated")])
def test_an_engine_loads_no_compiler_no_trainer_and_no_window(face: str, speech: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOADS, face, speech], capture_output=True, text=True, check=True, timeout=280
    )
    loaded = set(done.stdout.split())
    assert {"torch", "scipy", "cv2", "onnxruntime"} <= loaded
    assert not loaded & {"compiler", "sklearn", "mne", "pandas", "PyQt5", "pyqtgraph", "matplotlib", "av"}
