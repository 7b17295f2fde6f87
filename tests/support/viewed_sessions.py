"""Recorded sessions of a simulated person, with a journal, for the replay page."""

from dataclasses import replace

from moodring.configs.schema import session_folder as names
from moodring.models.contract import Marker
from moodring.models.io.journal import Journal
from moodring.offline.decoding.decode import decode, default_config
from moodring.offline.recordings.read_session import read_session
from moodring.offline.recordings.write_session import write_session
from moodring.offline.simulate import simulate

SECONDS = 16.0
MARKED_S = (2.0, 5.5, 9.0)


def write_viewed(folder, seconds=SECONDS, *, journal=True, **changes):
    """Record a simulated person, with three markers, decode it, and return the folder.

    ``changes`` are of the recording, such as ``eeg=None``.
    """
    made = simulate(7, seconds)
    markers = tuple(Marker(made.t0_s + at_s, f"film {number}") for number, at_s in enumerate(MARKED_S, start=1))
    write_session(replace(made, markers=markers, **changes), folder)
    if journal:
        recording = read_session(folder)
        with Journal(folder / names.DECISIONS_FILE) as written:
            for estimate in decode(recording, default_config(recording)).estimates:
                written.append(estimate)
    return folder
