from __future__ import annotations

from pathlib import Path

import pytest

from aias_core.errors import NotFound
from aias_core.secrets.declared import Secrets
from support.secret_steps import declare


def test_a_key_of_the_state_is_made_once(tmp_path: Path) -> None:
    declared = [declare("nats"), declare("state-backup", generator="hex32", namespaces=())]
    secrets = Secrets("development", tmp_path, {one.name: one for one in declared})
    made = secrets.ensure_value("state-backup")
    assert secrets.ensure_value("state-backup") == made == secrets.get_value("state-backup")
    assert len(bytes.fromhex(made.reveal())) == 32
    with pytest.raises(NotFound):
        secrets.get_value("nats")
