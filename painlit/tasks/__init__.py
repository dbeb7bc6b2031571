"""One LightningModule per stage."""

from painlit.tasks.pain_assessment import PainAssessment

__all__ = ["PainAssessment"]
