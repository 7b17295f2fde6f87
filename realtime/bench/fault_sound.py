"""A microphone that can be pulled out: a sound server of our own."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from ...configs.schema.errors import MoodringError


class MicrophoneHand:
    """A sound server of our own whose microphone can be taken away: PulseAudio with a null sink.

    Raises
    ------
    MoodringError
        From :meth:`__enter__`: PulseAudio is not installed or does not start.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="moodring-sound-"))
        self._names = {
            "XDG_RUNTIME_DIR": str(self._folder),
            "HOME": str(self._folder),
            "PULSE_RUNTIME_PATH": str(self._folder / "pulse"),
        }
        self._children: list[subprocess.Popen[bytes]] = []
        self._server: subprocess.Popen[bytes] | None = None

    @contextlib.contextmanager
    def environment(self) -> Iterator[None]:
        """Let processes that are started inside find this sound server."""
        before = {name: os.environ.get(name) for name in self._names}
        os.environ.update(self._names)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    def __enter__(self) -> Self:
        if any(shutil.which(program) is None for program in ("pulseaudio", "pactl", "pacat", "parec")):
            shutil.rmtree(self._folder, ignore_errors=True)
            raise MoodringError("no PulseAudio here; apt-get install pulseaudio pulseaudio-utils libasound2-plugins")
        command = "pulseaudio -n --daemonize=no --exit-idle-time=-1 --log-level=error -L module-native-protocol-unix"
        self._server = subprocess.Popen(command.split(), env=os.environ | self._names)  # noqa: S603 - fixed words
        deadline_s = time.monotonic() + 10.0
        while self._control("info") is None:
            if time.monotonic() > deadline_s:
                self.__exit__()
                raise MoodringError("PulseAudio does not start here; see its own messages")
            time.sleep(0.05)
        self.load()
        return self

    def __exit__(self, *_: object) -> None:
        self._end_children()
        if self._server is not None:
            self._server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._server.wait(10)
        shutil.rmtree(self._folder, ignore_errors=True)

    def load(self) -> None:
        """Plug the microphone in, and wait until sound comes from it."""
        self._control("load-module", "module-null-sink", "sink_name=heard", "rate=48000")
        self._control("set-default-source", "heard.monitor")
        raw = ("--raw", "--latency-msec=40")
        self._child("pacat", "--playback", "--device=heard", *raw, "/dev/zero")
        ear = self._child("parec", "--device=heard.monitor", *raw)
        if ear.stdout is not None:
            ear.stdout.read(4096)

    def unload(self) -> None:
        """Pull it out."""
        self._control("unload-module", "module-null-sink")
        self._end_children()

    def _control(self, *words: str) -> str | None:
        done = subprocess.run(  # noqa: S603 - fixed words
            ["pactl", *words],  # noqa: S607
            env=os.environ | self._names,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout if done.returncode == 0 else None

    def _child(self, *command: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(  # noqa: S603 - fixed words
            command, env=os.environ | self._names, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._children.append(child)
        return child

    def _end_children(self) -> None:
        for child in self._children:
            child.kill()
            child.wait()
            if child.stdout is not None:
                child.stdout.close()
        self._children.clear()
