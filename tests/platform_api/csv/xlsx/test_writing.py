"""Typed cells into an Excel file and back: each is the same."""

import io
from datetime import date, datetime, time, timedelta

import openpyxl
from hypothesis import given
from hypothesis import strategies as st

from platform_api.csv.values.cells import Cell, Fault, FaultKind, Number, number_cell
from platform_api.csv.xlsx.formats import MASKS
from platform_api.csv.xlsx.writing import SheetFile, row_xml
from tests.platform_api.csv.workbooks import rows_of

_FIRST, _LAST = datetime(1900, 1, 1), datetime(9999, 12, 31)


def book_of(*rows: list[Cell], name: str = "rows") -> bytes:
    content = io.BytesIO()
    file = SheetFile(content, name=name)
    file.write("".join(map(row_xml, rows)).encode())
    file.close()
    return content.getvalue()


def is_whole_enough(moment: datetime | timedelta) -> bool:
    """Closer to a whole second than Excel's own calculations are, it is taken for that second."""
    microseconds = moment.microsecond if isinstance(moment, datetime) else moment.microseconds
    return microseconds == 0 or 2 < microseconds < 999_998


numbers = st.one_of(
    st.integers(-(10**40), 10**40).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)
cells = st.one_of(
    st.text(min_size=1),
    st.text("'=+-@_x0D\r\n\t <&>\"\x00\x01\uffff", min_size=1),
    numbers.map(number_cell).filter(lambda found: found is not None),
    st.builds(lambda number, mask: Number(str(number), mask), st.integers(0, 10**12), st.sampled_from(MASKS)),
    st.booleans(),
    st.dates(_FIRST.date(), _LAST.date()),
    st.datetimes(_FIRST, _LAST).filter(is_whole_enough).filter(lambda moment: moment.time() != time()),
    st.timedeltas(timedelta(), timedelta(days=10_000)).filter(is_whole_enough),
    st.sampled_from(["#N/A", "#REF!"]).map(
        lambda text: Fault(text, f"the cell contains the error {text}", FaultKind.ERROR)
    ),
)


@given(st.lists(st.lists(cells, min_size=1, max_size=5), min_size=1, max_size=4))
def test_every_cell_is_read_back_as_it_was_written(rows: list[list[Cell]]) -> None:
    written = [["mark", *row] for row in rows]
    assert rows_of(book_of(*written)) == [tuple(row) for row in written]


def test_a_calculated_time_is_the_second_it_means() -> None:
    a_minute = 1 / 24 / 60
    total = sum([a_minute] * 90)
    assert total != 90 * a_minute
    from tests.platform_api.csv.workbooks import workbook

    content = workbook(f'<row><c s="1"><v>{46053 + total!r}</v></c></row>', styles=("yyyy-mm-dd hh:mm:ss",))
    assert rows_of(content) == [(datetime(2026, 1, 31, 1, 30),)]


def test_other_programs_read_it() -> None:
    content = book_of(
        ["text", Number("1.5"), True, date(2026, 1, 31)],
        [datetime(2026, 1, 31, 12), time(1, 2), timedelta(hours=30), "", "=1+1"],
        name="a [name] that / is much too long for Excel",
    )
    book = openpyxl.load_workbook(io.BytesIO(content))
    [sheet] = book.worksheets
    first, second = sheet.values
    assert first == ("text", 1.5, True, datetime(2026, 1, 31), None)
    assert second == (datetime(2026, 1, 31, 12), time(1, 2), timedelta(hours=30), None, "=1+1")
    assert sheet["E2"].data_type != "f"
