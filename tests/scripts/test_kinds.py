"""What `make unit` takes for a unit test."""

import subprocess
from pathlib import Path

import pytest

from tests import kinds, lengths

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("program", ["/usr/bin/redis-server", "bwrap", "/x/pginstall/bin/initdb", b"/x/bin/postgres"])
def test_a_unit_test_that_starts_a_server_is_refused(program: str | bytes) -> None:
    with pytest.raises(RuntimeError, match="a unit test starts"):
        kinds.refuse_servers("subprocess.Popen", (program, [program], None, None))


def test_other_programs_and_events_are_not() -> None:
    kinds.refuse_servers("subprocess.Popen", ("git", ["git", "postgres"], None, None))
    kinds.refuse_servers("open", ("postgres", "r", 0))


def test_it_is_refused_where_it_counts(request: pytest.FixtureRequest) -> None:
    if not request.config.option.unit:
        pytest.skip("the hook stays for the rest of the process: only make unit has it")
    with pytest.raises(RuntimeError, match="a unit test starts bwrap"):
        subprocess.run(["bwrap", "--version"], check=False)


def test_every_folder_without_unit_tests_is_there() -> None:
    assert [name for name in kinds._NO_UNIT_TESTS if not (TESTS / name).exists()] == []
    assert not kinds.has_unit_tests(TESTS / "docs" / "test_documents.py")
    assert kinds.has_unit_tests(Path(__file__))


def test_a_test_of_the_database_needs_a_server(request: pytest.FixtureRequest) -> None:
    assert not kinds.needs_server(request.node)
    request.node.fixturenames.append("postgres")
    try:
        assert kinds.needs_server(request.node)
    finally:
        request.node.fixturenames.remove("postgres")


def test_the_long_form_is_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lengths, "_is_full", False)
    assert lengths.at_length(2, full=9) == 2
    lengths.choose_full()
    assert lengths.at_length(2, full=9) == 9
