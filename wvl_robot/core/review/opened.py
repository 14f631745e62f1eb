"""The selected episode: everything about it but its frames, as one reading brings it."""

from dataclasses import dataclass

import numpy as np

from wvl_models.contract.episode import Label
from wvl_models.episodes.index import EpisodeFacts
from wvl_models.episodes.label_log import LabelEvent
from wvl_models.episodes.store import EpisodeStore
from wvl_models.episodes.suggestions import PREDICATE, Suggestion, predicate_suggestion
from wvl_robot.core.review.draft import Draft, opening
from wvl_robot.core.review.plots import EpisodePlots, plots_of


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenEpisode:
    """The selected episode; `plots` is None, and all below empty, until it has been read."""

    facts: EpisodeFacts
    plots: EpisodePlots | None = None
    standing: tuple[Label, ...] = ()
    """Every author's label in force, oldest first, to be shown side by side."""
    disagreement: str = ""
    """How the authors differ, as a sentence; empty where they agree."""
    suggestions: tuple[Suggestion, ...] = ()
    """What predicates and world models think; never a label until a person takes it over."""
    history: tuple[LabelEvent, ...] = ()
    """Everything that was ever said of it, oldest first."""

    def label_of(self, author: str) -> Label | None:
        """An author's label in force."""
        return next((label for label in self.standing if label.author == author), None)

    def first_draft(self, author: str) -> Draft:
        """Where this author begins; see `opening`."""
        assert self.plots is not None, "an episode is read before it is labelled"
        current = self.standing[-1] if self.standing else None
        recorded = self.plots.recorded_success
        return opening(self.label_of(author), current, recorded, self.facts.num_steps)


def read_episode(store: EpisodeStore, episode_id: str) -> OpenEpisode:
    """Everything but the frames; StoreError where the episode is damaged. For a thread."""
    signals = store.read_signals(episode_id)
    book = store.labels.book_of(episode_id)
    disagreement = book.disagreement(episode_id)
    return OpenEpisode(
        facts=store.facts(episode_id),
        plots=plots_of(signals),
        standing=book.standing(episode_id),
        disagreement="" if disagreement is None else str(disagreement),
        suggestions=_suggestions(store, episode_id, signals.reward),
        history=book.history(episode_id),
    )


def _suggestions(
    store: EpisodeStore, episode_id: str, rewards: np.ndarray
) -> tuple[Suggestion, ...]:
    """Those in the store, and what the recorded rewards say where nobody has stored that."""
    stored = store.suggestions.of(episode_id)
    recorded = predicate_suggestion(rewards)
    if recorded is None or any(made.source == PREDICATE for made in stored):
        return stored
    return (recorded, *stored)
