"""What was seen of an account before: since when a suspect is one, and the addresses that the account once had."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from aias_core import clock
from aias_core.errors import PrerequisiteMissing
from aias_core.files import whole_file

FILE = "orphans.json"
QUARANTINE = timedelta(hours=24)
REMEMBERED = timedelta(days=400)
Times = dict[str, str]


class Memory:
    """A file beside the environments, because an account is of all of them; `url` tells accounts apart."""

    def __init__(self, state_root: Path, url: str) -> None:
        self._file, self._url = state_root / FILE, url
        self._content = self._read()

    def addresses(self) -> set[str]:
        """Addresses that the account had when it was looked at before."""
        return set(self._part("addresses"))

    def since(self, key: str) -> datetime:
        """When a suspect was first seen without a break. Raises KeyError for one that was not noted."""
        return clock.parse_instant(self._part("suspects")[key])

    def note_addresses(self, present: Iterable[str], now: datetime) -> None:
        """Keeps the addresses that the account has now."""
        oldest = clock.format_instant(now - REMEMBERED)
        known = {address: at for address, at in self._part("addresses").items() if at > oldest}
        self._set("addresses", known | dict.fromkeys(present, clock.format_instant(now)))

    def note_suspects(self, keys: Iterable[str], now: datetime) -> None:
        """Keeps since when each is suspect, and forgets those that are not any more."""
        known, text = self._part("suspects"), clock.format_instant(now)
        self._set("suspects", {key: known.get(key, text) for key in keys})

    def save(self) -> None:
        with whole_file(self._file) as file:
            file.write(json.dumps(self._content, indent=1).encode())

    def _part(self, name: str) -> Times:
        return self._content.get(self._url, {}).get(name, {})

    def _set(self, name: str, times: Times) -> None:
        self._content.setdefault(self._url, {})[name] = times

    def _read(self) -> dict[str, dict[str, Times]]:
        try:
            return dict(json.loads(self._file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as exc:
            raise PrerequisiteMissing(
                f"'{self._file}' cannot be read: {exc}", hint="delete it; the quarantine then begins anew"
            ) from exc
