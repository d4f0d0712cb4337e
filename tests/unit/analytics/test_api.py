from __future__ import annotations

import secrets
from base64 import b64encode
from contextlib import closing

from fastapi import FastAPI

from aias_core.identity.access_tokens import TokenSigner
from aias_core.secret import Secret
from aias_core.service_settings import AnalyticsSettings
from aias_services.analytics.api import add_api


def test_a_read_gives_up_waiting_for_the_database_within_a_second() -> None:
    signer, application = TokenSigner.parse(Secret(b64encode(secrets.token_bytes(32)).decode()), "test"), FastAPI()
    settings = AnalyticsSettings.model_construct(
        env="test",
        analytics_dsn=Secret("host=/nowhere"),
        operator_token=Secret("0p3rator"),
        token_public_keys=signer.public_key(),
    )
    add_api(application, settings)
    with closing(application.state.reads.pool) as pool:
        assert pool._pool.timeout < 1
