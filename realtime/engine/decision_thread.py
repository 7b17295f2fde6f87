"""The thread that makes a session's decisions, each at its data time."""

import logging
import math
import threading
from collections.abc import Callable, Mapping

from ...configs.schema.errors import MoodringError
from ...models.contract import Estimate
from ...models.streaming.clock import Clock
from ...models.streaming.decider import Decider
from ...models.streaming.decision_schedule import ModalityInput, next_decision
from ...models.streaming.ingest.source_channel import SourceChannel

_log = logging.getLogger(__name__)
_NAP_S = 0.5


class DecisionThread:
    """Decides as soon as every source that delivers has passed a data time, or the lateness bound is over.

    Parameters
    ----------
    decider : Decider
    channels : mapping of str to SourceChannel
        The inputs of a decision, by their keys.
    clock : Clock
    arrived : threading.Condition
        Notified when samples have arrived.
    lateness_s : float
        How long a decision may wait for samples.
    notices : callable
        Returns the notices that an estimate carries.
    publish : callable
        Takes an estimate, and how many decisions were left out before it.

    Attributes
    ----------
    error : str or None
        Why no more decisions are made, in one line.
    """

    def __init__(
        self,
        decider: Decider,
        channels: Mapping[str, SourceChannel],
        clock: Clock,
        arrived: threading.Condition,
        lateness_s: float,
        notices: Callable[[], tuple[str, ...]],
        publish: Callable[[Estimate, int], None],
    ) -> None:
        self.plan = decider.plan
        self.error: str | None = None
        self._decider = decider
        self._channels = channels
        self._clock = clock
        self._arrived = arrived
        self._lateness_s = lateness_s
        self._notices = notices
        self._publish = publish
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="decider", daemon=True)

    def start(self) -> None:
        """Start."""
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """End after the decision that is under way; False where that takes longer."""
        self._stopping.set()
        with self._arrived:
            self._arrived.notify_all()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._decide_all()
        except MoodringError as error:
            self.error = str(error)
        except Exception as error:
            # Whatever it was ends the session with one line; the journal holds every decision made before.
            _log.exception("decider")
            self.error = f"the decoder failed: {type(error).__name__}: {error}"

    def _decide_all(self) -> None:
        plan = self.plan
        k = max(plan.first, math.ceil((self._clock.now() - plan.t0_s) / plan.interval_s))
        while not self._stopping.is_set():
            k, left_out = next_decision(plan, k, self._clock.now(), self._lateness_s)
            time_s = plan.time_s(k)
            if not self._wait_for(time_s):
                return
            self._publish(self._decider.decide(time_s, self._inputs(), self._notices()), left_out)
            k += 1

    def _inputs(self) -> dict[str, ModalityInput]:
        inputs = {key: channel.modality_input for key, channel in self._channels.items()}
        return {key: given for key, given in inputs.items() if given is not None}

    def _wait_for(self, time_s: float) -> bool:
        """Wait until every source that delivers has passed a time, or it is late enough; False when stopping."""
        while (early_s := time_s - self._clock.now()) > 0:
            if self._stopping.wait(min(early_s, _NAP_S)):
                return False
        awaited = [channel for channel in self._channels.values() if not channel.has_passed(time_s)]
        with self._arrived:
            while not self._stopping.is_set():
                left_s = time_s + self._lateness_s - self._clock.now()
                if left_s <= 0 or all(channel.has_passed(time_s) for channel in awaited):
                    return True
                self._arrived.wait(left_s)
        return False
