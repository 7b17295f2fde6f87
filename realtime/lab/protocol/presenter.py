"""What a participant's window shows at each frame, and which markers are sent once it is up; without Qt.

The window calls :meth:`Presenter.step` for every frame, paints what has changed, and calls :meth:`Presenter.shown` with
the time at which it was up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from ....models.contract import Image
from .loudspeaker import SoundOutput
from .plan import Plan, Screen
from .playing import Playing
from .rating_sheet import RatingSheet
from .run import Moment, ProtocolRun

Phase = Literal["ready", "running", "paused", "finished", "aborted"]


class Markers(Protocol):
    """Protocol of what takes markers; see :class:`.marker_sender.MarkerSender`."""

    @property
    def lost(self) -> str:
        """Why they are not taken now."""
        ...

    @property
    def unsaved(self) -> str:
        """Why the newest is not saved."""
        ...

    def send(self, text: str, time_s: float) -> None:
        """Queue a marker."""
        ...


@dataclass(frozen=True, eq=False)
class Scene:
    """What is to be seen.

    Attributes
    ----------
    phase : Phase
    screen : Screen or None
        None before the first, in a pause of the experimenter, and at the end.
    number : int
        Rises with every new screen, also where a trial is shown again.
    image : Image or None
        Of a picture or a film.
    lit : bool
        Whether the photodiode's patch is white: while a stimulus is shown.
    """

    phase: Phase
    screen: Screen | None = None
    number: int = 0
    image: Image | None = None

    @property
    def lit(self) -> bool:
        """Whether the photodiode's patch is white."""
        return self.screen is not None and self.screen.kind == "stimulus"


@dataclass(frozen=True)
class Progress:
    """Where the protocol is, for the experimenter.

    Attributes
    ----------
    phase : Phase
    step, steps : int
        The screen from 1, and how many there are.
    trial, trials : int
        The same of stimuli; 0 where none is shown.
    kind : str
        Of the screen.
    stimulus : str
    left_s : float or None
        Until the next screen; None where the participant decides.
    trouble : str
        What went wrong, in a sentence.
    """

    phase: Phase
    step: int
    steps: int
    trial: int
    trials: int
    kind: str = ""
    stimulus: str = ""
    left_s: float | None = None
    trouble: str = ""


class Presenter:
    """One participant's protocol, from the window's opening to its end.

    Parameters
    ----------
    plan : Plan
    markers : Markers
    output : SoundOutput or None
        None where the protocol is silent.
    most : (width, height)
        Of the screen: no picture needs more.
    prepare : callable
        Makes a stimulus ready: :class:`~.playing.Playing`.
    """

    def __init__(
        self,
        plan: Plan,
        markers: Markers,
        output: SoundOutput | None = None,
        most: tuple[int, int] = (1920, 1080),
        prepare: Callable[..., Playing] = Playing,
    ) -> None:
        self._plan, self._markers = plan, markers
        self._output, self._most, self._prepare = output, most, prepare
        self._run = ProtocolRun(plan)
        self._begun = False
        self._moment: Moment | None = None
        self._unsent: list[str] = []
        self._scene = Scene("ready")
        self._up = 0
        self._held: Screen | None = None
        self._playing: Playing | None = None
        self._played_for: Screen | None = None
        self._played = False
        self._trouble = ""
        self.sheet: RatingSheet | None = None

    def step(self, now_s: float) -> Scene:
        """Return what is to be seen at a time; the same object while nothing changes."""
        if not self._begun or self._scene.phase in ("finished", "aborted"):
            return self._scene
        self._look_after(now_s)
        moment = self._moment = self._run.step(now_s)
        screen = moment.screen
        self._note(moment)
        self._make_ready(moment)
        image = None
        if screen is not None and screen.kind == "stimulus":
            playing = self._playing
            if playing is None or not playing.begun(now_s):
                self._held = screen
                self._run.delay(now_s)  # what was there stays until its first frame is there
                return self._scene
            self._held, self._played = None, True
            image = playing.image(now_s)
        phase: Phase = moment.ended or ("paused" if moment.paused else "running")
        before = self._scene
        new = bool(self._unsent) or screen is not before.screen or phase != before.phase
        if new or image is not before.image:
            self._scene = Scene(phase, screen, before.number + new, image)
        return self._scene

    def shown(self, now_s: float) -> None:
        """Send the markers of what has come up; called right after it was painted."""
        if self._scene.number != self._up:
            self._up = self._scene.number
            for text in self._unsent:
                self._markers.send(text, now_s)
            self._unsent = []

    def wait_s(self, now_s: float) -> float:
        """Return how long the participant cannot go on from a pause yet."""
        screen = self._scene.screen
        return self._run.wait_s(now_s) if screen is not None and screen.kind == "pause" else 0.0

    def progress(self) -> Progress:
        """Return where the protocol is."""
        screen, moment, steps = self._scene.screen, self._moment, len(self._plan.screens)
        coming = self._run.next_stimulus
        in_trial = screen is not None and coming is not None and screen.trial == coming.trial
        return Progress(
            phase=self._scene.phase,
            step=min(max(self._run.index, 0) + 1, steps) if self._begun else 0,
            steps=steps,
            trial=0 if screen is None or screen.trial is None else screen.trial + 1,
            trials=self._plan.trials,
            kind="" if screen is None else screen.kind,
            stimulus=coming.stimulus.name if in_trial and coming is not None and coming.stimulus is not None else "",
            left_s=None if moment is None or self._scene.phase != "running" else moment.left_s,
            trouble=self._trouble,
        )

    def begin(self) -> None:
        """Begin with the first screen; later calls do nothing."""
        self._begun = True

    def pause(self, now_s: float, why: str = "") -> None:
        """Pause, and say why where nobody asked for it."""
        self._trouble = why or self._trouble
        if self._begun:
            self._run.pause(now_s)
            self._leave()

    def resume(self, now_s: float) -> None:
        """Go on; a trial that was broken off begins anew."""
        self._trouble = ""
        self._run.resume(now_s)

    def repeat(self, now_s: float) -> None:
        """Show the trial under way again, or the one before."""
        self._trouble = ""
        self._leave()
        self._run.repeat(now_s)

    def skip(self, now_s: float) -> None:
        """Leave out what is shown, or what was broken off."""
        self._trouble = ""
        self._leave()
        self._run.skip(now_s)

    def abort(self, now_s: float) -> None:
        """End the protocol; :meth:`step` and :meth:`shown` are to be called once more for its marker."""
        if self._begun:
            self._run.abort(now_s)
        self._leave()

    def go_on(self, now_s: float) -> None:
        """Do what the participant's space bar is for: go on from a text, a pause or an answer."""
        if self.sheet is None or self._scene.screen is None or self._scene.screen.kind != "rating":
            self._run.go_on(now_s)
        elif self.sheet.go_on():
            self._run.rate(now_s, self.sheet.answers)

    def close(self) -> None:
        """Stop what plays."""
        self._leave()

    def _look_after(self, now_s: float) -> None:
        """Pause where the stimulus or the engine fails."""
        if self._scene.phase != "running":
            return
        playing = self._playing
        if playing is not None and self._moment is not None and self._moment.screen is not None:
            why = playing.error or ("does not become ready" if playing.late(now_s) else "")
            of_trial = self._played_for is not None and self._moment.screen.trial == self._played_for.trial
            if why and of_trial:
                name = playing.stimulus.name
                self.pause(now_s, f"Stimulus '{name}' {why}: paused. Go on tries it again, Skip leaves it out.")
        if self._markers.lost:
            self.pause(now_s, f"The engine is gone: paused. ({self._markers.lost})")
        elif self._markers.unsaved and not self._trouble:
            self._trouble = self._markers.unsaved

    def _note(self, moment: Moment) -> None:
        """Keep the markers of a moment; of a stimulus that was left before its first frame was up there is none."""
        new = list(moment.markers)
        held = self._held
        if held is not None and moment.screen is not held and held.stimulus is not None:
            self._unsent.remove(f"stimulus_{held.stimulus.name}")
            new.remove("stimulus_end")
            self._held = None
        self._unsent += new

    def _make_ready(self, moment: Moment) -> None:
        """Read the stimulus that comes next from the disk, so that it is there in time."""
        screen, coming = moment.screen, self._run.next_stimulus
        gone = self._played and screen is not self._played_for
        if gone or (screen is not None and screen.kind == "stimulus" and screen is not self._played_for):
            self._leave()
        due = screen is not None and coming is not None and (screen is coming or self._run.just_before(coming))
        if self._playing is None and due and coming is not None and coming.stimulus is not None:
            self._playing = self._prepare(coming.stimulus, self._output, self._most)
            self._played_for = coming
        if screen is None or screen.kind != "rating":
            self.sheet = None
        elif self.sheet is None:
            self.sheet = RatingSheet(screen.questions)

    def _leave(self) -> None:
        if self._playing is not None:
            self._playing.close()
        self._playing, self._played, self._played_for = None, False, None
