"""Previews a file before it is imported: its first lines, the types of its columns, and likely errors.

Only part of the file is examined, so the rest may differ; the import itself checks every line.
"""

from collections.abc import Iterator, Sequence
from typing import IO, Any

from platform_api.csv.columns import (
    IGNORED_COLUMNS,
    REASON_COLUMN,
    Layout,
    find_form,
    find_layout,
    importable_columns,
)
from platform_api.csv.errors import JobFailed, LineRejected
from platform_api.csv.preview.inference import (
    ColumnInference,
    Counterexample,
    choose_date_options,
    choose_number_options,
    first_not_a_number,
    names_no_zone,
    show_decimal_point,
    start_inference,
)
from platform_api.csv.preview.naming import table_name
from platform_api.csv.preview.planning import (
    MAX_PLANNED_COLUMNS,
    Guess,
    guess_type,
    plan_mapping,
    planned_definition,
    suggest_plan,
)
from platform_api.csv.preview.quality import (
    find_layout_questions,
    find_number_questions,
    find_other_delimiter,
    find_quality_questions,
)
from platform_api.csv.preview.schemas import (
    CsvPreview,
    Objection,
    PreviewColumn,
    PreviewLine,
    PreviewProblem,
    TablePlan,
)
from platform_api.csv.preview.trying import TriedRows, try_rows
from platform_api.csv.preview.word_inference import NamedColumn, Words, infer_words, with_options
from platform_api.csv.records.opening import open_records
from platform_api.csv.records.records import Record
from platform_api.csv.records.sheet import SheetRecords
from platform_api.csv.schemas import ImportOptions
from platform_api.csv.values.cells import Cell, is_blank, quoted, text_of
from platform_api.tables.ddl.column_types import ColumnType
from platform_api.tables.definition import TableDefinition

MAX_PREVIEW_ROWS = 50
MAX_EXAMINED_ROWS = 10_000
_MAX_EXAMINED_CELLS = 200_000
_MIN_EXAMINED_ROWS = 100
_MAX_VALUE = 1000
_MAX_PROBLEMS = 20
_MAX_OBJECTIONS = 3
_USUAL = ("decimal", ".")
"""Is what an import does anyway."""


def preview_file(
    file: IO[bytes],
    size: int,
    options: ImportOptions,
    definition: TableDefinition | None,
    *,
    file_name: str = "",
    plan: TablePlan | None = None,
) -> CsvPreview:
    """Returns a preview of the file; its `error` says why a file cannot be read.

    Without `definition`, the file is tried on the table that `plan` describes, or on a suggested one.
    """
    known = importable_columns(definition) if definition is not None else {}
    try:
        records = open_records(file, size, options, columns=known)
        width = len(records.header)
        count = min(MAX_EXAMINED_ROWS, max(_MIN_EXAMINED_ROWS, _MAX_EXAMINED_CELLS // max(1, width)))
        taken = records.take(count)
        is_all = len(taken) < count or not records.take(1)
    except JobFailed as error:
        return _failed(error, options)
    delimiter = records.format.get("delimiter", "")
    analysis = _Analysis(
        list(records.header), taken, options, definition, is_ragged=records.is_ragged, delimiter=delimiter
    )
    if isinstance(records, SheetRecords):
        analysis.questions += records.questions()
    inferred = analysis.options()
    guesses: Sequence[Guess] = ()
    if definition is None:
        guesses = analysis.guesses()
        for guess in guesses:
            inferred |= {name: value for name, value in guess.options.items() if (name, value) != _USUAL}
        if plan is None and len(analysis.headers) > MAX_PLANNED_COLUMNS:
            analysis.questions.append(
                f"the file has {len(analysis.headers)} columns: only the first {MAX_PLANNED_COLUMNS} become columns"
                " of the table, the others are left out; split the file if they are needed"
            )
        plan = plan or suggest_plan(table_name(file_name), analysis.headers, guesses)
        layout = analysis.planned_layout(records.header, plan, inferred, is_ragged=records.is_ragged)
    else:
        plan, layout = None, analysis.layout
    tried = None if layout is None else try_rows(taken, layout, () if plan is None else plan.key)
    for name in ("delimiter", "encoding", "sheet"):
        if name in records.format:
            inferred[name] = records.format[name]
    return CsvPreview(
        error=analysis.failure,
        error_line=None,
        error_column=None,
        format=records.format,
        options=inferred,
        questions=analysis.questions,
        columns=_with_trial(analysis.columns(), guesses, tried),
        plan=plan,
        rows_to_repair=0 if tried is None else tried.rejected,
        rows=[
            PreviewLine(line=record.line, values=[text_of(field)[:_MAX_VALUE] for field in record.fields])
            for record in taken[:MAX_PREVIEW_ROWS]
        ],
        problems=analysis.problems[:_MAX_PROBLEMS],
        rows_looked_at=len(taken),
        total_rows=records.total if records.total is not None else len(taken) if is_all else None,
    )


class _Analysis:
    """Analyzes some records of a file."""

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
        self.headers = self._columns_of(header)
        self._mapping = self._suggest_mapping()
        self._choose(given)
        self._words = self._infer_words()
        if self._words.options:
            self._choose(with_options(given, self._words.options))
        self.layout = self._find_layout(header, is_ragged=is_ragged)
        self._ask(header)
        self._rejected = self._try_layout()

    def options(self) -> dict[str, Any]:
        """Returns the options that were sent, and those that were inferred."""
        sent = self._given.model_dump(mode="json", exclude_unset=True, exclude={"dry_run"})
        inferred: dict[str, Any] = {**(self._numbers.options or {}), **(self._dates.options or {})}
        inferred |= self._words.options
        is_given = "decimal" in sent or "thousands" in sent
        if inferred.get("decimal") == "." and not is_given and not show_decimal_point(self._inferences):
            del inferred["decimal"]
        return sent | inferred | ({"mapping": self._mapping} if self._mapping else {})

    def columns(self) -> list[PreviewColumn]:
        """Returns the description of each column."""
        targets = {target.position: target.column for target in self.layout.targets} if self.layout else {}
        columns = []
        for position, (header, inference) in enumerate(zip(self.headers, self._inferences, strict=True)):
            kind = self._kind(inference)
            target = targets.get(position)
            objections = [*self._rejected.get(position, []), *self._objections(inference, kind)]
            columns.append(
                PreviewColumn(
                    position=position + 1,
                    header=header,
                    column=target.name if target is not None else None,
                    type=kind,
                    filled=inference.filled,
                    objections=objections,
                    confidence=None,
                    against=[],
                    against_count=0,
                )
            )
        return columns

    def guesses(self) -> list[Guess]:
        """Returns the suggested type of each column."""
        numbers, dates = self._numbers.options or {}, self._dates.options or {}
        is_given = bool(self._given.model_fields_set & {"decimal", "thousands"})
        if numbers == {"decimal": "."} and not is_given and not show_decimal_point(self._inferences):
            # Whole numbers alone do not tell the decimal sign.
            numbers = {}
        return [guess_type(inference, self._kind(inference), numbers, dates) for inference in self._inferences]

    def planned_layout(
        self, header: Sequence[str], plan: TablePlan, options: dict[str, Any], *, is_ragged: bool
    ) -> Layout | None:
        """Returns the layout of the file for a planned table; None when the table cannot be filled from it."""
        if self.failure is not None:
            return None
        mapping = plan_mapping(self.headers, plan)
        read = ImportOptions.model_validate({**options, "mapping": mapping})
        try:
            return find_layout(header, planned_definition(plan), read, is_ragged=is_ragged)
        except JobFailed as error:
            self.failure = str(error)
            return None

    def _columns_of(self, header: Sequence[str]) -> list[str]:
        if self._given.header_line == 0:
            width = max((len(record.fields) for record in self._records[:MAX_PREVIEW_ROWS]), default=0)
            return [f"#{number}" for number in range(1, width + 1)]
        names = list(header)
        if names[-1:] == [REASON_COLUMN]:
            names.pop()
        # A new table has a column for values that nobody named.
        is_open = names[-1:] == [""] and self._definition is None
        places = (place for record in self._records for place in _filled(record)) if is_open else ()
        kept = max(places, default=0)
        while names and not names[-1] and len(names) > kept:
            names.pop()
        return names

    def _choose(self, options: ImportOptions) -> None:
        self._inferences = self._infer(options)
        self._numbers = choose_number_options(self._inferences)
        self._dates = choose_date_options(self._inferences)

    def _infer_words(self) -> Words:
        columns = importable_columns(self._definition) if self._definition is not None else {}
        named = []
        for position, (header, inference) in enumerate(zip(self.headers, self._inferences, strict=True), 1):
            target = columns.get(self._mapping.get(header, self._mapping.get(f"#{position}", header)) or "")
            named.append(NamedColumn(header, inference, None if target is None else target.type))

        def kind(inference: ColumnInference) -> ColumnType | None:
            # However numbers and dates are written, which is decided later.
            holding = next((trial.kind for trial in inference.holding()), ColumnType.TEXT)
            return holding if inference.cells else None

        return infer_words(named, self._given, kind, self._infer)

    def _infer(self, options: ImportOptions) -> list[ColumnInference]:
        inferences = [start_inference(options) for _ in self.headers]
        for record in self._records:
            for inference, cell in zip(inferences, record.fields, strict=False):
                inference.add(record.line, cell)
        return inferences

    def _kind(self, inference: ColumnInference) -> ColumnType | None:
        return inference.kind(self._numbers.options or {}, self._dates.options)

    def _suggest_mapping(self) -> dict[str, str | None]:
        """Returns the given mapping, extended by columns whose names differ only in case and separators."""
        mapping = dict(self._given.mapping)
        if self._definition is None or self._given.header_line == 0:
            return mapping
        known = importable_columns(self._definition)
        plain = {_plain(name): name for name in known}
        taken = {*mapping.values(), *(set(self.headers) & known.keys())}
        for header in self.headers:
            column = plain.get(_plain(header))
            if header in mapping or header in known or header in IGNORED_COLUMNS or column is None or column in taken:
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
        named = list(zip(self.headers, self._inferences, strict=True))
        self.questions += find_layout_questions(named, self._kind)
        if self._numbers.question is None and not self._given.model_fields_set & {"decimal", "thousands"}:
            self.questions += find_number_questions(named, self._numbers.options or {})
        for choice in (self._numbers, self._dates):
            if choice.question is not None:
                self.questions.append(choice.question)
        for header_name, inference in zip(self.headers, self._inferences, strict=True):
            kind = self._kind(inference)
            if self._given.timezone is None and kind is ColumnType.TIMESTAMPTZ and names_no_zone(inference):
                self.questions.append(f"times of the column {quoted(header_name)} have no zone: send timezone")
            if kind is ColumnType.NUMERIC and (odd := first_not_a_number(inference)) is not None:
                self.questions.append(
                    f"line {odd.line} has {odd.value!r}, which is imported as it is: send null_words if it means"
                    " no value"
                )
        self.questions += find_quality_questions(named, self._records, self._given)
        if self._given.header_line is None:
            self._ask_for_header(header)

    def _ask_for_header(self, header: Sequence[str]) -> None:
        """Asks whether the first line is the header if it has values, or fewer columns than the lines after it."""
        first = Record(0, tuple(header))
        values = [name for name in header if any(character.isdigit() for character in name) and _is_value(name)]
        if values:
            self.questions.append(
                f"the header contains {quoted(values[0])}, which looks like a value: send header_line (0: no header)"
            )
        if _width(first) == 1 and (other := find_other_delimiter(self._records, self._delimiter)) is not None:
            line, delimiter = other
            self.questions.append(
                f"the header names 1 column, but most lines have {quoted(delimiter)}: send header_line, perhaps"
                f" {line}, and delimiter, perhaps {quoted(delimiter)}"
            )
            return
        plain = [record.line for record in self._records if not _is_comment(record)]
        if plain and header and header[0].startswith("# "):
            self.questions.append(
                f"the header begins with #, as a comment does: send header_line, perhaps {plain[0]}"
            )
            return
        widths = [_width(record) for record in self._records[:MAX_PREVIEW_ROWS]]
        if widths and _width(first) < (common := max(set(widths), key=widths.count)):
            wide = [record for record in self._records if _width(record) >= common and not _is_comment(record)]
            line = (wide or list(self._records))[0].line
            self.questions.append(
                f"the header names {_width(first)} columns, but most lines have {common} values: send header_line,"
                f" perhaps {line}"
            )

    def _try_layout(self) -> dict[int, list[Objection]]:
        """Returns objections of the table's columns to cells, by position; records malformed lines as problems."""
        objections_by_position: dict[int, list[Objection]] = {}
        for record in self._records:
            try:
                if record.problem is not None:
                    raise record.problem
                fields = self.layout.fit(record) if self.layout is not None else record.fields
            except LineRejected as error:
                self.problems.append(PreviewProblem(line=record.line, reason=error.reason))
                continue
            for target in self.layout.targets if self.layout is not None else ():
                objections = objections_by_position.setdefault(target.position, [])
                if len(objections) >= _MAX_OBJECTIONS:
                    continue
                cell = fields[target.position]
                reason = self._refusal(target.convert, cell, is_needed=target.is_needed)
                if reason is not None:
                    against = f"the table's column {target.column.name} ({target.column.type})"
                    counterexample = Counterexample(record.line, text_of(cell)[:100], reason)
                    objections.append(_objection(against, counterexample))
        return objections_by_position

    @staticmethod
    def _refusal(convert: Any, cell: Cell, *, is_needed: bool) -> str | None:
        try:
            return "a value is required" if convert(cell) is None and is_needed else None
        except LineRejected as error:
            return error.reason

    def _objections(self, inference: ColumnInference, kind: ColumnType | None) -> list[Objection]:
        """Returns what contradicts other ways of reading this type; for text, the readings that fit most cells."""
        objections = [_objection("any type", fault) for fault in inference.faults]
        if (
            kind is ColumnType.NUMERIC
            and (counterexample := inference.first_fraction(self._numbers.options or {})) is not None
        ):
            objections.append(_objection("integer", counterexample))
        seen: set[tuple[Any, ...]] = set()
        for trial in inference.trials:
            counterexample = trial.counterexample
            if counterexample is None or not (trial.kind is kind or (kind is ColumnType.TEXT and trial.is_likely)):
                continue
            # A line that contradicts several number formats is reported once, and likewise for dates and times.
            is_number = trial.kind is ColumnType.NUMERIC
            key = (is_number, counterexample.line) if is_number else (counterexample.line, *trial.options.items())
            if key in seen:
                continue
            seen.add(key)
            options = " and ".join(f"{name}={value}" for name, value in trial.options.items())
            objections.append(
                _objection(f"{trial.kind} with {options}" if options else str(trial.kind), counterexample)
            )
        return objections


def _with_trial(
    columns: Sequence[PreviewColumn], guesses: Sequence[Guess], tried: TriedRows | None
) -> list[PreviewColumn]:
    """Returns the columns with how sure their types are, and the values that speak against them."""
    for place, column in enumerate(columns):
        if place < len(guesses):
            column.confidence = guesses[place].confidence
        if tried is not None and (values := tried.columns.get(place)) is not None:
            column.against, column.against_count = values.shown, values.count
    return list(columns)


def _failed(error: JobFailed, options: ImportOptions) -> CsvPreview:
    sent = options.model_dump(mode="json", exclude_unset=True, exclude={"dry_run"})
    return CsvPreview(
        error=str(error), error_line=error.line, error_column=error.column, format=dict(error.format),
        options=sent, questions=[], columns=[], rows=[], problems=[], plan=None,
        rows_to_repair=0, rows_looked_at=0, total_rows=None,
    )  # fmt: skip


def _objection(against: str, counterexample: Counterexample) -> Objection:
    return Objection(
        against=against, line=counterexample.line, value=counterexample.value, reason=counterexample.reason
    )


def _plain(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def _is_value(name: str) -> bool:
    inference = start_inference(ImportOptions())
    inference.add(0, name)
    return any(trial.holds for trial in inference.trials)


def _is_comment(record: Record) -> bool:
    return text_of((record.fields or (record.raw,))[0]).lstrip().startswith("#")


def _filled(record: Record) -> Iterator[int]:
    """Yields the places of a record's values, from 1."""
    return (place for place, field in enumerate(record.fields, 1) if not is_blank(field))


def _width(record: Record) -> int:
    return sum(not is_blank(field) for field in record.fields)
