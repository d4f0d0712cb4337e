from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from aias_core.environments.linode.attached import attach_stand_in
from aias_core.errors import AiasError


def test_a_provider_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with (
        pytest.raises(AiasError, match=r"did not start: .*Failed to bind to address unix:") as caught,
        attach_stand_in({}),
    ):
        pass
    assert "TMPDIR" in (caught.value.hint or "")
