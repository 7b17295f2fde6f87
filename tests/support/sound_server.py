"""A PulseAudio of its own for tests of microphones and loudspeakers."""

import contextlib
import os
import shutil
import subprocess
import time

import pytest

PROGRAMS = ("pulseaudio", "pactl", "pacat", "parec", "paplay")


class SoundServer:
    """A sound server that only programs started with :attr:`environment` use; skips the test where there is none.

    Parameters
    ----------
    folder : Path
        Made here; the programs' home.
    modules : str
        Loaded from the start, with their arguments.
    """

    def __init__(self, folder, *modules):
        if any(shutil.which(program) is None for program in PROGRAMS):
            pytest.skip("no PulseAudio: apt-get install pulseaudio pulseaudio-utils libasound2-plugins")
        folder.mkdir(mode=0o700)
        # Not XDG_RUNTIME_DIR: screens find an engine by it.
        names = {"HOME": folder, "PULSE_RUNTIME_PATH": folder / "pulse"}
        self.environment = {name: str(path) for name, path in names.items()}
        self._modules = ("module-native-protocol-unix", *modules)

    def __enter__(self):
        command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--log-target=stderr"]
        command += ["--log-level=error", *(word for module in self._modules for word in ("-L", module))]
        self._server = subprocess.Popen(command, env=os.environ | self.environment)
        give_up_s = time.monotonic() + 20.0
        while not self.control("info"):
            assert self._server.poll() is None, "PulseAudio ended"
            assert time.monotonic() < give_up_s, "PulseAudio did not answer within 20 s"
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self._server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._server.wait(10)

    def control(self, *words):
        """Have pactl do something; return whether it could."""
        done = subprocess.run(["pactl", *words], env=os.environ | self.environment, capture_output=True, check=False)
        return done.returncode == 0
