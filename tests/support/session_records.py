"""Session folders of a few seconds as a live session leaves them: signals, journal, log and notes, all scripted."""

import json
from dataclasses import replace

import numpy as np

from moodring.configs.schema import session_folder as names
from moodring.configs.schema.live import EegSection, FaceSection, LiveConfig, SessionSection, SpeechSection, StreamQuery
from moodring.configs.schema.load import toml_text
from moodring.models.contract import (
    DomainDistance,
    Estimate,
    FaceBox,
    HeadOutput,
    Hearing,
    Ledger,
    Look,
    Marker,
    Periphery,
    SampleRange,
)
from moodring.models.io.journal import Journal
from moodring.offline.recordings.write_session import write_session

LEVELS = ("low", "medium", "high")
MARKERS = (
    (0.0, "rest_start"),
    (1.0, "rest_end"),
    (1.0, "stimulus_beach"),
    (2.5, "stimulus_end"),
    (2.75, "rating valence=7 arousal=3 dominance=5"),
    (2.8, "keyword joy, or so"),
    (3.0, "stimulus_spider, big"),
    (3.6, "stimulus_end"),
    (3.8, "rating valence=2 arousal=8 dominance=4"),
    (3.9, "door"),
)


def estimate(t0_s, session_time_s, **changes):
    """One decision: valence answers from the second second on, the voice never does."""
    time_s = t0_s + session_time_s
    early = session_time_s < 2.0
    valence = (
        HeadOutput("valence", "felt", LEVELS, abstained="too few electrodes", kept=())
        if early
        else HeadOutput("valence", "felt", LEVELS, (0.1, 0.2, 0.7), kept=(1, 2), ages_s={"eeg": 0.5, "face": 1.25})
    )
    heads = (
        valence,
        HeadOutput("arousal", "felt", LEVELS, (0.5, 0.3, 0.2), kept=(0, 1), ages_s={"eeg": 0.5, "face": 1.25}),
        HeadOutput("speech", "acted", ("anger", "neutral"), abstained="no speech"),
    )
    looked = session_time_s % 1.0 == 0.0
    box = FaceBox(20.0, 20.0, 40.0, 40.0, 0.9)
    looks = (Look(time_s, time_s - 0.01, box, 8, "tracked", 1, 1),) if looked else ()
    made = Estimate(
        time_s=time_s,
        session_time_s=session_time_s,
        heads=heads,
        used=("eeg", "face"),
        looks=looks,
        calibrated=not early,
        ranges={"eeg": SampleRange(0, 10)},
        ledger=Ledger(time_s + 0.01, time_s + 0.02, time_s + 0.04, time_s + 0.05, time_s + 0.06),
        bundles=("ab" * 32,),
        notices=("a demonstration",),
        hearing=Hearing(False, None, None, None, 0.0, -40.0),
        glimpsed_fraction=0.1,
        band_attention=np.array([0.5, 0.3, 0.2], np.float32),
        periphery=(Periphery(time_s, looked, "gain", 8, 0.1 if looked else -0.2, 0.03, 0.2, 0.01, 0.02, 0.1),),
        domain_distances=(DomainDistance(("valence", "arousal"), 0.9, 1.5),),
    )
    return replace(made, **changes)


def write_record(folder, recording, *, participant="P 07", task="films", without=(), markers=MARKERS, estimates=None):
    """Write a recording as the folder of a live session with its journal, log and notes.

    ``without`` names what it lacks of eeg, face, speech, journal, log and config.
    """
    t0_s = recording.t0_s
    name = f"sub-{names.folder_name(participant)}_ses-01_task-{names.plain_name(task)}_run-02"
    gone = {key: None for key in ("eeg", "face", "speech") if key in without}
    made = replace(
        recording,
        name=name,
        participant=participant,
        origin="live",
        truth=None,
        markers=tuple(Marker(t0_s + at_s, text) for at_s, text in markers),
        **gone,
    )
    write_session(made, folder, task=task, protocol="pictures & films", consent="signed <today>")
    about = names.SessionFile(
        version=names.VERSION,
        name=name,
        participant=participant,
        origin="live",
        t0_s=t0_s,
        rest_s=1.0,
        recorded_at="2026-03-01T10:00:00.000+00:00",
        ended_at="2026-03-01T10:00:04.000+00:00",
        task=task,
        protocol="pictures & films",
        consent="signed <today>",
    )
    (folder / names.SESSION_FILE).write_text(toml_text(about))
    if "config" not in without:
        query = StreamQuery(name="amplifier")
        sections = {
            "eeg": EegSection(stream=query),
            "face": FaceSection(camera=0),
            "speech": SpeechSection(microphone="default"),
        }
        kept = {key: one for key, one in sections.items() if key not in without}
        if kept:
            config = LiveConfig(session=SessionSection(participant=participant, task=task), **kept)
            (folder / names.CONFIG_FILE).write_text(toml_text(config))
    if "log" not in without:
        lines = [
            {"time_s": t0_s, "at": "2026-03-01T10:00:00+00:00", "what": "eeg", "state": "live", "why": "samples come"},
            {"time_s": t0_s + 1, "at": "2026-03-01T10:00:01+00:00", "what": "face", "state": "live", "why": "frames"},
            {"time_s": t0_s + 2, "at": "2026-03-01T10:00:02+00:00", "what": "eeg", "state": "lost", "why": "silent"},
            {"time_s": t0_s + 3, "at": "2026-03-01T10:00:03+00:00", "what": "eeg", "state": "live", "why": "back"},
        ]
        (folder / names.LOG_FILE).write_text("".join(json.dumps(line) + "\n" for line in lines))
        note = {"time_s": t0_s + 1.5, "at": "2026-03-01T10:00:01.500+00:00", "text": "coughs <b>loudly</b>"}
        (folder / names.NOTES_FILE).write_text(json.dumps(note) + "\n")
    if "journal" not in without:
        with Journal(folder / names.DECISIONS_FILE) as journal:
            made_at = np.arange(1.0, 4.0, 0.5) if estimates is None else ()
            for one in [estimate(t0_s, float(at_s)) for at_s in made_at] if estimates is None else estimates:
                journal.append(one)
    return folder
