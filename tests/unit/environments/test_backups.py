from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from aias_core import clock
from aias_core.environments.backups import find_backup_fault
from aias_core.environments.databases import find_targets
from aias_core.environments.local.target import LocalEnvironment, open_environment

FRESH, OLD = timedelta(hours=1), timedelta(hours=30)
PRODUCTION = "extends: local\napprovals: {migrations: required}\n"
DSN = "postgresql://nobody@127.0.0.1:1/x"


@pytest.fixture
def environment(tmp_path: Path) -> LocalEnvironment:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "careful.yaml").write_text(PRODUCTION)
    found = open_environment("careful", tmp_path / "state", tmp_path / "own")
    found.state.ensure()
    return found


def drill(environment: LocalEnvironment, age: timedelta, *, passed: bool = True, rpo_seconds: float = 60) -> None:
    environment.state.backups.mkdir(exist_ok=True)
    entry = {"at": clock.format_instant(clock.now() - age), "passed": passed, "rpo_seconds": rpo_seconds}
    (environment.state.backups / "drills.json").write_text(json.dumps({"one": entry}))


def test_a_backup_restored_within_a_day_is_proven(environment: LocalEnvironment) -> None:
    drill(environment, FRESH)
    assert find_backup_fault(environment) is None


def test_none_an_old_a_failed_and_a_stale_one_are_not(environment: LocalEnvironment) -> None:
    assert "none ever was" in str(find_backup_fault(environment))
    drill(environment, OLD)
    assert "the last was at" in str(find_backup_fault(environment))
    drill(environment, FRESH, passed=False)
    assert "none ever was" in str(find_backup_fault(environment))
    drill(environment, FRESH, rpo_seconds=OLD.total_seconds())
    assert find_backup_fault(environment) is not None


def test_only_an_environment_whose_plans_need_consent_asks_for_one(
    environment: LocalEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIAS_OPERATIONAL_DSN", DSN)
    (careful,) = find_targets(environment, "operational", None)
    assert careful.find_backup_fault() is not None
    (local,) = find_targets(open_environment("local", tmp_path / "state"), "operational", None)
    assert local.find_backup_fault() is None
