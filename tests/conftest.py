import os
import sys
from pathlib import Path

import pytest

from moodring.configs.schema.liblsl import liblsl_settings, own_session
from moodring.configs.schema.live import LslSection
from tests.support.lsl_stand import Stand, wait_for
from tests.support.sound_server import SoundServer
from tests.support.sync_rig import DELAYS_S, Rig

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The real recordings that MOODRING_DATA names; tests that use it are marked ``data``."""
    named = os.environ.get("MOODRING_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real recordings: {folder} is not a folder (MOODRING_DATA names it)")
    return folder


@pytest.fixture(scope="session")
def lsl_session() -> LslSection:
    """An LSL session that only this test process and the children it hands these settings to can see.

    liblsl reads its settings once per process: ask for this fixture before anything touches pylsl.
    """
    import pylsl

    section = own_session("test", 10.0)
    text = liblsl_settings(section)
    assert text is not None
    pylsl.set_config_content(text)
    return section


@pytest.fixture(scope="session")
def script():
    """The scripted session that the screens' tests show: see scripted_screens.py."""
    from tests.support import scripted_screens

    return scripted_screens


@pytest.fixture(scope="session")
def felt_model_missing():
    """What stands where a bundle of simulated people would have answered."""
    from moodring.models.decoders.origin_guards import missing_model
    from tests.support.engine_fakes import FakeAttention

    return missing_model("attention.safetensors", FakeAttention().spec, "video_eeg")


@pytest.fixture(scope="session")
def fakes():
    """Scripted models and recordings for the tests of the engine: see engine_fakes.py."""
    from tests.support import engine_fakes

    return engine_fakes


@pytest.fixture
def stage(script, tmp_path):
    """An engine's rings and snapshots; the test moves its time."""
    made = script.Stage(tmp_path)
    yield made
    for ring in made.rings.values():
        ring.close()


@pytest.fixture(scope="session")
def qt_application(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QT_QPA_PLATFORM", "offscreen")
        runtime = tmp_path_factory.mktemp("runtime")
        runtime.chmod(0o700)
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))
        from moodring.realtime.ui.application import application_here

        yield application_here()


@pytest.fixture
def qt(qt_application):
    """A Qt application without a display; whatever Qt warns of fails the test."""
    from PyQt5.QtCore import QtMsgType, qInstallMessageHandler

    said = []
    quiet = (QtMsgType.QtDebugMsg, QtMsgType.QtInfoMsg)
    before = qInstallMessageHandler(lambda kind, _, text: None if kind in quiet else said.append(text))
    yield qt_application
    qt_application.processEvents()
    qInstallMessageHandler(before)
    assert said == []


@pytest.fixture
def stand(lsl_session):
    """Publish LSL streams from a child process: see lsl_stand.py."""
    made = []

    def make(*streams):
        made.append(Stand(liblsl_settings(lsl_session), *streams))
        return made[-1]

    yield make
    for one in made:
        one.kill()


@pytest.fixture
def stepping():
    """Drive a session as the engine's process does, until something is so; how long that took."""

    def drive(session):
        return lambda question, timeout_s: wait_for(lambda: session.step() or question(), timeout_s)

    return drive


@pytest.fixture(scope="module")
def rig(lsl_session):
    """A lab of known delays: see sync_rig.py."""
    made = []

    def make(names, **more):
        made.append(Rig(liblsl_settings(lsl_session), names, **more))
        return made[-1], DELAYS_S

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def null_sink(tmp_path_factory):
    """A sound server of our own, whose default microphone hears what is played; asks PortAudio to use it."""
    modules = (
        "module-null-sink sink_name=heard rate=48000",
        "module-virtual-source source_name=mic master=heard.monitor",
    )
    with (
        SoundServer(tmp_path_factory.mktemp("pulse") / "home", *modules) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        assert server.control("set-default-source", "mic")
        for key, value in server.environment.items():
            patch.setenv(key, value)
        yield "heard"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run the command line in this process; return its exit status, standard output and standard error."""

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["moodring", *map(str, words)])
        from moodring.cli.app import main

        status = 0
        try:
            main()
        except SystemExit as left:
            status = int(left.code or 0)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call
