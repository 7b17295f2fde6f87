"""Collects the rows of all faults; ``make faults`` prints them as the table of docs/faults.md."""

import pytest

from tests.support.fault_table import table

ROWS = pytest.StashKey()


@pytest.fixture
def keep_row(request):
    """Keep a row for the table, under how it was run."""

    def keep(how, row):
        request.config.stash.setdefault(ROWS, []).append((how, row))
        return row

    return keep


def pytest_terminal_summary(terminalreporter, config):
    rows = config.stash.get(ROWS, [])
    if rows and config.option.verbose > 0:
        terminalreporter.section("what was seen of each fault")
        terminalreporter.write_line(table(rows))
