"""A new modality with heads of its own is added by files alone: see support/toy."""

import io
import json
import threading
import time
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from rich.console import Console

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.live import (
    EegSection,
    LiveConfig,
    ModelsSection,
    OutletSection,
    SignalSection,
    StreamQuery,
)
from moodring.models.decoders.session_models import Models, load_models
from moodring.models.io.bundle import load_bundle
from moodring.models.io.journal import Journal, read_journal
from moodring.models.streaming.decoder import DecoderFactory, Extensions
from moodring.models.streaming.ingest.source_channel import SourceChannel
from moodring.offline.decoding.compare import compare
from moodring.offline.decoding.decode import decode
from moodring.offline.recordings.open import open_recording
from moodring.offline.recordings.write_session import write_session
from moodring.realtime.engine.lsl_outlet import estimate_labels, estimate_row
from moodring.realtime.engine.notices import session_notices
from moodring.realtime.screens import terminal
from moodring.realtime.screens.history import empty, extended
from moodring.realtime.screens.plain_line import line
from tests.support.lsl_stand import wait_for
from tests.support.recorded import assert_equal
from tests.support.toy.dataset import StressDataset
from tests.support.toy.decoder import DECODER
from tests.support.toy.signal import CHANNELS, MODALITY, RATE_HZ, conductance, simulate, stressed_at
from tests.support.toy.source import SOURCE
from tests.support.toy.train import SPEC, train

CONFIG = LiveConfig(eeg=EegSection(stream=StreamQuery(name="x")))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    path = tmp_path_factory.mktemp("stress") / "stress.safetensors"
    assert train(StressDataset(), path) > 0.95
    return path


@pytest.fixture(scope="module")
def models(fakes, bundle):
    """The scripted models, and the decoder of the trained bundle beside them."""
    alone = load_models(
        LiveConfig(signals=[SignalSection(name=MODALITY, stream=StreamQuery(name="x"))],
                   models=ModelsSection(more=[bundle])), (MODALITY,), (DECODER,),
    )  # fmt: skip
    both = fakes.fake_models()
    return Models((*both.decoders, *alone.decoders), None, "cpu", (*both.bundles, *alone.bundles), ("simulated",))


@pytest.fixture(scope="module")
def decoded(fakes, models, tmp_path_factory):
    """A person with EEG, face, voice and skin conductance, decoded and journalled."""
    recording = fakes.recording(24.0)
    recording = replace(recording, signals={MODALITY: simulate(9, 24.0, recording.t0_s)})
    journal = tmp_path_factory.mktemp("journal") / "decisions.jsonl"
    return decode(recording, CONFIG.model_copy(update={"journal": journal}), models=models), journal, recording


def test_the_bundle_keeps_its_inputs_and_heads(bundle):
    assert load_bundle(bundle, "stress").spec == SPEC


def test_it_decodes_beside_the_others_and_changes_nothing_of_them(decoded, fakes):
    made, _, recording = decoded
    alone = decode(replace(recording, signals={}), CONFIG, models=fakes.fake_models()).estimates
    for estimate, other in zip(made.estimates, alone, strict=True):
        assert [head.name for head in estimate.heads] == ["valence", "arousal", "speech", "stress", "stress_level"]
        for head in other.heads:
            assert estimate.head(head.name).probabilities == head.probabilities
        assert estimate.used == (*other.used, MODALITY)
        assert estimate.ages_s[MODALITY] >= 1.0
        assert estimate.ranges[MODALITY].stop == round(estimate.session_time_s * RATE_HZ) + 1
    inside = [e for e in made.estimates if stressed_at(e.session_time_s) == stressed_at(e.session_time_s - 2.0)]
    told = [e.answer("stress").best == "stressed" for e in inside]
    assert told == [bool(stressed_at(e.session_time_s)) for e in inside]
    assert all(0.0 <= e.answer("stress_level").value <= 10.0 for e in made.estimates)


def test_it_is_in_the_journal_the_summary_and_a_comparison(decoded):
    made, journal, _ = decoded
    written = read_journal(journal)
    assert [e.heads for e in written] == [e.heads for e in made.estimates]
    heads = json.loads(json.dumps(made.summary, allow_nan=False))["heads"]
    assert heads["stress"]["classes"] == ["calm", "stressed"]
    assert heads["stress_level"]["scale"] == [0.0, 10.0]
    assert len(heads["stress"]["answers"]) == len(heads["stress_level"]["answers"]) == len(made.estimates)
    assert made.summary["modalities"][MODALITY]["present"]
    assert made.summary["modalities"][MODALITY]["used_fraction"] == 1.0
    assert made.summary["information_age_ms"][MODALITY] >= 1000.0
    agreement = compare(made.estimates, written).agreement
    assert agreement["stress level"].compared == len(written)
    assert agreement["stress"].largest_difference == 0.0


def test_it_is_kept_in_a_session_folder_and_decoded_from_there(decoded, models, tmp_path):
    made, _, recording = decoded
    folder = write_session(recording, tmp_path / "session", protocol="toy")
    again = decode(open_recording(folder), CONFIG, models=models, only=(MODALITY,)).estimates
    theirs = {round(e.session_time_s, 2): e.answer("stress") for e in made.estimates}
    assert len(again) > 30
    for estimate in again:
        other = theirs[round(estimate.session_time_s, 2)]
        assert estimate.answer("stress").probabilities == pytest.approx(other.probabilities, abs=1e-6)


def test_a_journal_of_before_is_refused_in_one_line(tmp_path, decoded):
    made = decoded[0]
    path = tmp_path / "decisions.jsonl"
    with Journal(path) as journal:
        journal.append(made.estimates[0])
    old = json.loads(path.read_text())
    old["readout"] = old.pop("heads")
    path.write_text(json.dumps(old) + "\n")
    with pytest.raises(
        MoodringError, match=r"of a moodring before estimates had heads .*Estimate was expected"
    ) as caught:
        read_journal(path)
    assert "\n" not in str(caught.value)


def test_a_signal_that_no_bundle_reads_is_said_to_change_no_estimate(fakes, models):
    channels = {MODALITY: SourceChannel(MODALITY, "skin", None), "eeg": SourceChannel("eeg", "amplifier", None)}
    alone = session_notices(CONFIG, fakes.fake_models(), channels, (), connected=False)
    assert [line for line in alone if MODALITY in line] == [
        f"no bundle reads '{MODALITY}': it is shown and recorded, and changes no estimate; "
        "name one that does in models.more"
    ]
    assert not [line for line in session_notices(CONFIG, models, channels, (), connected=False) if MODALITY in line]


def test_it_has_channels_on_the_outlet(decoded, models):
    labels = estimate_labels(models.heads)
    assert labels[:6] == ("valence_low", "valence_medium", "valence_high", "arousal_low", "arousal_medium",
                          "arousal_high")  # fmt: skip
    assert {"stress_calm", "stress_stressed", "stress_level", "participant_speaks"} <= set(labels)
    estimate = decoded[0].estimates[-1]
    row = dict(zip(labels, estimate_row(estimate, models.heads).tolist(), strict=True))
    assert row["stress_level"] == pytest.approx(estimate.answer("stress_level").value, rel=1e-6)
    assert row["stress_calm"] + row["stress_stressed"] == pytest.approx(1.0)


def test_the_dashboard_shows_it(script, decoded, models):
    snapshot = _snapshot(script, decoded, models)
    text = Console(width=80, file=io.StringIO(), record=True)
    text.print(terminal.picture(snapshot, extended(empty(), snapshot)))
    shown = text.export_text()
    assert "Stress, felt: " in shown
    assert "Stress level, felt: " in shown
    assert "Skin conductance" in shown
    estimate = snapshot.estimate
    assert f"stress {estimate.answer('stress').best}" in line(snapshot)
    assert f"{estimate.answer('stress_level').value:.2f} (0 to 10)" in line(snapshot)


def test_the_window_has_a_panel_for_each_of_its_heads(qt, stage, script, decoded, models, tmp_path):
    from moodring.realtime.ui.live.view_model import ViewModel
    from moodring.realtime.ui.live.window import Window
    from moodring.realtime.ui.settings import Settings

    snapshot = _snapshot(script, decoded, models)
    stage.to(40.0)
    stage.override = lambda: replace(snapshot, rings=stage.places)
    window = Window(ViewModel(stage, clock=stage.clock), None, Settings(tmp_path / "window.ini"))
    try:
        window.show()
        window.tick()
        qt.processEvents()
        assert list(window.heads.panels) == ["stress", "stress_level"]
        assert window.heads.panels["stress"].answer.text() == snapshot.estimate.answer("stress").best
        assert len(window.heads.panels["stress"].bars.values) == 2
        assert window.heads.isVisible()
        assert MODALITY in window.health.cards
    finally:
        window.close()


def _snapshot(script, decoded, models):
    estimate = decoded[0].estimates[-1]
    own = replace(script.source("face"), modality=MODALITY, name="skin")
    base = script.snapshot_at(40.0)
    return replace(base, estimate=estimate, heads=models.heads, sources=(*base.sources, own))


def test_a_bundle_without_decoder_or_source_is_refused_with_both(bundle):
    config = LiveConfig(eeg=CONFIG.eeg, models=ModelsSection(more=[bundle]))
    with pytest.raises(MoodringError, match="of kind 'stress', decoders are there for attention, face"):
        load_models(config, ("eeg",))
    with pytest.raises(MoodringError, match=f"reads {MODALITY}; the session has eeg"):
        load_models(config, ("eeg",), (DECODER,))


def test_a_second_decoder_of_a_kind_is_refused_with_both(bundle):
    config = LiveConfig(eeg=CONFIG.eeg, models=ModelsSection(more=[bundle]))
    second = DecoderFactory("speech", DECODER.make)
    with pytest.raises(MoodringError, match=r"of kind 'speech': .*speech and tests\.support\.toy\.decoder\.make; give"):
        load_models(config, (MODALITY,), (DECODER, second))


def test_a_bundle_loaded_twice_is_refused_by_its_head(bundle):
    config = LiveConfig(eeg=CONFIG.eeg, models=ModelsSection(more=[bundle, bundle]))
    with pytest.raises(MoodringError, match="head of a session 'stress' is named twice") as caught:
        load_models(config, (MODALITY,), (DECODER,))
    assert "\n" not in str(caught.value)


@pytest.mark.lsl
@pytest.mark.deadline
def test_an_lsl_stream_that_the_config_names_decodes_live_beside_eeg(
    lsl_session, stand, stepping, fakes, bundle, tmp_path
):
    import pylsl

    from moodring.realtime.engine.lsl_clock import LslClock
    from moodring.realtime.engine.session import Session

    skin, clock, done = f"skin-{uuid4().hex}", LslClock(), threading.Event()
    info = pylsl.StreamInfo(skin, "EDA", len(CHANNELS), RATE_HZ, pylsl.cf_float32, skin)
    threading.Thread(target=_send, args=(pylsl.StreamOutlet(info), done), daemon=True).start()
    signals = [SignalSection(name=MODALITY, stream=StreamQuery(name=skin))]
    config = _beside_eeg(lsl_session, stand, fakes, bundle, tmp_path, signals)
    models = load_models(config, config.modalities, (DECODER,))
    session = Session(config, models, clock, tmp_path, clock.now())
    try:
        session.connect(threading.Event())
        session.start()
        inlet = pylsl.StreamInlet(pylsl.resolve_byprop("name", config.outlet.name, timeout=10)[0])
        labels = inlet.info(10).get_channel_labels()
        inlet.open_stream(5)
        stepping(session)(lambda: session.tally.used[MODALITY] >= 2 and session.tally.used["eeg"] >= 2, 30)
        snapshot = session.snapshot()
        values = inlet.pull_chunk(1.0, 1000)[0][-1]
    finally:
        done.set()
        session.stop()
        session.release()
    assert set(snapshot.estimate.used) == {"eeg", MODALITY}
    assert snapshot.estimate.answer("stress") is not None
    assert [status.modality for status in snapshot.sources] == ["eeg", "face", "speech", MODALITY]
    assert {place.modality for place in snapshot.rings} == {"eeg", MODALITY, "estimates"}
    row = dict(zip(labels, values, strict=True))
    assert row["stress_calm"] + row["stress_stressed"] == pytest.approx(1.0, abs=1e-5)
    assert np.isfinite(row["valence_low"])
    assert any(e.answer("stress") is not None for e in read_journal(config.journal))


@pytest.mark.lsl
@pytest.mark.deadline
def test_a_device_of_its_own_runs_in_an_engine_process_is_recorded_shown_and_decoded_again(
    lsl_session, stand, fakes, bundle, tmp_path
):
    from moodring.realtime.engine.engine_process import EngineProcess
    from moodring.realtime.engine.job import EngineJob
    from moodring.realtime.ipc.channel import attach

    config = _beside_eeg(lsl_session, stand, fakes, bundle, tmp_path, []).model_copy(update={"journal": None})
    extensions = Extensions((DECODER,), (SOURCE,))
    with EngineProcess(EngineJob(config, record=tmp_path / "recorded", extensions=extensions)) as engine:
        engine.wait_ready(90.0)
        with attach(config.name) as client:

            def decodes():
                snapshot = client.snapshot()
                estimate = snapshot.estimate
                return estimate is not None and {"eeg", MODALITY} <= set(estimate.used) and snapshot.decisions > 8

            wait_for(decodes, 60.0)
            snapshot = client.snapshot()
        engine.ask_to_stop()
        summary = engine.wait_done(60.0)
    text = Console(width=80, file=io.StringIO(), record=True)
    text.print(terminal.picture(snapshot, extended(empty(), snapshot)))
    shown = text.export_text()
    assert "Stress, felt: " in shown
    assert "Skin conductance" in shown
    folder = Path(summary["recording"]["folder"])
    recording, journal = open_recording(folder), read_journal(folder / "decisions.jsonl")
    assert recording.signals[MODALITY].channel_names == CHANNELS
    assert recording.signals[MODALITY].arrivals is not None
    assert_equal(decode(recording, config, factories=(DECODER,), journal=journal).estimates, journal)


def _beside_eeg(lsl_session, stand, fakes, bundle, folder, signals):
    """A config of EEG over LSL and an untrained video-EEG bundle, with the bundle of stress besides."""
    eeg = f"amp-{uuid4().hex}"
    stand({"name": eeg, "channels": [(name, "microvolts", "EEG") for name in fakes.NAMES], "count": 10})
    return LiveConfig(
        name=f"open-{uuid4().hex[:8]}",
        eeg=EegSection(stream=StreamQuery(name=eeg)),
        signals=signals,
        models=ModelsSection(
            video_eeg=str(fakes.write_bundle(folder / "v.safetensors")),
            more=[bundle],
            device="cpu",
            allow_simulated=True,
        ),
        lsl=lsl_session.model_copy(update={"resolve_timeout_s": 20.0}),
        outlet=OutletSection(name=f"estimates-{uuid4().hex}"),
        journal=folder / "decisions.jsonl",
    )


def _send(outlet, done):
    """Publish skin conductance until told to end."""
    sent, begin = 0, time.monotonic()
    while not done.wait(0.1):
        due = int((time.monotonic() - begin) * RATE_HZ)
        if due > sent:
            outlet.push_chunk(conductance(np.arange(sent, due) / RATE_HZ, due))
            sent = due
