"""The lint rule for the project's plain English."""

from pathlib import Path

import lint_words as lint
import pytest

ROOT = Path(__file__).parents[2]


# Put together here, so that a search for the words in the tree finds none.
MOST, LONGEST = "most".upper(), "longest".upper()


@pytest.mark.parametrize(
    "code",
    [
        f"_{MOST}_ROWS = 5",
        f"{LONGEST}_WAIT: int = 5",
        "def read(most_bytes): pass",
        "def read(*, most): pass",
        "read(longest_line=5)",
        "self._largest_page = 5",
        "few_connections = 2",
        f"class {MOST}_Rows: pass",
        f"from limits import {MOST}_ROWS",
        "import limits as most_limits",
        "def create(session, wanted): pass",
        "_WANTED = 5",
        "print(f'{x} is wanted here')",
        '"""Returns what is wanted."""',
    ],
)
def test_a_word_of_the_dialect_is_found(code: str) -> None:
    assert len(lint.check_source(code, "x.py")) == 1


@pytest.mark.parametrize(
    "code",
    [
        "MAX_ROWS = 5",
        "at_most_once = True",
        "foremost_row = 1",
        "unwanted = []",
        "print('most of the rows are unwanted')",
        "few = 2",
    ],
)
def test_other_words_pass(code: str) -> None:
    assert lint.check_source(code, "x.py") == []


@pytest.mark.parametrize(
    "text",
    [
        "Whether a row is there.",
        "What a run may use.",
        "The rows of a table.",
        "A row.",
        "Return the rows.",
        "returns the rows.",
        "`rows` are in order.",
        "Rows of a table.",
        "Names of the models.",
        "Its rows.",
        "This returns the rows.",
        "Webhooks: where they come in.",
        "In order.",
        "9 rows.",
    ],
)
@pytest.mark.parametrize("code", ['"""{}"""', 'class A:\n    """{}"""', 'async def f():\n    """{}"""'])
def test_a_docstring_that_begins_with_no_verb_is_found(code: str, text: str) -> None:
    assert len(lint.check_source(code.format(text), "x.py")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Returns the rows.",
        "Names the files of a server.",
        "Consists of three parts.",
        "Reads, checks and writes rows.",
        "Re-encrypts a value.",
        "Raises NotFound.",
        "Ends.",
    ],
)
def test_a_docstring_that_begins_with_a_verb_passes(text: str) -> None:
    assert lint.check_source(f'def f():\n    """{text}"""', "x.py") == []


def test_the_help_of_a_command_is_imperative() -> None:
    command = '@click.command()\ndef up():\n    """Start everything."""'
    subcommand = '@keys.command("rotate")\n@option\ndef rotate():\n    """Re-encrypt every credential."""'
    group = '@click.group\ndef keys():\n    """Manage keys."""'
    for code in (command, subcommand, group):
        assert lint.check_source(code, "x.py") == []
    assert len(lint.check_source('@router.get("/")\ndef show():\n    """Show it."""', "x.py")) == 1


def test_a_violation_names_its_line() -> None:
    source = 'x = """a\nwanted\n"""\n\n\ndef f():\n    """The row."""\n'
    assert [violation.line for violation in lint.check_source(source, "x.py")] == [2, 7]


def test_the_command_reports_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "service.py"
    file.write_text(f"{MOST}_ROWS = 1\n")
    assert lint.main([str(tmp_path)]) == 1
    assert f"service.py:1: {MOST}_ROWS names a bound" in capsys.readouterr().out
    file.write_text("MAX_ROWS = 1\n")
    assert lint.main([str(tmp_path)]) == 0
    assert lint.main([str(file)]) == 0


def test_a_path_that_does_not_exist_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert lint.main(["no/such/folder"]) == 2
    assert "no/such/folder" in capsys.readouterr().err


@pytest.mark.slow
def test_what_is_listed_as_clean_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint.main([]) == 0
