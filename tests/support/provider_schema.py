"""What the real Terraform provider calls its arguments, as `pulumi-linode` has it, which is generated from its schema.

Pulumi calls lists and sets in the plural, and hands blocks of which there may be only one over as one.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from functools import cache
from pathlib import Path

Arguments = dict[str, str]
_KINDS = {"str": "string", "int": "number", "float": "number", "bool": "bool"}


@cache
def _package() -> Path:
    spec = importlib.util.find_spec("pulumi_linode")
    assert spec
    assert spec.origin
    return Path(spec.origin).parent


@cache
def _classes(file: str) -> dict[str, ast.ClassDef]:
    tree = ast.parse((_package() / file).read_text())
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def _constructor(node: ast.ClassDef) -> Arguments:
    """The annotations of the constructor with the most arguments: overloads come first."""
    found = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
    longest = max(found, key=lambda one: len(one.args.kwonlyargs) + len(one.args.args))
    arguments = [*longest.args.args[1:], *longest.args.kwonlyargs]
    return {one.arg: ast.unparse(one.annotation) for one in arguments if one.annotation}


def find_arguments(resource: str) -> Arguments:
    """Arguments and attributes of a resource, `linode_vpc` for example, with Pulumi's annotations."""
    classes = _classes(f"{resource.removeprefix('linode_')}.py")
    own = [name for name in classes if name.endswith(("Args", "State"))]
    return {name: kind for one in own for name, kind in _constructor(classes[one]).items()}


def find_provider_arguments() -> Arguments:
    return _constructor(_classes("provider.py")["ProviderArgs"])


def find_source_attributes(source: str) -> Arguments:
    """The attributes of each row of a plural data source, `linode_instances` for example."""
    noun = source.removeprefix("linode_")
    name = f"Get{noun.title()}{noun.title().removesuffix('s')}Result"
    return _constructor(_classes("outputs.py")[name])


def find_block(annotation: str) -> Arguments | None:
    """The arguments of the block that an annotation names, or None for what is no block."""
    match = re.search(r"'(\w+Args)'", annotation)
    return _constructor(_classes("_inputs.py")[match[1]]) if match else None


def find_name(name: str, arguments: Arguments) -> str | None:
    """What Pulumi calls an argument or a block."""
    plural = (f"{name}s", f"{name}es", f"{name.removesuffix('s')}es")
    return next((one for one in (name, *plural) if one in arguments), None)


def kind_of(annotation: str) -> str:
    """The kind of value: string, number, bool, list, map or object."""
    for word, kind in (("Sequence[", "list"), ("Mapping[", "map"), ("Args'", "object")):
        if word in annotation:
            return kind
    match = re.search(r"_builtins\.(\w+)", annotation)
    return _KINDS[match[1]] if match else annotation
