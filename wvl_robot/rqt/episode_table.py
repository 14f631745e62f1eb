"""The list of episodes: a table model over rows that somebody else holds, and its view.

Qt asks for the cells it shows and no others, so 10,000 rows cost what 30 do. The model keeps the
tuple it was given; a row that changed is told by its place alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from wvl_robot.rqt.binding import Qt, QtCore, QtGui, QtWidgets, Signal
from wvl_robot.rqt.theme import colour

RowT = TypeVar("RowT")


@dataclass(frozen=True, kw_only=True, slots=True)
class Column(Generic[RowT]):
    """One column: heading, text of a row, and the colour of that text where it has one."""

    heading: str
    text: Callable[[RowT], str]
    tint: Callable[[RowT], str | None] = lambda row: None
    width_px: int = 0
    """0: takes what is left."""


class EpisodeTableModel(QtCore.QAbstractTableModel, Generic[RowT]):
    """Rows and columns as Qt wants to be told of them."""

    def __init__(self, columns: Sequence[Column[RowT]]) -> None:
        super().__init__()
        self._columns = tuple(columns)
        self._rows: Sequence[RowT] = ()

    @property
    def rows(self) -> Sequence[RowT]:
        """What is shown."""
        return self._rows

    def show_rows(self, rows: Sequence[RowT]) -> None:
        """Show these; where only some differ, only those are drawn anew."""
        if rows is self._rows:
            return
        if len(rows) != len(self._rows):
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()
            return
        changed = [i for i, (a, b) in enumerate(zip(rows, self._rows, strict=True)) if a is not b]
        self._rows = rows
        if changed:
            last = len(self._columns) - 1
            self.dataChanged.emit(self.index(changed[0], 0), self.index(changed[-1], last))

    def rowCount(self, parent: QtCore.QModelIndex = QtCore.QModelIndex()) -> int:  # noqa: B008
        """Called by Qt."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QtCore.QModelIndex = QtCore.QModelIndex()) -> int:  # noqa: B008
        """Called by Qt."""
        return 0 if parent.isValid() else len(self._columns)

    def data(self, index: QtCore.QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Called by Qt (Any: text, colour or None, by role)."""
        if not index.isValid():
            return None
        column, row = self._columns[index.column()], self._rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return column.text(row)
        if role == Qt.ItemDataRole.ForegroundRole:
            tint = column.tint(row)
            return None if tint is None else QtGui.QBrush(colour(tint))
        return None

    def headerData(
        self, section: int, orientation: Any, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Called by Qt (Any: its enum; text or None)."""
        if role != Qt.ItemDataRole.DisplayRole or orientation != Qt.Orientation.Horizontal:
            return None
        return self._columns[section].heading

    @property
    def columns(self) -> tuple[Column[RowT], ...]:
        """In their order."""
        return self._columns


class _KeepsTint(QtWidgets.QStyledItemDelegate):
    """A selected row keeps the colours of its texts."""

    def initStyleOption(self, option: Any, index: QtCore.QModelIndex) -> None:
        """Called by Qt."""
        super().initStyleOption(option, index)
        palette = option.palette
        text = palette.brush(QtGui.QPalette.ColorRole.Text)
        palette.setBrush(QtGui.QPalette.ColorRole.HighlightedText, text)


class EpisodeTable(QtWidgets.QTableView):
    """The view: whole rows, one selected, and no key that another part of the panel wants."""

    chosen = Signal(int)
    """Place of the row that the operator clicked."""

    def __init__(self, model: EpisodeTableModel[Any]) -> None:
        super().__init__()
        self._rows = model
        self.setModel(model)
        self.setItemDelegate(_KeepsTint(self))
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QtWidgets.QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QtWidgets.QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        rows = self.verticalHeader()
        rows.hide()
        # All rows are as high as the first: the view must not measure ten thousand of them.
        rows.setSectionResizeMode(QtWidgets.QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(26)
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        for place, column in enumerate(model.columns):
            mode = QtWidgets.QHeaderView.ResizeMode
            header.setSectionResizeMode(place, mode.Fixed if column.width_px else mode.Stretch)
            if column.width_px:
                header.resizeSection(place, column.width_px)
        self.clicked.connect(lambda index: self.chosen.emit(index.row()))

    def show_selected(self, place: int | None) -> None:
        """Mark a row and bring it into view; None: no row."""
        selection = self.selectionModel()
        if place is None or not 0 <= place < self._rows.rowCount():
            selection.clearSelection()
            return
        index = self._rows.index(place, 0)
        if not selection.isRowSelected(place, QtCore.QModelIndex()):
            self.selectRow(place)
            self.scrollTo(index)
