"""The extractor itself: what it takes for code, and that it runs it as it stands."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from tests.docs.blocks import Block, extract_blocks
from tests.docs.pasted import PastedTerminal
from tests.docs.pasting import check_pastes
from tests.docs.running import BlockFailed, Terminal, expect_output, expect_shape, run_json, run_python


def _document(tmp_path: Path, text: str) -> Path:
    document = tmp_path / "page.md"
    document.write_text(dedent(text).lstrip("\n"))
    return document


def _block(text: str, language: str = "python", line: int = 1) -> Block:
    return Block(Path("page.md"), line, language, text)


def test_fenced_blocks_come_with_language_line_tags_and_options(tmp_path: Path) -> None:
    document = _document(
        tmp_path,
        """
        # Page

        ```python title=x
        print(1)
        ```

        <!-- test: needs-docker until=ready -->
        ```sh
        docker compose up
        ```

        1. In a list:

           ~~~json
           {"a":
             1}
           ~~~
        """,
    )
    first, second, third = extract_blocks(document)
    assert (first.language, first.line, first.text, first.options) == ("python", 4, "print(1)\n", {"title": "x"})
    assert (second.language, second.tags, second.options) == ("bash", {"needs-docker"}, {"until": "ready"})
    assert (third.language, third.text) == ("json", '{"a":\n  1}\n')


def test_a_fence_inside_a_longer_fence_is_text(tmp_path: Path) -> None:
    (block,) = extract_blocks(_document(tmp_path, "````md\n```python\nx = 1\n```\n````\n"))
    assert (block.language, block.text) == ("md", "```python\nx = 1\n```\n")


def test_code_without_fences_is_found_by_parsing(tmp_path: Path) -> None:
    document = _document(
        tmp_path,
        '''
        Installation

        pip install automio

        Environment Variables

        Create a .env file in your project root:

        # Cache
        CACHE_SERVICE_URL=https://cache.example.com
        REDIS_PORT=6379

        Usage Example

        from automio.wrapper import API

        api = API()

        # A query with an empty line in it
        query = """query {
            orders { id }

            lines { id }
        }"""

        def total(rows):
            count = 0

            for row in rows:
                count += 1
            return count

          • Queries are scoped by app.
          • Always check .errors before using data.

        Response

        {"rates": [1, 2]}

        query Orders {
          orders { id }
        }

        Conclusion
        ''',
    )
    blocks = extract_blocks(document)
    assert [block.language for block in blocks] == ["bash", "env", "python", "json", "graphql"]
    python = blocks[2]
    assert document.read_text().splitlines()[python.line - 1] == "from automio.wrapper import API"
    assert python.text.endswith("    return count\n")
    assert python.text in document.read_text()


def test_prose_and_headings_are_not_code(tmp_path: Path) -> None:
    text = "Overview\n\nThe client has two methods.\n\nTODO\n\nFoo, Bar\n\nImport the module.\n"
    assert extract_blocks(_document(tmp_path, text)) == []


def test_the_seed_style_of_methods_tables_is_not_code(tmp_path: Path) -> None:
    text = "MethodHTTPReturnsDescription\nhealth()GET /api/v1/healthdictRuntime health check\n"
    assert extract_blocks(_document(tmp_path, text)) == []


def test_python_runs_with_the_names_it_lacks_and_returns_what_it_made() -> None:
    namespace, printed = run_python(_block("total = price * 2\nprint(total)\n"), {"price": 4})
    assert (namespace["total"], printed) == (8, "8\n")


def test_a_failing_block_names_its_line_in_the_document() -> None:
    with pytest.raises(BlockFailed, match=r"page.md:40 \(python\): ZeroDivisionError") as failure:
        run_python(_block("x = 1\nx / 0\n", line=40), {})
    cause = failure.value.__cause__
    assert cause is not None and cause.__traceback__ is not None and cause.__traceback__.tb_next is not None
    assert cause.__traceback__.tb_next.tb_lineno == 41


def test_an_undefined_name_and_a_bad_exit_fail() -> None:
    with pytest.raises(BlockFailed, match="NameError"):
        run_python(_block("undefined\n"), {})
    with pytest.raises(BlockFailed, match="status 3"):
        run_python(_block("raise SystemExit(3)\n"), {})
    run_python(_block("raise SystemExit(0)\n"), {})


def test_a_block_must_paste_into_the_prompt_line_by_line() -> None:
    check_pastes(_block("def f():\n    return 1\n\n\nx = [\n    f(),\n\n]\ntry:\n    x\nfinally:\n    pass\n"))
    check_pastes(_block('text = """\na\n\nb"""\nfor x in text:\n    print(x)\n'))
    with pytest.raises(BlockFailed, match="line 12 is a SyntaxError at the prompt: 'print"):
        check_pastes(_block("with open('x') as f:\n    f.read()\nprint(1)\n", line=10))
    with pytest.raises(BlockFailed, match="line 4 is a IndentationError"):
        check_pastes(_block("def f():\n    x = 1\n\n    return x\n"))


def test_json_that_is_none_fails() -> None:
    assert run_json(_block('{"a": [1]}', "json")) == {"a": [1]}
    with pytest.raises(BlockFailed, match="is not JSON"):
        run_json(_block("{'a': 1}", "json"))


def test_a_shown_reply_must_have_the_real_ones_keys_and_kinds() -> None:
    shown = _block('{"id": 5, "rows": [{"name": "x"}], "next": null}', "json")
    expect_shape(shown, {"id": 9, "rows": [{"name": "y", "more": 1}], "next": "page"})
    for wrong in ({"id": 9, "rows": [{"name": "y"}]}, {"id": "9", "rows": [], "next": None}):
        with pytest.raises(BlockFailed):
            expect_shape(shown, wrong)


def test_output_lines_must_appear_in_order_with_gaps_where_the_page_has_dots() -> None:
    expect_output(_block("one …\nthree\n", "text"), "zero\none 1\ntwo\nthree\n")
    with pytest.raises(BlockFailed, match="not printed: 'one'"):
        expect_output(_block("three\none\n", "text"), "one\nthree\n")


def test_a_terminal_carries_directory_and_variables_from_block_to_block(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, {"PATH": os.environ["PATH"]})
    terminal.run(_block("mkdir inside\ncd inside\nexport NAME='a b'\n", "bash"))
    assert terminal.run(_block('$ echo "$NAME $(basename "$PWD")"\n', "bash")) == "a b inside\n"
    with pytest.raises(BlockFailed, match="status 1"):
        terminal.run(_block("false\ntrue\n", "bash"))


def test_a_background_block_goes_on_until_the_page_ends(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, {"PATH": os.environ["PATH"]})
    terminal.run_in_background(_block("echo ready; sleep 60\n", "bash"), until="ready")
    with pytest.raises(BlockFailed, match="did not print"):
        terminal.run_in_background(_block("sleep 60\n", "bash"), until="ready", timeout=0.2)
    with pytest.raises(BlockFailed, match="status 4"):
        terminal.run_in_background(_block("exit 4\n", "bash"), until="ready")
    terminal.close()


@pytest.fixture
def pasted(tmp_path: Path) -> Iterator[PastedTerminal]:
    (tmp_path / ".venv").symlink_to(Path(sys.prefix))
    terminal = PastedTerminal(tmp_path, {"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    try:
        yield terminal
    finally:
        terminal.close()


def test_lines_are_pasted_into_one_shell_which_tells_the_status_of_each(pasted: PastedTerminal) -> None:
    pasted.run(_block("cat > page.txt <<'TEXT'\none\n\ntwo\nTEXT\nNAME=page\n", "bash"))
    assert "one\n\ntwo\n" in pasted.run(_block('cat "$NAME.txt"\n', "bash"))
    with pytest.raises(BlockFailed, match="'false' ended with status 1"):
        pasted.run(_block("false\ntrue\n", "bash"))


def test_python_is_pasted_into_one_prompt_which_refuses_what_is_only_a_file(pasted: PastedTerminal) -> None:
    pasted.run_python(_block("total = 0\nfor number in (1, 2):\n    total += number\n"))
    assert pasted.run_python(_block("print(total)\n")).strip() == "3"
    with pytest.raises(BlockFailed, match="SyntaxError: invalid syntax"):
        pasted.run_python(_block("for number in (1, 2):\n    pass\nprint(number)\n"))
    with pytest.raises(BlockFailed, match="NameError"):
        pasted.run_python(_block("undefined\n"))


def test_what_goes_on_in_a_terminal_of_its_own_is_interrupted_at_the_end(
    tmp_path: Path, pasted: PastedTerminal
) -> None:
    command = "sh -c 'trap \"echo stopped > stopped; exit\" INT; echo rea''dy; while true; do sleep 0.1; done'\n"
    assert "ready" in pasted.run_in_background(_block(command, "bash"), until="ready", timeout=30)
    pasted.close()
    assert (tmp_path / "stopped").read_text() == "stopped\n"
    with pytest.raises(BlockFailed, match="did not print"):
        pasted.run_in_background(_block("true\n", "bash"), until="ready", timeout=30)
