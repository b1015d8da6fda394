"""Splits SQL text into statements by PostgreSQL's lexical rules, and recognizes the kind of each.

Only words outside of strings, names in quotes and comments are looked at, so a kind is never read out of data. The
rules are those of PostgreSQL's scanner (`scan.l`) with `standard_conforming_strings` on, and of `psql` for where a
statement ends: not within parentheses (`create rule`), not within the body of an SQL-standard function.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_TOKEN = re.compile(
    r"""
      (?P<space>\s+ | --[^\n\r]*)
    | (?P<comment>/\*)
    | (?P<quoted>[eE]'(?:[^'\\]|''|\\.|'\s*[\n\r]\s*')*' | '(?:[^']|'')*' | "(?:[^"]|"")*")
    | (?P<dollar>\$(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?\$)
    | (?P<word>[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*)
    | (?P<number>[0-9][A-Za-z0-9_]*)
    | (?P<end>;)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_MARK = re.compile(r"/\*|\*/")
# Stands for a string or a name in quotes among the words.
_QUOTED: Final = '"'
# Every rule below is about the beginning of a statement.
_MAX_WORDS = 64


@dataclass(frozen=True, slots=True)
class SqlStatement:
    """Holds one statement of a script.

    `words` are its first ones outside of parentheses, in lower case, with `"` in place of anything in quotes;
    `options` are the first words inside of parentheses.
    """

    text: str
    words: tuple[str, ...]
    options: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Returns its first words, as messages name it."""
        return " ".join(word for word in self.words[:6] if word != _QUOTED)

    def starts_with(self, *words: str) -> bool:
        """Returns whether these are the first words."""
        return self.words[: len(words)] == words

    @property
    def copies_through_client(self) -> bool:
        """Returns whether it is a COPY whose rows the client sends or receives (`stdin`, `stdout`)."""
        return self.starts_with("copy") and any(
            direction in ("from", "to") and end in ("stdin", "stdout") for direction, end in pairwise(self.words)
        )

    @property
    def controls_transaction(self) -> bool:
        """Returns whether it begins or ends a transaction; savepoints do neither."""
        if self.starts_with("rollback"):
            return "to" not in self.words[1:3] and not self.starts_with("rollback", "prepared")
        if self.starts_with("commit", "prepared"):
            return False
        return (
            self.words[0] in ("begin", "commit", "end", "abort")
            or self.starts_with("start", "transaction")
            or self.starts_with("prepare", "transaction")
        )

    @property
    def needs_transaction_block(self) -> bool:
        """Returns whether PostgreSQL refuses it, or does nothing, outside of a transaction block."""
        return self.words[0] in ("lock", "declare", "savepoint", "release") or self.starts_with("set", "local")

    @property
    def begins_plainly(self) -> bool:
        """Returns whether it begins a transaction without any options."""
        return self.words in (("begin",), ("begin", "work"), ("begin", "transaction"), ("start", "transaction"))

    @property
    def commits_plainly(self) -> bool:
        """Returns whether it commits without any options."""
        return self.words[0] in ("commit", "end") and self.words[1:] in ((), ("work",), ("transaction",))

    @property
    def adds_enum_value(self) -> bool:
        """Returns whether it is `alter type … add value`; the rest of its transaction cannot use the value."""
        return self.starts_with("alter", "type") and ("add", "value") in pairwise(self.words)

    @property
    def refuses_transaction_block(self) -> bool:
        """Returns whether PostgreSQL runs it only outside of a transaction block."""
        words, concurrently = self.words, "concurrently" in self.words
        match words[0]:
            case "vacuum":
                return True
            case "create":
                return words[1:2] in (("database",), ("tablespace",), ("subscription",)) or (
                    concurrently and "index" in words[1:3]
                )
            case "drop":
                return words[1:2] in (("database",), ("tablespace",), ("subscription",)) or (
                    concurrently and words[1:2] == ("index",)
                )
            case "alter":
                return self._alters_outside_transaction(is_concurrent=concurrently)
            case "reindex":
                return (
                    concurrently
                    or "concurrently" in self.options
                    or words[1:2] in (("database",), ("system",), ("schema",))
                )
            case "cluster":
                return words[1:] in ((), ("verbose",))
            case "commit" | "rollback":
                return words[1:2] == ("prepared",)
            case "discard":
                return words[1:2] == ("all",)
        return False

    def _alters_outside_transaction(self, *, is_concurrent: bool) -> bool:
        match self.words[1:2]:
            case ("system",) | ("subscription",):
                return True
            case ("database",):
                return ("set", "tablespace") in pairwise(self.words)
            case ("table",):
                return is_concurrent and "detach" in self.words
        return False


def split_statements(script: str) -> list[SqlStatement]:
    """Returns the statements of a script, without those that are only comments."""
    return list(_Splitter(script).statements())


class _Splitter:
    """Goes through one script; what it knows of the present statement starts over after each `;`."""

    def __init__(self, script: str) -> None:
        self._script = script
        self._found: list[SqlStatement] = []
        self._begin(0)

    def _begin(self, start: int) -> None:
        self._start = start
        self._words: list[str] = []
        self._options: list[str] = []
        self._has_content = False
        self._parentheses = 0
        self._blocks = 0

    def statements(self) -> list[SqlStatement]:
        script, position = self._script, 0
        while position < len(script):
            match = _TOKEN.match(script, position)
            assert match is not None
            position = match.end()
            kind = match.lastgroup
            if kind == "comment":
                position = _end_of_comment(script, position)
            elif kind == "end" and self._parentheses == 0 and self._blocks == 0:
                self._finish(match.start())
                self._begin(position)
            elif kind != "space":
                self._has_content = True
                if kind == "dollar":
                    closing = script.find(match["dollar"], position)
                    position = len(script) if closing < 0 else closing + len(match["dollar"])
                self._take(kind, match[0])
        self._finish(len(script))
        return self._found

    def _finish(self, end: int) -> None:
        if self._has_content:
            words = tuple(self._words) or ("",)
            self._found.append(SqlStatement(self._script[self._start : end], words, tuple(self._options)))

    def _take(self, kind: str | None, text: str) -> None:
        if kind == "word":
            # As PostgreSQL does for keywords: only ASCII letters have a lower case.
            self._take_word(text.lower() if text.isascii() else text)
        elif kind in ("quoted", "dollar"):
            self._add(_QUOTED)
        elif text == "(":
            self._parentheses += 1
        elif text == ")":
            self._parentheses = max(0, self._parentheses - 1)

    def _take_word(self, word: str) -> None:
        self._add(word)
        if self._parentheses or not self._defines_function():
            return
        if word == "begin" or (word == "case" and self._blocks):
            self._blocks += 1
        elif word == "end" and self._blocks:
            self._blocks -= 1

    def _add(self, word: str) -> None:
        target = self._options if self._parentheses else self._words
        if len(target) < _MAX_WORDS:
            target.append(word)

    def _defines_function(self) -> bool:
        start = [word for word in self._words[:4] if word not in ("or", "replace")][:2]
        return start in (["create", "function"], ["create", "procedure"])


def _end_of_comment(script: str, position: int) -> int:
    """Returns where a comment ends: comments nest in PostgreSQL."""
    depth = 1
    for match in _COMMENT_MARK.finditer(script, position):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return match.end()
    return len(script)
