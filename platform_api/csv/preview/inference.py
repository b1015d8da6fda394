"""Infers the types of a file's columns: every way of reading is tried on every cell until one contradicts it.

Ambiguous values are not decided: `1,234` and `01/02/2024` are reported with both meanings.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from platform_api.csv.errors import LineRejected
from platform_api.csv.schemas import ImportOptions
from platform_api.csv.values.cells import Cell, Fault, Number, is_blank, text_of
from platform_api.csv.values.converting import Reading, converter
from platform_api.csv.values.datetimes import names_zone
from platform_api.tables.ddl.column_types import ColumnType
from platform_api.tables.definition import Column

_MIN_TRIED = 50
"""Number of cells after which a contradicted reading is no longer tried."""
_LOST_AS_NUMBER = re.compile(r"\s*(?:\+|[+-]?0[0-9]|[0-9]+[eE][0-9]+\s*\Z)")
_NUMBER_OPTIONS: tuple[dict[str, str], ...] = (
    {"decimal": "."},
    {"decimal": ","},
    {"decimal": ".", "thousands": ","},
    {"decimal": ",", "thousands": "space"},
    {"decimal": ".", "thousands": "space"},
    {"decimal": ".", "thousands": "'"},
    {"decimal": ",", "thousands": "'"},
)
"""In order of preference."""
_DATE_OPTIONS: tuple[dict[str, str], ...] = ({}, {"date_order": "dmy"}, {"date_order": "mdy"}, {"date_order": "ymd"})
_SIMPLE_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:([.,])[0-9]{1,15})?\Z")
_NOT_A_NUMBER = "NaN"
_BITS = frozenset({"0", "1"})


@dataclass(frozen=True, slots=True)
class Counterexample:
    """Holds the first cell that contradicts a reading."""

    line: int
    value: str
    reason: str


class NotReversible(LineRejected):
    """Reports that a cell would change in a round trip."""


@dataclass(slots=True)
class Trial:
    """Tracks one way of reading a column, and its results so far."""

    kind: ColumnType
    options: Mapping[str, str]
    read: Callable[[Cell], Any]
    tried: int = 0
    fits: int = 0
    counterexample: Counterexample | None = None

    @property
    def is_likely(self) -> bool:
        """Returns whether this reading fits at least half of the cells."""
        return self.fits > 0 and 2 * self.fits >= self.tried

    @property
    def holds(self) -> bool:
        return self.counterexample is None and self.fits > 0

    def try_(self, line: int, cell: Cell, decimal: str | None) -> None:
        """Reads a cell, unless the column is known not to fit or the result is certain."""
        if decimal is not None and self.is_certain_of(decimal):
            self.tried += 1
            self.fits += 1
            return
        if self.counterexample is not None and self.tried >= _MIN_TRIED and not self.is_likely:
            return
        self.tried += 1
        try:
            self.read(cell)
            self.fits += 1
        except LineRejected as error:
            self.fits += isinstance(error, NotReversible)
            if self.counterexample is None:
                self.counterexample = Counterexample(line, text_of(cell)[:100], error.reason)

    def is_certain_of(self, decimal: str) -> bool:
        """Returns whether a simple number with this decimal sign has only one possible value."""
        return self.kind is ColumnType.NUMERIC and decimal in ("", self.options["decimal"])

    def number(self, cell: Cell) -> Decimal:
        """Returns the number in a cell."""
        decimal = _decimal_sign(cell)
        if decimal is not None and isinstance(cell, str) and self.is_certain_of(decimal):
            return Decimal(cell.replace(",", "."))
        return Decimal(self.read(cell))

    def number_kind(self, cells: Iterable[Cell]) -> ColumnType:
        """Returns the narrowest type of numbers that holds all cells, which this reading fits."""
        numbers = [self.number(cell) for cell in cells]
        if any(number != number.to_integral_value() for number in numbers):
            return ColumnType.NUMERIC
        magnitude = max(abs(number) for number in numbers)
        if magnitude < 2**31:
            return ColumnType.INTEGER
        return ColumnType.BIGINT if magnitude < 2**63 else ColumnType.NUMERIC


def _decimal_sign(cell: Cell) -> str | None:
    """Returns the decimal sign of a simple number, empty for a whole one; None for any other cell.

    Nearly all numbers are simple, and trying every reading costs ten times as much.
    """
    match = _SIMPLE_NUMBER.match(cell) if isinstance(cell, str) else None
    return None if match is None else match.group(1) or ""


@dataclass(slots=True)
class ColumnInference:
    """Collects the values of a column and infers its type."""

    is_empty: Callable[[Cell], bool] = is_blank
    cells: dict[Cell, int] = field(default_factory=dict)
    """Distinct values, with the line of their first occurrence."""
    filled: int = 0
    trials: list[Trial] = field(default_factory=list)
    faults: list[Counterexample] = field(default_factory=list)

    def add(self, line: int, cell: Cell) -> None:
        """Adds a cell."""
        if self.is_empty(cell):
            return
        self.filled += 1
        if isinstance(cell, Fault):
            if len(self.faults) < 3:
                self.faults.append(Counterexample(line, cell.text[:100], cell.reason))
            return
        if cell not in self.cells:
            self.cells[cell] = line
            decimal = _decimal_sign(cell)
            for trial in self.trials:
                trial.try_(line, cell, decimal)

    def trial(self, kind: ColumnType, options: Mapping[str, str]) -> Trial:
        """Returns the trial of this reading."""
        return next(trial for trial in self.trials if trial.kind is kind and trial.options == options)

    def kind(self, numbers: Mapping[str, str], dates: Mapping[str, str] | None) -> ColumnType | None:
        """Returns the type that fits all cells with these options; None for an empty column.

        `dates` is None when the order of dates is ambiguous.
        """
        if not self.cells:
            return None
        for trial in self.holding():
            if trial.kind is ColumnType.NUMERIC:
                if trial.options == numbers:
                    return trial.number_kind(self.cells)
            elif not trial.options or dates is None or trial.options == dates:
                return trial.kind
        return ColumnType.TEXT

    def holding(self) -> Iterator[Trial]:
        """Yields the readings that fit all cells. A column of only 1 and 0 contains numbers."""
        for trial in self.trials:
            if trial.holds and not (trial.kind is ColumnType.BOOLEAN and all(map(_is_bit, self.cells))):
                yield trial

    def first_fraction(self, numbers: Mapping[str, str]) -> Counterexample | None:
        """Returns the first cell of a column of numbers that is not a whole number."""
        trial = self.trial(ColumnType.NUMERIC, numbers)
        for cell, line in self.cells.items():
            number = trial.number(cell)
            if number != number.to_integral_value():
                return Counterexample(line, text_of(cell)[:100], "it is not a whole number")
        return None


def start_inference(given: ImportOptions) -> ColumnInference:
    """Returns an inference that tries every reading that the given options allow."""
    given_fields = given.model_fields_set
    reading = Reading.of(given)
    numbers, dates = _NUMBER_OPTIONS, _DATE_OPTIONS
    if given_fields & {"decimal", "thousands"}:
        numbers = ({"decimal": given.decimal} | ({"thousands": given.thousands} if given.thousands else {}),)
    if given_fields & {"date_order", "date_format", "time_format"}:
        dates = ({"date_order": given.date_order} if given.date_order else {},)
    has_words = bool(given_fields & {"true_words", "false_words"})
    trials = [
        Trial(ColumnType.BOOLEAN, {}, _words_only(_convert(ColumnType.BOOLEAN, reading), takes_bits=has_words)),
        Trial(ColumnType.UUID, {}, _convert(ColumnType.UUID, reading)),
    ]
    for options in numbers:
        trials.append(
            Trial(ColumnType.NUMERIC, options, _kept_as_number(_variant(ColumnType.NUMERIC, given, options)))
        )
    zone = {} if given.timezone else {"timezone": "UTC"}
    trials += [Trial(ColumnType.DATE, options, _variant(ColumnType.DATE, given, options)) for options in dates]
    trials += [
        Trial(ColumnType.TIMESTAMPTZ, options, _variant(ColumnType.TIMESTAMPTZ, given, {**options, **zone}))
        for options in dates
    ]
    trials.append(Trial(ColumnType.JSON, {}, _containers_only(_convert(ColumnType.JSON, reading))))
    return ColumnInference(is_empty=reading.is_empty, trials=trials)


@dataclass(frozen=True, slots=True)
class Choice:
    """Holds the options that fit most columns, and a question if they are ambiguous."""

    options: Mapping[str, str] | None
    """None when two candidates mean different dates."""
    question: str | None = None


def choose_number_options(inferences: Sequence[ColumnInference]) -> Choice:
    """Returns the decimal sign and the thousands separator that fit the most columns."""
    return _choose(inferences, (ColumnType.NUMERIC,), "decimal")


def choose_date_options(inferences: Sequence[ColumnInference]) -> Choice:
    """Returns the order of dates that fits the most columns."""
    return _choose(inferences, (ColumnType.DATE, ColumnType.TIMESTAMPTZ), "date_order")


def names_no_zone(inference: ColumnInference) -> bool:
    """Returns whether a column of times has one without a zone."""
    # A typed time is UTC unless a zone is given.
    texts = [cell for cell in inference.cells if isinstance(cell, str)]
    return not any(
        trial.holds and all(map(names_zone(trial.options.get("date_order")), texts))
        for trial in inference.trials
        if trial.kind is ColumnType.TIMESTAMPTZ
    )


def first_not_a_number(inference: ColumnInference) -> Counterexample | None:
    """Returns the first `NaN` in a column of numbers, which some programs write for no value."""
    line = inference.cells.get(_NOT_A_NUMBER)
    return None if line is None else Counterexample(line, _NOT_A_NUMBER, "it is not a number")


def show_decimal_point(inferences: Sequence[ColumnInference]) -> bool:
    """Returns whether some column fits only with a decimal point."""
    point, comma = _NUMBER_OPTIONS[:2]
    return any(
        inference.trial(ColumnType.NUMERIC, point).holds and not inference.trial(ColumnType.NUMERIC, comma).holds
        for inference in inferences
    )


def _choose(inferences: Sequence[ColumnInference], kinds: tuple[ColumnType, ...], name: str) -> Choice:
    tried = [trial.options for trial in inferences[0].trials if trial.kind is kinds[0]] if inferences else []
    scores = [
        sum(any(inference.trial(kind, options).holds for kind in kinds) for inference in inferences)
        for options in tried
    ]
    best = max(scores, default=0)
    if not best:
        return Choice({})
    leading = [options for options, score in zip(tried, scores, strict=True) if score == best]
    for other in leading[1:]:
        if (example := _difference(inferences, kinds, leading[0], other)) is not None:
            line, value, first_meaning, other_meaning = example
            question = (
                f"line {line} has {value!r}, which is {first_meaning} with {_options_text(leading[0])} and"
                f" {other_meaning} with {_options_text(other)}: send {name}"
            )
            return Choice(None if name == "date_order" else leading[0], question)
    return Choice(leading[0])


def _difference(
    inferences: Iterable[ColumnInference],
    kinds: tuple[ColumnType, ...],
    options: Mapping[str, str],
    other: Mapping[str, str],
) -> tuple[int, str, str, str] | None:
    """Returns line, text and both values of a cell that the options read differently; None without one."""
    for inference in inferences:
        for kind in kinds:
            first, second = inference.trial(kind, options), inference.trial(kind, other)
            if not (first.holds and second.holds):
                continue
            for cell, line in inference.cells.items():
                decimal = _decimal_sign(cell)
                if decimal is not None and first.is_certain_of(decimal) and second.is_certain_of(decimal):
                    continue
                values = first.read(cell), second.read(cell)
                if kind is ColumnType.NUMERIC and Decimal(values[0]) == Decimal(values[1]):
                    continue
                if values[0] != values[1]:
                    return line, text_of(cell)[:60], str(values[0]), str(values[1])
    return None


def _options_text(options: Mapping[str, str]) -> str:
    return " and ".join(f"{name}={value}" for name, value in options.items()) or "no options"


def _convert(kind: ColumnType, reading: Reading) -> Callable[[Cell], Any]:
    return converter(Column(name="column", type=kind), reading)


def _variant(kind: ColumnType, given: ImportOptions, options: Mapping[str, str]) -> Callable[[Cell], Any]:
    return _convert(kind, Reading.of(ImportOptions.model_validate({**given.model_dump(), **options})))


def _is_bit(cell: Cell) -> bool:
    return isinstance(cell, Number) or (isinstance(cell, str) and cell.strip() in _BITS)


def _words_only(convert: Callable[[Cell], Any], *, takes_bits: bool) -> Callable[[Cell], Any]:
    def read(cell: Cell) -> Any:
        if _is_bit(cell) and not takes_bits:
            raise LineRejected("a number; a boolean column accepts only 1 and 0")
        return convert(cell)

    return read


def _kept_as_number(convert: Callable[[Cell], Any]) -> Callable[[Cell], Any]:
    def read(cell: Cell) -> Any:
        value = convert(cell)
        is_masked = isinstance(cell, Number) and cell.display != cell.text
        if is_masked or (isinstance(cell, str) and _LOST_AS_NUMBER.match(cell)):
            raise NotReversible(f"{text_of(cell).strip()[:60]!r} would lose digits or signs as a number")
        return value

    return read


def _containers_only(convert: Callable[[Cell], Any]) -> Callable[[Cell], Any]:
    def read(cell: Cell) -> Any:
        if not isinstance(cell, str) or not cell.lstrip().startswith(("{", "[")):
            raise LineRejected("not a JSON object or list")
        return convert(cell)

    return read
