"""Every fixed text of the window, in one place. What depends on the state is put into words in ``realtime/screens``."""

BRAND = "moodring"
NOTHING = "–"
NO = "no"  # EEG, face, look: what an answer is without

# Panels, by the names under which their places are saved.
TITLES = {
    "valence": "Valence, felt",
    "arousal": "Arousal, felt",
    "expression": "Expressed in the face",
    "eeg": "EEG",
    "markers": "Marks and markers",
    "camera": "Camera",
    "plane": "Valence and arousal",
    "looks": "Frames looked at",
    "scalp": "Bands over the head",
    "speech": "Expressed in the voice",
    "heads": "Further answers",
    "health": "Sources",
}

SPEECH_BLIND = "Microphone"

# Header.
WAITING = "waiting for an engine"
ENGINE_GONE = "engine gone"
SESSION_CLOCK = "session"
WALL_CLOCK = "clock"
PARTICIPANT = "participant {name}"
FIGURES = {
    "latency": "latency p50 / p99",
    "ages": "information age",
    "decisions": "decisions",
    "skipped": "skipped",
    "glimpsed": "looked at",
    "device": "device",
}
AGES_OF = "age {modalities}"
BLIND = "blind: signal quality only"

# Buttons: text, what they do.
BUTTONS = {
    "back": ("◂ All", "Back to all participants (Esc)"),
    "record": ("● Record", "Start a recording"),
    "pause": ("Pause", "Pause the recording, or go on with it"),
    "stop": ("■ Stop", "Finish the recording; the session goes on"),
    "mark": ("Mark", "Save a mark now"),
    "note": ("Note", "Write a note; its time is that of the key"),
    "freeze": ("Freeze", "Stop the picture and look back; the engine goes on"),
    "blind": ("Blind", "Show signal quality only"),
    "panels": ("Panels", "Show and hide panels"),
    "help": ("?", "All keys"),
    "end": ("End session", "End the session; the recording is finished first"),
}
READ_ONLY = "This screen only watches."
NO_PROTOCOL = "This session has no protocol; name one on the set-up page or with --protocol."
MARK_TEXT = "mark"
NUMBERED_MARK = "mark {number}"
MARK_HINT = "Text of the mark: Enter saves it, Esc does not"
NOTE_HINT = "Note: Enter saves it, Esc does not"
PAUSED_BUTTON = "Go on"
END_QUESTION = "End the session? {recording}"
END_RECORDING = "The recording is finished first, and stays in {folder}."
END_NO_RECORDING = "Nothing is being recorded."
END_YES, END_NO = "End session", "Go on"
FROZEN = "Frozen {ago:.1f} s before the newest picture of {longest:.0f} s · ← → move · Space goes on"
RESET_LAYOUT = "Default layout"
LIGHT_THEME = "Light theme"
DARK_THEME = "Dark theme"

# Keys: the keys as shown, the sequences, what they do.
SHORTCUTS: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("Space", ("Space",), "freeze", "freeze the picture, or go on"),
    ("← →", ("Left", "Right"), "scroll", "look back and forth by a second while frozen"),
    ("Page up / down", ("PgUp", "PgDown"), "leap", "look back and forth by ten seconds while frozen"),
    ("M", ("M",), "mark", "save a mark now"),
    ("1 – 9", tuple("123456789"), "numbered_mark", "save a mark with that number now"),
    ("T", ("T",), "text_mark", "save a mark with a text; its time is that of the key"),
    ("N", ("N",), "note", "write a note; its time is that of the key"),
    ("Ctrl+R", ("Ctrl+R",), "record", "start a recording"),
    ("Ctrl+P", ("Ctrl+P",), "pause", "pause the recording, or go on with it"),
    ("Ctrl+S", ("Ctrl+S",), "stop", "finish the recording; the session goes on"),
    ("Ctrl+E", ("Ctrl+E",), "end", "end the session, after a question"),
    ("+ −", ("+", "-"), "scale", "larger and smaller EEG"),
    ("F", ("F",), "fit", "fit the scale of the EEG once"),
    ("[ ]", ("[", "]"), "window", "shorter and longer time of the EEG"),
    ("B", ("B",), "blind", "signal quality only, or everything"),
    ("D", ("D",), "theme", "dark or light"),
    ("Ctrl+0", ("Ctrl+0",), "reset", "the panels' default places"),
    ("F5", ("F5",), "protocol_begin", "begin the protocol"),
    ("F6", ("F6",), "protocol_pause", "pause the protocol, or go on with it"),
    ("F7", ("F7",), "protocol_repeat", "show the trial under way again, or the one before"),
    ("F8", ("F8",), "protocol_skip", "leave out what the protocol shows"),
    ("F9", ("F9",), "protocol_abort", "abort the protocol"),
    ("F11", ("F11",), "full", "whole screen, or a window"),
    ("? F1", ("?", "F1"), "help", "this page"),
    ("Esc", ("Esc",), "escape", "leave this page, or the line that is being written"),
)
HELP_TITLE = "Keys"
HELP_FOOT = "Panels are moved by their titles, hidden by their ×, and shown again under “Panels”."
CLOSE_PANEL = "Hide this panel"

# EEG.
EEG_WINDOW = "{seconds:g} s"
EEG_SCALE = "{microvolts:g} µV"
EEG_SCALE_TIP = "Distance between two traces; + and − change it, F fits it once"
EEG_WINDOW_TIP = "Time that the chart shows; [ and ] change it"
EEG_FILTER_TIP = "Filter of the picture alone; what is decoded stays as it is"
EEG_CHANNELS = "Channels"
EEG_CHANNELS_TIP = "Channels that are drawn, and their order"
EEG_AS_DECODED = "as decoded"
EEG_BAND = "{low:g}–{high:g} Hz"
EEG_ALL = "All channels"
EEG_GOOD_ONLY = "Good channels only"
EEG_BY_PLACE = "Ordered from front to back"
EEG_ATTENTION = "Band attention, last ½ s"
EEG_DELAY = "filters delay it by {ms:.0f} ms"
NO_EEG = "no EEG yet"
EEG_IS = "EEG {state}"
ALL_GOOD = "{count} channels, all good"
SOME_GOOD = "{good} of {count} channels good; grey, not used: {bad}"
MORE = " …"

# Levels.
TRUE_VALUE = "line: true value"
NO_ESTIMATE = "no estimate yet"
NOW = "now"
SECONDS = "{seconds} s"
POOLED = "pooled"

# Plane.
LOW, HIGH, VALENCE, AROUSAL = "low", "high", "valence", "arousal"
LEGEND = {
    "estimate": "felt ± sd",
    "open": "felt, undecided",
    "voice": "voice",
    "face": "face",
    "pooled": "pooled",
    "truth": "truth",
}
OPEN_BECAUSE = "undecided: {why}"

# Camera and looks.
NO_CAMERA = "no camera yet"
CAMERA_IS = "camera {state}"
NOT_LOOKED = "not looked yet"
LAST_LOOK_AGO = "face of {ago:.1f} s ago"
LAST_LOOK_LONG_AGO = "last look {ago:.0f} s ago"
NOT_HELD = "a picture of so long ago is not held"
NOT_READ = "face not read: {doubts}"
READ_FACE = "the face that is read"
FACE_ROW = "face"

# Scalp.
BAND_SHARE = "{band} {share:.0%}"
SCALP_UNKNOWN = "needs electrodes with 10-20 names"

# Voice.
VOICE, NO_VOICE = "voice heard", "no voice"
SOUND_LEVEL = "{voice} · {decibels:.0f} dB of full scale"

# Sources.
IN_ESTIMATE, NOT_IN_ESTIMATE = "used", "not used"
LEFT_OUT = "left out of the config"
SOURCE_WAITING = "waiting"
AGE = "age {age}"
PAST_STATE = "{time:.1f} s: {state}, {why}"
PRESENT_STATE = "now: {why}"

# Tiles of several engines.
TILES_COUNT = "{answering} of {count} engines answer"
TILES_WAITING = "○ Waiting for engines; `moodring live` starts them"
TILES_HINT = "Enter: whole page · Esc: back"
TILES_END = "End all sessions"
TILES_END_QUESTION = "End all {count} sessions? Their recordings are finished first."
TILE_TIP = "Open the whole page"
TILE_WAITING = "waiting for it"
TILE_GONE = "has not answered for {silent:.0f} s\n{why}"
TILE_ENDED = "session ended"
TILE_VOICE, TILE_FACE = "voice {answer}", "face {answer}"
TILE_MORE = "(+{count}) "

# Overlay.
OVERLAY_WAITING = "○ Waiting for an engine\n{why}"
OVERLAY_GONE = (
    "■ Engine{name} has not answered for {silent:.0f} s.\nThe last picture stays; it goes on as soon as it returns."
)
ENGINE_NAME = " '{name}'"

# Pictures of a protocol, for the screenshots.
SHOWN_TEXT = "Welcome. Sit comfortably, and move as little as you can. Press space to begin."
SHOWN_BROKEN = "Stimulus 'calm_sea' breaks off after 3.1 s of 6.0 s: paused. Go on tries it again, Skip leaves it out."

# After a session.
ENDED = "Session of participant {participant} is over"
ENDED_BADLY = "Session of participant {participant} has failed"
ENDED_RECORDED, ENDED_NOTHING = "Recorded:", "Nothing was recorded."
ENDED_FOLDER = "{name} · in {parent}"
ENDED_CLOSE = "Put this away; what was recorded stays where it is"
ENDED_REPLAY, ENDED_REPLAY_TIP = "Replay", "Look at this recording again, in a window of its own"
REPORT_BUTTON, REPORT_TIP = "Report", "Make the report of this recording, and open it in the browser"
REPORT_MAKING = "Making the report …"
REPORT_OPENED = "The report is open in the browser: {path}"
REPORT_NOT_OPENED = "The report is made, but no browser could be opened: {path}"
REPORT_DIED = "`moodring report` ended with status {status} and said nothing"

# Set-up page.
SETUP_TITLE = "Set-up"
SETUP_GROUPS = {
    "session": "Participant",
    "recording": "Recording",
    "protocol": "Protocol",
    "eeg": "EEG",
    "camera": "Camera",
    "microphone": "Microphone",
    "models": "Models",
}
SETUP_FIELDS = {
    "participant": "Participant",
    "session": "Session",
    "age": "Age",
    "sex": "Sex",
    "handedness": "Handedness",
    "protocol": "File",
    "patch": "Photodiode patch",
    "task": "Task",
    "rest": "Rest at the start",
    "folder": "Recordings in",
    "stream": "Stream",
    "reference": "Reference",
    "line": "Mains, Hz",
    "delay": "Delay, ms",
    "camera": "Camera",
    "microphone": "Microphone",
    "video_eeg": "Felt emotion",
    "face": "Face",
    "speech": "Voice",
}
SETUP_SECONDS = " s"
SETUP_CONSENT = "the participant has given consent"
SETUP_NO_CONSENT = "Nothing is recorded or shown without consent: tick it once {participant} has given it."
SETUP_CONSENT_NOTED = "given, noted on {date}"
SETUP_OPTIONAL = "optional"
SETUP_EXISTS = "Participant {participant} has session {session} already ({count} recorded); nothing of it is replaced."
SETUP_TAKE_NEXT = "Take session {session}"
SETUP_BROWSE, SETUP_BROWSE_TIP, SETUP_TOML_FILES = "…", "Choose a protocol", "Protocols (*.toml)"
SETUP_NO_PROTOCOL = "none; a TOML file"
SETUP_PROTOCOL_CHECKING = "Every stimulus is being checked …"
SETUP_PROTOCOL_WAIT = "The protocol is still being checked; start when that is done."
SETUP_RECORD = "record from the start"
SETUP_HEADPHONES = "the participant hears by headphones"
SETUP_ALLOW_SIMULATED = "models of simulated people, for a demonstration"
SETUP_AVERAGE = "average of all; or channels: M1, M2"
SETUP_UNDECLARED = "undeclared; calibrate-sync measures it"
SETUP_NONE = "none"
SETUP_STREAM = "stream {name}"
SETUP_STREAM_CHANNELS = "{name} ({count} channels)"
SETUP_CAMERA = "{index} ({width} x {height})"
SETUP_MISSING = ", not there"
SETUP_NOT_THERE = "{name}" + SETUP_MISSING
SETUP_FORM_TABS = ("Participant", "Sources and models")
SETUP_TABS = ("Devices", "Electrodes", "Check")
SETUP_STREAM_HEADINGS = ("stream", "type", "channels", "nominal Hz", "observed Hz", "host")
SETUP_FINDING_HEADINGS = ("part", "what is there, beside what is needed")
SETUP_ELECTRODE_HEADINGS = ("channel", "electrode", "EEG µV", "mains µV", "contact")
SETUP_IRREGULAR, SETUP_REPLAY, SETUP_SILENT = "irregular", "a replay", "nothing came"
SETUP_GOOD, SETUP_NO_ELECTRODE = "good", "no electrode of the 10-20 system"
SETUP_NO_EEG = "Choose an EEG stream to see its electrodes."
SETUP_RENAME = "A double click on an electrode's name maps the channel to another one."
SETUP_NO_CAMERA, SETUP_NO_MICROPHONE = "no camera chosen", "no microphone chosen"
SETUP_RATE = "{name} · {rate:.1f} fps"
SETUP_LEVEL = "{name} · {level:.0f} dB of full scale"
SETUP_LOOKING = "looking …"
SETUP_SEARCHING = "Searching for streams, cameras and microphones …"
SETUP_FOUND = "{streams} streams, {cameras} cameras, {microphones} microphones found"
SETUP_CHECKING = "Checking: models are loaded, every source is opened and listened to …"
SETUP_CHECK_HINT = "“Check” opens every source and tells whether it fits the models."
SETUP_READY = "Everything is there and fits."
SETUP_PROBLEMS = "Not ready: {count}. The red lines say why and what to do."
SETUP_STARTING = "Starting the engine …"
SETUP_SAVED = "Saved as {path}; `moodring live` takes it too."
SETUP_PROFILE = "Profile"
SETUP_RECORDINGS = "Recordings …"
SETUP_RECORDINGS_TIP = "Replay, decode again and rate what was recorded, in a window of its own"
SETUP_NO_REPLAY = "The replay page cannot be started: {why}"
SETUP_SAVE, SETUP_SEARCH, SETUP_CHECK, SETUP_START = "Save", "Search again", "Check", "Start"

# Replay page.
REPLAY_TITLE = "Replay"
REPLAY_BUTTONS = {
    "open_folder": ("Open session …", "Open the folder of a recorded session (Ctrl+O)"),
    "open_file": ("Open file …", "Open an XDF, EEG, film or sound file (Ctrl+Shift+O)"),
    "decode": ("Decode again …", "What another bundle would have said (Ctrl+D)"),
    "cancel": ("Cancel", "Stop decoding; nothing of it is kept"),
    "rate": ("Rate …", "Rate valence and arousal along the recording (Ctrl+E)"),
    "help": ("?", "All keys"),
    "marker_back": ("|◂", "To the marker before (P)"),
    "frame_back": ("◂", "One frame back (,)"),
    "play": ("▶", "Play, or stop (Space)"),
    "frame_on": ("▸", "One frame on (.)"),
    "marker_on": ("▸|", "To the next marker (N)"),
}
REPLAY_PAUSE = "■"
REPLAY_SPEED = "{speed:g}x"
REPLAY_SPEED_TIP = "How fast it plays; + and − change it; sound is heard at 1x"
REPLAY_SPAN = "{seconds:g} s"
REPLAY_SPAN_TIP = "Time that the charts show; [ and ] change it"
REPLAY_FILTER_TIP = "Filter of the picture of the EEG alone"
REPLAY_RAW = "EEG unfiltered"
REPLAY_BAND = "EEG {low:g}–{high:g} Hz"
REPLAY_SCALE = "{microvolts:g} µV"
REPLAY_SCALE_TIP = "Distance between two traces; Ctrl and + or − change it"
REPLAY_HEAD_TIP = "Whose probabilities are shown below"
REPLAY_SHOWN_TIP = "Estimates that are drawn solid"
REPLAY_BESIDE_TIP = "Estimates that are drawn dashed beside them"
REPLAY_ALONE = "alone"
REPLAY_PLACE = "{place} / {end}"
REPLAY_OPENING = "Opening '{path}' …"
REPLAY_READING = "Reading the estimates …"
REPLAY_NOTHING = "Open the folder of a recorded session, or a file: XDF, EEG, film or sound."
REPLAY_FOUND = "Recordings in {folder}"
REPLAY_NO_FILM = "no pictures were recorded"
REPLAY_NO_SOUND = "no sound was recorded"
REPLAY_NO_ESTIMATES = "There are no estimates; “Decode again” makes some."
REPLAY_SILENT = "silent: {why}"
REPLAY_SILENT_SPEED = "silent: sound is heard at 1x"
REPLAY_SOUND = "voice"
REPLAY_DECODING = "Decoding again with {bundle}: {share:.0%}"
REPLAY_DECODED = "Decoded again with {bundle}: {count} estimates, dashed; kept as {path}."
REPLAY_CANCELLED = "Decoding was cancelled; nothing of it was kept."
REPLAY_NO_BUNDLE = "Bundle '{path}' cannot be read: {why}; choose another."
REPLAY_OTHER_BUNDLE = "Another bundle …"
REPLAY_BUNDLES = "Bundles (*.safetensors)"
REPLAY_FILES = (
    "All (*);;XDF, EEG (*.xdf *.xdfz *.edf *.bdf *.gdf *.vhdr *.set *.fif *.cnt);;"
    "Films, sound (*.mkv *.mp4 *.avi *.mov *.mpg *.webm *.wav *.flac *.ogg)"
)
REPLAY_NO_MARKER = "There is no marker that way."
REPLAY_LEGEND_RATED = "rated: {rater}"
REPLAY_RATER = "Rater"
REPLAY_RATER_HINT = "who rates"
REPLAY_RATE_HINT = "Mouse in the plane, sliders, or W A S D; what plays is rated, what is played again is rated again."
REPLAY_RATED = "{seconds:.0f} s rated"
REPLAY_SAVE, REPLAY_DISCARD = "Save rating", "Discard"
REPLAY_RATING_SAVED = "The rating of {rater} is saved: {path}."
REPLAY_RATER_MISSING = "Write who rates, then save again."
REPLAY_RATE_NOWHERE = "Only a session folder takes ratings: there is none beside a file."
REPLAY_UNSAVED = "A rating is not saved; “Save rating” or “Discard” first."
REPLAY_SHORTCUTS: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("Space", ("Space",), "play", "play, or stop"),
    ("← →", ("Left", "Right"), "seek", "back and on by a second"),
    ("Page up / down", ("PgUp", "PgDown"), "leap", "back and on by ten seconds"),
    ("Home End", ("Home", "End"), "edge", "to the beginning, to the end"),
    (", .", (",", "."), "frame", "one frame back and on"),
    ("P N", ("P", "N"), "marker", "to the marker before, to the next"),
    ("+ −", ("+", "-"), "speed", "faster and slower: 0.25 to 8 times"),
    ("[ ]", ("[", "]"), "span", "less and more time in the charts"),
    ("Ctrl + −", ("Ctrl++", "Ctrl+-"), "scale", "larger and smaller EEG"),
    ("F", ("F",), "fit", "fit the scale of the EEG"),
    ("W A S D", ("W", "A", "S", "D"), "nudge", "while rating: arousal up and down, valence down and up"),
    ("Ctrl+E", ("Ctrl+E",), "rate", "begin to rate"),
    ("Ctrl+D", ("Ctrl+D",), "decode", "decode again with another bundle"),
    ("Ctrl+O", ("Ctrl+O",), "open_folder", "open a session"),
    ("Ctrl+Shift+O", ("Ctrl+Shift+O",), "open_file", "open a file"),
    ("Ctrl+T", ("Ctrl+T",), "theme", "dark or light"),
    ("F11", ("F11",), "full", "whole screen, or a window"),
    ("? F1", ("?", "F1"), "help", "this page"),
    ("Esc", ("Esc",), "escape", "leave this page"),
)
