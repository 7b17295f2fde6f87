from moodring.realtime.bench import images


def test_the_matrix_is_fifty_times_faster_and_as_right() -> None:
    figures = images.measure(0.3)
    assert set(figures) >= {"ours_ms_per_image", "griddata_ms_per_image", "speedup", "max_error_relative"}
    assert figures["max_error_relative"] <= 1e-6
    assert figures["speedup"] >= 50
    assert figures["griddata_ms_per_image"] > figures["ours_ms_per_image"] > 0
