"""Everything that is wrong with a profile, in one run, each with file, line and fix. Needs no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aias_core.environments.assembly import Assembly, assemble
from aias_core.environments.components import load_registry
from aias_core.environments.findings import Finding, find_errors
from aias_core.environments.keypath import KeyPath, parse_path
from aias_core.environments.profiles import check_environment
from aias_core.environments.schema_faults import build_profile, build_sound_part
from aias_core.errors import InvalidInput

if TYPE_CHECKING:
    from aias_core.environments.schema import LinodeProfile, LocalProfile

LIVE_CHECKS = ("region", "Kubernetes version", "plan types", "database engine", "object-storage endpoint")


@dataclass(frozen=True, slots=True)
class Validation:
    """What was found, errors first, and which checks were left out for want of an account."""

    environment: str
    findings: list[Finding]
    skipped: list[str] = field(default_factory=list)

    def as_record(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "valid": not find_errors(self.findings),
            "findings": [finding.as_record() for finding in self.findings],
            "skipped": self.skipped,
        }

    def find_fault(self) -> InvalidInput | None:
        """The error to end with, None when there are warnings at most."""
        count = len(find_errors(self.findings))
        if count == 0:
            return None
        what = "1 error" if count == 1 else f"{count} errors"
        return InvalidInput(
            f"The profile '{self.environment}' has {what}", hint="correct them as each says, then run the command again"
        )


def validate_environment(name: str, own: Path | None, overrides: Sequence[str] = ()) -> Validation:
    """All findings of a profile. Raises NotFound for an unknown name, InvalidInput for overrides of no form."""
    check_environment(name, own)
    assembly = assemble(name, own, overrides)
    profile, findings = build_profile(assembly)
    sound = profile or build_sound_part(assembly)
    if sound is not None:
        findings = [*findings, *_keep_apart(_inspect(sound, assembly), findings)]
    skipped = list(LIVE_CHECKS) if assembly.target == "linode" else []
    return Validation(name, sorted(findings, key=_order), skipped)


def _keep_apart(found: list[Finding], errors: list[Finding]) -> list[Finding]:
    """Those that do not come of a value which is refused already: its own, or one above or below it."""
    refused = [_path_of(error) for error in errors]

    def is_near(path: KeyPath, other: KeyPath) -> bool:
        shorter = min(len(path), len(other))
        return path[:shorter] == other[:shorter]

    return [finding for finding in found if not any(is_near(_path_of(finding), other) for other in refused)]


def _path_of(finding: Finding) -> KeyPath:
    return parse_path(finding.key) if finding.key else ()


def _order(finding: Finding) -> tuple[bool, str, int, str]:
    return finding.severity != "error", finding.file, finding.line, finding.key


def _inspect(profile: LocalProfile | LinodeProfile, assembly: Assembly) -> list[Finding]:
    from aias_core.environments.rules import components, data, machine, network, pools, secrets
    from aias_core.environments.rules.inspection import Inspection
    from aias_core.environments.schema import LocalProfile

    registry = load_registry()
    if isinstance(profile, LocalProfile):
        local = Inspection(profile, assembly, registry)
        for check in machine.CHECKS:
            check(local)
        return local.findings
    linode = Inspection(profile, assembly, registry)
    for module in (components, pools, network, data, secrets):
        for rule in module.CHECKS:
            rule(linode)
    return linode.findings
