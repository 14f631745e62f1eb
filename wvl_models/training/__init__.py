"""What every training stage shares: resumable state and learning-rate schedules. Knows no model."""
