"""The exported files of an organization in object storage: its own, and those of everybody that name it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aias_core.errors import NotFound, PrerequisiteMissing
from aias_core.objectstore import translated_errors
from aias_core.retention.erasure.certificate import hash_name
from aias_core.retention.erasure.requests import find_slug
from aias_core.retention.erasure.rules import queries

if TYPE_CHECKING:
    from aias_core.retention.erasure.rules import Subject
    from aias_core.retention.stores import Databases, Stores

MANIFEST = ".manifest.json"
_HINT = "see whether it is there: aias env status"


@dataclass(frozen=True, slots=True)
class Export:
    """One object; its name may be personal, so records have its hash."""

    key: str
    bytes: int

    def as_record(self) -> dict[str, Any]:
        return {"name_sha256": hash_name(self.key), "bytes": self.bytes}


class ExportsUnseen(PrerequisiteMissing):
    """Exported files cannot be looked at"""

    code = "exports_unseen"


def find_exports(stores: Stores, databases: Databases, subject: Subject) -> list[Export]:
    """The exports that hold something of an organization, data before its manifest. A person is in none by name.

    Raises ExportsUnseen where no object storage or bucket is known, DependencyUnreachable when it does not answer.
    """
    if subject.kind == "user":
        return []
    if stores.objects is None:
        raise ExportsUnseen(f"No object storage of '{stores.environment}' is known", hint=_HINT)
    known = _list_known(databases, subject)
    slug = find_slug(databases.operational, subject.id)
    try:
        with translated_errors(stores.bucket):
            client = stores.objects.client()
            objects = dict(_iter_objects(client, stores.bucket))
            wanted = {key for key in objects if key in known or _is_own(key, slug, str(subject.id))}
            for key in objects:
                if key.endswith(MANIFEST) and _names(client, stores.bucket, key, str(subject.id)):
                    wanted |= {key, key.removesuffix(MANIFEST)} & objects.keys()
    except NotFound as exc:
        raise ExportsUnseen(exc.message, hint=_HINT) from exc
    return [Export(key, objects[key]) for key in sorted(wanted, key=lambda key: (key.endswith(MANIFEST), key))]


def delete_export(stores: Stores, export: Export) -> None:
    """Removes one object; one that is gone stays gone."""
    assert stores.objects is not None  # noqa: S101
    with translated_errors(stores.bucket):
        stores.objects.client().delete_object(Bucket=stores.bucket, Key=export.key)


def _list_known(databases: Databases, subject: Subject) -> set[str]:
    keys = subject.parameters()
    rows = databases.analytics.execute(queries["list_export_objects"], keys).fetchall()
    rows += databases.operational.execute(queries["list_audit_export_objects"], keys).fetchall()
    return {key for (key,) in rows}


def _iter_objects(client: Any, bucket: str) -> Iterator[tuple[str, int]]:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        yield from ((item["Key"], item["Size"]) for item in page.get("Contents", ()))


def _is_own(key: str, slug: str, org_id: str) -> bool:
    return org_id in key or bool(slug and re.match(rf"aias-[a-z]+_{re.escape(slug)}_", key.rpartition("/")[2]))


def _names(client: Any, bucket: str, manifest: str, org_id: str) -> bool:
    body: bytes = client.get_object(Bucket=bucket, Key=manifest)["Body"].read()
    return org_id.encode() in body
