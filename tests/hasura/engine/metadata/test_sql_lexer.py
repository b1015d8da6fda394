"""Where statements end and what kind they are, whatever stands in strings, comments and quoted names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hasura.engine.api.sql.lexer import split_statements

# Each is skipped by PostgreSQL's scanner as a whole, or is one token.
PIECES = (
    "'copy t from stdin;'",
    "E'it\\'s ; copy'",
    "E'a'\n'\\';'",
    '"co;py"',
    "$$ begin; copy t from stdin; $$",
    "$tag$ $$ ; $tag$",
    "/* ; /* ; */ copy */",
    "-- ; copy t from stdin\n",
    "(select ';', (1))",
    "a$b$c",
    "zażółć",
    "$1",
    "12",
)


@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=5), min_size=1, max_size=5))
def test_a_script_is_split_where_its_statements_were_joined(statements: list[list[str]]) -> None:
    texts = [" ".join(["select", *pieces]) for pieces in statements]
    found = split_statements(";".join(texts))
    assert [item.text for item in found] == texts
    assert all(item.words[0] == "select" and not item.copies_through_client for item in found)


@pytest.mark.parametrize(
    "statement",
    [
        "copy t from stdin",
        "COPY t FROM STDIN",
        "copy t (id, n) from stdin with (format csv)",
        "/* a /* nested */ comment */ -- and a line\n copy t from stdin",
        "copy public.t from\n-- where from\nstdin",
        "copy (select * from t where s = 'from stdin') to stdout",
        'copy "from" to stdout csv header',
        # PostgreSQL takes either name for either direction.
        "copy t from stdout",
        "copy binary t from stdin",
    ],
)
def test_copies_through_the_client_are_told(statement: str) -> None:
    for script in (statement, f"create table u (a int); {statement}", f"select ';' ; {statement};\n1\t2\n\\."):
        assert [item.copies_through_client for item in split_statements(script)].count(True) == 1, script


@pytest.mark.parametrize(
    "statement",
    [
        "copy t from '/tmp/stdin'",
        "copy stdin to '/tmp/x'",
        "copy t from program 'cat'",
        "select 'copy t from stdin'",
        "do $$ begin execute 'copy t from stdin'; end $$",
        "insert into copy values ('from stdin')",
    ],
)
def test_other_statements_are_no_copies(statement: str) -> None:
    assert not any(item.copies_through_client for item in split_statements(statement))


@pytest.mark.parametrize(
    ("statement", "refuses"),
    [
        ("create index concurrently on t (n)", True),
        ("create unique index CONCURRENTLY if not exists i on t (n)", True),
        ("create index concurrent on t (n)", False),
        ("create index i on t (concurrently)", False),
        ("drop index concurrently if exists i", True),
        ("reindex table concurrently t", True),
        ("reindex (verbose, concurrently) table t", True),
        ("reindex table t", False),
        ("reindex database d", True),
        ("vacuum", True),
        ("vacuum (full, analyze) t", True),
        ("analyze t", False),
        ("create database d", True),
        ("drop database if exists d with (force)", True),
        ("alter database d set tablespace s", True),
        ("alter database d set work_mem = '1MB'", False),
        ("create tablespace s location '/s'", True),
        ("alter system set work_mem = '1MB'", True),
        ("alter table t detach partition p concurrently", True),
        ("alter table t detach partition p", False),
        ("create subscription s connection '' publication p", True),
        ("refresh materialized view concurrently m", False),
        ("cluster", True),
        ("cluster t using i", False),
        ("discard all", True),
        ("commit prepared 'x'", True),
        ("(select 1)", False),
    ],
)
def test_statements_that_refuse_a_transaction_block(statement: str, refuses: bool) -> None:
    (found,) = split_statements(statement)
    assert found.refuses_transaction_block is refuses


@pytest.mark.parametrize(
    ("statement", "controls"),
    [
        ("begin", True),
        ("start transaction read only", True),
        ("commit and chain", True),
        ("end", True),
        ("abort", True),
        ("rollback", True),
        ("prepare transaction 'x'", True),
        ("rollback to savepoint s", False),
        ("rollback work to s", False),
        ("savepoint s", False),
        ("rollback prepared 'x'", False),
        ("prepare p as select 1", False),
    ],
)
def test_statements_that_begin_or_end_a_transaction(statement: str, controls: bool) -> None:
    (found,) = split_statements(statement)
    assert found.controls_transaction is controls


@pytest.mark.parametrize(
    "statement",
    [
        "create function f() returns int language sql begin atomic select case when true then 1 end; select 2; end",
        "create or replace procedure p() begin atomic insert into t values (1); delete from t; end",
        "create rule r as on insert to t do also (delete from u; delete from v)",
        "select 1 as begin, case when true then 2 end",
    ],
)
def test_semicolons_inside_of_a_statement_do_not_end_it(statement: str) -> None:
    assert [item.text for item in split_statements(f"{statement};select 3")] == [statement, "select 3"]
