from uuid import UUID

import pytest

from aias_core.identity.permissions import ORGANIZATION_ROLES, PLATFORM_ROLES, Grant, Principal, load_matrix

ALL, OWN, SECOND, NO = Grant.ALL, Grant.OWN, Grant.SECOND, None
ROLES = ("owner", "admin", "developer", "billing", "viewer", "system_admin", "operator", "auditor")
EXPECTED: dict[str, tuple[Grant | None, ...]] = {
    "usage.read": (ALL, ALL, OWN, ALL, ALL, ALL, ALL, ALL),
    "cost.read": (ALL, ALL, OWN, ALL, NO, ALL, ALL, ALL),
    "usage.export": (ALL, ALL, NO, ALL, NO, ALL, ALL, NO),
    "export.read": (ALL, ALL, NO, ALL, NO, ALL, ALL, ALL),
    "usage.events": (ALL, ALL, NO, NO, NO, ALL, ALL, ALL),
    "month.close": (NO, NO, NO, NO, NO, SECOND, SECOND, NO),
    "pipeline.operate": (NO, NO, NO, NO, NO, ALL, ALL, NO),
}
CELLS = [(p, role, grant) for p, grants in EXPECTED.items() for role, grant in zip(ROLES, grants, strict=True)]


def of_role(role: str) -> Principal:
    return Principal("ana", platform_role=role) if role in PLATFORM_ROLES else Principal("ana", UUID(int=1), role)


@pytest.mark.parametrize(("permission", "role", "grant"), CELLS, ids=[f"{p}-{r}" for p, r, _ in CELLS])
def test_each_cell_of_the_matrix(permission: str, role: str, grant: Grant | None) -> None:
    assert of_role(role).find_grant(permission) is grant


def test_the_matrix_has_no_other_permission_and_no_other_role() -> None:
    assert set(load_matrix()) == set(EXPECTED)
    named = {role for sides in load_matrix().values() for roles in sides.values() for role in roles}
    assert named == {*ORGANIZATION_ROLES, *PLATFORM_ROLES}


def test_what_is_unknown_is_no() -> None:
    assert of_role("owner").find_grant("usage.nope") is None
    assert Principal("ana", UUID(int=1), "root").find_grant("usage.read") is None
    assert Principal("ana").find_grant("usage.read") is None


def test_an_actor_that_is_nobody_holds_nothing() -> None:
    assert Principal(str(UUID(int=5))).holder_id == UUID(int=5)
    assert Principal("somebody").holder_id == UUID(int=0)
