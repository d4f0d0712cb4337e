"""The README of each Terraform module, from its own variables and outputs.

Written by: .venv/bin/python tests/support/module_readmes.py
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2

from aias_core.environments.linode.terraform_program import find_configuration


def list_modules() -> list[Path]:
    return sorted(path for path in (find_configuration() / "modules").iterdir() if path.is_dir())


def write_readme(module: Path) -> str:
    """What the README of a module says."""
    purpose = (module / "main.tf").read_text().splitlines()[0].removeprefix("# ")
    inputs = [_input(name, body) for name, body in _blocks(module / "variables.tf", "variable")]
    outputs = [
        f"| `{name}` | {_text(body['description'])}{' Sensitive.' if body.get('sensitive') else ''} |"
        for name, body in _blocks(module / "outputs.tf", "output")
    ]
    return "\n".join(
        [
            f"# `{module.name}`",
            "",
            purpose,
            "",
            "| input | type | default | meaning |",
            "| --- | --- | --- | --- |",
            *inputs,
            "",
            "| output | meaning |",
            "| --- | --- |",
            *outputs,
            "",
        ]
    )


def _input(name: str, body: dict[str, Any]) -> str:
    default = f"`{_value(body['default'])}`" if "default" in body else "required"
    kind = re.match(r"\w+", _text(body["type"]).removeprefix("${"))
    return f"| `{name}` | {kind[0] if kind else ''} | {default} | {_text(body['description'])} |"


def _blocks(path: Path, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    with path.open() as file:
        document = hcl2.load(file)
    for block in document[kind]:
        for name, body in block.items():
            yield _text(name), body


def _value(value: Any) -> str:
    if isinstance(value, dict):
        plain = {_text(key): one for key, one in value.items() if not _text(key).startswith("__")}
        return "{" + ", ".join(f"{key} = {_value(one)}" for key, one in plain.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return _text(value)


def _text(value: Any) -> str:
    return str(value).strip('"')


if __name__ == "__main__":
    for one in list_modules():
        (one / "README.md").write_text(write_readme(one), encoding="utf-8")
