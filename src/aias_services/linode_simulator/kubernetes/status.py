"""Failures as the Kubernetes API answers them."""

from __future__ import annotations

from typing import Any

from aias_services.linode_simulator.kubernetes.kinds import Kind


class Status(Exception):
    """A request that fails."""

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code, self.reason, self.message, self.details = code, reason, message, details

    def document(self) -> dict[str, Any]:
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": self.details or {},
            "code": self.code,
        }


def missing(kind: Kind, name: str) -> Status:
    """There is no such object."""
    details = {"name": name, "kind": kind.plural, "group": kind.group}
    return Status(404, "NotFound", f'{kind.plural} "{name}" not found', details)


def taken(kind: Kind, name: str) -> Status:
    """There is one already."""
    return Status(409, "AlreadyExists", f'{kind.plural} "{name}" already exists', {"name": name, "kind": kind.plural})


def conflict(kind: Kind, name: str, message: str) -> Status:
    """Somebody else changed it, or owns what would be changed."""
    details = {"name": name, "kind": kind.plural}
    return Status(409, "Conflict", f'Operation cannot be fulfilled on {kind.plural} "{name}": {message}', details)


def invalid(kind: Kind, name: str, message: str) -> Status:
    """It may not be so."""
    return Status(422, "Invalid", f'{kind.name} "{name}" is invalid: {message}', {"name": name, "kind": kind.name})
