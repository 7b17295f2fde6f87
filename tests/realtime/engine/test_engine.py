import json
import multiprocessing
import time
from pathlib import Path
from uuid import uuid4

import cv2
import numpy as np
import psutil
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.liblsl import own_session
from moodring.configs.schema.live import FaceSection, LiveConfig, ModelsSection, OutletSection
from moodring.models.io.ring import Ring
from moodring.realtime.engine.engine import peak_rss_mb
from moodring.realtime.engine.engine_process import EngineProcess
from moodring.realtime.engine.job import EngineJob
from moodring.realtime.ipc import run_dir
from moodring.realtime.ipc.channel import attach
from moodring.realtime.ipc.commands import Command


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25.0, (160, 120))
    for index in range(25 * 40):
        writer.write(np.full((120, 160, 3), index % 200, np.uint8))
    writer.release()
    return path


@pytest.fixture(scope="module")
def bundle(fakes, tmp_path_factory):
    return fakes.write_bundle(tmp_path_factory.mktemp("bundle") / "untrained.safetensors")


def _config(film, bundle, **changes):
    name = f"test-{uuid4().hex}"
    lsl = own_session("test", 5.0)
    return LiveConfig(
        **{
            "name": name,
            "face": FaceSection(camera=str(film)),
            "models": ModelsSection(video_eeg=str(bundle), allow_simulated=True),
            "lsl": lsl,
            "outlet": OutletSection(name=name),
            **changes,
        }
    )


@pytest.mark.lsl
def test_an_engine_runs_is_watched_is_stopped_and_leaves_nothing(film, bundle, tmp_path):
    config = _config(film, bundle, journal=tmp_path / "decisions.jsonl")
    started = time.time()
    with EngineProcess(EngineJob(config, None, tmp_path / "out.json", started)) as engine:
        assert engine.wait_ready(60) == config.name
        folder = next(f for f in run_dir.runtime_root().iterdir() if f"-{engine.pid}-" in f.name)
        with attach(config.name, control=True) as screen:
            while (snapshot := screen.snapshot()).decisions < 3:
                assert engine.running
                time.sleep(0.05)
            assert snapshot.phase == "decoding"
            assert snapshot.notices == ("demonstration model, not valid for people",)
            assert all("face" in head.abstained for head in snapshot.estimate.heads), "nobody is in this film"
            assert [head.name for head in snapshot.estimate.heads] == [head.name for head in snapshot.heads]
            rings = {place.modality: Ring.attach(place.path) for place in snapshot.rings}
            assert rings["face"].latest(1).samples.shape == (1, 120, 160, 3)
            assert rings["estimates"].count >= 3
            for ring in rings.values():
                ring.close()
            assert screen.do(Command("stop_session")).done
            summary = engine.wait_done(30)
        assert not folder.exists()
    written = json.loads((tmp_path / "out.json").read_text())
    assert written.pop("written_by").startswith("moodring ")
    assert written == summary
    assert summary["decisions"] >= 3
    assert summary["modalities"]["face"]["present"]
    assert summary["modalities"]["eeg"]["present"] is False
    assert 0 < summary["cpu_s_per_s"] < 2
    assert 50 < summary["peak_rss_mb"] < 1200
    assert 0 < summary["first_estimate_s"] <= summary["duration_s"]
    assert len((tmp_path / "decisions.jsonl").read_text().splitlines()) == summary["decisions"]


@pytest.mark.lsl
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"face": FaceSection(camera="no/film.mp4")}, "does not open"),
        ({"models": ModelsSection(video_eeg="no/bundle.safetensors")}, "does not exist"),
    ],
)
def test_what_ends_an_engine_comes_as_one_line_and_leaves_no_results(film, bundle, changes, words, tmp_path):
    out = tmp_path / "out.json"
    with EngineProcess(EngineJob(_config(film, bundle, **changes), json_path=out)) as engine:
        with pytest.raises(MoodringError, match=words) as caught:
            engine.wait_done(60)
        assert "\n" not in str(caught.value)
    assert not out.exists()


def _start_an_engine_and_die(film, bundle, pipe):
    engine = EngineProcess(EngineJob(_config(Path(film), Path(bundle))))
    engine.wait_ready(60)
    pipe.send(engine.pid)
    time.sleep(60)


@pytest.mark.lsl
def test_an_engine_ends_when_its_parent_is_gone(film, bundle):
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    parent = context.Process(target=_start_an_engine_and_die, args=(str(film), str(bundle), there))
    parent.start()
    assert here.poll(90)
    engine = psutil.Process(here.recv())
    parent.kill()
    parent.join()
    engine.wait(30)


def test_the_largest_memory_is_in_megabytes():
    here = psutil.Process().memory_info().rss / 1e6
    assert 0.5 * here < peak_rss_mb() < 20 * here
