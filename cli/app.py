"""The ``moodring`` command: its subcommands in the order of the help, and how it ends on an error."""

import contextlib
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from .. import __version__
from ..configs.schema.errors import MoodringError
from ..configs.schema.foreign_text import log_visibly
from ..realtime.ipc.run_dir import clean
from .bench import bench_app
from .calibrate import calibrate
from .decode import decode, predict
from .evaluate import evaluate
from .lab import calibrate_sync, check, doctor, enrol, streams
from .live import demo, live, monitor, replay, screenshots, set_up
from .output import say
from .protocol import protocol_app
from .session import delete, export, report
from .train import reference, simulate, train
from .view import view

app = typer.Typer(
    name="moodring",
    help="Decode a person's emotion live from EEG, face video and speech; replay, train, evaluate.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

# Help lists the commands in the order in which they come here.
_COMMANDS: tuple[Callable[..., None], ...] = (
    *(demo, live, monitor, view, replay, decode, predict, calibrate, enrol, streams, doctor, check, calibrate_sync),
    *(report, export, delete),
    *(simulate, train, evaluate, reference, screenshots),
)
app.command("app")(set_up)
for _command in _COMMANDS:
    app.command()(_command)
app.add_typer(protocol_app, name="protocol", no_args_is_help=True)
app.add_typer(bench_app, name="bench", no_args_is_help=True)


@app.callback(invoke_without_command=True)
def _top(version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False) -> None:
    if version:
        say(f"moodring {__version__}")
        raise typer.Exit
    with contextlib.suppress(MoodringError, OSError):  # 'doctor' says what stands in the way
        clean()


def main() -> None:
    """Run the command line; a known error is one line and an exit status, never a traceback."""
    log_visibly()
    try:
        app()
    except MoodringError as error:
        say(f"moodring: {error}", err=True)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        sys.exit(130)
