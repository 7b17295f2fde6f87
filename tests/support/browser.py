"""A real browser without a window, driven over pipes by the DevTools protocol: no driver, no further package."""

import base64
import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The protocol is spoken on descriptors 3 and 4, which are taken in this process: another puts the pipes there.
_PLACED = (
    "import fcntl, os, sys; a, b = (fcntl.fcntl(int(one), fcntl.F_DUPFD, 10) for one in sys.argv[1:3]); "
    "os.dup2(a, 3); os.dup2(b, 4); os.execv(sys.argv[3], sys.argv[3:])"
)
INSTALL = "no Chromium is installed: sh bootstrap.sh browser"


def program():
    """The path of Chromium; None without one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


needs_browser = pytest.mark.skipif(program() is None, reason=INSTALL)


class Browser:
    """One page of a headless Chromium; use as a context manager."""

    def __init__(self, folder: Path, width=1366, height=768):
        self._folder, self._size = folder, (width, height)
        self._ids = itertools.count(1)
        self._rest = b""
        self.events = []

    def __enter__(self):
        commands, ours = os.pipe()
        theirs, answers = os.pipe()
        width, height = self._size
        options = [
            *("--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-dev-shm-usage", "--disable-background-networking", "--disable-extensions"),
            *(f"--user-data-dir={self._folder / 'profile'}", f"--window-size={width},{height}", "about:blank"),
        ]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PLACED, str(commands), str(answers), program(), *options],
            pass_fds=(commands, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(self._folder)},
        )
        os.close(commands)
        os.close(answers)
        self._out, self._in = ours, theirs
        self._session = None
        targets = self._call("Target.getTargets")["targetInfos"]
        target = next(one["targetId"] for one in targets if one["type"] == "page")
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._call(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        os.close(self._out)
        os.close(self._in)
        self._process.terminate()
        self._process.wait(20.0)

    def open(self, url):
        """Go to an address."""
        self._call("Page.navigate", url=url)

    def run(self, script):
        """The value of an expression of JavaScript."""
        answer = self._call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def wait(self, script, timeout_s=60.0):
        """Wait until an expression is true."""
        end_s = time.monotonic() + timeout_s
        # What is not there yet is not an error.
        asked = f"(() => {{ try {{ return !!({script}); }} catch {{ return false; }} }})()"
        while not self.run(asked):
            assert time.monotonic() < end_s, f"not within {timeout_s} s: {script}; it shows: {self.text()}"
            time.sleep(0.1)

    def text(self):
        """All that can be read on the page."""
        return self.run("document.body ? document.body.innerText : ''")

    def scheme(self, name):
        """Have the system ask for "light" or "dark"."""
        self._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def size(self, width, height):
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def key(self, key, code):
        for kind in ("keyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code)

    def click(self, selector):
        """Press and release the mouse in the middle of an element."""
        x, y = self.run(
            f"(() => {{ const r = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
            " return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, path):
        """Save what is seen as PNG."""
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"]))

    def addresses(self):
        """Every address that was asked for over the network."""
        asked = [one["params"]["request"]["url"] for one in self.events if one["method"] == "Network.requestWillBeSent"]
        return [url for url in asked if not url.startswith(("data:", "about:"))]

    def complaints(self):
        """What the browser reported as an error: of scripts and of the content policy."""
        logged = [one["params"]["entry"]["text"] for one in self.events if one["method"] == "Log.entryAdded"]
        thrown = [one["params"] for one in self.events if one["method"] == "Runtime.exceptionThrown"]
        return [*logged, *thrown]

    def _call(self, method, **parameters):
        number = next(self._ids)
        message = {"id": number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while (answer := self._receive()).get("id") != number:
            self.events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def _receive(self):
        while b"\0" not in self._rest:
            part = os.read(self._in, 1 << 16)
            assert part, "the browser has gone"
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\0")
        return json.loads(line)
