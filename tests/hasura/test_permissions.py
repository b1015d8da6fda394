"""Tenant permissions: which role may touch which rows and columns of an app table."""

import pytest

from hasura.permissions import (
    Operation,
    Right,
    array_literal,
    canonical_condition,
    canonical_rules,
    limited_permissions,
    organization_role,
    span_role,
    table_permissions,
)

COLUMNS = ("id", "organization_id", "connection_id", "created_at", "updated_at", "allegroId", "balance")


def rules(role: str, operation: Operation) -> dict[str, object]:
    found = [p for p in table_permissions(130, columns=COLUMNS) if (p.role, p.operation) == (role, operation)]
    assert len(found) == 1
    return dict(found[0].rules)


@pytest.mark.parametrize(
    ("role", "rows"),
    [
        (organization_role(130), {"organization_id": {"_eq": "X-Hasura-Organization-Id"}}),
        (span_role(130), {"organization_id": {"_in": "X-Hasura-Organization-Ids"}}),
    ],
)
def test_every_operation_of_both_roles_is_bound_to_the_sessions_organizations(
    role: str, rows: dict[str, object]
) -> None:
    assert rules(role, Operation.SELECT)["filter"] == rows
    assert rules(role, Operation.INSERT)["check"] == rows
    assert rules(role, Operation.UPDATE)["filter"] == rows
    assert rules(role, Operation.DELETE)["filter"] == rows


def test_the_organization_is_insertable_not_updatable_and_not_preset() -> None:
    for role in (organization_role(130), span_role(130)):
        insert, update = rules(role, Operation.INSERT), rules(role, Operation.UPDATE)
        assert "organization_id" in insert["columns"]  # type: ignore[operator]
        assert "set" not in insert and "set" not in update
        assert update["columns"] == ["allegroId", "balance", "connection_id"]
        assert rules(role, Operation.SELECT)["columns"] == sorted(COLUMNS)


def test_timestamps_are_the_databases_own() -> None:
    for operation in (Operation.INSERT, Operation.UPDATE):
        columns = rules(organization_role(130), operation)["columns"]
        assert not {"created_at", "updated_at"} & set(columns)  # type: ignore[call-overload]


def test_there_are_exactly_two_roles_of_this_app() -> None:
    assert {p.role for p in table_permissions(130, columns=COLUMNS)} == {"app_130", "app_130_span"}


def test_the_organizations_of_a_session_are_an_array_literal_of_numbers() -> None:
    assert array_literal([1, 22]) == "{1,22}"
    assert array_literal([]) == "{}"
    with pytest.raises(ValueError):
        array_literal(["1} or true"])  # type: ignore[list-item]


def test_rules_are_compared_in_one_spelling() -> None:
    exported = {"columns": ["b", "a"], "check": {}, "set": {}, "backend_only": False, "limit": None}
    assert canonical_rules(exported) == {"columns": ["a", "b"], "check": {}}


def test_rules_of_a_limited_role_are_anded_with_the_organization() -> None:
    mine = {"owner": {"_eq": "X-Hasura-User-Id"}}
    rights = {
        Operation.SELECT: Right(("id", "allegroId"), {"_or": [{}, mine]}),
        Operation.INSERT: Right(COLUMNS, presets={"balance": 0}),
        Operation.UPDATE: Right(COLUMNS, mine, after=mine),
    }
    found = {p.operation: p for p in limited_permissions(130, "member", columns=COLUMNS, rights=rights)}
    assert {p.role for p in found.values()} == {"app_130_member"}
    own = {"organization_id": {"_eq": "X-Hasura-Organization-Id"}}
    assert found[Operation.SELECT].rules["filter"] == {"_and": [{"_or": [{}, mine]}, own]}
    assert found[Operation.SELECT].rules["columns"] == ["allegroId", "id"]
    assert found[Operation.INSERT].rules == {
        "columns": ["allegroId", "connection_id", "id", "organization_id"],
        "check": own,
        "set": {"balance": 0},
    }
    assert found[Operation.UPDATE].rules["filter"] == found[Operation.UPDATE].rules["check"] == {"_and": [own, mine]}
    assert Operation.DELETE not in found
    open_to_all = limited_permissions(130, "member", columns=COLUMNS, rights=None)
    assert [dict(p.rules) for p in open_to_all] == [
        rules(organization_role(130), operation) for operation in Operation
    ]


def test_conditions_are_compared_as_hasura_exports_them() -> None:
    one, other = {"a": {"_eq": 1}}, {"b": {"_gt": 2, "_lt": 5}}
    same = [{"_and": [one, other]}, {**other, **one}, {"_and": [{"_and": [other]}, one, one, {}]}]
    assert {str(canonical_condition(condition)) for condition in same} == {str({"_and": [one, other]})}
    assert canonical_condition({"_and": []}) == {}
    assert canonical_condition({"_or": [{"_and": [one]}]}) == {"_or": [one]}
    assert canonical_condition({"_not": {"_and": [one]}}) == {"_not": one}
    nested = {"lines": {"_and": [one, other]}}
    assert canonical_condition(nested) == nested
