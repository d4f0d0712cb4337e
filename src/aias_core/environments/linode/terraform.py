"""Terraform as one object: commands built by python-terraform, run by us, answered as values.

State goes to the HTTP backend that the caller serves; its address and password, like every other secret, are only in
the environment of the child.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aias_core import process
from aias_core.environments.linode.terraform_plan import TerraformPlan, read_plan
from aias_core.environments.linode.terraform_program import find_terraform, fingerprint
from aias_core.environments.linode.terraform_state import EXTERNAL_POOL_TAG, keep_own_pools
from aias_core.errors import AiasError
from aias_core.secret import redact
from aias_core.settings import inherited_environment

PARALLELISM = 4
PLAN_FILE = "plan.tfplan"
UNSAVED_STATE = "errored.tfstate"
INITIALISED = ".terraform/initialised"
_QUIET = {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1", "TF_CLI_ARGS": "", "TF_INPUT": "0"}
_PROGRESS = {
    "apply_start": "started",
    "apply_progress": "running",
    "apply_complete": "done",
    "apply_errored": "failed",
    "refresh_complete": "read",
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one resource is: `state` is started, running, done, failed or read."""

    address: str
    action: str
    state: str
    elapsed_seconds: float
    identifier: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """One error of Terraform's: what, details, and the resource it is about."""

    summary: str
    detail: str
    address: str


class TerraformFailed(AiasError):
    """Terraform failed"""

    code = "terraform_failed"

    def __init__(self, message: str, faults: Sequence[Fault] = (), *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.faults = tuple(faults)


OnProgress = Callable[[Progress], None]


def ignore(_: Progress) -> None:
    """Nobody watches."""


class Terraform:
    """One root in one work directory. Everything raises TerraformFailed, and PrerequisiteMissing without Terraform.

    `variables` is the environment of the child beside what it inherits: TF_VAR_*, LINODE_*, TF_CLI_CONFIG_FILE.
    `backend` is that of the state: TF_HTTP_*; without one only `init(backend=False)` and `validate` work.
    """

    def __init__(
        self,
        directory: Path,
        variables: Mapping[str, str],
        backend: Mapping[str, str] | None = None,
        *,
        program: Sequence[str] | None = None,
        parallelism: int = PARALLELISM,
    ) -> None:
        self._directory, self._parallelism = directory, parallelism
        self._program = list(program or find_terraform())
        self._environment = {**inherited_environment(), **_QUIET, **variables, **(backend or {})}

    def init(self, *, backend: bool = True) -> None:
        """Fetches the provider and connects the state, unless that is done for the same files; harmless to repeat."""
        mark, program = self._directory / INITIALISED, [*self._program, str(backend)]
        if mark.is_file() and mark.read_text(encoding="ascii") == fingerprint(self._directory, program):
            return
        mark.unlink(missing_ok=True)
        self._follow("init", json=True, backend=backend, reconfigure=True)
        mark.write_text(fingerprint(self._directory, program), encoding="ascii")

    def validate(self) -> None:
        """Checks the configuration against the provider's schemas."""
        self._read("validate")

    def plan(
        self,
        on_progress: OnProgress = ignore,
        *,
        destroy: bool = False,
        refresh: bool = True,
        refresh_only: bool = False,
        targets: Sequence[str] = (),
        file: Path | None = None,
        lock: bool = True,
    ) -> TerraformPlan:
        """What would change. The plan is kept in `file`, which is for the owner's eyes only.

        Without `lock` it only looks, while others may write. Without `refresh` it asks for nothing that the state has.
        """
        file = file or self._directory / PLAN_FILE
        file.unlink(missing_ok=True)
        options = {"destroy": destroy, "refresh_only": refresh_only, "target": list(targets) or None, "out": str(file)}
        options |= {name: "false" for name, wanted in (("lock", lock), ("refresh", refresh)) if not wanted}
        self._follow("plan", on_progress, json=True, parallelism=self._parallelism, **options)
        file.chmod(0o600)
        return self.read_plan(file)

    def read_plan(self, file: Path) -> TerraformPlan:
        """What a plan that was made earlier says."""
        return read_plan(json.loads(self._read("show", str(file), json=True)), file)

    def apply(self, plan: TerraformPlan, on_progress: OnProgress = ignore) -> None:
        """Carries a plan out, and nothing but it. What `on_progress` raises stops it after what is under way."""
        self._follow("apply", on_progress, str(plan.file), json=True, parallelism=self._parallelism)

    def destroy(self, on_progress: OnProgress = ignore, *, targets: Sequence[str] = ()) -> TerraformPlan:
        """Removes everything, or the targets with what depends on them; the plan of what was removed."""
        plan = self.plan(on_progress, destroy=True, targets=targets)
        self.apply(plan, on_progress)
        return plan

    def import_resource(self, address: str, identifier: str) -> None:
        """Takes what exists into the state."""
        self._read("import", address, identifier)

    def import_cluster(self, address: str, identifier: str) -> None:
        """Takes a cluster into the state, without the pools that are resources of their own.

        The provider imports every pool as part of the cluster, and would remove the others with the next apply.
        """
        self.import_resource(address, identifier)
        self.state_push(keep_own_pools(self.state_pull(), EXTERNAL_POOL_TAG))

    def untaint(self, address: str) -> None:
        """Takes back that a resource must be replaced."""
        self._read("untaint", address)

    def remove_from_state(self, address: str) -> None:
        """Forgets a resource without touching it."""
        self._read("state rm", address)

    def state_pull(self) -> bytes:
        """The state as it is stored; empty when there is none."""
        return self._read("state pull")

    def state_push(self, state: bytes) -> None:
        """Puts another state in place. Terraform refuses an older serial and another lineage."""
        file = self._directory / "pushed.tfstate"
        try:
            file.touch(mode=0o600)
            file.write_bytes(state)
            self._read("state push", str(file))
        finally:
            file.unlink(missing_ok=True)

    def take_unsaved_state(self) -> bytes | None:
        """The state that Terraform could not store and left here in plain text, or None; it is here no longer."""
        file = self._directory / UNSAVED_STATE
        try:
            return file.read_bytes()
        except FileNotFoundError:
            return None
        finally:
            file.unlink(missing_ok=True)

    def outputs(self) -> dict[str, Any]:
        """The outputs of the root by name, sensitive ones as well: not to be shown."""
        return {name: one["value"] for name, one in json.loads(self._read("output", json=True)).items()}

    def _argv(self, command: str, *arguments: str, **options: Any) -> list[str]:
        """The command line as python-terraform builds it, in the root's directory."""
        from python_terraform import IsFlagged, IsNotFlagged
        from python_terraform import Terraform as Builder

        flags = {name: value for name, value in options.items() if not isinstance(value, bool) or name == "backend"}
        flags |= {name: IsFlagged if value else IsNotFlagged for name, value in options.items() if name not in flags}
        built = Builder(str(self._directory)).generate_cmd_string(command, *arguments, no_color=IsFlagged, **flags)
        return [*self._program, f"-chdir={self._directory}", *built[1:]]

    def _read(self, command: str, *arguments: str, **options: Any) -> bytes:
        """What a command prints, in full."""
        lines: list[bytes] = []
        argv = self._argv(command, *arguments, **options)
        done = process.follow(argv, env=self._environment, on_line=lines.append)
        if done.status != 0:
            raise self._fail(command, _condense(done.stderr))
        return b"".join(lines)

    def _follow(self, command: str, on_progress: OnProgress = ignore, *arguments: str, **options: Any) -> None:
        """Runs a command that tells of its progress in lines of JSON."""
        faults: list[Fault] = []

        def take(line: bytes) -> None:
            event = _parse(line)
            if event.get("@level") == "error" and "diagnostic" in event:
                faults.append(_read_fault(event["diagnostic"]))
            elif event.get("type") in _PROGRESS:
                on_progress(_read_progress(event))

        argv = self._argv(command, *arguments, input=None, **options)
        argv.insert(argv.index(command) + 1, "-input=false")
        done = process.follow(argv, env=self._environment, on_line=take)
        if done.status != 0:
            said = "; ".join(f"{fault.summary}: {fault.detail}".strip(": ") for fault in faults)
            raise self._fail(command, said or _condense(done.stderr), faults)

    def _fail(self, command: str, reason: str, faults: Sequence[Fault] = ()) -> TerraformFailed:
        """The failure; what `init` made may be its cause, so the next run makes it anew."""
        (self._directory / INITIALISED).unlink(missing_ok=True)
        return TerraformFailed(f"'terraform {command}' failed: {reason}", faults)


def build_environment(variables: Mapping[str, Any]) -> dict[str, str]:
    """Values of Terraform's variables as TF_VAR_*; whole structures as JSON, which Terraform reads."""
    plain = {name: value for name, value in variables.items() if value is not None}
    return {f"TF_VAR_{name}": value if isinstance(value, str) else json.dumps(value) for name, value in plain.items()}


def _parse(line: bytes) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _read_progress(event: Mapping[str, Any]) -> Progress:
    hook = event["hook"]
    return Progress(
        address=hook["resource"]["addr"],
        action=hook.get("action", "read"),
        state=_PROGRESS[event["type"]],
        elapsed_seconds=float(hook.get("elapsed_seconds", 0)),
        identifier=str(hook.get("id_value", "")),
    )


def _read_fault(diagnostic: Mapping[str, Any]) -> Fault:
    summary, detail = (redact(" ".join(str(diagnostic.get(name, "")).split())) for name in ("summary", "detail"))
    return Fault(summary, detail, str(diagnostic.get("address", "")))


def _condense(errors: str) -> str:
    """The words of an error that Terraform drew a frame around."""
    lines = (line.strip("╷│╵ ") for line in errors.splitlines())
    return " ".join(line for line in lines if line) or "it gave no reason"
