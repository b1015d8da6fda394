"""Writes rows to a new Excel file of one sheet as a stream: the file is never in memory whole."""

import re
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import IO, Any, cast
from xml.sax.saxutils import escape as escape_xml
from xml.sax.saxutils import quoteattr

from platform_api.csv.values.cells import Cell, Fault, FaultKind, Number
from platform_api.csv.xlsx.formats import MASKS
from platform_api.csv.xlsx.serials import serial_of
from platform_api.csv.xlsx.strings import escape

_DATE, _DATETIME, _TIME, _DURATION = 1, 2, 3, 4
"""Are the indexes of the cell styles in `_STYLES`."""
_MASK_STYLES = {mask: style for style, mask in enumerate(MASKS, 5)}
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_CODES = (
    *("yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "hh:mm:ss", "[h]:mm:ss"),
    *(mask.replace("-", "\\-").replace(" ", "\\ ") for mask in MASKS),
)
_FORMATS = tuple(enumerate(_CODES, 164))
_STYLES = (
    f'{_XML}<styleSheet xmlns="{_MAIN}"><numFmts count="{len(_FORMATS)}">'
    + "".join(f'<numFmt numFmtId="{number}" formatCode="{code}"/>' for number, code in _FORMATS)
    + '</numFmts><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    f'<cellXfs count="{len(_FORMATS) + 1}"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    + "".join(
        f'<xf numFmtId="{number}" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
        for number, _ in _FORMATS
    )
    + '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
_ROOT = (
    f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
_SHEET_START = f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>'
_SHEET_END = "</sheetData></worksheet>"
_NOT_IN_SHEET_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_MAX_SHEET_NAME = 31


def row_xml(cells: Sequence[Cell]) -> str:
    """Returns the XML of a row, which follows the previous row of the sheet."""
    return f"<row>{''.join(map(_cell_xml, cells))}</row>"


class SheetFile:
    """Writes an Excel file to a target that need not be seekable.

    `position` is the number of the sheet: empty, hidden sheets precede it.
    """

    def __init__(self, target: "IO[bytes] | Outgoing", *, name: str, position: int = 1) -> None:
        self._archive = zipfile.ZipFile(cast(IO[bytes], target), "w", zipfile.ZIP_DEFLATED)
        for part, content in _parts(_sheet_name(name), position).items():
            self._archive.writestr(part, content)
        for number in range(1, position):
            self._archive.writestr(f"xl/worksheets/sheet{number}.xml", _SHEET_START + _SHEET_END)
        self._sheet: IO[bytes] = self._archive.open(f"xl/worksheets/sheet{position}.xml", "w", force_zip64=True)
        self._sheet.write(_SHEET_START.encode())

    def write(self, rows: bytes) -> None:
        """Appends rows from `row_xml`, encoded in UTF-8."""
        self._sheet.write(rows)

    def close(self) -> None:
        """Completes the file."""
        self._sheet.write(_SHEET_END.encode())
        self._sheet.close()
        self._archive.close()


def _sheet_name(name: str) -> str:
    return _NOT_IN_SHEET_NAMES.sub(" ", name)[:_MAX_SHEET_NAME].strip("' ") or "rows"


def _parts(name: str, position: int) -> dict[str, str]:
    """Returns the parts of the file except its sheets."""
    numbers = range(1, position + 1)
    hidden = "left out" if not name.startswith("left out") else "empty"
    sheets = "".join(
        f'<sheet name="{hidden} {number}" sheetId="{number}" state="hidden" r:id="rId{number}"/>'
        for number in numbers[:-1]
    )
    sheets += f'<sheet name={quoteattr(escape(name))} sheetId="{position}" r:id="rId{position}"/>'
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{_TYPE}.worksheet+xml"/>'
        for number in numbers
    )
    related = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        for number in numbers
    )
    return {
        "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>{types}</Types>',
        "_rels/.rels": _ROOT,
        "xl/_rels/workbook.xml.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{related}'
        f'<Relationship Id="rId{position + 1}" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": _STYLES,
        "xl/workbook.xml": f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
        f'<bookViews><workbookView activeTab="{position - 1}"/></bookViews><sheets>{sheets}</sheets></workbook>',
    }


class Outgoing:
    """Buffers written bytes until they are taken."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, content: Any) -> int:
        self._pieces.append(bytes(content))
        return len(content)

    def flush(self) -> None:
        """Does nothing: written bytes are available at once."""

    def take(self) -> bytes:
        """Returns and removes the bytes written since the last call."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _cell_xml(cell: Cell) -> str:
    # Cells and rows have no position: each follows the previous one.
    match cell:
        case "":
            return "<c/>"
        case str():
            return f'<c t="inlineStr"><is><t xml:space="preserve">{escape_xml(escape(cell))}</t></is></c>'
        case bool():
            return f'<c t="b"><v>{int(cell)}</v></c>'
        case Number():
            style = f' s="{_MASK_STYLES[cell.mask]}"' if cell.mask else ""
            return f"<c{style}><v>{cell.text}</v></c>"
        case datetime():
            return _cell_xml(cell.isoformat()) if cell.tzinfo is not None else _moment_xml(cell, _DATETIME)
        case date():
            return _moment_xml(cell, _DATE)
        case time():
            return _moment_xml(cell, _TIME)
        case timedelta():
            return _moment_xml(cell, _DURATION)
        case Fault():
            return _fault_xml(cell)


def _moment_xml(moment: date | datetime | time | timedelta, style: int) -> str:
    serial = format(serial_of(moment).quantize(Decimal("1e-15")).normalize(), "f")
    return f'<c s="{style}"><v>{serial}</v></c>'


def _fault_xml(fault: Fault) -> str:
    text = escape_xml(escape(fault.text))
    match fault.kind:
        case FaultKind.DATE:
            return f'<c s="{_DATE}"><v>{text}</v></c>'
        case FaultKind.FORMULA if fault.text:
            return f"<c><f>{text}</f></c>"
        case FaultKind.FORMULA:
            # Only the first cell of a shared formula contains its text.
            return '<c t="e"><v>#VALUE!</v></c>'
        case FaultKind.ERROR:
            return f'<c t="e"><v>{text}</v></c>'
        case FaultKind.TEXT:
            return _cell_xml(fault.text)
