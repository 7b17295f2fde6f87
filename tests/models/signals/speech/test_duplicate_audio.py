"""Sound that comes again is told, other sound is not."""

import numpy as np
import pytest

from moodring.models.signals.speech.duplicate_audio import duplicated_fraction
from moodring.offline.simulate.voice import simulate_voice


def test_a_copy_is_told_however_it_was_cut_and_at_any_volume() -> None:
    voice = simulate_voice(5, 10.0)
    assert duplicated_fraction([voice]) == 0.0
    assert duplicated_fraction([voice, simulate_voice(6, 10.0)]) == 0.0
    assert duplicated_fraction([voice, voice]) == 0.5
    assert duplicated_fraction([np.concatenate([voice, voice[4321:], voice[77:]])]) == pytest.approx(2 / 3, abs=0.03)
    assert duplicated_fraction([voice[:80_000], 0.3 * voice[5_000:]]) == pytest.approx(75 / 235, abs=0.08)


def test_silence_and_nothing_repeat_nothing() -> None:
    assert duplicated_fraction([]) == 0.0
    assert (
        duplicated_fraction([np.zeros(16_000, np.float32), np.zeros(16_000, np.float32), np.zeros(3, np.float32)])
        == 0.0
    )


@pytest.mark.data
def test_what_a_speaker_says_anew_is_no_copy(data_dir) -> None:
    from moodring.offline.recordings.sound import load_sound

    files = sorted((data_dir / "emodb" / "wav").glob("03*.wav"))
    assert len(files) > 20
    assert duplicated_fraction([load_sound(path) for path in files]) == 0.0
