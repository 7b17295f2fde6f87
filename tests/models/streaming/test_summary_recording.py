from dataclasses import fields

from moodring.models.contract import RecordingStatus
from moodring.models.streaming.summary import Costs, summarise
from moodring.models.streaming.tally import Tally


def summary_of(recording):
    return summarise(Tally(), 0.0, 1.0, (), Costs(None, None), (), (), (), recording)["recording"]


def test_an_absent_recording_has_the_same_keys_as_a_present_one(script):
    absent, present = summary_of(None), summary_of(script.recording(lost_frames=2))
    assert absent.pop("present") is False
    assert present.pop("present") is True
    assert set(absent) == set(present) == {field.name for field in fields(RecordingStatus)}
    assert set(absent.values()) == {None}
    assert (present["bytes"], present["lost_frames"], present["folder"]) == (123_000_000, 2, "data/sub-P1")
