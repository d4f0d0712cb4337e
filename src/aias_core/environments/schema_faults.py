"""What the model of profiles says about an assembled one: a profile, or findings with file, line and fix."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from aias_core.environments.assembly import Assembly
from aias_core.environments.findings import Finding, find_errors
from aias_core.environments.keypath import look_up

if TYPE_CHECKING:
    from aias_core.environments.schema import LinodeProfile, LocalProfile

Path = Sequence[str | int]
# Taking a value away may uncover one more that the model refuses.
_ROUNDS = 5


def build_profile(assembly: Assembly) -> tuple[LocalProfile | LinodeProfile | None, list[Finding]]:
    """The profile, or None when it has errors, and every finding: syntax, templates, unknown keys and values."""
    from pydantic import ValidationError

    from aias_core.environments.schema import TARGETS

    content = assembly.resolved
    findings = [*assembly.findings, *_find_reserved(assembly)]
    model = TARGETS.get(assembly.target)
    if model is None:
        problem = f"there is no target '{assembly.target}'"
        return None, [*findings, assembly.find_fault("target", ("target",), problem, f"one of: {', '.join(TARGETS)}")]
    try:
        profile = model.model_validate({**content, "name": assembly.name})
    except ValidationError as exc:
        unresolved = {finding.key for finding in findings if finding.rule == "template"}
        found = [_describe(assembly, error) for error in exc.errors(include_input=False, include_url=False)]
        return None, [*findings, *(finding for finding in found if finding.key not in unresolved)]
    return (None if find_errors(findings) else profile), findings


def build_sound_part(assembly: Assembly) -> LocalProfile | LinodeProfile | None:
    """The profile without the values that the model refuses, None where not enough is left of it."""
    from pydantic import ValidationError

    from aias_core.environments.schema import TARGETS

    content = {**deepcopy(assembly.resolved), "name": assembly.name}
    model = TARGETS.get(assembly.target)
    for _ in range(0 if model is None else _ROUNDS):
        try:
            return model.model_validate(content)  # type: ignore[union-attr]
        except ValidationError as exc:
            for error in exc.errors(include_input=False, include_url=False):
                path = tuple(part for part in error["loc"] if part != "[key]")
                _drop(content, path[:-1] if error["type"] == "missing" else path)
    return None


def _drop(content: dict[str, Any], path: Path) -> None:
    """Takes a value away; an item of a list takes the whole list with it."""
    for length, part in enumerate(path):
        held = look_up(content, path[:length])
        is_last = length == len(path) - 1
        if isinstance(held, dict) and (is_last or isinstance(held.get(part), list) or part not in held):
            held.pop(part, None)
            return


def _find_reserved(assembly: Assembly) -> list[Finding]:
    if "name" not in assembly.raw:
        return []
    return [assembly.find_fault("unknown-key", ("name",), "the name of a profile is its file's", "remove this line")]


def _describe(assembly: Assembly, error: Any) -> Finding:
    path = tuple(part for part in error["loc"] if part != "[key]")
    match error["type"]:
        case "extra_forbidden":
            return assembly.find_fault("unknown-key", path, f"there is no key '{path[-1]}'", _suggest(assembly, path))
        case "missing":
            return assembly.find_fault("missing-field", path, f"'{path[-1]}' is missing", _say_missing(path))
        case "string_pattern_mismatch" if is_secret_field(path):
            problem = "the value of a secret stands here in clear"
            return assembly.find_fault("literal-secret", path, problem, "refer to it: secret://env/NAME")
        case _:
            said = error["msg"]
            return assembly.find_fault("value", path, said[:1].lower() + said[1:], "correct the value")


def is_secret_field(path: Path) -> bool:
    """Whether a field takes a reference to a secret and nothing else."""
    return tuple(path) == ("account", "token") or (len(path) == 3 and path[0] == "secrets" and path[2] == "source")


def _say_missing(path: Path) -> str:
    if path[0] == "secrets" and path[-1] == "owner":
        return "add 'owner:', who answers for the secret"
    return f"add '{path[-1]}:' here"


def _suggest(assembly: Assembly, path: Path) -> str:
    from aias_core.environments.schema import list_keys

    known = list_keys(assembly.target, path[:-1])
    close = get_close_matches(str(path[-1]), known, n=1)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"remove it; known are: {', '.join(known)}"
