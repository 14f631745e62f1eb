"""The left of the review page: how many there are, filters, and the list."""

from wvl_models.contract.episode import Origin, Outcome
from wvl_models.episodes.overview import Need
from wvl_robot.core.review.episode_list import Counts, EpisodeRow, RowFilter, RowOrder
from wvl_robot.core.review.presenter import Changed, ReviewPresenter
from wvl_robot.rqt.binding import Qt, QtWidgets
from wvl_robot.rqt.episode_table import Column, EpisodeTable, EpisodeTableModel
from wvl_robot.rqt.keys import TypingLine
from wvl_robot.rqt.theme import DIM, OUTCOME_COLOURS, WARN

EVERYTHING = "all outcomes"
DISPUTED = "disputed"


def outcome_name(outcome: Outcome | None) -> str:
    """As the panel writes it."""
    return "unlabelled" if outcome is None else outcome.value.replace("_", " ")


def _judged(row: EpisodeRow) -> str:
    text = outcome_name(row.outcome)
    if row.is_disputed:
        text += " ≠"
    elif row.need is Need.UNSURE:
        text += " ?"
    return text + (" ✎" if row.has_draft else "")


COLUMNS: tuple[Column[EpisodeRow], ...] = (
    Column(
        heading="label",
        text=_judged,
        tint=lambda row: OUTCOME_COLOURS[row.outcome] if row.outcome else None,
        width_px=128,
    ),
    Column(heading="task", text=lambda row: row.task),
    Column(heading="from", text=lambda row: row.origin.value, tint=lambda _: DIM, width_px=60),
    Column(heading="steps", text=lambda row: str(row.num_steps), tint=lambda _: DIM, width_px=44),
    Column(
        heading="recorded",
        text=lambda row: row.created_utc[5:16].replace("T", " "),
        tint=lambda _: DIM,
        width_px=88,
    ),
)


class EpisodeList(QtWidgets.QWidget):
    """Filters change what the presenter admits; a click selects."""

    def __init__(self, presenter: ReviewPresenter, page: QtWidgets.QWidget) -> None:
        super().__init__()
        self._presenter, self._page = presenter, page
        self._counts = QtWidgets.QLabel()
        self._counts.setWordWrap(True)
        self._search = TypingLine(page, "search id, task, policy, author")
        self._outcome = _choice((EVERYTHING, *map(outcome_name, (None, *Outcome)), DISPUTED))
        self._task = _choice(("all tasks",))
        self._origin = _choice(("all origins", *(origin.value for origin in Origin)))
        self._order = _choice(tuple(f"order: {order.value}" for order in RowOrder))
        self._model: EpisodeTableModel[EpisodeRow] = EpisodeTableModel(COLUMNS)
        self._table = EpisodeTable(self._model)
        self._lay_out()
        self._search.textChanged.connect(lambda _: self._apply_filter())
        for box in (self._outcome, self._task, self._origin):
            box.activated.connect(lambda _: self._apply_filter())
        self._order.activated.connect(self._apply_order)
        self._table.chosen.connect(self._choose)

    def focus_search(self) -> None:
        """Begin to type into the search line."""
        self._search.setFocus()
        self._search.selectAll()

    def show_changes(self, changed: frozenset[Changed]) -> None:
        """Draw what has changed."""
        if Changed.ROWS in changed:
            self._model.show_rows(self._presenter.rows)
            self._counts.setText(_counts_text(self._presenter.counts, self._presenter.is_loading))
            _offer(self._task, self._presenter.choices.tasks)
        if changed & {Changed.ROWS, Changed.EPISODE}:
            self._table.show_selected(self._selected_place())

    def _lay_out(self) -> None:
        boxes = QtWidgets.QGridLayout()
        boxes.setSpacing(4)
        for place, box in enumerate((self._outcome, self._task, self._origin, self._order)):
            boxes.addWidget(box, place // 2, place % 2)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 0, 4)
        layout.setSpacing(6)
        layout.addWidget(self._counts)
        layout.addWidget(self._search)
        layout.addLayout(boxes)
        layout.addWidget(self._table, 1)

    def _choose(self, place: int) -> None:
        self._presenter.select(self._model.rows[place].episode_id)
        self._page.setFocus()

    def _selected_place(self) -> int | None:
        episode = self._presenter.selected
        if episode is None:
            return None
        wanted = episode.facts.episode_id
        return next((i for i, r in enumerate(self._model.rows) if r.episode_id == wanted), None)

    def _apply_filter(self) -> None:
        wanted = self._outcome.currentText()
        outcomes = {outcome_name(o): o for o in (None, *Outcome)}
        self._presenter.set_filter(
            RowFilter(
                text=self._search.text().strip(),
                tasks=(self._task.currentText(),) if self._task.currentIndex() > 0 else (),
                origins=tuple(o for o in Origin if o.value == self._origin.currentText()),
                outcomes=(outcomes[wanted],) if wanted in outcomes else (),
                is_disputed_only=wanted == DISPUTED,
            )
        )
        if not self._search.hasFocus():
            self._page.setFocus()

    def _apply_order(self, place: int) -> None:
        self._presenter.set_order(tuple(RowOrder)[place])
        self._page.setFocus()


def _choice(entries: tuple[str, ...]) -> QtWidgets.QComboBox:
    box = QtWidgets.QComboBox()
    box.addItems(entries)
    box.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    box.setSizeAdjustPolicy(
        QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    )
    return box


def _offer(box: QtWidgets.QComboBox, entries: tuple[str, ...]) -> None:
    """The first entry stays, the others become these; what was chosen stays chosen."""
    old = tuple(box.itemText(place) for place in range(1, box.count()))
    if old == entries:
        return
    chosen = box.currentText()
    while box.count() > 1:
        box.removeItem(1)
    box.addItems(entries)
    box.setCurrentIndex(max(0, box.findText(chosen)))


def _counts_text(counts: Counts, is_loading: bool) -> str:
    if is_loading and not counts.total:
        return f"<span style='color:{DIM}'>reading the list …</span>"
    parts = [f"<b>{counts.shown:,}</b> of {counts.total:,} episodes"]
    for number, name, tint in (
        (counts.unlabelled, "unlabelled", None),
        (counts.disputed, "disputed", WARN),
        (counts.unsure, "unsure", None),
        (counts.unreadable, "unreadable", WARN),
    ):
        if number:
            style = f"color:{tint or DIM}"
            parts.append(f"<span style='{style}'>{number:,} {name}</span>")
    return " · ".join(parts)
