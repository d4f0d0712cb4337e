"""The JSON Schema of profile files, for editors: parts of a profile, templates and nulls included."""

from __future__ import annotations

from typing import Any

DRAFT = "https://json-schema.org/draft/2020-12/schema"
# What a file may say in the place of any value: nothing, to take it away, or a template.
_INSTEAD: list[dict[str, Any]] = [{"type": "null"}, {"type": "string", "pattern": r"\$\{[^{}]+\}"}]


def build_schema() -> dict[str, Any]:
    """The schema that each profile file fulfils, whichever its target."""
    from pydantic import TypeAdapter

    from aias_core.environments.schema import LinodeProfile, LocalProfile

    generated = TypeAdapter(LocalProfile | LinodeProfile).json_schema()
    parts = {name: _soften(part) for name, part in generated["$defs"].items()}
    for name in ("LocalProfile", "LinodeProfile"):
        properties = parts[name]["properties"]
        del properties["name"]
        properties["extends"] = {"type": "string", "description": "The profile that this one starts from."}
    return {
        "$schema": DRAFT,
        "title": "Profile of an environment",
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in ("LocalProfile", "LinodeProfile")],
        "$defs": parts,
    }


def _soften(part: dict[str, Any]) -> dict[str, Any]:
    """The schema of a map of which a file need not hold everything."""
    softened = {key: value for key, value in part.items() if key != "required"}
    if "properties" in part:
        softened["properties"] = {key: _or_instead(value) for key, value in part["properties"].items()}
    return softened


def _or_instead(value: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {key: value[key] for key in ("title", "description", "default") if key in value}
    plain = {key: item for key, item in value.items() if key not in described}
    if isinstance(plain.get("additionalProperties"), dict):
        plain["additionalProperties"] = _or_instead(plain["additionalProperties"])
    if "patternProperties" in plain:
        plain["patternProperties"] = {name: _or_instead(item) for name, item in plain["patternProperties"].items()}
    return {**described, "anyOf": [plain, *_INSTEAD]}
