"""Every fixed text of a protocol's windows: the participant's, and the experimenter's row."""

# The participant's window.
PARTICIPANT_TITLE = "moodring: participant"
PLEASE_WAIT = "Please wait. It will begin soon."
PAUSED = "A pause. Please wait; it will go on soon."
FINISHED = "That was all. Thank you!"
ABORTED = "The session is over. Please wait."
EYES_CLOSED = "Please close your eyes, and rest until you are spoken to."
GO_ON = "Space goes on"
GO_ON_SOON = "Space goes on in {seconds:.0f} s"
QUESTIONS = {
    "valence": "How pleasant or unpleasant did you feel?",
    "arousal": "How calm or excited did you feel?",
    "dominance": "How much did you feel in control?",
    "familiarity": "How well did you know what was shown?",
    "keyword": "Which word fits what you felt best?",
}
ENDS = {
    "valence": ("unpleasant", "pleasant"),
    "arousal": ("calm", "excited"),
    "dominance": ("controlled", "in control"),
    "familiarity": ("not at all", "very well"),
}
RATE_HINT = "Choose with the keys 1 to 9 or the mouse · Space goes on · Backspace goes back"
WORD_HINT = "Choose with the arrow keys or the mouse · Space goes on · Backspace goes back"
COUNT = "{place} of {count}"

# The experimenter's row.
ROW_TITLE = "Protocol {name}"
BUTTONS = {
    "begin": ("Begin", "Show the protocol to the participant", "F5"),
    "pause": ("Pause", "Pause at once; what is shown begins anew afterwards", "F6"),
    "repeat": ("Repeat", "Show the trial under way again, or the one before", "F7"),
    "skip": ("Skip", "Leave out what is shown", "F8"),
    "abort": ("Abort", "End the protocol", "F9"),
    "adapt": ("Adapt the models to this participant", "Calibrate on the recording, in a process of its own", ""),
}
GO_ON_BUTTON = "Go on"
ABORT_BUTTON = "Abort?"
CANCEL_BUTTON = "Cancel adapting"
OPENING = "The participant's window is being opened; every stimulus is checked …"
PHASES = {
    "ready": "ready",
    "running": "running",
    "paused": "paused",
    "finished": "finished",
    "aborted": "aborted",
}
STEP = "step {step} of {steps}"
TRIAL = "stimulus {trial} of {trials}"
KINDS = {
    "text": "text",
    "rest": "rest",
    "fixation": "cross before {stimulus}",
    "stimulus": "{stimulus}",
    "blank": "blank",
    "rating": "rating",
    "pause": "pause",
}
LEFT = "{left:.0f} s left"
ASKED = "the participant decides"
NO_KEYS = "Keys go to another window: click on the participant's window before its answers are typed."
ONE_SCREEN = "There is one screen: the participant's window is not full screen. F11 there makes it so."
FINISHED_RECORDED = "Finished. Stop the recording (Ctrl+S) to adapt the models to it."

SCREEN_GONE = (
    "The participant's screen is gone: paused; the window is on the screen that is left. Connect it and press Go on."
)
WINDOW_CLOSED = "The participant's window was closed: paused. Go on opens it again."
NO_ANSWER = "it has ended (exit status {status})"
ADAPTING = "Adapting the models: {seconds:.0f} s. It may take minutes; the session goes on meanwhile."
ADAPTED = "Adapted: {said}"
NOT_ADAPTED = "Not adapted: {said}"
CANCELLED = "Adapting was cancelled; nothing was written."
