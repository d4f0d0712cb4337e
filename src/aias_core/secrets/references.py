"""References such as `secret://vault/kv/team/registry#token`: a source, a path in it and, for some, a field."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from aias_core.errors import InvalidInput

PREFIX = "secret://"
FORMS = {
    "env": "secret://env/NAME",
    "file": "secret://file/PATH",
    "encrypted-file": "secret://encrypted-file/PATH#NAME",
    "vault": "secret://vault/MOUNT/PATH#FIELD",
    "command": "secret://command/PROGRAM/ARGUMENT/…",
    "kubernetes": "secret://kubernetes/NAMESPACE/NAME#KEY",
}
_WITH_FIELD = ("encrypted-file", "vault", "kubernetes")


@dataclass(frozen=True, slots=True)
class Reference:
    """Where one secret is. A `path` is as written: relative to the working directory unless it begins with `/`."""

    source: str
    path: str
    field: str = ""

    @property
    def parts(self) -> list[str]:
        """The path's parts; `%2F` in a part is a slash of its own."""
        return [unquote(part) for part in self.path.split("/")]

    def __str__(self) -> str:
        return f"{PREFIX}{self.source}/{self.path}" + (f"#{self.field}" if self.field else "")


def parse_reference(text: str) -> Reference:
    """The parts of a reference. Raises InvalidInput, which holds nothing of a text that is no reference."""
    if not text.startswith(PREFIX):
        raise InvalidInput("A value stands where a reference to a secret must stand", hint=f"write {FORMS['file']}")
    source, _, rest = text.removeprefix(PREFIX).partition("/")
    if source not in FORMS:
        raise InvalidInput(f"There is no source of secrets '{source}'", hint=f"known are: {', '.join(FORMS)}")
    path, _, field = rest.partition("#") if source in _WITH_FIELD else (rest, "", "")
    if not path or (source in _WITH_FIELD and not field) or (source in ("vault", "kubernetes") and "/" not in path):
        raise InvalidInput(f"The reference '{text}' is not whole", hint=f"write it as {FORMS[source]}")
    return Reference(source, path, field)
