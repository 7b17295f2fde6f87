"""A user's own recordings: one folder per emotion."""

import re
from pathlib import Path

from ....configs.schema.errors import MoodringError
from ..base import Trial
from ..speech_corpus import OnBad, SpeechCorpus, collect, emotion_word, sound_files, spoken_trial, without_duplicates


def read(root: Path, on_bad: OnBad = "stop", pattern: str | None = None) -> SpeechCorpus:
    r"""Read ``root/<emotion>/file`` or ``root/<emotion>/<speaker>/file``.

    Parameters
    ----------
    root : Path
        Its folders are named by the nine emotions, or by their adjectives (happy, sad …).
    on_bad : "stop" or "skip"
    pattern : str, optional
        A regular expression for the file's stem with groups ``speaker`` and, perhaps, ``prompt`` and others:
        ``(?P<speaker>\w+?)_(?P<prompt>\w+)``. Without one, the folder below the emotion is the speaker, or everybody
        is ``unknown``; and every file is a prompt of its own.

    Raises
    ------
    MoodringError
        Nothing is there, the pattern is none, or a file is bad and ``on_bad`` is "stop".
    """
    try:
        compiled = re.compile(pattern) if pattern is not None else None
    except re.error as error:
        raise MoodringError(f"pattern '{pattern}' is no regular expression: {error}; mend it") from None

    def trial_of(path: Path) -> Trial:
        label_folder, *between = path.relative_to(root).parts[:-1] or ("",)
        groups = _match_groups(compiled, path)
        speaker = groups.pop("speaker", None) or (between[0] if between else "unknown")
        prompt = groups.pop("prompt", None) or str(path.relative_to(root))
        return spoken_trial(path, root, emotion_word(label_folder, f"'{path}': folder"), speaker, prompt, groups)

    files = sound_files(root, "folder of classes")
    corpus = collect(root.name, root, files, trial_of, "skip", identity=lambda trial: str(trial.file))
    return without_duplicates(corpus, on_bad)


def _match_groups(pattern: re.Pattern[str] | None, path: Path) -> dict[str, str]:
    if pattern is None:
        return {}
    match = pattern.fullmatch(path.stem)
    if match is None:
        raise MoodringError(f"'{path}' does not fit the pattern '{pattern.pattern}'; rename it, or mend the pattern")
    return {name: value for name, value in match.groupdict().items() if value is not None}
