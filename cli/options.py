"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

from .output import refuse_other_pictures

CONFIGS = Path(__file__).parent.parent / "configs"

ConfigArgument = Annotated[Path, typer.Argument(metavar="CONFIG", help="A TOML file; configs/ holds some to copy.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a value of the config.")
]
HeadlessOption = Annotated[bool, typer.Option("--headless", help="No screen: a line now and then.")]
EegStreamOption = Annotated[
    str | None, typer.Option("--eeg", metavar="STREAM", help="Which EEG stream of an XDF file with several.")
]
DurationOption = Annotated[
    float | None,
    typer.Option(min=3.0, metavar="S", help="Decode for so many seconds, from when the sources are there."),
]
RecordOption = Annotated[
    Path | None, typer.Option("--record", metavar="DIR", help="Record the session into a new folder under this one.")
]
ScreenshotOption = Annotated[
    Path | None,
    typer.Option(metavar="PNG", help="Save a picture of the window.", callback=refuse_other_pictures),
]
