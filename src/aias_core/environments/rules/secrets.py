"""Rules of secrets: who answers for them, where they come from, and whether they are there."""

from __future__ import annotations

from aias_core.environments.rules.inspection import Inspection
from aias_core.environments.schema import LinodeProfile
from aias_core.errors import AiasError
from aias_core.secrets.references import parse_reference
from aias_core.secrets.sources import resolve_secret

OFFLINE_SOURCES = ("env", "file")
BASELINE = ("image-registry", "grafana-admin", "state-backup")
TOKEN = ("account", "token")


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
    """What is wrong with a reference, and what mends it; of the sources only variables and files are asked."""
    try:
        if parse_reference(reference).source in OFFLINE_SOURCES:
            resolve_secret(reference)
    except AiasError as error:
        return error.message, error.hint or "correct the reference"
    return None


CHECKS = (check_declarations, check_sources)
