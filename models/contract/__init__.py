"""Dataclasses shared by all packages: recordings and windows, specs, estimates, health.

Time leads in every array, ``(n_times, n_channels)``. Times are seconds on the LSL clock
(:func:`pylsl.local_clock`) unless a name says otherwise; EEG is in microvolts; audio is float32 in -1..1;
images are BGR ``uint8``.
"""

from .arrays import (
    AUDIO_RATE_HZ,
    BANDS,
    LEVELS,
    SIMULATED,
    BoolArray,
    FaceState,
    FloatArray,
    Image,
    MicrophoneFault,
    TimeArray,
)
from .estimates import (
    SURE,
    Ablation,
    DomainDistance,
    Estimate,
    HeadOutput,
    Hearing,
    Ledger,
    SampleRange,
    Withheld,
    at_publication,
)
from .health import Figures, HealthState, MicrophoneCheck, Percentiles, RecordingStatus, SourceStatus, Transition
from .looks import FaceReading, Look, LookReason, Periphery
from .recordings import (
    STANDARD_MODALITIES,
    Arrivals,
    EegSettings,
    Frames,
    Marker,
    Recording,
    Signal,
    StreamChannels,
    Truth,
    Video,
)
from .rings import RingFactory, RingLayout, RingReader, RingSlice, RingWriter
from .specs import EegInput, FaceInput, Head, Input, ModelSpec, SignalInput, SpeechInput
from .windows import EegWindow, FaceBox, FaceFrame, SpeechSegment

__all__ = [
    "AUDIO_RATE_HZ",
    "BANDS",
    "LEVELS",
    "SIMULATED",
    "STANDARD_MODALITIES",
    "SURE",
    "Ablation",
    "Arrivals",
    "BoolArray",
    "DomainDistance",
    "EegInput",
    "EegSettings",
    "EegWindow",
    "Estimate",
    "FaceBox",
    "FaceFrame",
    "FaceInput",
    "FaceReading",
    "FaceState",
    "Figures",
    "FloatArray",
    "Frames",
    "Head",
    "HeadOutput",
    "HealthState",
    "Hearing",
    "Image",
    "Input",
    "Ledger",
    "Look",
    "LookReason",
    "Marker",
    "MicrophoneCheck",
    "MicrophoneFault",
    "ModelSpec",
    "Percentiles",
    "Periphery",
    "Recording",
    "RecordingStatus",
    "RingFactory",
    "RingLayout",
    "RingReader",
    "RingSlice",
    "RingWriter",
    "SampleRange",
    "Signal",
    "SignalInput",
    "SourceStatus",
    "SpeechInput",
    "SpeechSegment",
    "StreamChannels",
    "TimeArray",
    "Transition",
    "Truth",
    "Video",
    "Withheld",
    "at_publication",
]
