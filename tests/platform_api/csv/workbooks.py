"""Excel files as other programs write them, part by part."""

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import openpyxl

from platform_api.csv.records.sheet import SheetRecords
from platform_api.csv.schemas import ImportOptions
from platform_api.csv.values.cells import Cell

TRANSITIONAL = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
TRANSITIONAL_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
STRICT_RELATIONS = "http://purl.oclc.org/ooxml/officeDocument/relationships"
_PACKAGE_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"


def workbook(
    rows: str,
    *,
    styles: tuple[str, ...] = (),
    texts: str | None = None,
    sheets: Mapping[str, str] | None = None,
    properties: str = "",
    states: Mapping[str, str] | None = None,
    is_strict: bool = False,
    folder: str = "xl",
    separator: str = "/",
) -> bytes:
    """An Excel file whose first sheet `rows` (the XML inside `sheetData`) is; `styles` are number formats."""
    main, relations = (STRICT, STRICT_RELATIONS) if is_strict else (TRANSITIONAL, TRANSITIONAL_RELATIONS)
    all_sheets = {"First": rows, **(sheets or {})}
    prefix = f"{folder}/" if folder else ""
    listed, related = "", ""
    parts: dict[str, str] = {}
    for number, (name, content) in enumerate(all_sheets.items(), 1):
        state = f' state="{states[name]}"' if states and name in states else ""
        listed += f'<sheet name="{name}" sheetId="{number}"{state} r:id="r{number}"/>'
        related += f'<Relationship Id="r{number}" Type="{relations}/worksheet" Target="sheets/s{number}.xml"/>'
        parts[f"{prefix}sheets/s{number}.xml"] = (
            f'<worksheet xmlns="{main}"><sheetData>{content}</sheetData></worksheet>'
        )
    formats = "".join(f'<numFmt numFmtId="{164 + n}" formatCode="{code}"/>' for n, code in enumerate(styles))
    xfs = "".join(f'<xf numFmtId="{164 + n}"/>' for n in range(len(styles)))
    related += f'<Relationship Id="st" Type="{relations}/styles" Target="looks.xml"/>'
    parts[f"{prefix}looks.xml"] = (
        f'<styleSheet xmlns="{main}"><numFmts>{formats}</numFmts>'
        f'<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/>{xfs}</cellXfs></styleSheet>'
    )
    if texts is not None:
        related += f'<Relationship Id="tx" Type="{relations}/sharedStrings" Target="/{prefix}words.xml"/>'
        parts[f"{prefix}words.xml"] = f'<sst xmlns="{main}">{texts}</sst>'
    parts[f"{prefix}book.xml"] = (
        f'<workbook xmlns="{main}" xmlns:r="{relations}">{properties}<sheets>{listed}</sheets></workbook>'
    )
    parts[f"{prefix}_rels/book.xml.rels"] = f'<Relationships xmlns="{_PACKAGE_RELATIONS}">{related}</Relationships>'
    parts["_rels/.rels"] = (
        f'<Relationships xmlns="{_PACKAGE_RELATIONS}"><Relationship Id="a" Type="{relations}/officeDocument"'
        f' Target="{prefix}book.xml"/></Relationships>'
    )
    return archive({name.replace("/", separator): content for name, content in parts.items()})


def archive(parts: Mapping[str, str | bytes]) -> bytes:
    """A zip file of these parts, in this order."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, part in parts.items():
            information = zipfile.ZipInfo(name)
            information.filename = name  # as it is: with backslashes
            opened.writestr(information, part)
    return content.getvalue()


def spreadsheet(*rows: list[Any], formats: Mapping[str, str] | None = None, epoch: Any = None) -> bytes:
    """An Excel file as openpyxl writes it; `formats` are number formats by cell."""
    book = openpyxl.Workbook()
    if epoch is not None:
        book.epoch = epoch
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for place, code in (formats or {}).items():
        sheet[place].number_format = code
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def rows_of(content: bytes, **options: Any) -> list[tuple[Cell, ...]]:
    """The cells of all rows, the first one too."""
    records = SheetRecords(io.BytesIO(content), ImportOptions(header_line=0, **options))
    return [record.fields for record in records.take(1_000_000)]
