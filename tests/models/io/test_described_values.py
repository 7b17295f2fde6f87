import pytest

from moodring.models.io.described_values import number_in, short_text, whole_in


@pytest.mark.parametrize(
    "text", ["nan", "inf", "-inf", "1e300", "-5", "²", "١٢", "", None, "text", "9" * 400, "1_0e", "[]"]
)
def test_what_is_no_number_of_the_range_is_none(text):
    assert number_in(text, 0.0, 100.0) is None
    assert whole_in(text, 0, 100) is None


def test_numbers_of_the_range_are_read():
    assert number_in("4.5", 0.0, 100.0) == 4.5
    assert number_in("-1e2", -100.0, 0.0) == -100.0
    assert whole_in("100", 0, 100) == 100
    assert whole_in("4.5", 0, 100) is None


def test_texts_are_short_and_printable():
    assert short_text("\x1b[31mred\n") == "[31mred"
    assert len(short_text("x" * 10_000_000)) == 200
    assert short_text("\0") is None
