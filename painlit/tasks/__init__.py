"""One LightningModule per stage. Each takes its own settings and works under any `L.Trainer`.

module = FaceRecognition(identities=100, train=Stage1Training(epochs=5))
L.Trainer(max_epochs=5).fit(module, loader)      # batches of {"images": (B, 3, S, S) uint8, "label": (B,)}
"""

from painlit.tasks.emotion_multitask import EmotionMultitask
from painlit.tasks.face_recognition import FaceRecognition
from painlit.tasks.heartbeat_classification import HeartbeatClassification
from painlit.tasks.pain_assessment import PainAssessment

__all__ = ["EmotionMultitask", "FaceRecognition", "HeartbeatClassification", "PainAssessment"]
