"""MAHNOB-HCI made up: sessions with clips, neutral ones and other experiments, gaze files and black-and-white films."""

import numpy as np

from moodring.offline.datasets.affect.deap import ELECTRODES
from tests.support.corpus_parts import made_eeg, write_bdf, write_film

EXTRA = ("EXG1", "EXG2", "EXG3", "GSR1", "Resp", "Temp")
AUDIO_HZ, AUDIO_FIRST = 44_100, 1_000_000
HEADER_ROWS = 23


def write_session(
    root, number, subject, keyword=4, seconds=20, rate_hz=256, before_s=30, film=True, gaze=True, late_s=1.0, cut=1,
    film_rate_hz=25, size=192, drawn=None,
):  # fmt: skip
    """Write one session; ``late_s`` is how much later than the EEG the film begins."""
    folder = root / "Sessions" / str(number)
    folder.mkdir(parents=True)
    levels = {4: (1.0, 0.0), 5: (-1.0, -1.0), 0: (0.0, -1.0), 3: (-1.0, 1.0)}[keyword]
    total_s = before_s + seconds + before_s
    parts = [
        made_eeg((number, 0), before_s, rate_hz, len(ELECTRODES), 0.0, 0.0),
        made_eeg((number, 1), seconds, rate_hz, len(ELECTRODES), *levels),
        made_eeg((number, 2), before_s, rate_hz, len(ELECTRODES), 0.0, 0.0),
    ]
    eeg = np.concatenate(parts)
    others = np.random.default_rng(number).normal(0, 50, (len(eeg), len(EXTRA)))
    status = np.zeros(len(eeg), np.int64)
    for at_s in (before_s, before_s + seconds):
        status[round(at_s * rate_hz) : round(at_s * rate_hz) + 8] = 16
    name = f"Part_{subject}_S_Trial{cut}_emotion.bdf"
    columns = np.concatenate([eeg + 2000.0, others], axis=1)
    write_bdf(folder / name, columns, rate_hz, (*ELECTRODES, *EXTRA), status + 0x20000)
    (folder / "session.xml").write_text(
        f'<?xml version="1.0"?>\n<session sessionId="{number}" cutNr="{cut}" '
        f'mediaFile="{100 + cut}.avi" '
        f'vidRate="60.97" audRate="{AUDIO_HZ}" audBeginSmp="{AUDIO_FIRST}" '
        f'feltEmo="{keyword}" feltArsl="5" feltVlnc="6">\n  <subject id="{subject}" />\n'
        '  <track type="Video" filename="x.avi" color="1" />\n</session>\n'
    )
    if gaze:
        started = AUDIO_FIRST + round((before_s - late_s) * AUDIO_HZ)
        rows = [f"header {row}" for row in range(HEADER_ROWS)]
        rows += ["Timestamp\tEvent\tAudioSampleNumber", "0\t\t1000001", f"9\tMovieStart\t{started}", "10\t\t5"]
        (folder / f"P{subject}-Rec1-All-Data-New_Section_{cut}.tsv").write_text("\n".join(rows) + "\n")
    if film:
        stem = f"P{subject}-Rec1-2009.07.09.17.53.46"
        length_s = total_s - late_s
        write_film(folder / f"{stem}_C1 trigger _C_Section_{cut}.avi", length_s, film_rate_hz, subject, size=size,
                   drawn=drawn)  # fmt: skip
        (folder / f"{stem}_C2 _S_Section_{cut}.avi").write_bytes(b"not read")
    return folder


def write_mahnob(root, people=(1, 2, 4), clips=((4, 0), (5, 3), (3, 0))):
    """Write a corpus; everybody has two clips, and one session is of another experiment."""
    number = 2
    for person, keywords in zip(people, clips, strict=True):
        for cut, keyword in enumerate(keywords, start=1):
            write_session(root, number, person, keyword, cut=cut, film=cut == 1)
            number += 2
    other = root / "Sessions" / "900"
    other.mkdir()
    (other / "session.xml").write_text('<session sessionId="900"><subject id="1"/></session>')
    return root
