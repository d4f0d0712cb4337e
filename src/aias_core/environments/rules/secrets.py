"""Rules of secrets: who answers for them, where they come from, and whether they are there."""

from __future__ import annotations

from pathlib import Path

from aias_core.environments.rules.inspection import Inspection
from aias_core.environments.schema import LinodeProfile
from aias_core.settings import find_variable

SOURCES = ("env", "file", "encrypted-file", "vault", "command", "kubernetes")
BASELINE = ("image-registry", "grafana-admin", "state-backup")
TOKEN = ("account", "token")
OTHERS_MAY_READ = 0o077


def check_declarations(inspection: Inspection[LinodeProfile]) -> None:
    """The secrets that every environment has are declared; one that nobody generates has a source."""
    secrets = inspection.profile.secrets
    for name in BASELINE:
        if name not in secrets:
            problem = f"the secret '{name}' is not declared"
            inspection.refuse("secret", ("secrets",), problem, "declare it, with owner and purpose")
    for name, secret in secrets.items():
        if secret.generator == "external" and secret.source is None:
            problem = f"the secret '{name}' is made elsewhere, and no source is named"
            inspection.warn("secret", ("secrets", name), problem, "add 'source: secret://env/NAME'")


def check_sources(inspection: Inspection[LinodeProfile]) -> None:
    """A secret's source is one of ours, and has it, as far as this can be told without a network."""
    profile = inspection.profile
    fault = find_source_fault(profile.account.token)
    if fault is not None:
        # Without a token everything works that needs no account.
        report = inspection.refuse if inspection.is_own(TOKEN) else inspection.warn
        report("unreachable-secret", TOKEN, *fault)
    for name, secret in profile.secrets.items():
        fault = None if secret.source is None else find_source_fault(secret.source)
        if fault is not None:
            inspection.refuse("unreachable-secret", ("secrets", name, "source"), *fault)


def find_source_fault(reference: str) -> tuple[str, str] | None:
    """What is wrong with `secret://source/path`, and what mends it; only variables and files are looked at."""
    source, _, path = reference.removeprefix("secret://").partition("/")
    match source:
        case "env":
            is_set = bool(find_variable(path))
            return None if is_set else (f"the variable '{path}' is not set", f"set it: export {path}=…")
        case "file":
            return _find_file_fault(Path(path if path.startswith("~") else f"/{path.lstrip('/')}").expanduser())
        case _ if source in SOURCES:
            return None
        case _:
            return f"there is no source '{source}'", f"one of: {', '.join(SOURCES)}"


def _find_file_fault(path: Path) -> tuple[str, str] | None:
    try:
        mode = path.stat().st_mode
    except OSError as exc:
        return f"the file '{path}' cannot be read: {exc.strerror}", "write the secret there, or name another file"
    if mode & OTHERS_MAY_READ:
        return f"others may read the file '{path}'", f"take that away: chmod 600 {path}"
    return None


CHECKS = (check_declarations, check_sources)
