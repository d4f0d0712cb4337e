"""How a call is refused, in the envelope of Linode's API: `{"errors": [{"reason": …, "field": …}]}`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

LIMIT_REACHED = "Account Limit reached. Please open a support ticket."


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a call, and the field at fault where there is one."""

    reason: str
    field: str | None = None

    def document(self) -> dict[str, str]:
        return {"reason": self.reason} | ({"field": self.field} if self.field else {})


class Refusal(Exception):
    """A call that is answered with errors."""

    def __init__(self, status: int, faults: Iterable[Fault]) -> None:
        self.status, self.faults = status, list(faults)
        super().__init__("; ".join(fault.reason for fault in self.faults))

    def document(self) -> dict[str, list[dict[str, str]]]:
        return {"errors": [fault.document() for fault in self.faults]}


def refuse(reason: str, field: str | None = None, *, status: int = 400) -> Refusal:
    """A refusal for one reason."""
    return Refusal(status, [Fault(reason, field)])


def not_found() -> Refusal:
    """The answer for what is not there, or not the caller's."""
    return refuse("Not found", status=404)


def check_all(faults: Iterable[Fault]) -> None:
    """Raises Refusal with every fault at once; does nothing when there is none."""
    if found := list(faults):
        raise Refusal(400, found)
