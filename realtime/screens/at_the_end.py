"""Texts after a session or a decoding: what was answered, on what it rests, and what its models know."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ...models.contract import SIMULATED, Estimate, HeadOutput
from .wording import title

_AXES = ("valence", "arousal")
_AT_THE_END_S = 5.0
_SIMULATED_ONLY = "trained on simulated people only"
_FAULTS = {"stuck": "dead input (one value that never changes)", "silent": "silent", "clipping": "clipping"}


def summary_line(summary: Mapping[str, Any]) -> str:
    """Return a line on the number of decisions, their modalities, sound and faces, and how many a rest calibrates."""
    used = ", ".join(
        f"{name} {facts['used_fraction'] or 0.0:.0%}"
        for name, facts in summary["modalities"].items()
        if facts["present"]
    )
    rest = "the declared rest" if summary["rest_s"] > 0 else "a rest"
    decisions = f"{summary['decisions']} decisions ({summary['calibrated_decisions']} calibrated by {rest})"
    told = (sound(summary), faces(summary["faces"]))
    return "; ".join([decisions, f"used: {used or 'nothing'}", *filter(None, told)])


def what_it_rests_on(summary: Mapping[str, Any]) -> tuple[str, ...]:
    """Return lines on the rest that was declared, and on what each bundle that answered was trained on."""
    rest_s = summary["rest_s"]
    rest = (f"a rest was declared from 0 to {rest_s:g} s; whether the person rested then is not checked",)
    return (*(rest if rest_s > 0 else ()), *(_known(bundle) for bundle in summary["bundles"] if bundle["domain"]))


def problems(summary: Mapping[str, Any], modalities: Sequence[str]) -> tuple[str, ...]:
    """Return lines on what the config names and was not there, and on what is not in the recording.

    Parameters
    ----------
    summary : mapping
    modalities : sequence of str
        That the config names.
    """
    lines = []
    if absent := [key for key in modalities if not summary["modalities"][key]["present"]]:
        lines.append(f"NOT THERE: {', '.join(absent)}, which the config names; nothing was decoded from it")
    recording = summary["recording"]
    if recording["error"] is not None:
        lines.append(f"NOT RECORDED: {recording['error']}")
    if recording["missing"]:
        lines.append(f"NOT RECORDED: {', '.join(recording['missing'])}, which the config names and which never came")
    return tuple(lines)


def _known(bundle: Mapping[str, Any]) -> str:
    if SIMULATED in bundle["domain"]:
        return f"{bundle['file']}: {_SIMULATED_ONLY}; what it answers says nothing about a person"
    labels = f" (labels: {bundle['labels']})" if bundle["labels"] else ""
    domain = ", ".join(bundle["domain"])
    return f"{bundle['file']}: trained on {domain}{labels}; on other people, tasks and devices it was not tested"


def sound(summary: Mapping[str, Any]) -> str:
    """Return the faults of the sound as text, from the summary; empty without any."""
    faults, decisions = summary["hearing"]["faults"], summary["decisions"]
    words = [f"{_FAULTS[name]} in {count} of {decisions} decisions" for name, count in faults.items()]
    return "sound: " + ", ".join(words) if words else ""


def faces(found: Mapping[str, Any] | None) -> str:
    """Return what became of the faces as text, from the summary; empty where one face alone was followed, or none."""
    if found is None:
        return ""
    looks, words = found["looks"], []
    if found["people"] > 1:
        words.append(f"{found['people']} people were followed one after another, each with a state of its own")
    if found["most_at_once"] > 1:
        words.append(f"up to {found['most_at_once']} faces at once")
    words += [
        f"{text} in {looks[state]} of {sum(looks.values())} looks"
        for state, text in (("several", "none chosen among several"), ("too_small", "too small"))
        if looks[state]
    ]
    return "faces: " + ", ".join(words) if words else ""


def answers(estimates: Sequence[Estimate], summary: Mapping[str, Any], too_short: str = "") -> tuple[str, ...]:
    """Return the last answer of every head as lines, or why nothing is said of it: valence and arousal first.

    Parameters
    ----------
    estimates : sequence of Estimate
    summary : mapping
        Of the session; its bundles tell which heads know simulated people only.
    too_short : str
        Why there are no estimates, where there are none.
    """
    heads = list(dict.fromkeys(head.name for estimate in estimates for head in estimate.heads))
    simulated = {name for one in summary["bundles"] if SIMULATED in one["domain"] for name in one["heads"]}
    others = (_answer(estimates, name, simulated) for name in heads if name not in _AXES)
    if heads and not set(_AXES) & set(heads):
        return tuple(others)  # no model of these was named
    return (_felt(estimates, too_short, simulated), *others)


def _felt(estimates: Sequence[Estimate], too_short: str, simulated: set[str]) -> str:
    last = next((e for e in reversed(estimates) if all(e.answer(axis) is not None for axis in _AXES)), None)
    if last is None:
        return f"at the end: nothing can be said of valence and arousal: {_why_nothing(estimates) or too_short}"
    heads = [head for axis in _AXES if (head := last.answer(axis)) is not None]
    caveat = f" ({_SIMULATED_ONLY})" if simulated & set(_AXES) else ""
    said = "; ".join(f"{head.name} {_shares(head)}" for head in heads) + caveat
    newest = estimates[-1]
    if newest.session_time_s - last.session_time_s <= _AT_THE_END_S:
        return f"at the end: {said}"
    since = sum(one.session_time_s > last.session_time_s for one in estimates)
    return (
        f"valence and arousal, last at {last.session_time_s:.1f} s of {newest.session_time_s:.1f} s: {said}; nothing "
        f"in the {since} decisions since: {_why_nothing(estimates)}"
    )


def _answer(estimates: Sequence[Estimate], name: str, simulated: set[str]) -> str:
    """Return the last answer of a head, when it was given, and how often each class was the most probable."""
    given = [(one.session_time_s, head) for one in estimates if (head := one.answer(name)) is not None]
    if not given:
        newest = next(head for one in reversed(estimates) if (head := one.head(name)) is not None)
        return f"{title(newest)}: no answer in {len(estimates)} decisions: {newest.abstained or 'no reason was given'}"
    at_s, last = given[-1]
    said = f"{last.value:.2f}" if last.value is not None else _shares(last)
    if last.classes and len(last.kept) == len(last.classes):
        said = f"undecided ({said})"
    elif last.unsure:
        said = f"not sure ({said})"
    counts = Counter(head.best for _, head in given if head.best is not None)
    most = ", ".join(f"{best} {count}" for best, count in counts.most_common())
    caveat = f" ({_SIMULATED_ONLY})" if name in simulated else ""
    often = f"; most probable in {len(given)} answers: {most}" if most else f"; {len(given)} answers"
    return f"{title(last)}, last at {at_s:.1f} s: {said}{often}{caveat}"


def _shares(head: HeadOutput) -> str:
    return ", ".join(f"{c} {p:.0%}" for c, p in zip(head.classes, head.probabilities or (), strict=True))


def _why_nothing(estimates: Sequence[Estimate]) -> str:
    """Return why none of the estimates has valence and arousal; empty where there are no estimates."""
    if not estimates:
        return ""
    heads = (estimates[-1].head(axis) for axis in _AXES)
    reasons = dict.fromkeys(head.abstained for head in heads if head is not None and head.abstained)
    return "; ".join(reasons) or "no model that was used reads them from what there is"
