"""One stimulus as it is made ready and played: its pictures in step with its sound."""

from ....models.contract import Image
from .frames import Frames, Sound
from .loudspeaker import SoundOutput
from .stimulus_files import Stimulus

_SLOWEST_S = 20.0


class Playing:
    """A stimulus from the moment it is looked for on the disk.

    Parameters
    ----------
    stimulus : Stimulus
    output : SoundOutput or None
        None where the protocol is silent.
    most : (width, height)
        Of the screen.
    """

    def __init__(self, stimulus: Stimulus, output: SoundOutput | None, most: tuple[int, int]) -> None:
        self.stimulus = stimulus
        self._output = output
        self._asked_s: float | None = None
        self._frames = None if stimulus.kind == "sound" else Frames(stimulus, most)
        heard = output is not None and stimulus.has_sound
        self._sound = Sound(stimulus, output.rate_hz) if heard and output is not None else None
        self._armed = False
        self._begins_s: float | None = None

    @property
    def error(self) -> str:
        """Why it cannot be played, or no further; empty while it can."""
        errors = [one.error for one in (self._frames, self._sound) if one is not None]
        return next(filter(None, errors), "")

    def begun(self, now_s: float) -> bool:
        """Return whether the first frame is to be up now; called again and again from when the stimulus is due.

        With sound it is when the first sample is heard.
        """
        if self._begins_s is not None:
            return now_s >= self._begins_s
        self._asked_s = now_s if self._asked_s is None else self._asked_s
        parts = [one for one in (self._frames, self._sound) if one is not None]
        if not all(one.ready for one in parts):
            return False
        if self._sound is None or self._output is None:
            self._begins_s = now_s
            return True
        if not self._armed:
            self._output.arm(self._sound)
            self._armed = True
        self._begins_s = self._output.begins_s
        return self._begins_s is not None and now_s >= self._begins_s

    def late(self, now_s: float) -> bool:
        """Return whether it has been due for so long that it will never be ready."""
        return self._begins_s is None and self._asked_s is not None and now_s - self._asked_s > _SLOWEST_S

    def image(self, now_s: float) -> Image | None:
        """Return the picture of now; None of a sound."""
        if self._frames is None or self._begins_s is None:
            return None
        with_sound = self._sound is not None and self._output is not None
        elapsed_s = self._output.heard_s(now_s) if with_sound and self._output is not None else now_s - self._begins_s
        return self._frames.at(elapsed_s)

    def close(self) -> None:
        """Stop."""
        if self._output is not None and self._armed:
            self._output.silence()
        for one in (self._frames, self._sound):
            if one is not None:
                one.close()
