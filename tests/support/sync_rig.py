"""A lab of known delays for the tests of calibrate-sync: a simulated person in front of a screen and a loudspeaker.

The child publishes what camera, microphone and amplifier record: the screen's light falls on the face and on a
photodiode (wired upside down), the microphone hears beeps, and the person's eyes blink in the video and in the EEG.
It is sent a message for each event; every stream lags by its own known delay.
"""

import time
from dataclasses import replace

import numpy as np

from moodring.processes import Child

BEHIND_S = 0.15  # samples are made so late that an event's line has come by then
FRAME_HZ, AUDIO_HZ, EEG_HZ = 25.0, 16000, 256
DELAYS_S = {"face": 0.120, "speech": 0.045, "eeg": 0.080}


def serve(parent, settings, names, seed, lasts_s):
    import pylsl

    from moodring.models.signals.sync.events import beep
    from moodring.offline.simulate.difficulty import EASY
    from moodring.offline.simulate.simulated_session import simulate_parts

    pylsl.set_config_content(settings)
    recording = simulate_parts(seed, lasts_s, replace(EASY, blink_rate=0.6)).recording
    rng, wave = np.random.default_rng(seed), beep(AUDIO_HZ)
    eeg_names = [*recording.eeg.channel_names, "PHOTO"]
    height, width = recording.face.frames[0].shape[:2]
    face = pylsl.StreamInfo(names["face"], "VideoFrames", height * width * 3, FRAME_HZ, "int8", names["face"])
    video = face.desc().append_child("moodring").append_child("video")
    for key, value in (("width", width), ("height", height), ("encoding", "bgr24")):
        video.append_child_value(key, str(value))
    speech = pylsl.StreamInfo(names["speech"], "Audio", 1, AUDIO_HZ, "float32", names["speech"])
    eeg = pylsl.StreamInfo(names["eeg"], "EEG", len(eeg_names), EEG_HZ, "float32", names["eeg"])
    channels = eeg.desc().append_child("channels")
    for label in eeg_names:
        channel = channels.append_child("channel")
        for key, value in (("label", label), ("unit", "microvolts"), ("type", "AUX" if label == "PHOTO" else "EEG")):
            channel.append_child_value(key, value)
    outlets = {"face": pylsl.StreamOutlet(face), "speech": pylsl.StreamOutlet(speech), "eeg": pylsl.StreamOutlet(eeg)}
    events = []
    begin_s = pylsl.local_clock()
    parent.send({"ready": True})

    def lit(times_s):
        return sum(((times_s >= on) & (times_s < off)).astype(float) for on, off in events) + np.zeros(len(times_s))

    sent = dict.fromkeys(outlets, 0)
    rates = {"face": FRAME_HZ, "speech": AUDIO_HZ, "eeg": EEG_HZ}
    while not parent.ended.wait(0.01):
        while (message := parent.receive()) is not None:
            events.append((message["on_s"], message["off_s"]))
        for key, outlet in outlets.items():
            due = int((pylsl.local_clock() - BEHIND_S - begin_s) * rates[key])
            index = np.arange(sent[key], due)
            if not len(index):
                continue
            sent[key] = due
            times_s = begin_s + index / rates[key]
            if key == "face":
                # Each frame integrates the light of the 20 ms around its moment.
                light = [lit(np.linspace(t - 0.01, t + 0.01, 21)).mean() for t in times_s]
                frames = [
                    recording.face.frames[int(i)] * (0.55 + 0.4 * share) for i, share in zip(index, light, strict=True)
                ]
                samples = np.stack(frames).astype(np.uint8).reshape(len(index), -1).view(np.int8)
            elif key == "speech":
                samples = rng.normal(0.0, 0.02, (len(index), 1))
                for on, _ in events:
                    place = (times_s - on) * AUDIO_HZ
                    there = (place >= 0) & (place < len(wave))
                    samples[there, 0] += 0.1 * wave[place[there].astype(int)]
                samples = samples.astype(np.float32)
            else:
                photo = (
                    1500.0
                    - 400.0 * lit(times_s)
                    + 10.0 * np.sin(2 * np.pi * 50 * times_s)
                    + rng.normal(0, 5, len(index))
                )
                samples = np.column_stack([recording.eeg.samples[index], photo]).astype(np.float32)
            outlet.push_chunk(samples, (times_s + DELAYS_S[key]).tolist())


class Rig:
    """The child, and the stimuli that it notices."""

    def __init__(self, settings, names, seed, lasts_s):
        self._child = Child("rig", serve, settings, names, seed, lasts_s)
        self._child.wait_for("ready", 60.0)
        self.be_able()

    def be_able(self, no_flash=None, no_beep=None):
        """Flash and beep, or say why not."""
        self.no_flash, self.no_beep, self.said = no_flash, no_beep, []

    def play(self, length_s):
        from pylsl import local_clock

        from moodring.realtime.lab.delays.stimuli import StimulusEvent

        now_s = local_clock()
        self._child.send({"on_s": now_s, "off_s": now_s + length_s})
        time.sleep(length_s)
        return StimulusEvent(None if self.no_flash else now_s, None if self.no_beep else now_s)

    def say(self, text):
        self.said.append(text)

    def idle(self, seconds):
        time.sleep(seconds)

    def close(self):
        self._child.end(0.0)
