"""MAHNOB-HCI, emotion elicitation (Soleymani et al. 2012, https://doi.org/10.1109/T-AFFC.2011.25).

``Sessions/<number>/session.xml`` with the ratings, ``Part_1_S_Trial1_emotion.bdf`` with 32 electrodes, and films of
which the one with ``C1`` shows the face in colour. Some 30 s before and after the stimulus are recorded too; the first
and the last pulse of the channel Status bound it. Sessions without ``feltArsl`` (neutral clips, other experiments) are
left out.

Film and EEG meet through the sound: the gaze file ``…-All-Data-New_Section_1.tsv`` says at which sample of the sound
the clip began (``MovieStart``, ``AudioSampleNumber``), and ``session.xml`` with which sample the film begins
(``audBeginSmp``, ``audRate``).

Two sets of levels can be had, and they disagree in many trials: those of the emotion's *keyword*
(Soleymani et al. 2012, table 4), which are read here, and the person's own ratings, 1 to 9, which are kept as such.
"""

import re
import xml.parsers.expat
from dataclasses import dataclass, field
from pathlib import Path

from ....configs.schema.errors import MoodringError
from ....configs.schema.regular_files import read_regular
from ....models.contract import Signal
from ..affect_corpus import AffectCorpus, AffectTrial, file_of, not_here
from ..biosemi import BiosemiFile
from .deap import ELECTRODES

NAME = "MAHNOB-HCI"
REST_S = 30.0
LABEL_SOURCE = "levels of the keyword that the person chose after each clip (Soleymani et al. 2012, table 4)"
_AROUSAL = {5: "low", 2: "low", 0: "low", 4: "medium", 11: "medium", 3: "high", 6: "high", 1: "high", 12: "high"}
_VALENCE = {3: "low", 1: "low", 2: "low", 5: "low", 12: "low", 6: "medium", 0: "medium", 4: "high", 11: "high"}
_FACE = re.compile(r"_C1\b.*\.(avi|mp4|mkv)$")
_STARTED = "MovieStart"
_SHORTEST_S = 10.0
_MOST_BYTES = 1 << 28


@dataclass
class SessionFiles:
    """Loader of trials; keeps the file read last."""

    _file: BiosemiFile | None = field(default=None, repr=False)

    def __call__(self, trial: AffectTrial, /) -> Signal:
        """Return the EEG of a trial, from its rest to the last pulse.

        Raises
        ------
        MoodringError
            The file cannot be read, lacks an electrode, or has no pulses.
        """
        path = file_of(trial)
        if self._file is None or self._file.path != path:
            self._file = BiosemiFile.open(path)
        pulses = self._file.onsets / self._file.rate_hz
        if len(pulses) < 2 or pulses[-1] - pulses[0] < _SHORTEST_S:
            raise MoodringError(
                f"'{path}' has {len(pulses)} pulses on its Status channel; one at the start and one at the end of the "
                f'clip, at least {_SHORTEST_S:g} s apart, were expected: copy it again, or train with on_bad = "skip"'
            )
        rest_s = float(pulses[0])
        if rest_s < trial.rest_s:
            raise MoodringError(
                f"'{path}' begins {rest_s:.1f} s before its first pulse; {trial.rest_s:g} s of rest were expected: "
                'copy it again, or train with on_bad = "skip"'
            )
        return self._file.signal(ELECTRODES, rest_s - trial.rest_s, float(pulses[-1]))

    def __getstate__(self) -> dict[str, object]:
        """Return nothing of what was read: another process reads for itself."""
        return {"_file": None}


def found_in(root: Path) -> bool:
    """Return whether a folder has the layout."""
    return next(iter((root / "Sessions").glob("*/session.xml")), None) is not None


def read(root: Path) -> AffectCorpus:
    """Read the folder that holds ``Sessions``.

    Raises
    ------
    MoodringError
        There is no session, or a ``session.xml`` is damaged or has a keyword that there is not.
    """
    if not found_in(root):
        raise not_here(NAME, root, "Sessions/<number>/session.xml")
    trials: list[AffectTrial] = []
    problems: list[str] = []
    others = 0
    numbered = sorted(
        (root / "Sessions").glob("*/session.xml"), key=lambda one: (len(one.parent.name), one.parent.name)
    )
    for path in numbered:
        values, subject = read_session_xml(path)
        if "feltArsl" not in values or "feltEmo" not in values:
            others += 1
            continue
        trial = _trial(path, values, subject)
        if isinstance(trial, str):
            problems.append(trial)
        else:
            trials.append(trial)
            if trial.video is None:
                problems.append(f"session {path.parent.name} has no film with C1, or no gaze file that dates it")
    if others:
        problems.append(f"{others} sessions have no rating of felt arousal and are left out")
    return AffectCorpus(NAME, tuple(_ordered(trials)), SessionFiles(), LABEL_SOURCE, tuple(problems))


def read_session_xml(path: Path) -> tuple[dict[str, str], str]:
    """Return the attributes of a session and the number of its person.

    Raises
    ------
    MoodringError
        It is no XML, declares entities of its own, or names no person.
    """
    root: dict[str, str] = {}
    subjects: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if not root:
            root.update(attributes)
        if tag == "subject":
            subjects.append(attributes.get("id", ""))

    def entity(name: str, *_: object) -> None:
        raise ValueError(f"it declares an entity '{name}'")

    parser = xml.parsers.expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EntityDeclHandler = entity
    try:
        parser.Parse(read_regular(path), True)
    except (xml.parsers.expat.ExpatError, ValueError, OSError) as error:
        raise MoodringError(f"'{path}' cannot be read as XML ({error}); copy it again") from None
    if not subjects or not subjects[0]:
        raise MoodringError(f"'{path}' names no subject; copy it again")
    return root, subjects[0]


def _trial(path: Path, values: dict[str, str], subject: str) -> AffectTrial | str:
    folder = path.parent
    recordings = sorted(folder.glob("*_emotion.bdf"))
    if not recordings:
        return f"session {folder.name} has ratings and no file *_emotion.bdf"
    try:
        keyword = int(values["feltEmo"])
        ratings = {"valence": float(values["feltVlnc"]), "arousal": float(values["feltArsl"])}
    except (KeyError, ValueError):
        raise MoodringError(
            f"'{path}': feltEmo, feltVlnc and feltArsl were expected as numbers; copy it again"
        ) from None
    if keyword not in _AROUSAL:
        known = ", ".join(str(one) for one in sorted(_AROUSAL))
        raise MoodringError(f"'{path}': feltEmo is {keyword}; one of {known} was expected: copy it again")
    film = next((one for one in sorted(folder.iterdir()) if _FACE.search(one.name)), None)
    before_s = None if film is None else _film_before_clip_s(folder, values)
    return AffectTrial(
        f"session {folder.name}",
        f"p{int(subject):02d}" if subject.isdigit() else subject,
        stimulus=values.get("mediaFile", ""),
        labels={"valence": _VALENCE[keyword], "arousal": _AROUSAL[keyword]},
        ratings=ratings,
        groups={"session": subject},
        file=recordings[0],
        order=int(values["cutNr"]) if values.get("cutNr", "").isdigit() else 0,
        rest_s=REST_S,
        video=None if before_s is None else film,
        video_start_s=REST_S - (before_s or 0.0),
    )


def _film_before_clip_s(folder: Path, values: dict[str, str]) -> float | None:
    """Return how long before the clip the film begins; None where the gaze file does not tell."""
    gaze = next(iter(sorted(folder.glob("*-All-Data-New_Section_*.tsv"))), None)
    if gaze is None:
        return None
    try:
        first, rate_hz = float(values["audBeginSmp"]), float(values["audRate"])
        lines = read_regular(gaze, _MOST_BYTES).decode("utf-8", errors="replace").splitlines()
        header = next(number for number, line in enumerate(lines) if "AudioSampleNumber" in line)
        columns = [name.strip() for name in lines[header].split("\t")]
        event, sample = columns.index("Event"), columns.index("AudioSampleNumber")
        rows = (line.split("\t") for line in lines[header + 1 :])
        started = next(row for row in rows if len(row) > max(event, sample) and row[event].strip() == _STARTED)
        return (float(started[sample]) - first) / rate_hz
    except (KeyError, ValueError, StopIteration, OSError, ZeroDivisionError):
        return None


def _ordered(trials: list[AffectTrial]) -> list[AffectTrial]:
    return sorted(trials, key=lambda one: (one.subject, one.order, one.name))
