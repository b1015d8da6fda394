"""The lint rule that finds code going around the tenancy function."""

from pathlib import Path

import lint_tenancy as lint
import pytest

ROOT = Path(__file__).parents[2]


MODELS = frozenset({"Run"})


@pytest.mark.parametrize(
    "code",
    [
        "select(Run).where(Run.organization_id == actor.organization_id)",
        "select(Run).where(5 == Run.organization_id)",
        "select(Run).where(Run.organization_id != 5)",
        "select(Run).where(Run.organization_id.in_(ids))",
        "select(Run).where(runs.c.organization_id.in_([1, 2]))",
        "select(Run).where(Run.organization_id.in_(other_function(actor)))",
        "query.filter_by(organization_id=5)",
        "session.get(Run, 5)",
        "session.get_one(Run, 5)",
        "select(Membership.role)",
        "text('select * from runs where organization_id = :o')",
        "text(f'select * from {x} where \"organization_id\" in (1)')",
        "async def f():\n    for x in y:\n        await q(Run.organization_id == x)",
        "x = 1  # tenancy: too short\ny = 2\nz = Run.organization_id == 1",
        "async def get_run(session, actor, key):\n    return await session.scalar(select(Run).where(Run.id == key))",
        "async def end(session, key, *, actor):\n    await session.execute(update(Run).values(state=1))",
        "def last(actor):\n    actor.require_scope(1)\n    return select(Run.id).limit(1)",
        "# tenancy: no\nz = Run.organization_id == 1",
    ],
)
def test_a_decision_by_hand_is_found(code: str) -> None:
    assert len(lint.find_in_python(code, "platform_api/runs/service.py", MODELS)) == 1


@pytest.mark.parametrize(
    "code",
    [
        "select(Run).where(visible_to(actor, Run.organization_id))",
        "select(Run).where(Run.organization_id.in_(visible_organization_ids(actor)))",
        "select(Run).join(App, App.organization_id == Run.organization_id)",
        "Run(organization_id=actor.organization_id)",
        "if actor.organization_id == other.organization_id: pass",
        "session.get(User, 5)",
        "def runs(actor):\n    return select(Run).where(visible_runs(actor))",
        "def users(actor):\n    return select(User)",
        "def claim(session):\n    return select(Run).where(Run.id == 1)",
        "settings.get('organization_id')",
        '"""The rows whose organization_id = that of the caller."""',
        "# tenancy: the queue serves every organization\nx = select(Run).where(Run.organization_id == y)",
        "x = (\n    select(Run)\n    # tenancy: it serves everybody\n    .where(Run.organization_id == y)\n)",
    ],
)
def test_what_goes_through_the_function_or_gives_a_reason_passes(code: str) -> None:
    assert lint.find_in_python(code, "platform_api/runs/service.py", MODELS) == []


def test_memberships_are_read_in_accounts_only() -> None:
    assert lint.find_in_python("select(Membership)", "platform_api/accounts/service.py") == []


def test_sql_files_are_judged_line_by_line() -> None:
    found = lint.find_in_sql("select 1\nwhere organization_id = $1\n", "runs/claim.sql")
    assert [hit.line for hit in found] == [2]
    assert lint.find_in_sql("-- tenancy: every organization's queue\nwhere organization_id = $1", "x.sql") == []
    assert lint.find_in_sql("insert into runs (organization_id) values ($1)", "x.sql") == []


def test_models_with_an_organization_are_recognised() -> None:
    source = "class Run:\n    organization_id: Mapped[int]\nclass User:\n    id: int\n"
    assert lint.find_tenant_models(iter([source])) == {"Run"}


def test_the_command_reports_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "service.py").write_text("x = Run.organization_id == 1\n")
    assert lint.main([str(tmp_path)]) == 1
    assert "service.py:1: compares organization_id by hand" in capsys.readouterr().out
    (tmp_path / "service.py").write_text("x = 1\n")
    assert lint.main([str(tmp_path)]) == 0


@pytest.mark.slow
def test_the_control_plane_passes() -> None:
    assert lint.main([str(ROOT / "platform_api")]) == 0
