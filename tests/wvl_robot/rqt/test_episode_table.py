"""The table over many rows, in a real view."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from PyQt5.QtTest import QAbstractItemModelTester

from wvl_robot.rqt.binding import Qt
from wvl_robot.rqt.episode_table import Column, EpisodeTable, EpisodeTableModel

NUM_MANY = 10_000


@dataclass(frozen=True)
class Row:
    name: str


class Counted:
    """A column's text that counts how often it was asked for."""

    def __init__(self) -> None:
        self.num_asked = 0

    def __call__(self, row: Row) -> str:
        self.num_asked += 1
        return row.name


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def model(counted: Counted) -> EpisodeTableModel[Row]:
    columns = (
        Column(heading="name", text=counted, tint=lambda row: "#ff0000"),
        Column(heading="again", text=lambda row: row.name, width_px=80),
    )
    return EpisodeTableModel(columns)


def rows(count: int) -> tuple[Row, ...]:
    return tuple(Row(name=f"episode {number}") for number in range(count))


def test_ten_thousand_rows_cost_what_can_be_seen(
    model: EpisodeTableModel[Row], counted: Counted, shown: Callable
) -> None:
    table = EpisodeTable(model)
    table.resize(300, 400)
    model.show_rows(rows(NUM_MANY))
    shown(table)
    assert model.rowCount() == NUM_MANY
    assert 0 < counted.num_asked < 500


def test_the_model_keeps_qts_rules(model: EpisodeTableModel[Row], application) -> None:
    mode = QAbstractItemModelTester.FailureReportingMode.Fatal
    tester = QAbstractItemModelTester(model, mode)
    for count in (3, 0, 40, 40):
        model.show_rows(rows(count))
    application.processEvents()
    assert tester.model() is model


def test_rows_that_stayed_are_not_drawn_anew(model: EpisodeTableModel[Row]) -> None:
    old = rows(5)
    model.show_rows(old)
    changes: list[tuple[int, int]] = []
    model.dataChanged.connect(lambda first, last: changes.append((first.row(), last.row())))
    model.show_rows((*old[:2], Row(name="new"), *old[3:]))
    assert changes == [(2, 2)]
    assert model.data(model.index(2, 0)) == "new"


def test_headings_and_colours_reach_the_view(model: EpisodeTableModel[Row]) -> None:
    model.show_rows(rows(1))
    assert model.headerData(1, Qt.Orientation.Horizontal) == "again"
    brush = model.data(model.index(0, 0), Qt.ItemDataRole.ForegroundRole)
    assert brush.color().name() == "#ff0000"
    assert model.data(model.index(0, 1), Qt.ItemDataRole.ForegroundRole) is None


def test_a_selected_row_is_brought_into_view(
    model: EpisodeTableModel[Row], shown: Callable
) -> None:
    table = EpisodeTable(model)
    table.resize(300, 400)
    model.show_rows(rows(NUM_MANY))
    shown(table)
    table.show_selected(7000)
    assert table.selectionModel().isRowSelected(7000, model.index(-1, -1))
    assert table.visualRect(model.index(7000, 0)).intersects(table.viewport().rect())
    table.show_selected(None)
    assert not table.selectionModel().hasSelection()
