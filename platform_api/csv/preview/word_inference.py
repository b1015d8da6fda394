"""Words of a file that stand for no value, for true and false, or beside numbers; and years of two digits.

They are looked for in columns that would be text otherwise, and count when the column is something else with them.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from platform_api.csv.preview.guessing import ColumnGuess
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
"""That are hardly ever meant as text."""
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
"""Of a column, among which words are looked for; whether they explain all of it is tried afterwards."""

Kind = Callable[[ColumnGuess], ColumnType | None]


@dataclass(frozen=True, slots=True)
class NamedGuess:
    """A column of the file; `wanted` is the type of the table's column that it goes into."""

    header: str
    guess: ColumnGuess
    wanted: ColumnType | None = None

    @property
    def is_text(self) -> bool:
        """Whether the table takes every text as it is."""
        return self.wanted in (ColumnType.TEXT, ColumnType.CHOICE)

    @property
    def texts(self) -> dict[str, int]:
        """Its different texts, with the line of the first of each."""
        return {cell.strip(): line for cell, line in self.guess.cells.items() if isinstance(cell, str)}


@dataclass(slots=True)
class Words:
    """Options that were found, and what is to be asked."""

    options: dict[str, list[str]] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)


def find_words(
    columns: Sequence[NamedGuess],
    given: ImportOptions,
    kind: Kind,
    guess_again: Callable[[ImportOptions], Sequence[ColumnGuess]],
) -> Words:
    """Returns the words that make something of columns that are text without them.

    `guess_again` guesses all columns with other options.
    """
    found = Words()
    open_columns = [column for column in columns if not column.is_text and kind(column.guess) is ColumnType.TEXT]
    candidates = _candidates(open_columns, given)
    if candidates:
        again = guess_again(with_options(given, candidates))
        helped = [
            column
            for column, guess in zip(columns, again, strict=True)
            if column in open_columns and kind(guess) not in (ColumnType.TEXT, None)
        ]
        _confirm(found, helped, columns, given, kind)
    for column in open_columns:
        _ask_for_year(found, column)
    return found


def with_options(given: ImportOptions, more: Mapping[str, Any]) -> ImportOptions:
    """Returns the options that were said, and more."""
    return ImportOptions.model_validate({**given.model_dump(exclude_unset=True), **more})


def _candidates(columns: Iterable[NamedGuess], given: ImportOptions) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for column in columns:
        for name, words in _words_of(column, given).items():
            found.setdefault(name, set()).update(words)
    return _as_options(found)


def _words_of(column: NamedGuess, given: ImportOptions) -> dict[str, set[str]]:
    """Returns the words by option that may explain why a column is text."""
    said = given.model_fields_set
    texts = set(islice(column.texts, _MAX_TEXTS))
    nulls = {text for text in texts if text.casefold() in _NULL_WORDS} if "null_words" not in said else set()
    found: dict[str, set[str]] = {}
    if not said & {"true_words", "false_words"} and (pair := _boolean_pair(column, texts, nulls)) is not None:
        found["true_words"], found["false_words"] = {pair[0]}, {pair[1]}
        nulls -= {text for text in nulls if text.casefold() in pair}
    elif "units" not in said:
        found["units"] = {unit for text in texts - nulls if (unit := find_unit(text)) and _is_known(unit)}
    return found | {"null_words": nulls}


def _boolean_pair(column: NamedGuess, texts: set[str], nulls: set[str]) -> tuple[str, str] | None:
    every = {text.casefold() for text in texts}
    for pair in _BOOLEANS:
        used = every & set(pair)
        rest = every - {*pair, *TRUE_WORDS, *FALSE_WORDS} - {text.casefold() for text in nulls}
        if used and not rest and (len(used) == 2 or column.wanted is ColumnType.BOOLEAN):
            return pair
    return None


def _is_known(unit: str) -> bool:
    return (
        unit == PERCENT
        or unit.casefold().rstrip(".") in _CURRENCIES
        or any(unicodedata.category(character) == "Sc" for character in unit)
    )


def _as_options(found: Mapping[str, set[str]]) -> dict[str, list[str]]:
    """Returns the words as options. Words for true and false stand instead of the usual ones, which are added."""
    usual = {"true_words": TRUE_WORDS, "false_words": FALSE_WORDS}
    return {name: sorted(words | usual.get(name, frozenset())) for name, words in found.items() if words}


def _confirm(
    found: Words, helped: Sequence[NamedGuess], columns: Sequence[NamedGuess], given: ImportOptions, kind: Kind
) -> None:
    confirmed: dict[str, set[str]] = {}
    for column in helped:
        for name, words in _words_of(column, given).items():
            if name == "units" and len(words) > 1:
                listed = " and ".join(sorted(words))
                found.questions.append(
                    f"numbers of the column {column.header!r} have several units ({listed}), which would be left"
                    " out: say units"
                )
                continue
            for word in words:
                if name == "null_words" and (other := _holds_as_text(word, columns, helped, kind)) is not None:
                    found.questions.append(
                        f"{word!r} of the column {column.header!r} may mean no value, and stands in the text of"
                        f" {other!r} as well: say null_words"
                    )
                else:
                    confirmed.setdefault(name, set()).add(word)
    truths = confirmed.get("true_words", set()) | confirmed.get("false_words", set())
    for word in sorted(word for word in confirmed.get("null_words", set()) if word.casefold() in truths):
        confirmed["null_words"].discard(word)
        found.questions.append(f"{word!r} may mean no value or false: say null_words, or true_words and false_words")
    found.options = _as_options(confirmed)


def _holds_as_text(word: str, columns: Iterable[NamedGuess], helped: Sequence[NamedGuess], kind: Kind) -> str | None:
    """Returns the header of a column of text in which the word may be meant as it is."""
    if word.casefold() in _CERTAIN_NULL_WORDS:
        return None
    return next(
        (
            column.header
            for column in columns
            if column not in helped
            and word in column.texts
            and (column.is_text or kind(column.guess) is ColumnType.TEXT)
        ),
        None,
    )


def _ask_for_year(found: Words, column: NamedGuess) -> None:
    texts = column.texts
    matches = [match for text in texts if (match := _SHORT_YEAR.fullmatch(text)) is not None]
    if not matches or 2 * len(matches) < len(texts):
        return
    first = matches[0]
    days = [match[0].removesuffix(match["time"] or "") for match in matches]
    layouts = [layout.format(first["separator"]) for layout in _SHORT_YEARS]
    fitting = [layout for layout in layouts if all(has_layout(day, layout) for day in days)]
    option, rest = ("time_format", " %H:%M") if first["time"] else ("date_format", "")
    said = " or ".join(f"{layout}{rest}" for layout in fitting or layouts[:1])
    found.questions.append(
        f"line {texts[first[0]]} has {first[0][:60]!r}, whose year has two digits: say {option}, as {said}"
    )


def has_layout(text: str, layout: str) -> bool:
    """Returns whether a text is a date or time in a format of `strptime`."""
    try:
        datetime.strptime(text, layout)
    except ValueError:
        return False
    return True
