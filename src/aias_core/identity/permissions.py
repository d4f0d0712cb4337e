"""Who a caller is and what the caller's role allows, from the one matrix in `permissions.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from uuid import UUID

from aias_core.files import load_yaml

ORGANIZATION_ROLES = ("owner", "admin", "developer", "billing", "viewer")
PLATFORM_ROLES = ("system_admin", "operator", "auditor")
_MATRIX = Path(__file__).with_name("permissions.yaml")


class Grant(StrEnum):
    """How far a permission reaches: everything, what one holds oneself, or with a second person's approval."""

    ALL = "all"
    OWN = "own"
    SECOND = "second"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls, from a verified credential only: a member of one organization, or somebody of the platform."""

    actor_id: str
    org_id: UUID | None = None
    org_role: str | None = None
    platform_role: str | None = None

    @property
    def role(self) -> str:
        """The role that decides, `none` where there is no known one."""
        return self.platform_role or self.org_role or "none"

    @property
    def holder_id(self) -> UUID:
        """Whose objects are one's own; an id that holds nothing where the actor is no person or service account."""
        try:
            return UUID(self.actor_id)
        except ValueError:
            return UUID(int=0)

    def find_grant(self, permission: str) -> Grant | None:
        """What the role allows; None is no. Unknown permissions and roles are no."""
        side = "platform" if self.platform_role else "organization"
        return load_matrix().get(permission, {}).get(side, {}).get(self.role)


@cache
def load_matrix() -> Mapping[str, Mapping[str, Mapping[str, Grant]]]:
    """Permission, then `organization` or `platform`, then role, to what it allows."""
    raw: dict[str, dict[str, dict[str, str]]] = load_yaml(_MATRIX.read_text(encoding="utf-8"))
    return {
        permission: {side: {role: Grant(grant) for role, grant in roles.items()} for side, roles in sides.items()}
        for permission, sides in raw.items()
    }
