"""An older backup does not bring an erased organization back; its exports are gone from object storage."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aias_core import ids
from aias_core.backup.create import create_backup
from aias_core.backup.promote import promote
from aias_core.backup.restore import Wish, restore
from aias_core.backup.site import Site
from aias_core.database.bootstrap import DATABASES
from aias_core.database.connection import connect
from aias_core.errors import DifferenceFound
from aias_core.migrate.consent import Consent
from aias_core.migrate.runner import migrate
from aias_core.migrate.target import Target
from aias_core.objectstore import ObjectStore
from aias_core.retention.erasure.certificate import Signer, hash_name
from aias_core.retention.erasure.requests import Order
from aias_core.retention.erasure.run import describe_impact, prepare, run_erasure
from aias_core.retention.erasure.tombstones import apply_tombstones
from aias_core.retention.erasure.verify import verify_erasure
from aias_core.retention.stores import Stores, opened
from aias_core.secret import Secret
from support.backups import Archiving, archiving_server, say_nothing
from support.subjects import fill

SIGNER = Signer(Secret(base64.b64encode(b"k" * 32).decode()))
BUCKET = "exports"
WITHOUT_REFERENCES = """
DO $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT conrelid::regclass AS t, conname FROM pg_constraint
        WHERE contype = 'f' AND connamespace = 'aias'::regnamespace
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', r.t, r.conname);
    END LOOP;
END
$$
"""


@dataclass(frozen=True)
class Home:
    """A server with a filled organization, its backups, and its exports."""

    archiving: Archiving
    stores: Stores
    site: Site
    org: uuid.UUID
    slug: str

    @property
    def order(self) -> Order:
        return Order("organization", self.org, f"T-{self.org}", "x")

    def erase(self) -> dict[str, Any]:
        return run_erasure(self.stores, self.order, Consent(), SIGNER)

    def count(self, ending: str = "") -> int:
        """Rows that still tell something of the organization in the databases of that ending."""
        names = [self.archiving.server.superuser(f"{name}{ending}") for name in DATABASES]
        with opened(Stores("test", *names)) as databases:
            return sum(prepare(self.stores, databases, self.order).count().values())


@pytest.fixture(scope="module")
def archiving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archiving]:
    with archiving_server(tmp_path_factory.mktemp("archiving")) as found:
        for database in DATABASES:
            migrate(Target(database, found.server.dsn(database, "aias_migrator")))
            found.execute(WITHOUT_REFERENCES, database)
        found.execute("SELECT aias.ensure_month_partitions(now(), 1)", "analytics")
        yield found


@pytest.fixture
def home(archiving: Archiving, objects: ObjectStore, tmp_path: Path) -> Home:
    for (name,) in archiving.read("SELECT datname FROM pg_database WHERE datname ~ '_(restored|before)'", "postgres"):
        archiving.execute(f'DROP DATABASE "{name}" WITH (FORCE)', "postgres")
    org = ids.new_id()
    for database in DATABASES:
        with connect(archiving.server.superuser(database), autocommit=True) as connection:
            fill(connection, database, "organization", org)
    slug = archiving.read(f"SELECT slug FROM aias.organizations WHERE org_id = '{org}'")[0][0]
    dsns = [archiving.server.dsn(name, "aias_migrator") for name in DATABASES]
    stores = Stores("test", *dsns, objects, (BUCKET,))
    apply = partial(apply_tombstones, "test", signer=SIGNER)
    site = replace(archiving.at(tmp_path / "backups").site, archives=None, prepare=apply)
    return Home(archiving, stores, site, org, slug)


def test_a_restored_older_backup_does_not_bring_it_back(home: Home) -> None:
    create_backup(home.site, None, 30, say_nothing)
    certificate = home.erase()
    restore(home.site, Wish("restored"), say_nothing)
    assert home.count("_restored") == 0
    promote(home.site, "restored")
    assert home.count() == 0
    verify_erasure(home.stores, certificate)


def test_what_is_erased_between_restore_and_promotion_stays_erased(home: Home) -> None:
    create_backup(home.site, None, 30, say_nothing)
    restore(home.site, Wish("restored"), say_nothing)
    assert home.count("_restored") > 50
    certificate = home.erase()
    promote(home.site, "restored")
    verify_erasure(home.stores, certificate)


def test_where_the_live_database_is_gone_the_newest_backup_knows_who_was_erased(home: Home) -> None:
    old = create_backup(home.site, None, 30, say_nothing).manifest
    home.erase()
    create_backup(home.site, None, 30, say_nothing)
    home.archiving.execute("ALTER DATABASE operational RENAME TO operational_gone", "postgres")
    home.archiving.execute("CREATE DATABASE operational OWNER aias_owner", "postgres")
    try:
        restore(home.site, Wish("restored", backup=old.id), say_nothing)
        assert home.count("_restored") == 0
    finally:
        home.archiving.execute("DROP DATABASE operational WITH (FORCE)", "postgres")
        home.archiving.execute("ALTER DATABASE operational_gone RENAME TO operational", "postgres")


def test_a_promotion_knows_from_the_newest_backup_who_was_erased_since(home: Home) -> None:
    create_backup(home.site, None, 30, say_nothing)
    restore(home.site, Wish("restored"), say_nothing)
    home.erase()
    create_backup(home.site, None, 30, say_nothing)
    home.archiving.execute("ALTER DATABASE operational RENAME TO operational_before_loss", "postgres")
    home.archiving.execute("CREATE DATABASE operational OWNER aias_owner", "postgres")
    promote(home.site, "restored")
    assert home.count() == 0


def upload(store: ObjectStore, org: uuid.UUID, slug: str) -> dict[str, bool]:
    """Exports of the organization, of others, and of everybody; whether each is to go."""
    client = store.client()
    files: dict[str, tuple[bytes, bool]] = {
        f"a/aias-usage_{slug}_2026-10_day_v0.csv.gz": (b"x", True),
        f"a/{org}/trace.jsonl": (b"x", True),
        f"a/aias-usage_{slug}-two_2026-10_day_v0.csv": (b"x", False),
        f"{org.hex}/backup.enc": (b"x", False),
    }
    for name, somebody in (
        ("aias-focus_all_2026-10_day_v1.parquet", org),
        ("mine.csv", org),
        ("other.csv", ids.new_id()),
    ):
        named = {"file": name, "totals": [{"org_id": str(somebody)}, {"org_id": str(ids.new_id())}]}
        files[f"{org.hex}/{name}"] = (b"x", somebody == org)
        files[f"{org.hex}/{name}.manifest.json"] = (json.dumps(named).encode(), somebody == org)
    job = f"exports/all/2026-10/{ids.new_id()}.csv.gz"  # a job's manifest has the whole key
    files[job] = (b"x", True)
    files[f"{job}.manifest.json"] = (json.dumps({"file": job, "totals": [{"org_id": str(org)}]}).encode(), True)
    for key, (body, _) in files.items():
        client.put_object(Bucket=BUCKET, Key=key, Body=body)
    return {key: goes for key, (_, goes) in files.items()}


def keys_of(store: ObjectStore) -> set[str]:
    return {item["Key"] for item in store.client().list_objects_v2(Bucket=BUCKET).get("Contents", ())}


def test_exports_that_name_it_are_removed_and_others_stay(home: Home, objects: ObjectStore) -> None:
    files = upload(objects, home.org, home.slug)
    going = {key for key, goes in files.items() if goes}
    assert len(describe_impact(home.stores, home.order)["objects"]) == len(going)
    certificate = home.erase()
    assert keys_of(objects) & files.keys() == files.keys() - going
    assert {item["name_sha256"] for item in certificate["objects"]} == set(map(hash_name, going))
    objects.client().put_object(Bucket=BUCKET, Key=f"b/{home.org}.jsonl", Body=b"again")
    with pytest.raises(DifferenceFound, match="1 objects"):
        verify_erasure(home.stores, certificate)
    assert home.erase() == certificate
    assert keys_of(objects).isdisjoint(going)
