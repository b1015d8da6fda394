"""A look at a file before it is imported: its first lines, what its columns hold, and what speaks against it.

A part of the file is looked at, so what is found says nothing of the rest; the import itself checks every line.
"""

from collections.abc import Sequence
from typing import IO, Any

from platform_api.csv.columns import LEFT_OUT, REASON_COLUMN, Layout, find_form, find_layout, importable_columns
from platform_api.csv.errors import JobFailed, LineRejected
from platform_api.csv.preview.doubts import (
    find_doubts,
    find_layout_questions,
    find_number_questions,
    find_other_delimiter,
)
from platform_api.csv.preview.guessing import (
    ColumnGuess,
    Misfit,
    choose_date_options,
    choose_number_options,
    first_not_a_number,
    names_no_zone,
    show_decimal_point,
    start_guess,
)
from platform_api.csv.preview.guessing_words import NamedGuess, Words, find_words, with_options
from platform_api.csv.preview.schemas import CsvPreview, Objection, PreviewColumn, PreviewLine, PreviewProblem
from platform_api.csv.records.opening import open_records
from platform_api.csv.records.records import Record
from platform_api.csv.records.sheet import SheetRecords
from platform_api.csv.schemas import ImportOptions
from platform_api.csv.values.cells import Cell, is_blank, shown, text_of
from platform_api.tables.ddl.column_types import ColumnType
from platform_api.tables.definition import TableDefinition

SHOWN_ROWS = 50
MAX_ROWS = 10_000
_MAX_CELLS = 200_000
_MIN_ROWS = 100
_MAX_VALUE = 1000
_MAX_PROBLEMS = 20
_MAX_OBJECTIONS = 3


def preview_file(
    file: IO[bytes], size: int, options: ImportOptions, definition: TableDefinition | None
) -> CsvPreview:
    """Returns a preview of the file; a file that cannot be read is told in its `error`."""
    known = importable_columns(definition) if definition is not None else {}
    try:
        records = open_records(file, size, options, columns=known)
        width = len(records.header)
        count = min(MAX_ROWS, max(_MIN_ROWS, _MAX_CELLS // max(1, width)))
        taken = records.take(count)
        is_all = len(taken) < count or not records.take(1)
    except JobFailed as error:
        return _failed(str(error), options)
    delimiter = records.format.get("delimiter", "")
    look = _Look(list(records.header), taken, options, definition, is_ragged=records.is_ragged, delimiter=delimiter)
    if isinstance(records, SheetRecords):
        look.questions += records.doubts()
    found = look.options()
    for name in ("delimiter", "encoding", "sheet"):
        if name in records.format:
            found[name] = records.format[name]
    return CsvPreview(
        error=look.failure,
        format=records.format,
        options=found,
        questions=look.questions,
        columns=look.columns(),
        rows=[
            PreviewLine(line=record.line, values=[text_of(field)[:_MAX_VALUE] for field in record.fields])
            for record in taken[:SHOWN_ROWS]
        ],
        problems=look.problems[:_MAX_PROBLEMS],
        rows_looked_at=len(taken),
        total_rows=records.total if records.total is not None else len(taken) if is_all else None,
    )


class _Look:
    """What some records show."""

    def __init__(
        self,
        header: list[str],
        records: Sequence[Record],
        given: ImportOptions,
        definition: TableDefinition | None,
        *,
        is_ragged: bool,
        delimiter: str,
    ) -> None:
        self._given = given
        self._delimiter = delimiter
        self._definition = definition
        self._records = records
        self.questions: list[str] = []
        self.problems: list[PreviewProblem] = []
        self.failure: str | None = None
        self._headers = self._columns_of(header)
        self._mapping = self._suggest_mapping()
        self._choose(given)
        self._words = self._find_words()
        if self._words.options:
            self._choose(with_options(given, self._words.options))
        self._layout = self._find_layout(header, is_ragged=is_ragged)
        self._ask(header)
        self._rejected = self._try_layout()

    def options(self) -> dict[str, Any]:
        """Returns the options that were sent, and those that were found out."""
        said = self._given.model_dump(mode="json", exclude_unset=True, exclude={"dry_run"})
        found: dict[str, Any] = {**(self._numbers.options or {}), **(self._dates.options or {})}
        found |= self._words.options
        is_said = "decimal" in said or "thousands" in said
        if found.get("decimal") == "." and not is_said and not show_decimal_point(self._guesses):
            del found["decimal"]
        return said | found | ({"mapping": self._mapping} if self._mapping else {})

    def columns(self) -> list[PreviewColumn]:
        """Returns what each column holds."""
        targets = {target.position: target.column for target in self._layout.targets} if self._layout else {}
        columns = []
        for position, (header, guess) in enumerate(zip(self._headers, self._guesses, strict=True)):
            kind = self._kind(guess)
            target = targets.get(position)
            objections = [*self._rejected.get(position, []), *self._objections(guess, kind)]
            columns.append(
                PreviewColumn(
                    position=position + 1,
                    header=header,
                    column=target.name if target is not None else None,
                    type=kind,
                    filled=guess.filled,
                    objections=objections,
                )
            )
        return columns

    def _columns_of(self, header: Sequence[str]) -> list[str]:
        if self._given.header_line == 0:
            width = max((len(record.fields) for record in self._records[:SHOWN_ROWS]), default=0)
            return [f"#{number}" for number in range(1, width + 1)]
        names = list(header)
        if names[-1:] == [REASON_COLUMN]:
            names.pop()
        while names and not names[-1]:
            names.pop()
        return names

    def _choose(self, options: ImportOptions) -> None:
        self._guesses = self._guess(options)
        self._numbers = choose_number_options(self._guesses)
        self._dates = choose_date_options(self._guesses)

    def _find_words(self) -> Words:
        columns = importable_columns(self._definition) if self._definition is not None else {}
        named = []
        for position, (header, guess) in enumerate(zip(self._headers, self._guesses, strict=True), 1):
            target = columns.get(self._mapping.get(header, self._mapping.get(f"#{position}", header)) or "")
            named.append(NamedGuess(header, guess, None if target is None else target.type))

        def kind(guess: ColumnGuess) -> ColumnType | None:
            # Whichever way numbers and dates are written: that is chosen afterwards.
            holding = next((trial.kind for trial in guess.holding()), ColumnType.TEXT)
            return holding if guess.cells else None

        return find_words(named, self._given, kind, self._guess)

    def _guess(self, options: ImportOptions) -> list[ColumnGuess]:
        guesses = [start_guess(options) for _ in self._headers]
        for record in self._records:
            for guess, cell in zip(guesses, record.fields, strict=False):
                guess.add(record.line, cell)
        return guesses

    def _kind(self, guess: ColumnGuess) -> ColumnType | None:
        return guess.kind(self._numbers.options or {}, self._dates.options)

    def _suggest_mapping(self) -> dict[str, str | None]:
        """Returns the mapping that was sent, and columns whose names differ in case and separators only."""
        mapping = dict(self._given.mapping)
        if self._definition is None or self._given.header_line == 0:
            return mapping
        known = importable_columns(self._definition)
        plain = {_plain(name): name for name in known}
        taken = {*mapping.values(), *(set(self._headers) & known.keys())}
        for header in self._headers:
            column = plain.get(_plain(header))
            if header in mapping or header in known or header in LEFT_OUT or column is None or column in taken:
                continue
            mapping[header] = column
            taken.add(column)
        return mapping

    def _find_layout(self, header: Sequence[str], *, is_ragged: bool) -> Layout | None:
        is_open = self._given.header_line == 0 and not self._mapping
        if self._definition is None and is_open:
            return None
        options = ImportOptions.model_validate({**self.options(), "mapping": self._mapping})
        try:
            if self._definition is None:
                return find_form(header, options, is_ragged=is_ragged)[1]
            return find_layout(header, self._definition, options, is_ragged=is_ragged)
        except JobFailed as error:
            self.failure = str(error)
            return None

    def _ask(self, header: Sequence[str]) -> None:
        self.questions += self._words.questions
        named = list(zip(self._headers, self._guesses, strict=True))
        self.questions += find_layout_questions(named, self._kind)
        if self._numbers.question is None and not self._given.model_fields_set & {"decimal", "thousands"}:
            self.questions += find_number_questions(named, self._numbers.options or {})
        for choice in (self._numbers, self._dates):
            if choice.question is not None:
                self.questions.append(choice.question)
        for header_name, guess in zip(self._headers, self._guesses, strict=True):
            kind = self._kind(guess)
            if self._given.timezone is None and kind is ColumnType.TIMESTAMPTZ and names_no_zone(guess):
                self.questions.append(f"times of the column {shown(header_name)} name no zone: say timezone")
            if kind is ColumnType.NUMERIC and (odd := first_not_a_number(guess)) is not None:
                self.questions.append(
                    f"line {odd.line} has {odd.value!r}, which is kept as such: say null_words if it means no value"
                )
        self.questions += find_doubts(named, self._records, self._given)
        if self._given.header_line is None:
            self._ask_for_header(header)

    def _ask_for_header(self, header: Sequence[str]) -> None:
        """Doubts that the first line is the header, where it has values, or fewer columns than the lines after it."""
        first = Record(0, tuple(header))
        values = [name for name in header if any(character.isdigit() for character in name) and _is_value(name)]
        if values:
            self.questions.append(
                f"the header holds {shown(values[0])}, which looks like a value: say header_line (0: there is none)"
            )
        if _width(first) == 1 and (found := find_other_delimiter(self._records, self._delimiter)) is not None:
            line, delimiter = found
            self.questions.append(
                f"the header names 1 column, and most lines have {shown(delimiter)}: say header_line, perhaps {line},"
                f" and delimiter, perhaps {shown(delimiter)}"
            )
            return
        plain = [record.line for record in self._records if not _is_comment(record)]
        if plain and header and header[0].startswith("# "):
            self.questions.append(f"the header begins with #, as a comment does: say header_line, perhaps {plain[0]}")
            return
        widths = [_width(record) for record in self._records[:SHOWN_ROWS]]
        if widths and _width(first) < (common := max(set(widths), key=widths.count)):
            wide = [record for record in self._records if _width(record) >= common and not _is_comment(record)]
            line = (wide or list(self._records))[0].line
            self.questions.append(
                f"the header names {_width(first)} columns, most lines have {common} values: say header_line, perhaps"
                f" {line}"
            )

    def _try_layout(self) -> dict[int, list[Objection]]:
        """Returns what the table's columns say against cells, by position; wrong lines go to the problems."""
        found: dict[int, list[Objection]] = {}
        for record in self._records:
            try:
                if record.problem is not None:
                    raise record.problem
                fields = self._layout.fit(record) if self._layout is not None else record.fields
            except LineRejected as error:
                self.problems.append(PreviewProblem(line=record.line, reason=error.reason))
                continue
            for target in self._layout.targets if self._layout is not None else ():
                objections = found.setdefault(target.position, [])
                if len(objections) >= _MAX_OBJECTIONS:
                    continue
                cell = fields[target.position]
                reason = self._refusal(target.convert, cell, is_needed=target.is_needed)
                if reason is not None:
                    against = f"the table's column {target.column.name} ({target.column.type})"
                    misfit = Misfit(record.line, text_of(cell)[:100], reason)
                    objections.append(_objection(against, misfit))
        return found

    @staticmethod
    def _refusal(convert: Any, cell: Cell, *, is_needed: bool) -> str | None:
        try:
            return "a value is required" if convert(cell) is None and is_needed else None
        except LineRejected as error:
            return error.reason

    def _objections(self, guess: ColumnGuess, kind: ColumnType | None) -> list[Objection]:
        """Returns what speaks against other ways of reading this type; of text, against what fits most cells."""
        found = [_objection("any type", fault) for fault in guess.faults]
        if kind is ColumnType.NUMERIC and (misfit := guess.first_fraction(self._numbers.options or {})) is not None:
            found.append(_objection("integer", misfit))
        seen: set[tuple[Any, ...]] = set()
        for trial in guess.trials:
            misfit = trial.misfit
            if misfit is None or not (trial.kind is kind or (kind is ColumnType.TEXT and trial.is_likely)):
                continue
            # A line that speaks against all ways of writing numbers is shown once, and once for a date and a time.
            is_number = trial.kind is ColumnType.NUMERIC
            key = (is_number, misfit.line) if is_number else (misfit.line, *trial.options.items())
            if key in seen:
                continue
            seen.add(key)
            said = " and ".join(f"{name}={value}" for name, value in trial.options.items())
            found.append(_objection(f"{trial.kind} with {said}" if said else str(trial.kind), misfit))
        return found


def _failed(reason: str, options: ImportOptions) -> CsvPreview:
    said = options.model_dump(mode="json", exclude_unset=True, exclude={"dry_run"})
    return CsvPreview(
        error=reason, format={}, options=said, questions=[], columns=[], rows=[], problems=[], rows_looked_at=0,
        total_rows=None,
    )  # fmt: skip


def _objection(against: str, misfit: Misfit) -> Objection:
    return Objection(against=against, line=misfit.line, value=misfit.value, reason=misfit.reason)


def _plain(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def _is_value(name: str) -> bool:
    guess = start_guess(ImportOptions())
    guess.add(0, name)
    return any(trial.holds for trial in guess.trials)


def _is_comment(record: Record) -> bool:
    return text_of((record.fields or (record.raw,))[0]).lstrip().startswith("#")


def _width(record: Record) -> int:
    return sum(not is_blank(field) for field in record.fields)
