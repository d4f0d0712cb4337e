"""What a developer does on the first day: seed the environment and use what it prints."""

from __future__ import annotations

from typing import Any

import openai

from support.environments import CommandLine
from support.waiting import wait_until

QUESTION: list[Any] = [{"role": "user", "content": "What is the capital of France?"}]


def test_the_seeded_key_is_answered_by_the_seeded_models_and_billed(line: CommandLine) -> None:
    line.run("db", "seed", "--package", "local-dev")
    shown = line.json("db", "seed", "--package", "local-dev", "--print-credentials")
    assert not any(table["inserted"] or table["updated"] for table in shown["tables"])
    key = next(
        credential["secret"] for credential in shown["credentials"] if credential["name"] == "dev-org-key-website"
    )
    url = f"http://127.0.0.1:{line.component('router')['ports']['main']}/v1"
    with openai.OpenAI(base_url=url, api_key=key, max_retries=0, timeout=10) as client:
        wait_until(lambda: "dev-small" in {model.id for model in client.models.list()})
        answer = client.chat.completions.create(model="dev-small", messages=QUESTION)
    assert answer.usage
    wait_until(lambda: bool(line.json("analytics", "usage", "--org", "dev-org")["totals"]))
    assert line.json("analytics", "reconcile")["differences"] == 0
