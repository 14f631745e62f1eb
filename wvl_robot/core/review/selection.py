"""The selected episode: from the list to desk and player, and read in a thread."""

from wvl_models.contract.episode import Label
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.core.review.catalogue import Catalogue
from wvl_robot.core.review.changed import Changed, News
from wvl_robot.core.review.desk import LabelDesk, Sheet
from wvl_robot.core.review.jobs import Jobs
from wvl_robot.core.review.opened import OpenEpisode, read_episode
from wvl_robot.core.review.player import Player


class Selection:
    """One episode or none. Called from the panel's thread; `jobs` has the other one."""

    def __init__(
        self,
        store: EpisodeStore,
        author: str,
        jobs: Jobs,
        catalogue: Catalogue,
        desk: LabelDesk,
        player: Player,
        news: News,
    ) -> None:
        """`author` is the one whose label a draft begins with."""
        self.episode: OpenEpisode | None = None
        self._store, self._author, self._jobs = store, author, jobs
        self._catalogue, self._player, self._news = catalogue, player, news
        self.desk = desk
        """Where its draft lies."""

    @property
    def episode_id(self) -> str:
        """Empty where nothing is selected."""
        return "" if self.episode is None else self.episode.facts.episode_id

    def own_label(self) -> Label | None:
        """The author's label in force, as far as it has been read."""
        return None if self.episode is None else self.episode.label_of(self._author)

    def select(self, episode_id: str) -> None:
        """Open an episode; unsaved edits of the one before are kept as its draft."""
        facts = self._catalogue.facts(episode_id)
        if facts is None:
            self._news.say(f"There is no episode {episode_id} in the list.", is_error=True)
            return
        self.episode = OpenEpisode(facts=facts)
        self.desk.open(Sheet(episode_id=episode_id, num_steps=facts.num_steps))
        self._player.open(facts)
        self._news.add(Changed.EPISODE, Changed.DRAFT)
        self.read(episode_id)

    def read(self, episode_id: str) -> None:
        """Have the content of the selected episode read; a selection that was left is skipped."""

        def work() -> OpenEpisode | None:
            selected = self.episode
            if selected is None or selected.facts.episode_id != episode_id:
                return None
            return read_episode(self._store, episode_id)

        def done(episode: OpenEpisode | None) -> None:
            selected = self.episode
            if episode is not None and selected is not None and selected.facts == episode.facts:
                self.episode = episode
                self.desk.begin(episode_id, episode.first_draft(self._author))
                self._news.add(Changed.EPISODE, Changed.DRAFT)

        self._jobs.submit(work, done, self._news.say_error)
