"""Hostile streams, session folders, configs, bundles and media: an answer or one line, within bounds, nothing changed.

Every case is a seed: ``python -m tests.support.fuzz.worker KIND TEMPLATE FOLDER`` with the seed on standard input runs
one again.
"""

import shutil
import sys
import wave
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from moodring.models.io.bundle import bundled
from moodring.models.streaming.clock import VirtualClock
from tests.conftest import REPOSITORY
from tests.support.engine_fakes import fake_models, write_bundle
from tests.support.fuzz.worker import MOST_BYTES, fuzz
from tests.support.scripted_sources import BEGIN_S, CONFIG, ScriptedSession, ScriptedSource
from tests.support.session_folders import write_scripted_session

FEW = {"session": 8, "config": 40, "bundle": 12, "media": 12, "stream": 40}
MANY = {"session": 500, "config": 600, "bundle": 400, "media": 300, "stream": 600}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pipes, devices and limits as Linux has them")


@pytest.fixture(scope="module")
def templates(tmp_path_factory):
    """Return a folder of whole inputs for each kind."""
    root = tmp_path_factory.mktemp("templates")
    clock = VirtualClock(BEGIN_S)
    session = ScriptedSession(fake_models(), clock, [ScriptedSource(one, clock) for one in ("eeg", "face", "speech")])
    session.run_for(4.6)
    write_scripted_session(root / "session", session, CONFIG)
    session.close()
    (root / "config").mkdir()
    for source in (*(REPOSITORY / "configs").glob("*.toml"),):
        if source.stem in ("demo", "lab", "replay", "train_pooling", "train_emodb", "train_attention"):
            shutil.copyfile(source, root / "config" / source.name)
    (root / "bundle").mkdir()
    write_bundle(root / "bundle" / "attention.safetensors")
    for name in ("speech", "emodb", "workload"):
        shutil.copyfile(bundled(name), root / "bundle" / f"{name}.safetensors")
    (root / "media").mkdir()
    for source in (root / "session").rglob("*.mkv"):
        shutil.copyfile(source, root / "media" / source.name)
    with wave.open(str(root / "media" / "sound.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((8000 * np.sin(np.arange(16_000) / 20)).astype("<i2").tobytes())
    (root / "stream").mkdir()
    return root


def check(found, cases):
    assert not found.findings, "\n\n".join(found.findings)
    assert sum(found.outcomes.values()) == cases
    assert found.peak_bytes <= MOST_BYTES
    print(f"{found.outcomes}, {found.peak_bytes / 1e6:.0f} MB at most, {found.took_s:.0f} s")


@pytest.mark.parametrize("kind", FEW)
def test_a_few_of_each_kind_are_answered_or_refused_in_one_line(templates, tmp_path, kind):
    check(fuzz(kind, templates / kind, tmp_path, range(FEW[kind])), FEW[kind])


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", MANY)
def test_many_of_each_kind_are_answered_or_refused_in_one_line(templates, tmp_path, kind):
    """Two workers share the cases of a kind."""
    halves = [range(1000 + half, 1000 + MANY[kind], 2) for half in (0, 1)]
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda half: fuzz(kind, templates / kind, tmp_path / str(half.start), half), halves))
    for found, half in zip(both, halves, strict=True):
        check(found, len(half))
