"""The secrets of seeded people and keys: random, made once for an environment, or handed in through variables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from aias_core.errors import InvalidInput
from aias_core.identity.keys import check_form, generate_key
from aias_core.secret import Secret, random_base62
from aias_core.seeds.package import Package
from aias_core.settings import find_variable

PASSWORD_LENGTH = 24
LEAST_PASSWORD_LENGTH = 12


class Shelf(Protocol):
    """Where an environment keeps its secrets."""

    def ensure_one(self, name: str, generate: Callable[[], str]) -> Secret: ...

    def forget(self, name: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret of the package, what it opens, and the variable that may hold another one."""

    name: str
    kind: str
    who: str
    secret: Secret

    @property
    def variable(self) -> str:
        return variable_of(self.name)


def variable_of(name: str) -> str:
    """The variable that hands in the secret of a name: `AIAS_SEED_DEV_ORG_OWNER` for `dev-org-owner`."""
    return "AIAS_SEED_" + name.upper().replace("-", "_")


def key_name(org: str, key: str) -> str:
    return f"{org}-key-{key}"


def find_credentials(package: Package, environment: str, shelf: Shelf) -> dict[str, Credential]:
    """The secret of every person and key of the package, by name. Raises InvalidInput for one handed in that is bad."""
    found = {}
    for name, kind, who in _iter_names(package):
        generate = _generate_password if kind == "password" else lambda: generate_key(environment).reveal()
        handed_in = find_variable(variable_of(name))
        if handed_in is None:
            secret = shelf.ensure_one(f"seed-{package.name}-{name}", generate)
        else:
            secret = _check(Secret(handed_in), kind, variable_of(name), environment)
        found[name] = Credential(name, kind, who, secret)
    return found


def forget_credentials(package: Package, shelf: Shelf) -> None:
    for name, _, _ in _iter_names(package):
        shelf.forget(f"seed-{package.name}-{name}")


def _iter_names(package: Package) -> Iterator[tuple[str, str, str]]:
    for org in package.organizations:
        yield from ((f"{org.slug}-{member.role}", "password", member.email) for member in org.members)
        yield from ((key_name(org.slug, key.name), "api_key", f"{org.slug}/{key.name}") for key in org.keys)


def _generate_password() -> str:
    return random_base62(PASSWORD_LENGTH)


def _check(secret: Secret, kind: str, variable: str, environment: str) -> Secret:
    if kind == "api_key":
        try:
            check_form(secret.reveal(), environment)
        except InvalidInput as exc:
            raise InvalidInput(f"{variable}: {exc.message}") from exc
    elif len(secret.reveal()) < LEAST_PASSWORD_LENGTH:
        raise InvalidInput(f"{variable}: a password has at least {LEAST_PASSWORD_LENGTH} characters")
    return secret
