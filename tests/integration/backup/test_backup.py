"""Backups: whole, encrypted, read back, and found out when they are no longer what was written."""

from __future__ import annotations

import base64
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aias_core.backup.cipher import CHUNK_BYTES
from aias_core.backup.create import create_backup
from aias_core.backup.drill import check_objectives, run_drill
from aias_core.backup.inspect import list_backups, verify_backup
from aias_core.backup.manifest import get_manifest, sign
from aias_core.errors import AiasError, DifferenceFound, LockHeld, NotFound, ObjectiveMissed, PrerequisiteMissing
from support.backups import BUCKET, Archiving, say_nothing

if TYPE_CHECKING:
    from aias_core.objectstore import ObjectStore
    from support.servers import PostgresServer


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def alter(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def empty(path: Path) -> None:
    os.truncate(path, 0)


DAMAGES = {"truncated": truncate, "altered": alter, "empty": empty, "removed": Path.unlink}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("name", ["base.enc", "log.enc", "manifest.json"])
def test_verify_finds_any_damage_in_a_directory(
    archiving: Archiving, own: Archiving, made: Path, name: str, damage: Callable[[Path], None]
) -> None:
    copy = own.site.home / "full"
    copy.mkdir(parents=True)
    subprocess.run(["cp", "-a", made, copy], check=True)
    assert verify_backup(own.site, None, None, say_nothing)["bytes"] > 0
    damage(copy / made.name / name)
    expected = NotFound if (name, damage) == ("manifest.json", Path.unlink) else DifferenceFound
    with pytest.raises(expected):
        verify_backup(own.site, None, made.name, say_nothing)


@pytest.fixture(scope="module")
def made(archiving: Archiving, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup that no test may change."""
    directory = tmp_path_factory.mktemp("made")
    return directory / archiving.at(directory).back_up(str(directory)).manifest.id


@pytest.mark.parametrize("damage", ["truncated", "altered", "empty", "removed"])
@pytest.mark.parametrize("name", ["base.enc", "manifest.json"])
def test_verify_finds_any_damage_in_object_storage(
    own: Archiving, objects: ObjectStore, name: str, damage: str, request: pytest.FixtureRequest
) -> None:
    site, url = replace(own.site, objects=objects), f"s3://{BUCKET}/{damage}-{name}"
    backup = create_backup(site, url, 30, say_nothing).manifest.id
    assert [row["backup"] for row in list_backups(site, url)["backups"]] == [backup]
    assert verify_backup(site, url, None, say_nothing)["bytes"] > 0
    client, key = objects.client(), f"{damage}-{name}/{backup}/{name}"
    content = bytearray(client.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    content[len(content) // 2] ^= 1
    changed = {"truncated": content[: len(content) // 2], "altered": content, "empty": b""}
    if damage == "removed":
        client.delete_object(Bucket=BUCKET, Key=key)
    else:
        client.put_object(Bucket=BUCKET, Key=key, Body=bytes(changed[damage]))
    with pytest.raises(NotFound if (name, damage) == ("manifest.json", "removed") else DifferenceFound):
        verify_backup(site, url, backup, say_nothing)


def test_a_drill_from_object_storage_proves_every_row(own: Archiving, objects: ObjectStore) -> None:
    site, url = replace(own.site, objects=objects), f"s3://{BUCKET}/drill"
    create_backup(site, url, 30, say_nothing)
    drill = run_drill(site, url, None, say_nothing)
    assert (drill.rows, drill.rows_compared) == (10_000, True)
    assert set(drill.seconds) == {"copy", "recovery", "rows", "amcheck"}  # the last two run beside each other
    assert drill.rto_seconds >= round(drill.seconds["copy"] + drill.seconds["recovery"], 2) > 0
    row = list_backups(site, url)["backups"][0]
    assert row["drill_passed"] is True
    check_objectives(drill, 900, 3600)
    with pytest.raises(ObjectiveMissed):
        check_objectives(drill, None, 0.001)


def test_what_is_stored_says_nothing_of_the_rows(own: Archiving) -> None:
    own.execute("INSERT INTO notes VALUES (0, 'a text nobody may read')")
    backup = Path(own.back_up().url)
    own.execute("DELETE FROM notes WHERE id = 0")
    for path in backup.rglob("*"):
        assert not path.is_file() or b"nobody may read" not in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0


def test_another_key_opens_nothing(own: Archiving, tmp_path: Path) -> None:
    own.back_up()
    other = tmp_path / "other"
    other.write_bytes(base64.b64encode(os.urandom(32)))
    with pytest.raises(DifferenceFound, match="key"):
        verify_backup(replace(own.site, key_file=other), None, None, say_nothing)


@pytest.mark.parametrize("key", ["", "c2hvcnQ=", base64.b64encode(bytes(32)).decode()], ids=["none", "short", "zeros"])
def test_a_weak_key_is_refused_before_anything_is_written(own: Archiving, tmp_path: Path, key: str) -> None:
    weak = tmp_path / "weak"
    weak.write_text(key)
    with pytest.raises(AiasError, match="32 random bytes"):
        create_backup(replace(own.site, key_file=weak), None, 30, say_nothing)
    assert not (own.site.home / "full").exists()


def test_old_backups_go_and_the_log_that_only_they_needed(own: Archiving) -> None:
    first, second = own.back_up(), own.back_up()
    assert first.manifest.log
    assert (own.log / first.manifest.log.first).exists()
    age(own, first.manifest.id, days=31)
    third = own.back_up()
    assert third.pruned == [first.manifest.id]
    kept = [row["backup"] for row in list_backups(own.site, None)["backups"]]
    assert kept == [second.manifest.id, third.manifest.id]
    assert second.manifest.log
    assert min(path.name for path in own.log.glob("0*")) == second.manifest.log.first


def age(own: Archiving, backup: str, days: int) -> None:
    """Makes a backup older, as if its clock had been another."""
    manifest = get_manifest(own.site.store(None), backup, own.site.key)
    older = replace(manifest, created_at=manifest.created_at - timedelta(days=days))
    (own.site.home / "full" / backup / "manifest.json").write_text(json.dumps(sign(older, own.site.key)))


BACK_UP = """
import sys
from pathlib import Path
from aias_core.backup.create import create_backup
from aias_core.backup.site import Site
from aias_core.secret import Secret
home, key, archives, *dsns = sys.argv[1:]
site = Site("test", Path(home), dict(zip(("operational", "analytics"), map(Secret, dsns))), Path(key), Path(archives))
create_backup(site, None, 30, lambda text: print(text, flush=True))
"""


def start_backup(own: Archiving, before: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    site = own.site
    dsns = [dsn.reveal() for dsn in site.dsns.values()]
    argv = [sys.executable, "-c", BACK_UP, str(site.home), str(site.key_file), str(site.archives), *dsns]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=before)


@pytest.mark.parametrize("step", ["Writing base.enc", "Counting and summing the rows", "Writing log.enc"])
def test_a_killed_backup_is_not_listed_and_the_next_one_clears_it_away(own: Archiving, step: str) -> None:
    running = start_backup(own)
    assert running.stdout
    for line in running.stdout:
        if line.strip() == step:
            break
    with pytest.raises(LockHeld):
        own.back_up()
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert list_backups(own.site, None)["backups"] == []
    done = own.back_up()
    assert [path.name for path in (own.site.home / "full").iterdir()] == [done.manifest.id]


def test_a_full_disk_leaves_nothing_half_written(own: Archiving) -> None:
    limit = CHUNK_BYTES // 4

    def allow_little() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    running = start_backup(own, allow_little)
    _, errors = running.communicate()
    assert running.returncode == 1
    assert "PrerequisiteMissing" in errors
    assert "cannot be written: File too large" in errors
    assert list((own.site.home / "full").iterdir()) == []


def test_without_an_archive_a_backup_of_our_own_server_says_what_to_do(
    own: Archiving, postgres_server: PostgresServer
) -> None:
    dsns = {"operational": postgres_server.superuser("operational")}
    with pytest.raises(PrerequisiteMissing, match="archive"):
        create_backup(replace(own.site, dsns=dsns), None, 30, say_nothing)


def test_rows_stay_exact_beside_writers(own: Archiving) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITE, own.site.dsns["operational"].reveal()], stdout=subprocess.PIPE, text=True
    )
    try:
        assert writer.stdout
        writer.stdout.readline()
        own.back_up()
    finally:
        writer.kill()
        writer.communicate()
    drill = run_drill(own.site, None, None, say_nothing)
    assert drill.rows_compared
    assert drill.rows > 10_000
    own.execute("DELETE FROM notes WHERE id > 5000")


WRITE = """
import sys, psycopg, time
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    for number in range(5001, 1000000):
        connection.execute("INSERT INTO notes VALUES (%s, 'written meanwhile')", [number])
        print("begun", flush=True) if number == 5100 else None
        time.sleep(0.002)
"""
