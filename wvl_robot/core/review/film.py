"""The film of one episode: frames decoded ahead of the scrubbing hand, in a thread of its own."""

from wvl_models.contract.observation import U8
from wvl_models.episodes.store import EpisodeStore


class Film:
    """Frames by step. Called from one thread; decoding happens in another, which this owns."""

    def __init__(self, store: EpisodeStore, max_bytes: int) -> None:
        """At most `max_bytes` of decoded frames are kept."""
        raise NotImplementedError

    def open(self, episode_id: str, num_steps: int) -> None:
        """Change the reel."""
        raise NotImplementedError

    def frame(self, step: int) -> U8 | None:
        """[H, W, 3] if it is decoded, else None and it is decoded next; never blocks."""
        raise NotImplementedError

    def close(self) -> None:
        """End the thread."""
        raise NotImplementedError
