"""From a draft to a stored label, and back."""

from dataclasses import replace

from wvl_models.contract.episode import Label
from wvl_models.contract.errors import WvlError
from wvl_models.episodes.overview import SummaryRow
from wvl_models.episodes.store import EpisodeStore
from wvl_models.episodes.suggestions import Suggestion
from wvl_robot.core.review.catalogue import Catalogue
from wvl_robot.core.review.changed import Changed, News
from wvl_robot.core.review.draft import Draft, DraftHistory, Severity
from wvl_robot.core.review.jobs import Jobs
from wvl_robot.core.review.round import Round
from wvl_robot.core.review.selection import Selection


class Labelling:
    """Takes over, signs, stores and withdraws.

    Called from the panel's thread; `jobs` has the other one.
    """

    def __init__(
        self,
        store: EpisodeStore,
        author: str,
        jobs: Jobs,
        catalogue: Catalogue,
        selection: Selection,
        tour: Round,
        news: News,
    ) -> None:
        """`tour` forgets an episode whose label is withdrawn."""
        self._store, self._author, self._jobs, self._news = store, author, jobs, news
        self._catalogue, self._desk = catalogue, selection.desk
        self._selection, self._tour = selection, tour
        self._doubted: tuple[str, Draft] | None = None
        """A doubtful draft that a second `save` takes."""
        self._saved: list[str] = []
        """Episodes labelled here, newest last: what `undo` withdraws."""

    def take_over(self, source: str) -> None:
        """See `ReviewPresenter.take_over`."""
        selected = self._selection.episode
        if selected is None:
            return
        label = selected.label_of(source)
        made = {suggestion.source: suggestion for suggestion in selected.suggestions}
        if label is not None:
            self._copy(label)
        elif source in made:
            self._copy(made[source])
        else:
            self._news.say(f"Nobody named {source!r} has said anything of it.", is_error=True)

    def save(self) -> bool:
        """See `ReviewPresenter.save`."""
        selected, history = self._selection.episode, self._desk.history
        if selected is None or history is None:
            self._news.say("No episode is open yet.", is_error=True)
            return False
        self._desk.end_drag()
        episode_id, draft = selected.facts.episode_id, self._desk.draft
        if not self._is_accepted(episode_id, draft):
            return False
        label = draft.label(self._author)
        if self._selection.own_label() is not None and not history.is_edited:
            self._news.say("This is your label already.")
            return True
        self._store_label(episode_id, label, self._desk.put_down(episode_id))
        return True

    def undo(self) -> None:
        """See `ReviewPresenter.undo`."""
        history = self._desk.history
        if self._desk.is_dragging:
            self._desk.cancel_drag()
        elif history is not None and history.can_undo:
            history.undo()
        elif self._jobs.num_running:
            self._news.say("A label is being saved: undo again in a moment.")
        else:
            self._withdraw_last()
        self._news.add(Changed.DRAFT)

    def _copy(self, said: Label | Suggestion) -> None:
        """Somebody else's outcome and intervals into the draft."""
        draft = self._desk.draft
        if self._desk.edit(replace(draft, outcome=said.outcome, intervals=said.success_intervals)):
            self._news.add(Changed.DRAFT)

    def _withdraw_last(self) -> None:
        """The newest label saved here, else this author's of the open episode."""
        if self._saved:
            episode_id = self._saved.pop()
        elif self._selection.own_label() is not None:
            episode_id = self._selection.episode_id
        else:
            self._news.say("There is nothing to undo.")
            return

        def work() -> SummaryRow:
            self._store.labels.undo(episode_id, self._author)
            return self._store.summary_of(episode_id)

        def done(summary: SummaryRow) -> None:
            now = "unlabelled" if summary.label is None else summary.label.outcome.value
            self._tour.forget(episode_id)
            if self._selection.episode_id != episode_id:
                self._selection.select(episode_id)
            self._take_label(summary, f"{episode_id}: your label is withdrawn; now {now}.")

        self._jobs.submit(work, done, self._news.say_error)

    def _is_accepted(self, episode_id: str, draft: Draft) -> bool:
        problems = self._desk.problems
        text = " ".join(problem.text for problem in problems)
        if any(problem.severity is Severity.REFUSED for problem in problems):
            self._news.say(text, is_error=True)
            return False
        if problems and self._doubted != (episode_id, draft):
            self._doubted = (episode_id, draft)
            self._news.say(f"{text} Save again to keep it so.", is_error=True)
            return False
        return True

    def _store_label(self, episode_id: str, label: Label, unsaved: DraftHistory) -> None:
        def work() -> SummaryRow:
            self._store.labels.add(episode_id, label)
            return self._store.summary_of(episode_id)

        def done(summary: SummaryRow) -> None:
            self._saved.append(episode_id)
            self._take_label(summary, f"{episode_id}: {label.outcome.value} saved.")

        def failed(error: WvlError) -> None:
            self._desk.take_back(episode_id, unsaved)
            self._news.add(Changed.DRAFT)
            self._news.say(f"{episode_id} is NOT labelled: {error}", is_error=True)

        self._jobs.submit(work, done, failed)

    def _take_label(self, summary: SummaryRow, text: str) -> None:
        """The labels of an episode have changed."""
        self._catalogue.take_one(summary)
        self._news.add(Changed.ROWS)
        self._news.say(text)
        selected = self._selection.episode
        if selected is not None and selected.facts == summary.facts:
            self._selection.read(summary.facts.episode_id)
