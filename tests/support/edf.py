"""A minimal writer of EDF (Kemp et al. 1992): one second a record, microvolts with 0.1 uV steps."""

import numpy as np


def write_edf(path, samples_uv, rate_hz, names):
    """Write samples, ``(n_times, n_channels)``; a last second that is not whole is left out."""
    rate, count = int(rate_hz), len(names)
    records = len(samples_uv) // rate
    low, high = -3276.8, 3276.7

    def field(values, width):
        return "".join(f"{value!s:<{width}.{width}}" for value in values)

    header = field(["0"], 8) + field(["X", "X"], 80) + "01.01.8500.00.00" + field([256 * (count + 1)], 8)
    header += field([""], 44) + field([records], 8) + field([1], 8) + field([count], 4)
    header += field([f"EEG {name}" for name in names], 16) + field([""] * count, 80) + field(["uV"] * count, 8)
    header += field([low] * count, 8) + field([high] * count, 8) + field([-32768] * count, 8)
    header += field([32767] * count, 8) + field([""] * count, 80) + field([rate] * count, 8) + field([""] * count, 32)
    digital = np.clip(np.rint(np.asarray(samples_uv[: records * rate]) * 10.0), -32768, 32767).astype("<i2")
    with path.open("wb") as file:
        file.write(header.encode("ascii"))
        file.write(digital.reshape(records, rate, count).transpose(0, 2, 1).tobytes())
    return path
