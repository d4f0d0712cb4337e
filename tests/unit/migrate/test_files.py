from datetime import timedelta
from pathlib import Path

import pytest

from aias_core import clock
from aias_core.errors import InvalidInput, NothingRan
from aias_core.migrate.files import default_directory, load_migrations


def write(directory: Path, *names: str) -> Path:
    for name in names:
        (directory / name).write_text("SELECT 1;")
    return directory


@pytest.mark.parametrize("database", ["operational", "analytics"])
def test_the_shipped_migrations_load(database: str) -> None:
    names = [migration.name for migration in load_migrations(default_directory(database))]
    assert names == sorted(names)


def test_an_empty_directory_is_never_nothing_to_do(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "missing"):
        with pytest.raises(NothingRan) as raised:
            load_migrations(directory)
        assert "--directory DIR" in str(raised.value.hint)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["202610010000_a.up.sql"], r"no \.down\.sql"),
        (["202610010000_a.down.sql"], r"no \.up\.sql"),
        (["notes.txt"], "is not a migration"),
        (["20261001_a.up.sql"], "is not a migration"),
        (["202613010000_a.up.sql", "202613010000_a.down.sql"], "real UTC minute"),
        ([f"202610010000_{slug}.{way}.sql" for slug in "ab" for way in ("up", "down")], "have one version"),
    ],
    ids=["no-down", "no-up", "foreign-file", "short-version", "month-13", "one-version-twice"],
)
def test_a_misnamed_file_is_refused(tmp_path: Path, names: list[str], said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as raised:
        load_migrations(write(tmp_path, *names))
    assert raised.value.hint


def test_a_version_more_than_a_day_ahead_is_refused(tmp_path: Path) -> None:
    version = (clock.now() + timedelta(days=2)).strftime("%Y%m%d%H%M")
    with pytest.raises(InvalidInput, match="24 hours ahead") as raised:
        load_migrations(write(tmp_path, f"{version}_a.up.sql", f"{version}_a.down.sql"))
    assert "date -u" in str(raised.value.hint)
