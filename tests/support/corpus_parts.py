"""What fake corpora are made of: EEG whose bands follow the ratings, films of a drawn face, BDF files."""

import av
import numpy as np

from moodring.offline.simulate.difficulty import EASY
from moodring.offline.simulate.face import SimulatedFace
from moodring.offline.simulate.face_plan import Burst, FacePlan


def made_eeg(seed, seconds, rate_hz, channels, valence, arousal):
    """Return microvolts ``(times, channels)``; alpha falls and beta rises with arousal, theta with valence (-1..1)."""
    random = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    waves = [
        (8.0 + 4.0 * valence) * np.sin(2 * np.pi * 6.0 * time_s + random.uniform(0, 6)),
        (8.0 - 4.0 * arousal) * np.sin(2 * np.pi * 10.0 * time_s + random.uniform(0, 6)),
        (5.0 + 3.0 * arousal) * np.sin(2 * np.pi * 20.0 * time_s + random.uniform(0, 6)),
    ]
    weights = random.uniform(0.3, 1.0, (3, channels))
    return random.normal(0.0, 6.0, (len(time_s), channels)) + np.stack(waves, axis=1) @ weights


def write_film(path, seconds, rate_hz=25, seed=1, face=True, size=192, codec="mpeg4", drawn=None):
    """Write a film of a drawn face that smiles now and then, or of noise without one.

    ``drawn`` is how many pictures are drawn anew; they are repeated.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    count = round(seconds * rate_hz)
    different = min(count, drawn or 6)
    times_s = np.arange(different) / 25.0
    plan = FacePlan((Burst(0.08, 0.2, 1.0, 0.8, 0.6),), (), ())
    faces = SimulatedFace(seed, times_s, plan, np.zeros(different), EASY)
    random = np.random.default_rng(seed)
    pictures = [faces[i] if face else random.integers(0, 40, (size, size, 3), dtype=np.uint8) for i in range(different)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate_hz)
        stream.width, stream.height, stream.pix_fmt = size, size, "yuv420p"
        stream.bit_rate = 2_000_000
        for index in range(count):
            picture = pictures[index * different // max(count, 1)]
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            if (frame.width, frame.height) != (size, size):
                frame = frame.reformat(size, size)
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_bdf(path, columns, rate_hz, names, status=None):
    """Write a BioSemi file (24 bits, one second a record): ``columns`` ``(times, channels)`` in microvolts.

    ``status`` ``(times,)`` are the codes of a channel "Status"; higher bits may be set, as the device does.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    rate, names = int(rate_hz), [*names, *(["Status"] if status is not None else [])]
    count, records = len(names), len(columns) // int(rate_hz)
    low, high = -262144, 262143

    def field(values, width):
        return "".join(f"{value!s:<{width}.{width}}" for value in values).encode("ascii")

    is_status = [name == "Status" for name in names]
    physical = [(-8388608, 8388607) if one else (low, high) for one in is_status]
    header = b"\xffBIOSEMI" + field(["", ""], 80) + b"01.01.1500.00.00" + field([256 * (count + 1)], 8)
    header += field(["24BIT"], 44) + field([records], 8) + field([1], 8) + field([count], 4)
    header += field(names, 16) + field([""] * count, 80) + field(["Boolean" if s else "uV" for s in is_status], 8)
    header += field([pair[0] for pair in physical], 8) + field([pair[1] for pair in physical], 8)
    header += field([-8388608] * count, 8) + field([8388607] * count, 8)
    header += field([""] * count, 80) + field([rate] * count, 8) + field([""] * count, 32)
    with path.open("wb") as file:
        file.write(header)
        for record in range(records):
            rows = slice(record * rate, (record + 1) * rate)
            digital = np.rint((np.asarray(columns[rows]) - low) * (16777215 / (high - low)) - 8388608).astype("<i4")
            if status is not None:
                digital = np.concatenate([digital, np.asarray(status[rows], "<i4")[:, None]], axis=1)
            content = np.ascontiguousarray(digital.T).view(np.uint8).reshape(-1, 4)[:, :3]
            file.write(content.tobytes())
    return path
