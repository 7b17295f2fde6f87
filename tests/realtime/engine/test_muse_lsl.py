"""A headband of four electrodes decodes live with a bundle that was trained for it."""

import threading
from uuid import uuid4

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.live import EegSection, LiveConfig, ModelsSection, OutletSection, StreamQuery
from moodring.configs.schema.load import load
from moodring.configs.schema.train_eeg_state import TrainEegStateConfig
from moodring.models.decoders.session_models import load_models
from moodring.models.io.journal import read_journal
from moodring.offline.training.eeg_state.train import train_eeg_state
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.lsl
ELECTRODES = ("TP9", "AF7", "AF8", "TP10")
HEADBAND = [*((name, "microvolts", "EEG") for name in ELECTRODES), ("Right AUX", "microvolts", "AUX")]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A bundle of three people made up, whose rhythms differ in frequency from state to state."""
    folder = tmp_path_factory.mktemp("muse")
    for number, person in enumerate("abc"):
        for state, hz in (("relaxed", 10.0), ("neutral", 6.0), ("concentrating", 22.0)):
            _write(folder / f"subject{person}-{state}-1.csv", hz, number)
    config = load(REPOSITORY / "configs" / "train_muse.toml", TrainEegStateConfig, [f"data={folder}", "workers=1"])
    train_eeg_state(config, folder / "muse.safetensors", lambda _line: None)
    return folder / "muse.safetensors"


def _write(path, hz, seed):
    time_s = np.arange(14 * 256) / 256
    values = np.random.default_rng(seed).normal(0, 5, (len(time_s), 4))
    values += 15 * np.sin(2 * np.pi * hz * time_s)[:, None] * (1.0, 0.4, -0.4, -1.0)
    rows = np.column_stack([1.5e9 + time_s, values])
    np.savetxt(path, rows, "%.3f", ",", header="timestamps,TP9,AF7,AF8,TP10", comments="")


def _config(name, bundle, lsl_session, journal=None, **models):
    return LiveConfig(
        name=f"muse-{uuid4().hex}",
        eeg=EegSection(stream=StreamQuery(name=name), line_hz=60),
        models=ModelsSection(more=[bundle], **models),
        lsl=lsl_session.model_copy(update={"resolve_timeout_s": 20.0}),
        outlet=OutletSection(name=f"estimates-{uuid4().hex}"),
        journal=journal,
    )


@pytest.mark.deadline
def test_its_head_is_answered_on_screen_outlet_and_journal(lsl_session, stand, stepping, bundle, tmp_path):
    import pylsl

    from moodring.realtime.engine.lsl_clock import LslClock
    from moodring.realtime.engine.session import Session

    name, clock = f"Muse-{uuid4().hex}", LslClock()
    stand({"name": name, "channels": HEADBAND, "count": 5, "rate": 256.0})
    config = _config(name, bundle, lsl_session, tmp_path / "decisions.jsonl", video_eeg="none")
    session = Session(config, load_models(config, config.modalities), clock, tmp_path, clock.now())
    try:
        session.connect(threading.Event())
        session.start()
        inlet = pylsl.StreamInlet(pylsl.resolve_byprop("name", config.outlet.name, timeout=10)[0])
        labels = inlet.info(10).get_channel_labels()
        inlet.open_stream(5)
        stepping(session)(lambda: session.tally.used["eeg"] >= 2, 30)
        snapshot = session.snapshot()
        row = dict(zip(labels, inlet.pull_chunk(1.0, 1000)[0][-1], strict=True))
    finally:
        session.stop()
        session.release()
    answer = snapshot.estimate.answer("mental_state")
    assert answer is not None
    assert [head.name for head in snapshot.heads] == ["mental_state"]
    states = ("relaxed", "neutral", "concentrating")
    assert sum(row[f"mental_state_{state}"] for state in states) == pytest.approx(1.0, abs=1e-5)
    assert any(estimate.answer("mental_state") for estimate in read_journal(config.journal))


def test_the_video_eeg_model_refuses_it_and_says_with_how_many_channels(lsl_session, stand, bundle, tmp_path):
    from moodring.realtime.engine.lsl_clock import LslClock
    from moodring.realtime.engine.session import Session

    name, clock = f"Muse-{uuid4().hex}", LslClock()
    stand({"name": name, "channels": HEADBAND, "count": 5, "rate": 256.0})
    config = _config(name, bundle, lsl_session, allow_simulated=True)
    session = Session(config, load_models(config, config.modalities), clock, tmp_path, clock.now())
    try:
        with pytest.raises(MoodringError, match=r"has 4 channels on the scalp .*models.video_eeg"):
            session.connect(threading.Event())
    finally:
        session.stop()
        session.release()
