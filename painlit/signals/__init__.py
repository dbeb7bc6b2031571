"""From recordings to model inputs: video decoding, face detection and crops, R peaks and heart rates."""

from painlit.signals.ecg.heart_rate import heart_rate
from painlit.signals.ecg.pan_tompkins import pan_tompkins
from painlit.signals.ecg.signal_quality import signal_quality
from painlit.signals.video.face_detector import FaceDetector

__all__ = ["FaceDetector", "heart_rate", "pan_tompkins", "signal_quality"]
