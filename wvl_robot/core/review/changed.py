"""What of the panel is to be drawn anew."""

from enum import StrEnum


class Changed(StrEnum):
    """One part of the panel."""

    ROWS = "rows"
    EPISODE = "episode"
    """Another episode is selected, or its content has come."""
    DRAFT = "draft"
    STEP = "step"
    """The cursor has moved, or the film was started or stopped."""
    FRAME = "frame"
    MESSAGE = "message"
