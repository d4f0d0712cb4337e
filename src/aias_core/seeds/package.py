"""What a seed package may say, and the packages that ship.

Identifiers derive from names, so they are the same everywhere.
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from aias_core.errors import InvalidInput, NotFound, Refused
from aias_core.files import load_yaml
from aias_core.identity.keys import letter_of
from aias_core.money import TOKENS_PER_PRICE_UNIT, parse_amount

NEVER = ("production", "system")
_SHIPPED = Path(__file__).with_name("packages")
_NAMESPACE = uuid.UUID("c1f2e0de-5eed-5000-8000-000000000000")
_BENCH_PRICES = (("0.15", "0.075", "0.60"), ("2.50", "1.25", "10.00"), ("0.60", "0.30", "2.40"))

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", min_length=2, max_length=63)]
Percent = Annotated[int, Field(ge=0, le=100)]
Count = Annotated[int, Field(ge=1)]
Decimal = Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)?$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Project(_Part):
    slug: Slug
    display_name: str


class Member(_Part):
    email: str
    display_name: str
    role: Literal["owner", "admin", "developer", "billing", "viewer"]


class Key(_Part):
    name: Slug
    project: Slug | None = None


class Budget(_Part):
    """A budget of the whole organization."""

    measure: Literal["tokens", "requests"]
    period: Literal["day", "month", "quarter", "year"]
    limit: Count


class Organization(_Part):
    slug: Slug
    display_name: str
    projects: tuple[Project, ...] = ()
    members: tuple[Member, ...] = ()
    keys: tuple[Key, ...] = ()
    budgets: tuple[Budget, ...] = ()


class Model(_Part):
    """A model with its list prices per million tokens in US dollars.

    `serves` is the model whose backends answer for it.
    """

    name: str
    serves: str | None = None
    operation: Literal["chat", "embedding"]
    context_tokens: Count
    input: Decimal
    cached_input: Decimal
    output: Decimal

    @property
    def amounts(self) -> tuple[int, int, int]:
        """Pico-dollars for one token of input, cached input and output."""
        prices = (parse_amount(text) for text in (self.input, self.cached_input, self.output))
        first, second, third = (price // TOKENS_PER_PRICE_UNIT for price in prices)
        return first, second, third


class Usage(_Part):
    """Made-up usage: the same events for the same figures. Percentages are of events; copies come on top of them."""

    events: Count
    days: Annotated[int, Field(ge=1, le=400)]
    late_pct: Percent = 0
    dup_pct: Percent = 0
    error_pct: Percent = 5
    rng_seed: int = 1


class Figures(_Part):
    """The size of a package that has one to choose."""

    orgs: Annotated[int, Field(ge=1, le=1_000_000)]
    models: Annotated[int, Field(ge=1, le=10_000)]
    days: Annotated[int, Field(ge=1, le=400)]
    events: Count
    late_pct: Percent
    dup_pct: Percent
    rng_seed: int


class Package(_Part):
    """Rows for both databases. `anchored_at` is where usage ends; without it, the day of the first application."""

    name: str
    environments: tuple[str, ...]
    organizations: tuple[Organization, ...] = ()
    models: tuple[Model, ...] = ()
    usage: Usage | None = None
    anchored_at: AwareDatetime | None = None
    figures: Figures | None = None

    def derive_id(self, *path: object) -> uuid.UUID:
        """The identifier of a row by its natural key: version 5, which no row of the platform's own has."""
        return uuid.uuid5(_NAMESPACE, "/".join(map(str, (self.name, *path))))

    def digest(self, database: str, anchor: datetime) -> bytes:
        """SHA-256 of what the package puts into a database."""
        kept = {"usage"} if database == "analytics" else {"organizations", "models"}
        text = f"{self.model_dump_json(include=kept)} {anchor.isoformat() if database == 'analytics' else ''}"
        return hashlib.sha256(f"{self.name} {text}".encode()).digest()


def list_packages() -> list[str]:
    """The names of the packages that ship, sorted."""
    return sorted(path.stem for path in _SHIPPED.glob("*.yaml"))


def load_package(name: str, asked: dict[str, int]) -> Package:
    """The package with the figures that were asked for. Raises NotFound, InvalidInput naming the first fault."""
    content = _read(name)
    if asked and "figures" not in content:
        raise InvalidInput(f"The size of the package '{name}' is fixed", hint="sizes are of: --package bench")
    if "figures" in content:
        content["figures"] |= asked
    try:
        package = Package(name=name, **content)
    except ValidationError as exc:
        fault = exc.errors()[0]
        raise InvalidInput(f"The package '{name}': {'.'.join(map(str, fault['loc']))}: {fault['msg']}") from exc
    return package if package.figures is None else _grow(package, package.figures)


def _read(name: str) -> dict[str, Any]:
    if name not in list_packages():
        raise NotFound(f"There is no seed package '{name}'", hint=f"packages: {', '.join(list_packages())}")
    content: dict[str, Any] = load_yaml((_SHIPPED / f"{name}.yaml").read_text(encoding="utf-8"))
    base = content.pop("extends", None)
    return content if base is None else {**_read(base), **content}


def _grow(package: Package, figures: Figures) -> Package:
    organizations = (
        Organization(slug=f"{package.name}-{number:06d}", display_name=f"Bench {number}")
        for number in range(1, figures.orgs + 1)
    )
    models = (_build_model(package.name, number) for number in range(1, figures.models + 1))
    shared = figures.model_dump(include=set(Usage.model_fields))
    changes = {"organizations": tuple(organizations), "models": tuple(models), "usage": Usage(**shared)}
    return package.model_copy(update=changes)


def _build_model(package: str, number: int) -> Model:
    price = dict(zip(("input", "cached_input", "output"), _BENCH_PRICES[number % len(_BENCH_PRICES)], strict=True))
    return Model(name=f"{package}-{number:03d}", operation="chat", context_tokens=131_072, **price)


def check_environment(package: Package, environment: str) -> None:
    """Raises Refused where seeds are never allowed, and where this package is not."""
    if environment in NEVER:
        raise Refused(f"Seeds are never put into '{environment}'", hint="try them out: aias --env local db seed")
    kind = "local" if letter_of(environment) == "l" else environment
    if kind not in package.environments:
        allowed = ", ".join(package.environments)
        raise Refused(f"The package '{package.name}' is for {allowed}, not for '{environment}'")
