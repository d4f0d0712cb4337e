"""What can be wrong with a question."""

from __future__ import annotations

from aias_core.errors import InvalidInput


class InvalidQuery(InvalidInput):
    """The question cannot be answered as it was asked"""

    def __init__(self, item: str, field: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint or "see: aias analytics usage --help")
        self.item = item
        self.items = [{"pointer": f"/{field}", "code": item, "message": message}]
