"""Months that can be closed, and people whose word counts."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aias_core import clock
from aias_core.analytics.ingest.store import ingest_lines
from aias_core.analytics.rollup.run import run_rollup
from aias_core.contracts import usage
from aias_core.finance.months.consent import Consent
from aias_core.windows import Window
from support.events import make_event

ACTOR = Consent("grace@here")


def set_watermark(store: psycopg.Connection, at: datetime) -> None:
    for stage in ("ingest", "rollup_hour", "rollup_day"):
        store.execute(
            "INSERT INTO aias.watermarks (stage, settled_through, complete_through) VALUES (%s, %s, %s) "
            "ON CONFLICT (stage) DO UPDATE SET complete_through = excluded.complete_through",
            [stage, at, at],
        )


def stop_clock(monkeypatch: pytest.MonkeyPatch, at: datetime) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)


def add_late_event(store: psycopg.Connection, month: Window, **changes: Any) -> None:
    event = make_event(at=month.end - timedelta(hours=5), **changes)
    ingest_lines(store, [usage.encode(event)], "late")
    run_rollup(store)


class Person:
    """Somebody with a key in the profile."""

    def __init__(self, name: str, directory: Path) -> None:
        private = Ed25519PrivateKey.generate()
        self.name, self.key = name, directory / name
        no_password = serialization.NoEncryption()
        self.key.write_bytes(
            private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, no_password)
        )
        public = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        self.public = public.decode()
