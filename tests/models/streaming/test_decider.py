import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.live import EegSection, LiveConfig, StreamQuery
from moodring.models.contract import Head, HeadOutput, ModelSpec, SignalInput, at_publication
from moodring.models.decoders.session_models import Models
from moodring.models.io.ring import rings_in
from moodring.models.streaming.clock import VirtualClock
from moodring.models.streaming.decider import Decider
from moodring.models.streaming.decision_schedule import ModalityInput, Plan, first_decision, identity
from moodring.models.streaming.decoder import DecoderStep
from moodring.models.streaming.ingest.sources import Chunk, SourceInfo
from moodring.models.streaming.ingest.stream_ingest import ingest_factory

CONFIG = LiveConfig(eeg=EegSection(stream=StreamQuery(name="x")))
NAMES = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2")


def _plan(**changes):
    return Plan(**{"t0_s": 100.0, "interval_s": 0.5, "first": 4, "rest_s": 0.0, **changes})


def _eeg_input(seconds, begin_s=100.0):
    ingest = ingest_factory(None, rings_in(None))(SourceInfo("eeg", "amp", 256.0, (10,), "<f4", NAMES))
    n = round(seconds * 256)
    samples = np.random.default_rng(1).normal(0, 10, (n, 10)).astype(np.float32)
    stamps = begin_s + np.arange(n) / 256
    ingest.append(Chunk(samples, stamps, stamps[-1] + 0.02))
    return ModalityInput(ingest, ingest.ring.view(), identity)


def _face_input(seconds, begin_s=100.0, rate_hz=25.0):
    ingest = ingest_factory(None, rings_in(None))(SourceInfo("face", "cam", rate_hz, (2, 2, 3), "|u1"))
    stamps = begin_s + np.arange(round(seconds * rate_hz)) / rate_hz
    frames = np.broadcast_to(np.arange(len(stamps), dtype=np.uint8)[:, None, None, None], (len(stamps), 2, 2, 3))
    ingest.append(Chunk(frames, stamps, stamps[-1] + 0.02))
    return ModalityInput(ingest, ingest.ring.view(), identity)


def _speech_input(seconds, begin_s=100.0, loud=True):
    ingest = ingest_factory(None, rings_in(None))(SourceInfo("speech", "mic", 16000.0, (1,), "<f4", ("audio",)))
    n = round(seconds * 16000)
    stamps = begin_s + np.arange(n) / 16000
    # Never twice the same value: that is a microphone that hangs.
    samples = (0.5 if loud else 1e-5) * (1.0 + 0.01 * np.cos(np.arange(n))[:, None])
    ingest.append(Chunk(samples.astype(np.float32), stamps, stamps[-1] + 0.02))
    return ModalityInput(ingest, ingest.ring.view(), identity)


@pytest.fixture
def decider(fakes):
    def make(plan=None, clock=None):
        clock = clock or VirtualClock(200.0)
        models = fakes.fake_models()
        return Decider(plan or _plan(), models, clock), models

    return make


def test_the_first_decision_has_the_data_it_needs():
    assert first_decision(100.0, 100.0, 2.0, 0.5) == 4
    assert first_decision(100.0, 100.00001, 2.0, 0.5) == 4
    assert first_decision(100.0, 100.2, 2.0, 0.5) == 5
    assert first_decision(100.0, 99.0, 2.0, 0.5) == 2
    assert first_decision(100.0, 90.0, 2.0, 0.5) == 0


def test_looks_follow_the_policy_and_decisions_take_all_that_are_due(decider, fakes):
    made, _ = decider()
    inputs = {"eeg": _eeg_input(20), "face": _face_input(12, rate_hz=10.0)}
    looks = []
    for k in range(4, 20):
        estimate = made.decide(made.plan.time_s(k), inputs, ())
        looks.extend(estimate.looks)
    # The waits of the scripted policy: 3, 10, 16, 1, 3 ...; its first frame is the first after the decision before.
    assert [round((look.time_s - 100) * 8) for look in looks] == [13, 16, 26, 42, 43, 46, 56, 72, 73, 76]
    assert [look.waited_frames for look in looks] == [None, 3, 10, 16, 1, 3, 10, 16, 1, 3]
    assert estimate.glimpsed_fraction == pytest.approx(10 / 64)


def test_frames_and_ticks_see_exactly_the_samples_up_to_them(decider, fakes):
    made, models = decider(_plan(first=5))
    eeg, face = _eeg_input(20), _face_input(4)
    frames, ticks = [], []
    model = fakes.video_eeg_of(models)
    real = model.frame
    model.frame = lambda time_s, frame, short: (frames.append((frame, short)), real(time_s, frame, short))[1]
    model.tick = ticks.append
    estimate = made.decide(102.5, {"eeg": eeg, "face": face}, ())
    assert len(frames) == 4
    (window,), (frame, short) = ticks, frames[-1]
    np.testing.assert_array_equal(window.samples_uv, eeg.ring.between(641 - 256, 641).samples)
    np.testing.assert_array_equal(short.samples_uv, window.samples_uv[-128:])
    assert window.end_s == short.end_s == 102.5
    assert frame.stamp_s == pytest.approx(102.48)
    assert frame.image[0, 0, 0] == 62
    assert estimate.ranges["eeg"].stop == 641
    assert estimate.ranges["face"].stop == 63


def test_rest_is_fed_each_half_second_before_later_looks(decider, fakes):
    made, models = decider(_plan(rest_s=6.0))
    inputs = {"eeg": _eeg_input(20)}
    made.decide(102.0, inputs, ())
    # EEG is valid one second after its start, so the first whole valid window ends at 2 s.
    assert fakes.video_eeg_of(models).rests == [102.0]
    assert not made.decide(102.5, inputs, ()).calibrated
    for k in range(6, 30):
        estimate = made.decide(made.plan.time_s(k), inputs, ())
    np.testing.assert_allclose(fakes.video_eeg_of(models).rests, 102.0 + 0.5 * np.arange(9))
    assert not estimate.calibrated


def test_a_modality_that_ends_leaves_the_estimate(decider):
    made, _ = decider()
    inputs = {"eeg": _eeg_input(20), "face": _face_input(4), "speech": _speech_input(6)}
    used = {k: made.decide(made.plan.time_s(k), inputs, ()).used for k in range(4, 18)}
    assert used[6] == ("eeg", "face", "speech")
    assert used[10] == ("eeg", "speech"), "the last frame is a second old"
    assert used[16] == ("eeg",)


def test_nothing_left_says_nothing(decider):
    made, _ = decider()
    inputs = {"eeg": _eeg_input(5), "face": _face_input(5)}
    for k in range(4, 20):
        estimate = made.decide(made.plan.time_s(k), inputs, ("a notice",))
    assert estimate.used == ()
    assert estimate.answer("valence") is None
    assert "neither EEG nor face" in estimate.head("valence").abstained
    assert estimate.ages_s.get("eeg") is None
    assert estimate.notices == ("a notice",)


def test_speech_hears_every_sample_once_and_silence_is_none(decider, fakes):
    made, models = decider()
    inputs = {"speech": _speech_input(10)}
    said = [made.decide(made.plan.time_s(k), inputs, ()).answer("speech") for k in range(4, 16)]
    assert all(one is not None for one in said)
    assert fakes.speech_of(models).fed == round(7.5 * 16000) + 1
    quiet, _ = decider()
    inputs = {"speech": _speech_input(10, loud=False)}
    estimate = quiet.decide(103.0, inputs, ())
    assert estimate.answer("speech") is None
    assert estimate.used == ("speech",)
    assert estimate.answer("valence") is None


def test_speech_starts_at_t0_and_not_before(decider, fakes):
    made, models = decider()
    made.decide(103.0, {"speech": _speech_input(5, begin_s=99.0)}, ())
    assert fakes.speech_of(models).starts[0] == pytest.approx(100.0, abs=1e-4)
    assert fakes.speech_of(models).fed == 3 * 16000 + 1


def test_a_session_that_fell_behind_does_not_look_at_old_frames(decider, fakes):
    made, models = decider()
    inputs = {"eeg": _eeg_input(40), "face": _face_input(12, begin_s=120.0, rate_hz=10.0)}
    made.decide(122.0, inputs, ())
    made.decide(130.0, inputs, ())
    looked_s = fakes.video_eeg_of(models).looked_s
    assert looked_s[0] <= 122.0
    assert min(time_s for time_s in looked_s if time_s > 122.0) >= 127.5


def test_the_ledger_rises_and_ages_count_to_publication(decider):
    clock = VirtualClock(102.05)
    made, _ = decider(clock=clock)
    inputs = {"eeg": _eeg_input(2.01), "face": _face_input(2.05)}
    estimate = made.decide(102.0, inputs, ())
    done = at_publication(estimate, 102.2)
    ledger = done.ledger
    moments = [ledger.received_s, ledger.ring_s, ledger.features_s, ledger.inference_s, ledger.published_s]
    assert moments == sorted(moments)
    assert ledger.published_s == 102.2
    assert done.ages_s.get("eeg") == pytest.approx(0.2 + inputs["eeg"].ingest.eeg.delay_s + 0.5)
    assert done.ages_s.get("face") == pytest.approx(0.2)


def test_the_readout_is_degraded_while_the_participant_speaks_and_a_window_longer(decider, fakes):
    made, models = decider()
    inputs = {"eeg": _eeg_input(20), "speech": _speech_input(20)}
    talking = made.decide(104.0, inputs, ())
    assert talking.hearing.speaking
    assert talking.degraded == "the participant speaks"
    fakes.speech_of(models).feed = lambda samples, start_s: ()
    fakes.speech_of(models).voiced = False
    told = {k: made.decide(made.plan.time_s(k), inputs, ()).degraded for k in (9, 10, 11)}
    # A look sees one second of EEG: what was spoken is in it for that long.
    assert told == {9: "the participant speaks", 10: None, 11: None}


def test_without_a_readout_or_a_microphone_nothing_is_degraded(decider):
    made, _ = decider()
    assert made.decide(104.0, {"speech": _speech_input(10)}, ()).degraded is None
    made, _ = decider()
    silent = made.decide(104.0, {"eeg": _eeg_input(20)}, ())
    assert (silent.degraded, silent.hearing) == (None, None)


class _Answering:
    """A decoder that answers what it is told to."""

    def __init__(self, answer):
        heads = (Head("joy", "felt", ("no", "yes")), Head("force", "felt", scale=(0.0, 1.0)))
        self.spec = ModelSpec("toy", (SignalInput("skin", 4.0, 1, 1.0),), heads, "none", ("x",), "none", (), 0, {})
        self._answer = answer

    def start(self, plan, clock):
        """Hold nothing."""

    def step(self, time_s, inputs):
        return DecoderStep(tuple(HeadOutput(*one) for one in self._answer))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            [("force", "felt"), ("joy", "felt", ("no", "yes"))],
            r"answered force \(a value\), joy \(no, yes\); its bundle has joy \(no, yes\), force \(a value\)",
        ),
        (
            [("joy", "felt", ("yes", "no")), ("force", "felt")],
            r"answered joy \(yes, no\), force \(a value\); its bundle has joy \(no, yes\)",
        ),
        ([], "answered no head; its bundle has"),
        (
            [("joy", "felt", ("no", "yes"), (5.0, -4.0)), ("force", "felt")],
            r"answered against the contract: .* \(5.0, -4.0\) came",
        ),
    ],
)
def test_an_answer_that_is_not_the_bundles_is_refused_with_both(answer, words):
    models = Models((_Answering(answer),), None, "cpu", (), ("x",))
    with pytest.raises(MoodringError, match=f"decoder of bundles of kind 'toy' .*{words}"):
        Decider(_plan(), models, VirtualClock(200.0)).decide(102.0, {}, ())
