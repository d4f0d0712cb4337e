"""Our modules and the stand-in provider call things as the real provider does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2
import pytest

from aias_core.environments.linode.terraform_program import find_configuration
from aias_services.linode_simulator.provider.kinds import KINDS, SOURCES
from aias_services.linode_simulator.provider.schema import Argument, Block, Fields
from aias_services.linode_simulator.provider.servicer import PROVIDER
from support import module_readmes, provider_schema
from support.provider_schema import Arguments, find_block, find_name, kind_of

META = {"count", "for_each", "provider", "depends_on", "lifecycle", "__is_block__", "__start_line__", "__end_line__"}
FILES = sorted(find_configuration().rglob("*.tf"))


def _bare(name: str) -> str:
    return name.strip('"')


def _parse(path: Path) -> dict[str, Any]:
    with path.open() as file:
        return dict(hcl2.load(file))


def _resources() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path in FILES:
        for block in _parse(path).get("resource", []):
            for kind, named in block.items():
                for name, body in named.items():
                    yield _bare(kind), f"{path.parent.name}.{_bare(name)}", body


RESOURCES = list(_resources())


def _faults(body: dict[str, Any], arguments: Arguments, path: str) -> Iterator[str]:
    for key, value in body.items():
        name = _bare(key)
        if name in META:
            continue
        if name == "dynamic":
            for one in value:
                for inner, content in one.items():
                    yield from _block_faults(_bare(inner), content["content"], arguments, path)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield from _block_faults(name, value, arguments, path)
        elif find_name(name, arguments) is None:
            yield f"{path}.{name}"


def _block_faults(name: str, bodies: list[dict[str, Any]], arguments: Arguments, path: str) -> Iterator[str]:
    known = find_name(name, arguments)
    block = find_block(arguments[known]) if known else None
    if block is None:
        yield f"{path}.{name}"
        return
    for body in bodies:
        yield from _faults(body, block, f"{path}.{name}")


@pytest.mark.parametrize(("kind", "name", "body"), RESOURCES, ids=[name for _, name, _ in RESOURCES])
def test_a_module_uses_arguments_of_the_real_provider_only(kind: str, name: str, body: dict[str, Any]) -> None:
    assert list(_faults(body, provider_schema.find_arguments(kind), kind)) == []


def test_every_resource_of_the_modules_has_a_stand_in() -> None:
    assert {kind for kind, _, _ in RESOURCES} == set(KINDS)


def _differences(fields: Fields, arguments: Arguments, path: str) -> Iterator[str]:
    for name, one in fields.items():
        if name == "id" and "id" not in arguments:
            continue
        known = find_name(name, arguments)
        if known is None:
            yield f"{path}.{name} is unknown"
        elif isinstance(one, Block):
            block = find_block(arguments[known])
            yield from _differences(one.fields, block, f"{path}.{name}") if block else [f"{path}.{name} is no block"]
        elif _kind(one) != kind_of(arguments[known]):
            yield f"{path}.{name} is a {_kind(one)}, not a {kind_of(arguments[known])}"


def _kind(one: Argument) -> str:
    kind = one.type if isinstance(one.type, str) else str(one.type[0])
    return "list" if kind == "set" else kind


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_stand_in_has_names_and_types_of_the_real_provider(kind: str) -> None:
    assert list(_differences(KINDS[kind].fields, provider_schema.find_arguments(kind), kind)) == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_stand_in_demands_what_the_real_provider_demands(kind: str) -> None:
    arguments = provider_schema.find_arguments(kind)
    assert {name for name, one in KINDS[kind].fields.items() if isinstance(one, Argument) and one.required} == {
        name for name in KINDS[kind].fields if _is_demanded(kind, find_name(name, arguments))
    }


def _is_demanded(kind: str, name: str | None) -> bool:
    import ast

    classes = provider_schema._classes(f"{kind.removeprefix('linode_')}.py")
    (own,) = (node for label, node in classes.items() if label.endswith("Args") and not label.startswith("_"))
    constructor = next(one for one in own.body if isinstance(one, ast.FunctionDef) and one.name == "__init__")
    required = {
        one.arg
        for one, default in zip(constructor.args.kwonlyargs, constructor.args.kw_defaults, strict=True)
        if default is None
    }
    return name in required


def test_the_provider_block_has_names_of_the_real_provider() -> None:
    assert list(_differences(PROVIDER, provider_schema.find_provider_arguments(), "provider")) == []


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_a_row_of_a_data_source_has_names_and_types_of_the_real_provider(source: str) -> None:
    rows = SOURCES[source].fields["instances"]
    assert isinstance(rows, Argument)
    fields = {name: Argument(type=kind) for name, kind in rows.type[1][1].items()}  # type: ignore[index]
    assert list(_differences(fields, provider_schema.find_source_attributes(source), source)) == []


@pytest.mark.parametrize("root", ["environment", "workspace"])
def test_a_root_keeps_its_state_with_us_and_pins_the_provider(root: str) -> None:
    (settings,) = _parse(find_configuration() / root / "versions.tf")["terraform"]
    (providers,) = settings["required_providers"]
    backend = [_bare(name) for one in settings["backend"] for name in one]
    assert (backend, _bare(settings["required_version"])) == (["http"], ">= 1.10")
    assert {_bare(key): _bare(value) for key, value in providers["linode"].items()} == {
        "source": "linode/linode",
        "version": "~> 3.9",
    }


def test_nothing_runs_programs_or_writes_files() -> None:
    text = "\n".join(path.read_text() for path in FILES)
    assert not [word for word in ("provisioner", "local_file", "null_resource", "local-exec") if word in text]


@pytest.mark.parametrize("module", module_readmes.list_modules(), ids=lambda path: path.name)
def test_the_readme_of_a_module_tells_its_variables(module: Path) -> None:
    written = (module / "README.md").read_text(encoding="utf-8")
    assert written == module_readmes.write_readme(module), "run: .venv/bin/python tests/support/module_readmes.py"
