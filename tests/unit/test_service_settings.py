from pathlib import Path

import pytest

from aias_core.errors import InvalidSettings
from aias_core.service_settings import AnalyticsSettings, load

GOOD = {
    "AIAS_HTTP_PORT": "8084",
    "AIAS_HTTP_OPS_PORT": "9084",
    "AIAS_ANALYTICS_DSN": "postgresql://u:hunter2@h/d",
    "AIAS_NATS_URL": "nats://u:hunter2@h",
    "AIAS_IDENTITY_URL": "http://127.0.0.1:8081",
    "AIAS_SERVICE_KEY": "service-hunter2",
    "AIAS_OPERATOR_TOKEN": "operator-hunter2",
    "AIAS_TOKEN_PUBLIC_KEYS": "id:key",
}


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_secrets_do_not_show(environ: pytest.MonkeyPatch) -> None:
    settings = load(AnalyticsSettings)
    assert settings.analytics_dsn.reveal() == GOOD["AIAS_ANALYTICS_DSN"]
    assert "hunter2" not in repr(settings)


def test_every_fault_is_reported_at_once(environ: pytest.MonkeyPatch) -> None:
    environ.setenv("AIAS_HTTP_PORT", "99999")
    environ.setenv("AIAS_LOG_LEVEL", "loud")
    environ.delenv("AIAS_NATS_URL")
    with pytest.raises(InvalidSettings) as caught:
        load(AnalyticsSettings)
    assert all(name in caught.value.message for name in ("AIAS_HTTP_PORT", "AIAS_LOG_LEVEL", "AIAS_NATS_URL"))


def test_a_value_may_come_from_a_mounted_file(environ: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environ.delenv("AIAS_NATS_URL")
    (tmp_path / "url").write_text("nats://from-file\n")
    environ.setenv("AIAS_NATS_URL_FILE", str(tmp_path / "url"))
    assert load(AnalyticsSettings).nats_url.reveal() == "nats://from-file"


def test_both_forms_of_a_value_are_a_fault(environ: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environ.setenv("AIAS_NATS_URL_FILE", str(tmp_path / "url"))
    with pytest.raises(InvalidSettings, match="given twice"):
        load(AnalyticsSettings)
