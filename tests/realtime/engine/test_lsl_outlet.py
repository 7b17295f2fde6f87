"""What an engine puts on the network, and what others can make of it."""

import itertools
import json
import re
import select
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
from moodring.models.contract import Ablation, Figures, Transition
from moodring.models.decoders.session_models import DEMONSTRATION
from moodring.offline.decoding.decode import decode
from moodring.realtime.engine.lsl_outlet import (
    Outlet,
    estimate_labels,
    estimate_row,
    health_marker,
    outlet_labels,
    outlet_row,
)
from tests.support.fault_injectors import CameraInjector, MicrophoneInjector, StreamInjector
from tests.support.heads import with_head
from tests.support.lsl_stand import wait_for
from tests.support.scripted_sources import EEG_NAMES

LEVELS = ("low", "medium", "high")
EMOTION_CLASSES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
WITHOUT = tuple(
    f"{axis}_without_{part}_{level}"
    for axis in ("valence", "arousal")
    for part in ("eeg", "face", "last_look")
    for level in LEVELS
)
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


def test_a_row_says_which_answers_the_model_withholds(fakes):
    config = LiveConfig(eeg=EegSection(stream=StreamQuery(name="x")))
    models = fakes.fake_models()
    modalities = ("eeg", "face", "speech")
    labels = outlet_labels(models.heads, modalities)
    estimate = decode(fakes.recording(12.0), config, models=models).estimates[-1]
    everything = with_head(estimate, "valence", kept=(0, 1, 2), abstained="no face")
    everything = with_head(everything, "arousal", kept=(2,), abstained=None)
    row = dict(zip(labels, outlet_row(everything, models.heads, modalities), strict=True))
    assert [row[f"valence_{flag}"] for flag in ("abstained", "kept_low", "kept_high")] == [1.0, 1.0, 1.0]
    assert [row[f"arousal_{flag}"] for flag in ("abstained", "kept_low", "kept_high")] == [0.0, 0.0, 1.0]
    assert row["calibrated"] == float(estimate.calibrated)
    assert row["age_eeg"] == pytest.approx(estimate.ages_s["eeg"], abs=1e-3)
    nothing = with_head(everything, "valence", probabilities=None, kept=(), abstained="no look yet")
    row = dict(zip(labels, outlet_row(nothing, models.heads, modalities), strict=True))
    assert row["valence_abstained"] == 1.0
    assert np.isnan([row["valence_low"], row["valence_kept_low"]]).all()
    shown = outlet_row(replace(estimate, notices=(DEMONSTRATION,)), models.heads, modalities)
    assert dict(zip(labels, shown, strict=True))["demonstration"] == 1.0


def test_a_row_says_what_would_be_said_without_a_part_where_both_parts_may_be_there(fakes):
    config = LiveConfig(eeg=EegSection(stream=StreamQuery(name="x")))
    models = fakes.fake_models()
    estimate = decode(fakes.recording(6.0), config, models=models).estimates[-1]
    estimate = replace(estimate, ablations=(Ablation("eeg", {"arousal": (0.1, 0.2, 0.7)}),))
    labels = outlet_labels(models.heads, ("eeg", "face", "speech"))
    assert labels[-len(WITHOUT) :] == WITHOUT, "of speech nothing is withheld"
    row = dict(zip(labels, outlet_row(estimate, models.heads, ("eeg", "face", "speech")), strict=True))
    assert [row[f"arousal_without_eeg_{level}"] for level in LEVELS] == pytest.approx([0.1, 0.2, 0.7])
    known = [f"arousal_without_eeg_{level}" for level in LEVELS]
    assert np.isnan([row[label] for label in WITHOUT if label not in known]).all()
    assert not [label for label in outlet_labels(models.heads, ("eeg", "speech")) if "_without_" in label]
    alone = [label for label in outlet_labels(models.heads, ("face",)) if "_without_" in label]
    assert alone == [label for label in WITHOUT if "last_look" in label]
    assert len(outlet_row(estimate, models.heads, ("face",))) == len(outlet_labels(models.heads, ("face",)))


def _labels(info):
    channel, labels = info.desc().child("channels").child("channel"), []
    while not channel.empty():
        labels.append(channel.child_value("label"))
        channel = channel.next_sibling("channel")
    return labels


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
    own_streams = {"moodring_estimate", "moodring_estimate_health", "moodring_estimate_marks"}
    assert set(found) == {"network-amp", *own_streams}
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
    assert about.child_value("domain").startswith("simulated, FER2013: faces")
    assert "acted German" in about.child_value("domain")
    assert re.fullmatch(r"[0-9a-f]{64}", about.child_value("bundle_sha256"))
    assert about.child("classes").child_value("valence") == "low,medium,high"
    assert about.child_value("version") == "4"
    labels = _labels(info)
    n_classes = len(about.child("classes").child_value("speech").split(","))
    assert labels[6 + n_classes] == "participant_speaks", "what version 1 had stands where it stood"
    what_version_2_had = labels[: labels.index("valence_without_eeg_low")]
    assert what_version_2_had[-5:] == ["calibrated", "demonstration", "age_eeg", "age_face", "age_speech"]
    what_version_3_had = labels[: labels.index("face_neutral")]
    assert what_version_3_had[len(what_version_2_had) :] == list(WITHOUT)
    added = labels[len(what_version_3_had) :]
    assert added[:10] == [f"face_{name}" for name in EMOTION_CLASSES] + ["face_valence", "face_arousal"]
    assert added[10] == "face_abstained"
    assert {label.split("_")[0] for label in added} == {"face"}
    for name in ("abstained", "kept", "calibrated", "demonstration", "age", "without"):
        assert about.child_value(name)
    values, _ = inlet.pull_sample(10.0)
    row = dict(zip(labels, values, strict=True))
    assert (row["calibrated"], row["demonstration"]) == (0.0, 1.0), "no rest, and simulated people's model"
    assert 0.0 < row["age_eeg"] < 5.0
    assert np.isnan(row["age_speech"]) or row["age_speech"] >= 0.0
    for head in ("valence", "arousal"):
        kept = [row[f"{head}_kept_{level}"] for level in ("low", "medium", "high")]
        assert set(kept) <= {0.0, 1.0}
        assert row[f"{head}_abstained"] == float(sum(kept) == 3)
    assert row["speech_abstained"] == 1.0 if np.isnan(row["speech_anger"]) else 0.0
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


@pytest.mark.lsl
def test_clients_read_over_lsl_what_is_withheld(lsl_session, fakes, tmp_path):
    import pylsl

    models = fakes.fake_models()
    config = LiveConfig(eeg=EegSection(stream=StreamQuery(name="x")), lsl=lsl_session)
    estimate = decode(fakes.recording(6.0), config, models=models).estimates[-1]
    estimate = with_head(estimate, "valence", probabilities=None, kept=(), abstained="no usable EEG")
    estimate = with_head(estimate, "arousal", kept=(1, 2), abstained=None)
    without_face = {"valence": (0.25, 0.25, 0.5), "arousal": (0.1, 0.2, 0.7)}
    without_look = {"valence": (0.5, 0.25, 0.25), "arousal": (0.2, 0.2, 0.6)}
    estimate = replace(estimate, ablations=(Ablation("last_look", without_look), Ablation("face", without_face)))
    name = f"moodring_estimate_{uuid4().hex}"
    modalities = ("eeg", "face", "speech")
    outlet = Outlet(name, "test", models.heads, (("domain", "simulated"),), modalities)
    inlet = pylsl.StreamInlet(pylsl.resolve_byprop("name", name, timeout=10)[0])
    info = inlet.info(10)
    inlet.open_stream(10)
    outlet.push(estimate)
    values, time_s = inlet.pull_sample(10.0)
    row = dict(zip(_labels(info), values, strict=True))
    assert time_s == pytest.approx(estimate.time_s)
    assert row["valence_abstained"] == 1.0
    assert np.isnan(row["valence_low"])
    assert [row[f"arousal_{flag}"] for flag in ("abstained", "kept_low", "kept_medium", "kept_high")] == [0, 0, 1, 1]
    assert row["calibrated"] == float(estimate.calibrated)
    assert row["age_face"] == pytest.approx(estimate.ages_s["face"], abs=1e-3)
    about = info.desc().child("moodring")
    assert (about.child_value("version"), about.child_value("domain")) == ("4", "simulated")
    assert {row[f"valence_without_{part}_low"] for part in ("face", "last_look")} == {np.float32(0.25), np.float32(0.5)}
    without = [row[f"{axis}_without_face_{level}"] for axis in ("valence", "arousal") for level in LEVELS]
    assert without == pytest.approx([0.25, 0.25, 0.5, 0.1, 0.2, 0.7], abs=1e-6)
    assert np.isnan([row[f"{axis}_without_eeg_{level}"] for axis in ("valence", "arousal") for level in LEVELS]).all()
    client = subprocess.Popen(
        [sys.executable, "-c", _readmes_client().replace("moodring_estimate", name)],
        env={"LSLAPICFG": _lsl_file(config, tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(lambda: outlet.push(estimate) or bool(select.select([client.stdout], [], [], 0.05)[0]), 60.0)
        assert re.match(r"\d+\.\d\d \{'valence_low': nan, ", client.stdout.readline())
    finally:
        client.kill()
        client.communicate()
