"""One LightningModule per stage."""

from painlit.tasks.emotion_multitask import EmotionMultitask
from painlit.tasks.face_recognition import FaceRecognition
from painlit.tasks.pain_assessment import PainAssessment

__all__ = ["EmotionMultitask", "FaceRecognition", "PainAssessment"]
