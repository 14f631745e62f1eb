"""The middle of the review page: picture, transport, reward lane and plots on one time axis."""

from html import escape

from wvl_models.contract.episode import Label
from wvl_robot.core.review.presenter import Changed, OpenEpisode, ReviewPresenter
from wvl_robot.rqt.binding import Qt, QtWidgets
from wvl_robot.rqt.picture import Picture
from wvl_robot.rqt.reward_lane import LaneContent, LaneNote, RewardLane
from wvl_robot.rqt.signal_plots import SignalPlots
from wvl_robot.rqt.theme import DIM, OUTCOME_COLOURS

TIMELINE_PX = 300
"""Lower, and three plots cannot be read."""

CLOCK_PX = (240, 20)
"""Of a fixed size: a label that may grow has the whole window laid out and painted anew with every
step, 5 ms of it."""

SUGGESTION_COLOUR = "#b39ddb"


class FilmView(QtWidgets.QWidget):
    """Shows the selected episode; drags on the lane go to the presenter."""

    def __init__(self, presenter: ReviewPresenter) -> None:
        super().__init__()
        self._presenter = presenter
        self._title = QtWidgets.QLabel()
        self._title.setTextFormat(Qt.TextFormat.RichText)
        self._picture = Picture("no episode selected")
        self._clock = QtWidgets.QLabel()
        self._clock.setProperty("dim", True)
        self._clock.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._clock.setFixedSize(*CLOCK_PX)
        self._play = QtWidgets.QPushButton("▶  play")
        self._play.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._play.setFixedWidth(96)
        self._lane = RewardLane()
        self._plots = SignalPlots()
        self._lay_out()
        self._play.clicked.connect(self.toggle_play)
        self._plots.sought.connect(self._seek)
        self._lane.sought.connect(self._seek)
        self._lane.drag_begun.connect(presenter.begin_drag)
        self._lane.dragged.connect(presenter.drag_to)
        self._lane.drag_ended.connect(presenter.end_drag)

    def toggle_play(self) -> None:
        """Play or pause."""
        if self._presenter.is_playing:
            self._presenter.pause()
        else:
            self._presenter.play()

    def cancel_drag(self) -> None:
        """Give a drag up, if there is one."""
        if self._lane.is_dragging:
            self._lane.forget_drag()
            self._presenter.cancel_drag()

    def show_changes(self, changed: frozenset[Changed]) -> None:
        """Draw what has changed."""
        if Changed.EPISODE in changed:
            self._show_episode(self._presenter.selected)
        if changed & {Changed.EPISODE, Changed.DRAFT}:
            self._show_lane(self._presenter.selected)
        if changed & {Changed.EPISODE, Changed.STEP, Changed.FRAME}:
            self._show_step()

    def _lay_out(self) -> None:
        transport = QtWidgets.QHBoxLayout()
        transport.setContentsMargins(0, 0, 8, 0)
        transport.addWidget(self._play)
        transport.addStretch()
        transport.addWidget(self._clock)
        timeline = QtWidgets.QWidget()
        below = QtWidgets.QVBoxLayout(timeline)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(4)
        below.addLayout(transport)
        below.addWidget(self._lane)
        below.addWidget(self._plots, 1)
        timeline.setMinimumHeight(TIMELINE_PX)
        halves = QtWidgets.QSplitter(Qt.Orientation.Vertical)
        halves.addWidget(self._picture)
        halves.addWidget(timeline)
        halves.setStretchFactor(0, 3)
        halves.setStretchFactor(1, 2)
        halves.setSizes([480, 380])
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 4)
        layout.addWidget(self._title)
        layout.addWidget(halves, 1)

    def _show_episode(self, episode: OpenEpisode | None) -> None:
        if episode is None:
            self._title.clear()
            self._picture.show_text("no episode selected")
        else:
            self._title.setText(_title(episode))
            self._picture.show_stale()
        self._plots.show_plots(None if episode is None else episode.plots)

    def _show_lane(self, episode: OpenEpisode | None) -> None:
        if episode is None:
            self._lane.show_content(LaneContent())
            return
        draft = self._presenter.draft
        self._lane.show_content(
            LaneContent(
                num_steps=episode.facts.num_steps,
                intervals=draft.intervals,
                fill=OUTCOME_COLOURS[draft.outcome],
                notes=_notes(episode, self._presenter.author),
                flags=tuple((goal.step, goal.text) for goal in draft.sub_goals),
            )
        )

    def _show_step(self) -> None:
        episode, step = self._presenter.selected, self._presenter.step
        if episode is None:
            self._clock.clear()
            return
        facts = episode.facts
        self._lane.show_cursor(step)
        self._plots.show_cursor(step)
        self._play.setText("❚❚  pause" if self._presenter.is_playing else "▶  play")
        self._clock.setText(f"step {step + 1} of {facts.num_steps}   {step / facts.rate_hz:.1f} s")
        frame = self._presenter.frame
        if frame is not None:
            self._picture.show_rgb(frame)

    def _seek(self, step: int) -> None:
        self._presenter.pause()
        self._presenter.seek(step)


def _title(episode: OpenEpisode) -> str:
    facts = episode.facts
    policy = ", ".join(version for version in facts.policy_versions if version)
    details = [
        facts.origin.value + (f" ({policy})" if policy else ""),
        facts.rig,
        facts.created_utc[:16].replace("T", " "),
        *([f"recorded by {facts.operator}"] if facts.operator else []),
    ]
    return (
        f"<span style='font-size:15px; font-weight:600'>{escape(facts.instruction)}</span>"
        f"<br><span style='color:{DIM}'>{escape(facts.episode_id)} · "
        f"{escape(' · '.join(details))}</span>"
    )


def _notes(episode: OpenEpisode, author: str) -> tuple[LaneNote, ...]:
    suggested = [
        LaneNote(intervals=s.success_intervals, colour=SUGGESTION_COLOUR, tip=s.source)
        for s in episode.suggestions
    ]
    others = [label for label in episode.standing if label.author != author]
    return (*suggested, *map(_note, others))


def _note(label: Label) -> LaneNote:
    return LaneNote(
        intervals=label.success_intervals,
        colour=OUTCOME_COLOURS[label.outcome],
        tip=f"{label.author}: {label.outcome.value.replace('_', ' ')}",
    )
