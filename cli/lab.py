"""The commands before a session: streams, doctor, check, calibrate-sync and enrol."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..configs.schema.errors import ConfigError, MoodringError
from ..configs.schema.foreign_text import visible
from .options import ConfigArgument, ExtensionOption, SetOption, load_extensions
from .output import JsonOption, check_model_out, say, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..models.contract import SpeechSegment
    from ..realtime.lab.discover import LslStream


def streams(
    listen: Annotated[float, typer.Option(min=0.0, max=60.0, metavar="S", help="How long to count samples.")] = 2.0,
) -> None:
    """List what can be connected: LSL streams with their observed rates, cameras, microphones."""
    from ..configs.schema.live import LslSection
    from ..realtime.engine.process_settings import apply_lsl_settings
    from ..realtime.lab import discover

    apply_lsl_settings(LslSection())
    found = discover.streams_here(listen, say)
    if found:
        _print_streams(found)
    else:
        say("LSL streams: none found. Start the device's LSL app; see `moodring doctor`.")
    cameras = discover.cameras()
    say("cameras: " + (", ".join(f"{c.index} ({c.width}x{c.height}, {c.rate_hz:g} Hz)" for c in cameras) or "none"))
    try:
        microphones = discover.microphones()
    except MoodringError as error:
        say(f"microphones: {error}")
    else:
        names = (f"{m.index} '{m.name}'" + (" (default)" if m.default else "") for m in microphones)
        say("microphones: " + (", ".join(names) or "none"))


def _print_streams(found: Sequence[LslStream]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title="LSL streams", title_justify="left")
    for heading in ("name", "type", "source id", "host", "channels", "nominal Hz", "observed Hz"):
        table.add_column(heading, overflow="fold")
    for stream in found:
        silent = "a replay, begins when read" if stream.replay else "nothing came"
        observed = silent if stream.observed_rate_hz is None else f"{stream.observed_rate_hz:.1f}"
        if not stream.channels:
            observed = "cannot be read: no channels"
        nominal = "irregular" if stream.nominal_rate_hz == 0 else f"{stream.nominal_rate_hz:g}"
        cells = (stream.name, stream.type, stream.source_id, stream.host, str(stream.channels), nominal, observed)
        # As text: a name may look like markup.
        table.add_row(*(Text(visible(cell)) for cell in cells))
    Console().print(table)


def doctor() -> None:
    """Examine this machine: versions, devices, libraries, an LSL loopback."""
    from ..configs.schema.live import LslSection
    from ..realtime.engine.process_settings import apply_lsl_settings
    from ..realtime.lab.doctor import examine

    apply_lsl_settings(LslSection())
    broken = 0
    for finding in examine():
        broken += finding.essential and not finding.ok
        mark = "ok  " if finding.ok else ("FAIL" if finding.essential else "note")
        say(f"{mark}  {finding.what}: {finding.text}")
        if finding.cure:
            say(f"      -> {finding.cure}")
    if broken:
        raise MoodringError(f"{broken} essential part(s) are missing; follow the arrows above")
    say("moodring can run here.")


def check(config: ConfigArgument, extension: ExtensionOption = None, overrides: SetOption = None) -> None:
    """Check, before the participant comes, that every source of the config is there and fits the models."""
    from ..configs.schema.live import LiveConfig
    from ..configs.schema.load import load
    from ..realtime.engine.process_settings import apply_lsl_settings
    from ..realtime.lab.preflight import check_config

    problems = notes = 0
    loaded = load(config, LiveConfig, overrides or ())
    extensions = load_extensions(extension or ())
    apply_lsl_settings(loaded.lsl)
    for finding in check_config(loaded, extensions):
        problems += not finding.ok
        notes += finding.note
        mark = "FAIL" if not finding.ok else "note" if finding.note else "ok  "
        say(f"{mark}  {finding.what}: {finding.text}")
    if problems:
        raise MoodringError(f"{problems} of the configured parts are not ready; see the lines marked FAIL")
    limits = f"; {notes} line(s) marked note tell what will not be answered, or with which limit" if notes else ""
    say(f"Everything the config names is there and fits{limits}.")


def calibrate_sync(
    config: ConfigArgument,
    repeats: Annotated[int, typer.Option(min=5, max=200, help="How many flashes and beeps.")] = 20,
    blinks: Annotated[int, typer.Option(min=5, max=100, help="How many blinks to ask for.")] = 15,
    photodiode: Annotated[
        str | None, typer.Option(metavar="CHANNEL", help="Of the EEG stream: a photodiode on the screen.")
    ] = None,
    loudspeaker: Annotated[str, typer.Option(metavar="DEVICE", help="A PortAudio output.")] = "default",
    headless: Annotated[bool, typer.Option("--headless", help="No flashes.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the random pauses.")] = 0,
    json_file: JsonOption = None,
    overrides: SetOption = None,
) -> None:
    """Measure the devices' delays by flash, beep and blink, and print the lines for the config."""
    from ..configs.schema.live import LiveConfig
    from ..configs.schema.load import load
    from ..realtime.lab.delays.calibrate import Procedure
    from ..realtime.lab.delays.report import as_plain, table, toml_lines
    from ..realtime.ui.delay_calibration import calibrate_here

    loaded = load(config, LiveConfig, overrides or ())
    report = calibrate_here(loaded, Procedure(repeats, blinks, photodiode, seed), loudspeaker, headless, say)
    for line in [*table(report), "", f"For '{config}':", *(toml_lines(report) or ["(nothing was measured)"])]:
        say(line)
    write_json(json_file, as_plain(report))
    if all(row.delay is None for row in report.rows) and report.eeg_after_face is None:
        raise MoodringError("no device's delay could be measured; each line above says why")


def enrol(
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="FILE",
            help="The enrolment to write (.safetensors). One that is there is replaced, other files never.",
        ),
    ],
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE...", help="Of this one person alone.")] = None,
    microphone: Annotated[
        str | None, typer.Option(metavar="DEVICE", help="Listen to this one: a name, an index, or 'default'.")
    ] = None,
    stream: Annotated[str | None, typer.Option(metavar="NAME", help="Or to this LSL audio stream.")] = None,
    seconds: Annotated[float, typer.Option(min=20.0, max=600.0, metavar="S", help="How long to listen.")] = 45.0,
) -> None:
    """Enrol one person's voice: live sessions withhold other voices, and start adapted to this one (speech.enrolment).

    Let the person read in a plain voice, then lively, loudly, softly: only what was heard is recognised again.
    """
    from ..models.decoders import speaker

    if sum(map(bool, (files, microphone, stream))) != 1:
        raise ConfigError("enrol needs one of: sound files, --microphone DEVICE, --stream NAME")
    check_model_out(out, ".safetensors", files or ())
    background = speaker.shipped_voices()
    if files:
        from ..offline.decoding.enrol import speech_in_files

        segments, what = speech_in_files(files), "the files" if len(files) > 1 else f"'{files[0]}'"
    else:
        segments, what = _speech_live(microphone, stream, seconds)
    means, spec, voice = speaker.enrol(segments, background, what)
    speaker.save_enrolment(out, means, spec, voice)
    say(
        f"wrote {out}: {spec.speech_s:.0f} s of speech at {spec.level_db:.0f} dB, {len(voice)} utterances to adapt "
        "from; name it as speech.enrolment"
    )


def _speech_live(microphone: str | None, stream: str | None, seconds: float) -> tuple[tuple[SpeechSegment, ...], str]:
    from ..configs.schema.live import LiveConfig, LslSection, SpeechSection, StreamQuery
    from ..realtime.engine.build import build_source_channels
    from ..realtime.engine.lsl_clock import LslClock
    from ..realtime.engine.process_settings import apply_lsl_settings
    from ..realtime.lab.enrol import record_speech

    device = int(microphone) if microphone is not None and microphone.isdecimal() else microphone
    query = None if stream is None else StreamQuery(name=stream)
    section, clock = SpeechSection(microphone=device, stream=query), LslClock()
    apply_lsl_settings(LslSection())
    channels = build_source_channels(LiveConfig(speech=section), clock)
    source_channel = next(channel for channel in channels if channel.modality == "speech")
    if source_channel.source is None:
        raise ConfigError("enrol needs a microphone or a stream")
    say(f"{source_channel.title}: please speak for {seconds:.0f} s")
    return record_speech(source_channel.source, source_channel.title, seconds, clock, say), source_channel.title
