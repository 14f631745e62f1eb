"""Lines with checksums: what is written is read, and nothing else."""

import math

import google_crc32c
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wvl_models.episodes.journal import journal_line, parse_journal

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(value=JSON)
def test_what_is_written_is_read(value: object) -> None:
    assert parse_journal(journal_line({"value": value})).records == [{"value": value}]


def test_half_a_surrogate_pair_is_read_as_it_was_written() -> None:
    assert parse_journal(journal_line({"value": "\ud83d"})).records == [{"value": "\ud83d"}]


def test_not_a_number_is_kept() -> None:
    [record] = parse_journal(journal_line({"value": math.nan})).records
    assert math.isnan(record["value"])


@given(data=st.data())
def test_a_changed_byte_damages_its_line(data: st.DataObject) -> None:
    line = journal_line({"value": 12.5})
    place = data.draw(st.integers(0, len(line) - 2))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b not in (line[place], ord("\n"))))
    text = parse_journal(line + line[:place] + bytes([byte]) + line[place + 1 :])
    assert (text.records, text.damaged_line) == ([{"value": 12.5}], 2)


@pytest.mark.parametrize("body", [b"[1", b"nonsense", b'{"a":01', b'{"a":1,'])
def test_a_line_that_is_no_object_is_damaged_whatever_its_checksum(body: bytes) -> None:
    line = body + b',"crc32c":"%08x"}\n' % google_crc32c.value(body)
    assert parse_journal(line).damaged_line == 1
