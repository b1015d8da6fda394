"""Infers words for null, for true and false, and units of numbers; and finds years of two digits.

Candidates come from columns that would otherwise be text, and are accepted if they give the column another type.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from platform_api.csv.preview.inference import ColumnInference
from platform_api.csv.schemas import ImportOptions
from platform_api.csv.values.converting import FALSE_WORDS, TRUE_WORDS, find_unit
from platform_api.csv.values.numbers import PERCENT
from platform_api.tables.ddl.column_types import ColumnType

_NULL_WORDS = frozenset(
    {
        "null",
        "none",
        "nil",
        "nan",
        "n/a",
        "na",
        "n.a.",
        "#n/a",
        "\\n",
        "-",
        "--",
        "–",
        "—",
        "?",
        "brak",
        "b/d",
        "nd",
        "0000-00-00",
        "0000-00-00 00:00:00",
    }
)
_CERTAIN_NULL_WORDS = frozenset({"null", "\\n", "#n/a"})
"""Are hardly ever meant as text."""
_BOOLEANS: Sequence[tuple[str, str]] = (
    ("tak", "nie"), ("prawda", "fałsz"), ("t", "n"), ("p", "f"), ("ja", "nein"), ("j", "n"), ("wahr", "falsch"),
    ("w", "f"), ("oui", "non"), ("o", "n"), ("vrai", "faux"), ("v", "f"), ("si", "no"), ("sí", "no"), ("sì", "no"),
    ("s", "n"), ("vero", "falso"), ("verdadero", "falso"), ("sim", "não"), ("verdadeiro", "falso"), ("ano", "ne"),
    ("áno", "nie"), ("igen", "nem"), ("da", "nu"), ("да", "нет"), ("так", "ні"), ("ja", "nej"),
    ("enabled", "disabled"), ("active", "inactive"), ("x", "-"),
)  # fmt: skip
_CURRENCIES = frozenset(
    {"pln", "eur", "usd", "gbp", "chf", "czk", "sek", "nok", "dkk", "huf", "uah", "jpy", "zł", "kr", "kč", "ft"}
)
_SHORT_YEAR = re.compile(r"[0-9]{1,2}(?P<separator>[./-])[0-9]{1,2}(?P=separator)[0-9]{2}(?P<time>[ T].*)?")
_SHORT_YEARS = ("%d{0}%m{0}%y", "%m{0}%d{0}%y", "%y{0}%m{0}%d")
_MAX_TEXTS = 2000
"""Number of texts of a column that are searched for words; all of them are tried afterwards."""

Kind = Callable[[ColumnInference], ColumnType | None]


@dataclass(frozen=True, slots=True)
class NamedColumn:
    """Describes a column of the file; `target_type` is the type of the table's column it is mapped to."""

    header: str
    inference: ColumnInference
    target_type: ColumnType | None = None

    @property
    def is_text(self) -> bool:
        """Returns whether the table's column accepts any text."""
        return self.target_type in (ColumnType.TEXT, ColumnType.CHOICE)

    @property
    def texts(self) -> dict[str, int]:
        """Returns the distinct texts, with the line of their first occurrence."""
        return {cell.strip(): line for cell, line in self.inference.cells.items() if isinstance(cell, str)}


@dataclass(slots=True)
class Words:
    """Holds the inferred options and the questions about them."""

    options: dict[str, list[str]] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)


def infer_words(
    columns: Sequence[NamedColumn],
    given: ImportOptions,
    kind: Kind,
    infer_again: Callable[[ImportOptions], Sequence[ColumnInference]],
) -> Words:
    """Returns the words that give columns of text another type.

    `infer_again` infers all columns again, with other options.
    """
    result = Words()
    open_columns = [column for column in columns if not column.is_text and kind(column.inference) is ColumnType.TEXT]
    candidates = _candidates(open_columns, given)
    if candidates:
        again = infer_again(with_options(given, candidates))
        helped = [
            column
            for column, inference in zip(columns, again, strict=True)
            if column in open_columns and kind(inference) not in (ColumnType.TEXT, None)
        ]
        _confirm(result, helped, columns, given, kind)
    for column in open_columns:
        _ask_for_year(result, column)
    return result


def with_options(given: ImportOptions, more: Mapping[str, Any]) -> ImportOptions:
    """Returns the given options with some more."""
    return ImportOptions.model_validate({**given.model_dump(exclude_unset=True), **more})


def _candidates(columns: Iterable[NamedColumn], given: ImportOptions) -> dict[str, list[str]]:
    words_by_option: dict[str, set[str]] = {}
    for column in columns:
        for name, words in _words_of(column, given).items():
            words_by_option.setdefault(name, set()).update(words)
    return _as_options(words_by_option)


def _words_of(column: NamedColumn, given: ImportOptions) -> dict[str, set[str]]:
    """Returns words by option that may be the reason why a column is text."""
    given_fields = given.model_fields_set
    texts = set(islice(column.texts, _MAX_TEXTS))
    nulls = {text for text in texts if text.casefold() in _NULL_WORDS} if "null_words" not in given_fields else set()
    words: dict[str, set[str]] = {}
    if not given_fields & {"true_words", "false_words"} and (pair := _boolean_pair(column, texts, nulls)) is not None:
        words["true_words"], words["false_words"] = {pair[0]}, {pair[1]}
        nulls -= {text for text in nulls if text.casefold() in pair}
    elif "units" not in given_fields:
        words["units"] = {unit for text in texts - nulls if (unit := find_unit(text)) and _is_known(unit)}
    return words | {"null_words": nulls}


def _boolean_pair(column: NamedColumn, texts: set[str], nulls: set[str]) -> tuple[str, str] | None:
    every = {text.casefold() for text in texts}
    for pair in _BOOLEANS:
        used = every & set(pair)
        rest = every - {*pair, *TRUE_WORDS, *FALSE_WORDS} - {text.casefold() for text in nulls}
        if used and not rest and (len(used) == 2 or column.target_type is ColumnType.BOOLEAN):
            return pair
    return None


def _is_known(unit: str) -> bool:
    return (
        unit == PERCENT
        or unit.casefold().rstrip(".") in _CURRENCIES
        or any(unicodedata.category(character) == "Sc" for character in unit)
    )


def _as_options(words_by_option: Mapping[str, set[str]]) -> dict[str, list[str]]:
    """Returns the words as options. Those for true and false replace the default words, so these are added."""
    usual = {"true_words": TRUE_WORDS, "false_words": FALSE_WORDS}
    return {name: sorted(words | usual.get(name, frozenset())) for name, words in words_by_option.items() if words}


def _confirm(
    result: Words, helped: Sequence[NamedColumn], columns: Sequence[NamedColumn], given: ImportOptions, kind: Kind
) -> None:
    confirmed: dict[str, set[str]] = {}
    for column in helped:
        for name, words in _words_of(column, given).items():
            if name == "units" and len(words) > 1:
                listed = " and ".join(sorted(words))
                result.questions.append(
                    f"numbers of the column {column.header!r} have several units ({listed}), which would be"
                    " ignored: send units"
                )
                continue
            for word in words:
                if name == "null_words" and (other := _holds_as_text(word, columns, helped, kind)) is not None:
                    result.questions.append(
                        f"{word!r} of the column {column.header!r} may mean no value, but is also in the text of"
                        f" {other!r}: send null_words"
                    )
                else:
                    confirmed.setdefault(name, set()).add(word)
    truths = confirmed.get("true_words", set()) | confirmed.get("false_words", set())
    for word in sorted(word for word in confirmed.get("null_words", set()) if word.casefold() in truths):
        confirmed["null_words"].discard(word)
        result.questions.append(
            f"{word!r} may mean no value or false: send null_words, or true_words and false_words"
        )
    result.options = _as_options(confirmed)


def _holds_as_text(
    word: str, columns: Iterable[NamedColumn], helped: Sequence[NamedColumn], kind: Kind
) -> str | None:
    """Returns the header of a column of text in which the word may be meant literally."""
    if word.casefold() in _CERTAIN_NULL_WORDS:
        return None
    return next(
        (
            column.header
            for column in columns
            if column not in helped
            and word in column.texts
            and (column.is_text or kind(column.inference) is ColumnType.TEXT)
        ),
        None,
    )


def _ask_for_year(result: Words, column: NamedColumn) -> None:
    texts = column.texts
    matches = [match for text in texts if (match := _SHORT_YEAR.fullmatch(text)) is not None]
    if not matches or 2 * len(matches) < len(texts):
        return
    first = matches[0]
    days = [match[0].removesuffix(match["time"] or "") for match in matches]
    layouts = [layout.format(first["separator"]) for layout in _SHORT_YEARS]
    fitting = [layout for layout in layouts if all(fits_format(day, layout) for day in days)]
    option, rest = ("time_format", " %H:%M") if first["time"] else ("date_format", "")
    formats = " or ".join(f"{layout}{rest}" for layout in fitting or layouts[:1])
    result.questions.append(
        f"line {texts[first[0]]} has {first[0][:60]!r}, whose year has two digits: send {option}, for"
        f" example {formats}"
    )


def fits_format(text: str, layout: str) -> bool:
    """Returns whether a text is a date or time in a `strptime` format."""
    try:
        datetime.strptime(text, layout)
    except ValueError:
        return False
    return True
