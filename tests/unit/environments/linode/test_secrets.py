from __future__ import annotations

from pathlib import Path

from aias_core.environments.linode.secrets import open_secrets


def test_only_components_that_are_on_consume_a_secret(tmp_path: Path) -> None:
    secret = "secrets: {models: {owner: a, purpose: b, consumers: [vllm, router, grafana]}}"
    for gpu, consumers in (("false", ("router",)), ("true", ("vllm", "router"))):
        text = f"extends: staging\ngpu: {{enabled: {gpu}}}\ncomponents: {{grafana: {{enabled: false}}}}\n{secret}\n"
        (tmp_path / "mine.yaml").write_text(text)
        assert open_secrets("mine", tmp_path, tmp_path).get("models").consumers == consumers
