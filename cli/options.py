"""Arguments and options that several commands have."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..configs.schema.errors import ConfigError
from .output import refuse_other_pictures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..models.streaming.decoder import Extensions

CONFIGS = Path(__file__).parent.parent / "configs"

ConfigArgument = Annotated[Path, typer.Argument(metavar="CONFIG", help="A TOML file; configs/ holds some to copy.")]
ConfigsArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[CONFIG]...",
        help="A TOML file (configs/ holds some to copy), one for each participant; without one the set-up page opens.",
        show_default=False,
    ),
]
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
ExtensionOption = Annotated[
    list[str] | None,
    typer.Option(
        "--extension",
        metavar="MODULE:NAME",
        help="A decoder or source of your own: a DecoderFactory, SourceFactory or Extensions of a Python module.",
    ),
]


def load_extensions(names: Sequence[str]) -> Extensions:
    """Import the named factories, of modules that are installed or lie in the current folder.

    Parameters
    ----------
    names : sequence of str
        Each ``module:NAME``, where NAME is a DecoderFactory, a SourceFactory or an Extensions.

    Raises
    ------
    ConfigError
        A name that cannot be imported, or is none of these.
    """
    from ..models.streaming.decoder import DecoderFactory, Extensions, SourceFactory

    decoders: list[DecoderFactory] = []
    sources: list[SourceFactory] = []
    for name in names:
        match _imported(name):
            case DecoderFactory() as decoder:
                decoders.append(decoder)
            case SourceFactory() as source:
                sources.append(source)
            case Extensions(own_decoders, own_sources):
                decoders += own_decoders
                sources += own_sources
            case other:
                raise ConfigError(
                    f"--extension '{name}': expected a DecoderFactory, SourceFactory or Extensions, "
                    f"{type(other).__name__} came; see docs/live.md"
                )
    return Extensions(tuple(decoders), tuple(sources))


def _imported(name: str) -> object:
    """Import ``module:NAME``; a module of the current folder is found behind all that are installed."""
    module_name, _, attribute = name.partition(":")
    if not module_name or not attribute:
        raise ConfigError(f"--extension '{name}': expected MODULE:NAME, such as my_lab.skin:DECODER")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # the module is the user's: whatever it raises is for them to mend
        line = " ".join(str(error).split())
        raise ConfigError(
            f"--extension '{name}': module '{module_name}' cannot be imported ({type(error).__name__}: {line}); "
            "start the command in the folder it lies in, or install it"
        ) from error
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise ConfigError(f"--extension '{name}': module '{module_name}' has no '{attribute}'") from None
