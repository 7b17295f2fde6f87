"""What crosses the borders between rooms: recordings and windows in, estimates out.

Time leads in every array, ``(n_times, n_channels)``. Times are seconds on the LSL clock
(:func:`pylsl.local_clock`) unless a name says otherwise; EEG is in microvolts; audio is float32 in -1..1;
images are BGR ``uint8``.
"""

from .arrays import (
    AUDIO_RATE_HZ,
    BANDS,
    LEVELS,
    MODALITIES,
    SIMULATED,
    BoolArray,
    FloatArray,
    Image,
    MicrophoneFault,
    Modality,
    TimeArray,
)
from .estimates import Ages, Estimate, Hearing, Ledger, Look, Pooled, Readout, SampleRange, SpeechEstimate
from .health import Figures, HealthState, Percentiles, RecordingStatus, SourceStatus, Transition
from .recordings import Arrivals, Frames, Marker, Recording, Signal, Truth, Video
from .specs import EegInput, FaceInput, Head, Input, ModelSpec, SignalInput, SpeechInput
from .windows import EegWindow, FaceBox, FaceFrame, SpeechSegment

__all__ = [
    "AUDIO_RATE_HZ",
    "BANDS",
    "LEVELS",
    "MODALITIES",
    "SIMULATED",
    "Ages",
    "Arrivals",
    "BoolArray",
    "EegInput",
    "EegWindow",
    "Estimate",
    "FaceBox",
    "FaceFrame",
    "FaceInput",
    "Figures",
    "FloatArray",
    "Frames",
    "Head",
    "HealthState",
    "Hearing",
    "Image",
    "Input",
    "Ledger",
    "Look",
    "Marker",
    "MicrophoneFault",
    "Modality",
    "ModelSpec",
    "Percentiles",
    "Pooled",
    "Readout",
    "Recording",
    "RecordingStatus",
    "SampleRange",
    "Signal",
    "SignalInput",
    "SourceStatus",
    "SpeechEstimate",
    "SpeechInput",
    "SpeechSegment",
    "TimeArray",
    "Transition",
    "Truth",
    "Video",
]
