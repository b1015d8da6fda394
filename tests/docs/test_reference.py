"""The reference pages say what commands and client are."""

from pathlib import Path

import click
import pytest
import reference

import automio
from automio.cli import main as automio_command


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_page_is_what_the_code_says(name: str) -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / name
    assert page.read_text(encoding="utf-8") == reference.page(name), "`make reference` writes it"


def test_every_command_and_every_public_name_is_there() -> None:
    commands, client = reference.page("cli.md"), reference.page("client.md")
    for command in automio_command.list_commands(click.Context(automio_command)):
        assert f"\n### automio {command}\n" in commands
    for line in ("#### automio app new", "automio app new [OPTIONS] NAME", "| `--slug TEXT` |"):
        assert line in commands
    for name in automio.__all__:
        assert name in client
    assert "api.integrations.iterate_integrations(per_page: int=100) -> Iterator[Integration]" in client
    assert "api.syncs.run(name: str, connection_id: int | None=None) -> Sequence[SyncRun]" in client


def test_check_names_a_stale_page_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reference, "DIRECTORY", tmp_path)
    assert reference.main([]) == 0
    assert reference.main(["--check"]) == 0
    (tmp_path / "cli.md").write_text("# old\n")
    assert reference.main(["--check"]) == 1
    assert "docs/reference/cli.md: differs from the code" in capsys.readouterr().out
    assert (tmp_path / "cli.md").read_text() == "# old\n"
