"""What a package puts into the operational database: rows by table, in the order in which they can be made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aias_core import clock
from aias_core.database.queries import load_queries
from aias_core.identity.api_keys import DEFAULT_SCOPES
from aias_core.identity.emails import normalise_email
from aias_core.identity.keys import PREFIX_LENGTH
from aias_core.identity.passwords import hash_password, is_password
from aias_core.protection.data_keys import DataKeys, hash_for_all_keys
from aias_core.seeds.package import Member, Model, Organization, Package
from aias_core.seeds.secrets import Credential, key_name

if TYPE_CHECKING:
    from psycopg import Connection

queries = load_queries(__file__)

PRICES_FROM = datetime(2020, 1, 1, tzinfo=UTC)
CREATED_BY = "seed"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one table. `fixed` columns are written once; a table that is `append_only` has only such."""

    name: str
    key: tuple[str, ...]
    rows: Sequence[Row]
    fixed: frozenset[str] = field(default=frozenset())
    append_only: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.rows[0]) if self.rows else ()

    @property
    def changing(self) -> tuple[str, ...]:
        return () if self.append_only else tuple(c for c in self.columns if c not in {*self.key, *self.fixed})


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the rows of people and keys are made with."""

    keys: DataKeys
    credentials: Mapping[str, Credential]
    environment: str


def build_tables(connection: Connection, package: Package, secrets: Secrets) -> list[Table]:
    """The tables of a package. People and keys are hashed and sealed here; what the database already has is kept."""
    organizations = package.organizations
    people = [(org, member) for org in organizations for member in org.members]
    return [
        Table("organizations", ("org_id",), [_organization(package, org) for org in organizations]),
        Table("projects", ("project_id",), [row for org in organizations for row in _projects(package, org)]),
        *_people(connection, package, secrets, people),
        Table("api_keys", ("api_key_id",), [r for org in organizations for r in _keys(package, org, secrets)]),
        Table("budgets", ("budget_id",), [row for org in organizations for row in _budgets(package, org)]),
        *_models(connection, package, secrets.environment),
    ]


def list_rows(package: Package) -> list[Table]:
    """The same tables with the keys of their rows alone: what `reset` removes, with all that hangs on it."""
    orgs = package.organizations
    people = [(org, member) for org in orgs for member in org.members]
    named: dict[str, list[Row]] = {
        "organizations": [{"org_id": org_id_of(package, org)} for org in orgs],
        "projects": [{"project_id": project_id_of(package, o, p.slug)} for o in orgs for p in o.projects],
        "users": [{"user_id": _user_id(package, member.email)} for _, member in people],
        "memberships": [{"org_id": org_id_of(package, o), "user_id": _user_id(package, m.email)} for o, m in people],
        "api_keys": [{"api_key_id": key_id_of(package, o, key.name)} for o in orgs for key in o.keys],
        "budgets": [{"budget_id": row["budget_id"]} for org in orgs for row in _budgets(package, org)],
        "models": [{"model_id": model_id_of(package, model)} for model in package.models],
        "model_revisions": [{"revision_id": _revision_id(package, model)} for model in package.models],
        "model_prices": [{"price_id": price_id_of(package, model)} for model in package.models],
    }
    return [Table(name, tuple(rows[0]), rows) for name, rows in named.items() if rows]


def org_id_of(package: Package, org: Organization) -> UUID:
    return package.derive_id("organizations", org.slug)


def model_id_of(package: Package, model: Model) -> UUID:
    return package.derive_id("models", model.name)


def key_id_of(package: Package, org: Organization, name: str) -> UUID:
    return package.derive_id("api_keys", org.slug, name)


def price_id_of(package: Package, model: Model) -> UUID:
    return package.derive_id("model_prices", model.name, model.operation)


def project_id_of(package: Package, org: Organization, slug: str) -> UUID:
    return package.derive_id("projects", org.slug, slug)


def _user_id(package: Package, email: str) -> UUID:
    return package.derive_id("users", normalise_email(email))


def _revision_id(package: Package, model: Model) -> UUID:
    return package.derive_id("model_revisions", model.name, 1)


def _organization(package: Package, org: Organization) -> Row:
    org_id = org_id_of(package, org)
    return {"org_id": org_id, "slug": org.slug, "display_name": org.display_name}


def _projects(package: Package, org: Organization) -> Iterator[Row]:
    for project in org.projects:
        yield {
            "project_id": project_id_of(package, org, project.slug),
            "org_id": org_id_of(package, org),
            "slug": project.slug,
            "display_name": project.display_name,
        }


def _people(
    connection: Connection, package: Package, secrets: Secrets, people: Sequence[tuple[Organization, Member]]
) -> list[Table]:
    users, digests, passwords, memberships = [], [], [], []
    for org, member in people:
        user_id, org_id = _user_id(package, member.email), org_id_of(package, org)
        kid, sealed = secrets.keys.seal_email(member.email, user_id)
        person = {"user_id": user_id, "display_name": member.display_name, "status": "active"}
        users.append({**person, "email_ciphertext": sealed, "email_enc_kid": kid})
        for hash_kid, digest in hash_for_all_keys(connection, secrets.keys, member.email).items():
            digests.append({"kid": hash_kid, "email_hash": digest, "user_id": user_id})
        passwords += _password(connection, user_id, secrets.credentials[f"{org.slug}-{member.role}"])
        memberships.append({"org_id": org_id, "user_id": user_id, "role": member.role, "status": "active"})
    return [
        Table("users", ("user_id",), users, frozenset({"email_ciphertext", "email_enc_kid"})),
        Table("user_email_hashes", ("kid", "email_hash"), digests, append_only=True),
        Table("user_credentials", ("user_id",), passwords),
        Table("memberships", ("org_id", "user_id"), memberships),
    ]


def _password(connection: Connection, user_id: UUID, credential: Credential) -> list[Row]:
    """A row with a fresh hash, or the one that is stored when it is of the same password."""
    row = connection.execute(queries["find_password"], [user_id]).fetchone()
    if row is not None and is_password(credential.secret, row[0]):
        stored, changed_at = row
    else:
        stored, changed_at = hash_password(credential.secret), clock.now()
    return [{"user_id": user_id, "password_hash": stored, "changed_at": changed_at}]


def _keys(package: Package, org: Organization, secrets: Secrets) -> Iterator[Row]:
    kid = secrets.keys.active_kid("api_key") if org.keys else ""
    for key in org.keys:
        text = secrets.credentials[key_name(org.slug, key.name)].secret.reveal()
        yield {
            "api_key_id": key_id_of(package, org, key.name),
            "org_id": org_id_of(package, org),
            "project_id": project_id_of(package, org, key.project) if key.project else None,
            "name": key.name,
            "prefix": text[:PREFIX_LENGTH],
            "last4": text[-4:],
            "secret_hash": secrets.keys.hashing.digest(text, kid),
            "hash_kid": kid,
            "scopes": list(DEFAULT_SCOPES),
        }


def _budgets(package: Package, org: Organization) -> Iterator[Row]:
    for budget in org.budgets:
        yield {
            "budget_id": package.derive_id("budgets", org.slug, budget.measure, budget.period),
            "org_id": org_id_of(package, org),
            "scope": "organization",
            "measure": budget.measure,
            "period": budget.period,
            "limit_units": budget.limit,
            "status": "active",
            "changed_by": CREATED_BY,
        }


def _models(connection: Connection, package: Package, environment: str) -> list[Table]:
    return [
        Table("models", ("model_id",), [_model(package, model) for model in package.models]),
        Table("model_revisions", ("revision_id",), [_revision(package, m) for m in package.models], append_only=True),
        Table("model_prices", ("price_id",), [_price(package, m) for m in package.models], append_only=True),
        Table("model_deployments", ("deployment_id",), list(_deployments(connection, package, environment))),
    ]


def _model(package: Package, model: Model) -> Row:
    return {
        "model_id": model_id_of(package, model),
        "name": model.name,
        "display_name": model.name,
        "operations": [model.operation],
        "context_tokens": model.context_tokens,
    }


def _revision(package: Package, model: Model) -> Row:
    model_id, served = model_id_of(package, model), model.serves or model.name
    return {"revision_id": _revision_id(package, model), "model_id": model_id, "revision": 1, "served_name": served}


def _price(package: Package, model: Model) -> Row:
    price = dict(zip(("input_pico", "cached_input_pico", "output_pico"), model.amounts, strict=True))
    return {
        "price_id": price_id_of(package, model),
        "model_id": model_id_of(package, model),
        "operation": model.operation,
        "currency": "USD",
        **price,
        "effective_from": PRICES_FROM,
        "created_by": CREATED_BY,
    }


def _deployments(connection: Connection, package: Package, environment: str) -> Iterator[Row]:
    """The backends of the model that each one stands for, as they are now."""
    for model in (model for model in package.models if model.serves):
        found = connection.execute(queries["list_backends"], [model.serves, environment])
        for name, region, endpoint, status in found:
            yield {
                "deployment_id": package.derive_id("model_deployments", model.name, environment, name),
                "name": name,
                "revision_id": _revision_id(package, model),
                "environment": environment,
                "region": region,
                "endpoint": endpoint,
                "status": status,
            }
