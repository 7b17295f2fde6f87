"""Several scripted engines, as a screen of several follows them."""

from dataclasses import replace

from moodring.realtime.ipc.engine_feeds import Followed

NAMES = ("anna", "ben", "cleo", "dara", "emil", "fay", "gus", "hana", "ivo", "jule", "kai", "lea")


class ScriptedEngines:
    """Engines that say what one scripted session says, each at a time of its own; a test changes any of them."""

    def __init__(self, stage, script, count):
        self.stage, self.script = stage, script
        self.changes = {name: {} for name in NAMES[:count]}
        self.silent = {}
        self.closed = False

    def look(self):
        return tuple(self._followed(place, name) for place, name in enumerate(self.changes))

    def _followed(self, place, name):
        at_s = max(self.stage.t - 1.5 * place, 0.0)
        made = self.script.snapshot_at(at_s, self.stage.places, **self.changes[name])
        snapshot = replace(made, engine=name, participant=f"P{place + 1:02}")
        silent_s, why = self.silent.get(name, (0.0, ""))
        return Followed(f"{place}-0.00", name, snapshot, silent_s, why)

    def close(self):
        self.closed = True
