"""The second machine of test_two_machines.py: an engine, or a reader that checks stamps. One JSON object a line."""

import json
import sys
import threading
import time
from pathlib import Path

import numpy as np


def say(**what):
    print(json.dumps({"at": time.time(), **what}), flush=True)


def decode_on(name, session_id, seconds):
    """Run a session on one EEG stream; tell every change of health and every decision."""
    from moodring.configs.schema.live import EegSection, LiveConfig, LslSection, OutletSection, StreamQuery
    from moodring.realtime.engine.lsl_clock import LslClock
    from moodring.realtime.engine.process_settings import apply_lsl_settings
    from moodring.realtime.engine.session import Session

    sys.path.insert(0, str(Path(__file__).parents[2]))
    from tests.support import engine_fakes as fakes

    lsl = LslSection(session_id=session_id, resolve_timeout_s=20.0)
    apply_lsl_settings(lsl)
    config = LiveConfig(
        eeg=EegSection(stream=StreamQuery(name=name)), lsl=lsl, outlet=OutletSection(enabled=False), name=name
    )
    clock = LslClock()
    with Session(config, fakes.fake_models(), clock, None, clock.now()) as session:
        publish = session.publisher.publish

        def told(estimate):
            say(
                decision=estimate.session_time_s,
                used=list(estimate.used),
                abstained=[head.abstained for head in estimate.heads],
            )
            publish(estimate)

        session.publisher.publish = told
        session.connect(threading.Event())
        session.start()
        state, until = None, time.monotonic() + seconds
        while time.monotonic() < until:
            session.step()
            health = session.source_channels[0].health
            if health.state != state:
                state = health.state
                say(state=state, why=health.why)
            time.sleep(0.01)
        ring, ingest = session.source_channels[0].ingest.ring, session.source_channels[0].ingest
        newest = ring.latest(10_000)
        say(
            largest_step_s=float(np.diff(newest.stamps_s).max()),
            lost_samples=ingest.figures.lost_samples,
            samples=int(ring.count),
        )
        session.stop()
        session.release()


def read_stamps(name, session_id, seconds):
    """Read a stream whose first channel counts; tell index, stamp as smoothed and as it came, on the wall's clock."""
    import pylsl

    from moodring.configs.schema.live import EegSection, LslSection, StreamQuery
    from moodring.models.streaming.ingest.dejitter import DejitterState, dejitter
    from moodring.realtime.engine.process_settings import apply_lsl_settings
    from moodring.realtime.sources.lsl_eeg import LslEeg

    apply_lsl_settings(LslSection(session_id=session_id))
    source = LslEeg(EegSection(stream=StreamQuery(name=name)))
    while (info := source.open()) is None:
        pass
    state, index, raw, smooth, received = DejitterState(info.rate_hz), [], [], [], []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        chunk = source.poll()
        if chunk is None:
            continue
        smoothed_s, _, state = dejitter(state, chunk.stamps_s, chunk.gap)
        index.append(chunk.samples[:, 0].astype(float))
        raw.append(chunk.stamps_s.copy())
        smooth.append(smoothed_s)
        received.append(np.full(len(chunk.stamps_s), chunk.received_s))
    wall_s = time.time() - pylsl.local_clock()
    source.close()
    index, raw, smooth, received = map(np.concatenate, (index, raw, smooth, received))
    say(
        index=index.tolist(),
        raw=(raw + wall_s).tolist(),
        smooth=(smooth + wall_s).tolist(),
        age=(received - raw).tolist(),
        observed_rate_hz=state.observed_rate_hz,
        nominal_rate_hz=info.rate_hz,
    )


if __name__ == "__main__":
    {"decode": decode_on, "stamps": read_stamps}[sys.argv[1]](sys.argv[2], sys.argv[3], float(sys.argv[4]))
