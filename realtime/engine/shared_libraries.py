"""What engines that are started together have in memory once.

Importing this module imports the libraries and the shipped decoders that a session with EEG, face and voice uses. It is
imported by the process that engines are copied from (``shared`` of :class:`~moodring.processes.Child`), which has no
thread: nothing here computes, so that no library starts its workers before the copies are made.
"""

import gc

import cv2  # noqa: F401
import msgspec  # noqa: F401
import pylsl  # noqa: F401
import scipy.linalg  # noqa: F401
import torch  # noqa: F401

from ...models.decoders import attention, face_backbone, face_expression, speaker, speech  # noqa: F401
from ...models.streaming import streaming_attention, streaming_face, streaming_speech  # noqa: F401
from ..sources import lsl_audio, lsl_eeg, lsl_signal, lsl_video  # noqa: F401
from . import engine  # noqa: F401

# The collector writes into every object that it visits, and what is written is copied.
gc.collect()
gc.freeze()
