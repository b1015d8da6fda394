"""Files with backslashes, as MySQL's `INTO OUTFILE` and PostgreSQL's text format have them."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_api.csv.errors import JobFailed
from platform_api.csv.records.text import TextRecords
from platform_api.csv.schemas import ImportOptions
from tests.platform_api.conftest import Platform
from tests.platform_api.csv.working import open_shop

values = st.one_of(
    st.none(),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text("N\\\"',;\t\r\n\x00ab", max_size=6),
)
lines = st.lists(st.lists(values, min_size=2, max_size=2), min_size=1, max_size=5)


def mysql(value: str | None, delimiter: str, quote: str) -> str:
    """A value as `INTO OUTFILE` writes it: a backslash before itself, what encloses or ends a field, line feeds."""
    if value is None:
        return "\\N"
    special = {"\\", "\n", quote or delimiter}
    escaped = "".join("\\0" if letter == "\0" else f"\\{letter}" if letter in special else letter for letter in value)
    return f"{quote}{escaped}{quote}"


def postgresql(value: str | None, delimiter: str, _: str) -> str:
    """A value as `COPY … TO` writes it as text."""
    if value is None:
        return "\\N"
    names = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f", "\v": "\\v"}
    return "".join(names.get(letter, f"\\{letter}" if letter == delimiter else letter) for letter in value)


def read(content: str, **options: Any) -> TextRecords:
    raw = content.encode()
    given = ImportOptions(header_line=0, escape="\\", encoding="utf-8", **options)
    return TextRecords(io.BytesIO(raw), len(raw), given, known=set())


@given(lines, st.sampled_from([(mysql, ""), (mysql, '"'), (postgresql, "")]), st.sampled_from("\t,;"))
def test_what_a_database_writes_is_read_back(
    rows: list[list[str | None]], writer: tuple[Any, str], mark: str
) -> None:
    write, quote = writer
    # Marked, so that no line is blank and no text is `\N`, which an import unguards later.
    marked = [[None if value is None else f"x{value}" for value in row] + ["end"] for row in rows]
    content = "".join(mark.join(write(value, mark, quote) for value in row) + "\n" for row in marked)
    if not quote and any((value or "").startswith('x"') for row in marked for value in row):
        return
    records = read(content, delimiter=mark)
    found = records.take(100)
    assert [[None if cell == "\\N" else cell for cell in record.fields] for record in found] == marked
    assert "".join(record.raw for record in found) == content


@pytest.mark.anyio
async def test_null_and_a_text_that_looks_like_it_are_told_apart(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform)
    content = "A\\tB\\\\\t5\tred\n\\\\N\t\\N\t\\N\nC:\\\\x\\\nsecond\t7\tblue\ncr\r\\\nlf\tmany\tblue\n"
    mapping = {"#1": "sku", "#2": "amount", "#3": "colour"}
    form = {"escape": "backslash", "header_line": 0, "mapping": mapping, "delimiter": "tab"}
    job = await shop.import_(content, **form)
    assert [(row["sku"], row["amount"], row["colour"]) for row in await shop.rows()] == [
        ("A\tB\\", 5, "red"), ("C:\\x\nsecond", 7, "blue"), ("\\N", None, None),
    ]  # fmt: skip
    rejected = await shop.download(job["rejected_file"])
    assert rejected.startswith(b"\xef\xbb\xbfcr\r\\\nlf\tmany\tblue\t")
    back = await shop.import_(rejected.replace(b"many", b"4"), **form)
    assert back["import_result"]["inserted"] == 1, back
    assert "cr\r\nlf" in [row["sku"] for row in await shop.rows()]


@pytest.mark.anyio
async def test_quotes_are_escaped_by_a_backslash_only_where_it_was_said(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform)
    content = 'sku,amount\n"12\\" pipe, \\\\",1\n"say ""x""",many\n'
    job = await shop.import_(content, escape="\\")
    assert [row["sku"] for row in await shop.rows()] == ['12" pipe, \\']
    assert job["import_result"]["rejected"] == 1
    plain = await shop.import_(content)
    assert plain["import_result"]["inserted"] == 0


def test_a_file_that_ends_after_a_backslash_is_told() -> None:
    with pytest.raises(JobFailed, match="line 2: the file ends after a backslash"):
        read("a\tb\nc\td\\", delimiter="\t")


@pytest.mark.anyio
async def test_only_a_backslash_escapes(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform)
    refused = await shop.send("sku\nA\n", escape="^")
    assert refused.status_code == 422
    assert "escape: must be a backslash" in json.dumps(refused.json())
