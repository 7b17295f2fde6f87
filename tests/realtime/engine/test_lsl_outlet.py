"""What an engine puts on the network, and what others can make of it."""

import itertools
import json
import re
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import cv2
import numpy as np
import pytest

from moodring.configs.schema.liblsl import liblsl_settings
from moodring.configs.schema.live import (
    EegSection,
    FaceSection,
    LiveConfig,
    LslSection,
    ModelsSection,
    OutletSection,
    SpeechSection,
    StreamQuery,
)
from moodring.models.contract import Figures, Transition
from moodring.offline.decoding.decode import decode
from moodring.realtime.engine.lsl_outlet import estimate_labels, estimate_row, health_marker
from tests.support.fault_injectors import CameraInjector, MicrophoneInjector, StreamInjector
from tests.support.lsl_stand import wait_for
from tests.support.scripted_sources import EEG_NAMES

README = Path(__file__).resolve().parents[3] / "README.md"


def test_a_marker_is_read_by_people_and_by_machines():
    figures = Figures(nominal_rate_hz=256.0, observed_rate_hz=255.0, silence_s=0.9, jitter_s=0.001)
    line = health_marker("eeg", Transition(10.0, "lost", "silent for 0.90 s", figures, "unplugged"))
    told = json.loads(line)
    assert (told["source"], told["state"], told["why"], told["time_s"]) == ("eeg", "lost", "silent for 0.90 s", 10.0)
    assert told["error"] == "unplugged"
    assert told["figures"]["jitter_s"] == 0.001
    assert told["figures"]["gap_s"] is None
    assert "\n" not in line


def test_a_row_says_whether_the_participant_speaks(fakes):
    config = LiveConfig(eeg=EegSection(stream=StreamQuery(name="x")))
    models = fakes.fake_models()
    labels = estimate_labels(models.heads)
    levels = [f"{axis}_{level}" for axis in ("valence", "arousal") for level in ("low", "medium", "high")]
    assert labels == (*levels, "speech_calm", "speech_angry", "participant_speaks")
    estimates = decode(fakes.recording(12.0), config, models=models).estimates
    flags = [estimate_row(one, models.heads)[-1] for one in estimates]
    assert flags == [float(one.hearing.speaking) for one in estimates]
    assert set(flags) == {0.0, 1.0}
    deaf = replace(estimates[0], hearing=None)
    assert np.isnan(estimate_row(deaf, models.heads)[-1])
    assert len(estimate_row(deaf, models.heads)) == len(labels)


@pytest.fixture(scope="module")
def network(lsl_session, fakes, tmp_path_factory):
    """A running engine with EEG from a stream, a camera and a microphone, and what it was asked to publish."""
    from moodring.realtime.engine.engine_process import EngineProcess
    from moodring.realtime.engine.job import EngineJob
    from moodring.realtime.ipc.channel import attach

    bundle = fakes.write_bundle(tmp_path_factory.mktemp("bundle") / "untrained.safetensors")
    lsl = lsl_session.model_copy(update={"resolve_timeout_s": 20.0})
    stream = {"name": "network-amp", "count": 10, "channels": [(name, "microvolts", "EEG") for name in EEG_NAMES]}
    pictures = [np.full((120, 160, 3), 8 * index, np.uint8) for index in range(30)]
    with ExitStack() as stack:
        sound = stack.enter_context(MicrophoneInjector(tmp_path_factory.mktemp("sound") / "home"))
        stack.enter_context(StreamInjector(liblsl_settings(lsl), stream))
        camera = stack.enter_context(
            CameraInjector(tuple(cv2.imencode(".jpg", picture)[1].tobytes() for picture in pictures))
        )
        config = LiveConfig(
            name=f"network-{uuid4().hex}",
            eeg=EegSection(stream=StreamQuery(name="network-amp")),
            face=FaceSection(camera=camera.url),
            speech=SpeechSection(microphone="pulse"),
            models=ModelsSection(video_eeg=str(bundle), allow_simulated=True),
            lsl=lsl,
            outlet=OutletSection(),
        )
        with pytest.MonkeyPatch.context() as patch:
            for key, value in sound.environment.items():
                patch.setenv(key, value)
            engine = stack.enter_context(EngineProcess(EngineJob(config)))
        engine.wait_ready(90.0)
        screen = stack.enter_context(attach(config.name))

        def delivers():
            snapshot = screen.snapshot()
            return snapshot.decisions > 2 and len(snapshot.rings) == 4

        # All three sources deliver, so whatever would be published is published.
        wait_for(delivers, 60.0)
        yield config


def _lsl_file(config, folder):
    path = folder / "lsl_api.cfg"
    path.write_text(liblsl_settings(config.lsl))
    return str(path)


@pytest.mark.lsl
@pytest.mark.audio
@pytest.mark.deadline
def test_only_what_the_config_names_is_on_the_network(network):
    import pylsl

    found = {info.name(): info for info in pylsl.resolve_streams(2.0)}
    assert set(found) == {"network-amp", "moodring_estimate", "moodring_estimate_health"}
    own = f"moodring_estimate-{network.name}-{socket.gethostname()}"
    assert found["moodring_estimate"].source_id() == own


@pytest.mark.lsl
@pytest.mark.audio
@pytest.mark.deadline
def test_the_stream_describes_itself_and_the_health_of_every_source_is_told(network):
    import pylsl

    inlet = pylsl.StreamInlet(pylsl.resolve_byprop("name", "moodring_estimate", timeout=10)[0])
    info = inlet.info(10)
    about = info.desc().child("moodring")
    assert (info.type(), info.channel_format(), info.nominal_srate()) == ("Emotion", pylsl.cf_float32, 0.0)
    assert about.child_value("engine") == network.name
    assert about.child_value("target")
    assert about.child_value("domain").startswith("simulated, acted German")
    assert re.fullmatch(r"[0-9a-f]{64}", about.child_value("bundle_sha256"))
    assert about.child("classes").child_value("valence") == "low,medium,high"
    assert len(about.child("classes").child_value("speech").split(",")) == info.channel_count() - 6 - 1, (
        "the flag of a speaking participant comes last"
    )
    health = pylsl.StreamInlet(pylsl.resolve_byprop("name", "moodring_estimate_health", timeout=10)[0])
    told, until = {}, time.monotonic() + 12.0
    while len(told) < 3 and time.monotonic() < until:
        sample, _ = health.pull_sample(1.0)
        if sample is not None:
            marker = json.loads(sample[0])
            told[marker["source"]] = marker
    assert set(told) == {"eeg", "face", "speech"}
    assert all(marker["figures"]["observed_rate_hz"] for marker in told.values())


@pytest.mark.lsl
@pytest.mark.audio
@pytest.mark.deadline
def test_the_readmes_client_reads_the_estimates(network, tmp_path):
    code = _readmes_client()
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    assert "import moodring" not in code
    client = subprocess.Popen(
        [sys.executable, "-c", code],
        env={"LSLAPICFG": _lsl_file(network, tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        lines = [client.stdout.readline() for _ in range(3)]
    finally:
        client.kill()
        trouble = client.communicate()[1]
    assert all(re.match(r"\d+\.\d\d \{'valence_low': ", line) for line in lines), trouble
    times = [float(line.split()[0]) for line in lines]
    assert [late - early for early, late in itertools.pairwise(times)] == pytest.approx([0.5, 0.5], abs=0.02)


def _readmes_client():
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    return next(block for block in blocks if "moodring_estimate" in block)


@pytest.mark.lsl
def test_the_readmes_client_says_in_one_line_that_no_engine_runs(tmp_path):
    alone = LiveConfig(
        eeg=EegSection(stream=StreamQuery(name="x")),
        lsl=LslSection(session_id=f"empty-{uuid4().hex}", resolve_scope="machine"),
    )
    code = _readmes_client()
    assert "timeout=10" in code
    done = subprocess.run(
        [sys.executable, "-c", code.replace("timeout=10", "timeout=1")],
        env={"LSLAPICFG": _lsl_file(alone, tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == "no estimates: start `moodring live`"
    assert "Traceback" not in done.stderr


@pytest.mark.lsl
def test_listen_address_says_where_others_may_ask():
    code = (
        "import sys, psutil, pylsl; pylsl.set_config_content(sys.argv[1])\n"
        "outlet = pylsl.StreamOutlet(pylsl.StreamInfo('x', 'y', 1, 0, 'float32', 'z'))\n"
        "found = pylsl.resolve_byprop('name', 'x', timeout=5)\n"
        "ask = {c.laddr.ip for c in psutil.Process().net_connections('udp4') if c.laddr.port == 16571}\n"
        "print(len(found), *ask)"
    )
    heard = {}
    for address in (None, "127.0.0.1"):
        section = LslSection(session_id=f"test-{uuid4().hex}", resolve_scope="machine", listen_address=address)
        done = subprocess.run(
            [sys.executable, "-c", code, liblsl_settings(section)],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        heard[address] = done.stdout.split()
    assert heard["127.0.0.1"] == ["1", "127.0.0.1"]
    assert heard[None] == ["1", "0.0.0.0"]


@pytest.mark.parametrize("address", ["lab", "10.0.0", "127.0.0.1\n[lab]"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ValueError, match="does not appear to be an IPv4 or IPv6 address"):
        LslSection(listen_address=address)
