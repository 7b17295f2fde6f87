"""LSL streams from a child process: they come, run, die and return when told."""

import json
import sys
import time

import numpy as np
import psutil

from moodring.processes import Child


def serve(parent, settings, streams):
    """Publish streams from a child process."""
    publish(settings, streams, lambda: parent.send({"ready": True}), parent.ended)


def publish(settings, streams, ready, ended):
    """Publish streams until told to end: each a dict of name, type, count, rate, format, source_id, channels.

    ``jumps`` are (seconds, by so much) at which its clock is set anew, ``gaps`` (from, to) in which its samples are
    lost; a stream that has either begins when it is read.
    """
    import pylsl

    pylsl.set_config_content(settings)
    outlets = [outlet_of(stream) for stream in streams]
    ready()
    sent = [0] * len(streams)
    rng = np.random.default_rng(0)
    begins_s = [pylsl.local_clock() + 0.2] * len(streams)
    while not ended.wait(0.01):
        for index, (stream, outlet) in enumerate(zip(streams, outlets, strict=True)):
            if not sent[index] and {"jumps", "gaps"} & stream.keys() and not outlet.have_consumers():
                begins_s[index] = pylsl.local_clock()
                continue
            begin_s = begins_s[index]
            rate, count = stream.get("rate", 256.0), stream.get("count", 4)
            due = int((pylsl.local_clock() - begin_s) * rate) if rate and count else 0
            if due > sent[index]:
                # The first channel counts, so that loss and order can be proven.
                number = np.arange(sent[index], due, dtype=np.float32)
                values = rng.normal(0, 10, (len(number), count)).astype(np.float32)
                values[:, 0] = number
                at_s = number.astype(np.float64) / rate
                jumped_s = sum(by_s * (at_s >= jump_s) for jump_s, by_s in stream.get("jumps", ()))
                kept = ~np.any(
                    [(at_s >= low_s) & (at_s < high_s) for low_s, high_s in stream.get("gaps", ((0, 0),))], 0
                )
                if kept.any():
                    outlet.push_chunk(values[kept], (begin_s + at_s + jumped_s)[kept].tolist())
                sent[index] = due


def outlet_of(stream):
    import pylsl

    info = pylsl.StreamInfo(
        stream["name"],
        stream.get("type", "EEG"),
        stream.get("count", 4),
        stream.get("rate", 256.0),
        stream.get("format", "float32"),
        stream.get("source_id", stream["name"]),
    )
    if "channels" in stream:
        channels = info.desc().append_child("channels")
        for label, unit, kind in stream["channels"]:
            channel = channels.append_child("channel")
            for key, value in (("label", label), ("unit", unit), ("type", kind)):
                channel.append_child_value(key, value)
    return pylsl.StreamOutlet(info)


class Stand:
    """A child process with streams."""

    def __init__(self, settings, *streams):
        self._child = Child("stand", serve, settings, streams)
        self._child.wait_for("ready", 60.0)

    def kill(self):
        """Let it die at once."""
        self._child.end(0.0)

    def pause(self):
        """Stop it where it is: SIGSTOP, or what the system has for it."""
        psutil.Process(self._child.pid).suspend()

    def resume(self):
        psutil.Process(self._child.pid).resume()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def wait_for(question, timeout_s):
    """Poll until the answer is true; return it and how long it took."""
    begin = time.monotonic()
    while not (answer := question()):
        assert time.monotonic() - begin < timeout_s, "it did not happen in time"
        time.sleep(0.01)
    return answer, time.monotonic() - begin


class Never:
    """Waits by sleeping: under faketime, waiting for a threading.Event does not end."""

    def wait(self, seconds):
        time.sleep(seconds)
        return False


if __name__ == "__main__":
    # In a network namespace of its own, which a spawned process cannot enter.
    publish(*json.loads(sys.argv[1]), lambda: print("there", flush=True), Never())
