"""A small Excel file with a value in the last column of every row is refused before it takes hours."""

import pytest

from platform_api.csv.errors import JobFailed
from tests.platform_api.csv.workbooks import rows_of, workbook


def test_rows_of_very_many_empty_cells_are_refused_with_their_place() -> None:
    row = "<row><c><v>1</v></c>{}</row>"
    far = '<c r="XFD{}"><v>2</v></c>'
    few = "".join(row.format(far.format(number)) for number in range(1, 4))
    assert [len(cells) for cells in rows_of(workbook(few))] == [16_384] * 3
    many = "".join(row.format(far.format(number)) for number in range(1, 700))
    with pytest.raises(JobFailed, match=r"row 65\d and rows before it have values very far to the right"):
        rows_of(workbook(many))


@pytest.mark.slow
def test_many_rows_of_few_cells_are_read() -> None:
    rows = "".join(f'<row><c r="J{number}"><v>1</v></c></row>' for number in range(1, 20_001))
    assert len(rows_of(workbook(rows))) == 20_000
