"""The secrets that an environment declares, and where each is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aias_core.errors import InvalidInput, NotFound, Refused
from aias_core.secret import Secret
from aias_core.secrets.encrypted import EncryptedFile, Entry
from aias_core.secrets.generators import KEYRING, generate
from aias_core.secrets.references import PREFIX, parse_reference
from aias_core.secrets.sources import resolve_secret

FILE, IDENTITY = "secrets.age", "age-identity"


@dataclass(frozen=True, slots=True)
class DeclaredSecret:
    """One declaration; `namespaces` are names of the cluster, `source` a reference or nothing for the own file."""

    name: str
    owner: str
    purpose: str
    source: str | None
    rotation_days: int
    generator: str
    consumers: tuple[str, ...]
    namespaces: tuple[str, ...]
    kind: str

    @property
    def is_generated(self) -> bool:
        return self.generator != "external"

    @property
    def is_renewed_by_hand(self) -> bool:
        """Whether no rotation makes a new value: a ring keeps its old keys, and nothing is seen to use the others."""
        return self.generator == KEYRING or not self.namespaces


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one secret is kept: an encrypted file, which can also be written, or another source."""

    secret: DeclaredSecret
    reference: str
    file: EncryptedFile | None

    def find(self) -> Entry | None:
        """The secret, None where its source does not know it. Raises as `resolve_secret`."""
        if self.file is not None:
            return self.file.find(self.file_name)
        try:
            return Entry(resolve_secret(self.reference))
        except NotFound:
            return None

    def renew(self) -> Entry:
        """Generates a value and keeps it. Raises Refused where only its source can give another one."""
        if self.file is None or not self.secret.is_generated:
            raise Refused(
                f"A new value of '{self.secret.name}' cannot be generated",
                hint=f"put it into '{self.reference}', then run the same command again",
            )
        self.file.ensure_identity()
        return self.file.put(self.file_name, generate(self.secret.generator))

    @property
    def file_name(self) -> str:
        return self.reference.rpartition("#")[2]


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of one environment. `directory` is the environment's own, where the encrypted file is by default."""

    environment: str
    directory: Path
    declared: Mapping[str, DeclaredSecret]

    def get(self, name: str) -> DeclaredSecret:
        """A declaration. Raises NotFound."""
        if name not in self.declared:
            raise NotFound(
                f"'{self.environment}' declares no secret '{name}'",
                hint=f"see those it declares: aias secrets list {self.environment}",
            )
        return self.declared[name]

    def select(self, names: Sequence[str] = ()) -> list[DeclaredSecret]:
        """The declarations of these names, or all. Raises NotFound."""
        return [self.get(name) for name in names] if names else list(self.declared.values())

    def get_value(self, name: str) -> Secret:
        """The value of a declared secret, such as the key of the state. Raises NotFound, and as `Origin.find`."""
        entry = self.origin(self.get(name)).find()
        if entry is None:
            raise NotFound(f"'{name}' was never made", hint=f"make it: aias secrets bootstrap {self.environment}")
        return entry.value

    def ensure_value(self, name: str) -> Secret:
        """As `get_value`, generated when it is missing. Raises Refused where it cannot be."""
        origin = self.origin(self.get(name))
        return (origin.find() or origin.renew()).value

    def describe_renewal(self, secret: DeclaredSecret) -> str:
        """How somebody renews a secret by hand."""
        origin = self.origin(secret)
        if secret.generator != KEYRING:
            return f"replace it in '{origin.reference}' when nothing is left that only the old value opens"
        dated = "" if origin.file is None else ", with a new 'changed_at'"
        return (
            f"add a key KID:BASE64 to '{origin.reference}'{dated}, then run: "
            f"aias secrets rotate {self.environment} {secret.name}; aias db hash rotate --from OLD --to NEW"
        )

    def origin(self, secret: DeclaredSecret) -> Origin:
        """Where a secret is kept. Raises InvalidInput for a source that is the cluster itself."""
        if secret.source is None:
            path = self.directory / FILE
            reference = f"{PREFIX}encrypted-file/{path}#{secret.name}"
            return Origin(secret, reference, EncryptedFile(path, self.directory / IDENTITY))
        parsed = parse_reference(secret.source)
        if parsed.source == "kubernetes":
            raise InvalidInput(
                f"The source of '{secret.name}' is the cluster that it is delivered to",
                hint="name another source in the profile, or none for its own file",
            )
        is_file = parsed.source == "encrypted-file"
        return Origin(secret, secret.source, EncryptedFile(Path(parsed.path).expanduser()) if is_file else None)


def list_declared(secrets: Secrets) -> list[dict[str, Any]]:
    """What is declared of each secret, and the reference to where it is kept."""
    return [
        {**asdict(secret), "source": secrets.origin(secret).reference, "environment": secrets.environment}
        for secret in secrets.select()
    ]
