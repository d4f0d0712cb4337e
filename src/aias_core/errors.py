"""Every failure the platform can name, each with an exit code and a hint.

    AiasError                      1
    ├── InvalidInput               2
    │   └── InvalidSettings        2
    ├── PrerequisiteMissing        3
    │   ├── DependencyUnreachable  3
    │   └── EnvironmentNotUp       3
    ├── NotFound                   4
    │   └── Gone                   4
    ├── Conflict                   5
    │   ├── LockHeld               5
    │   └── PortTaken              5
    ├── Refused                    6
    │   └── ConfirmationNeeded     6
    ├── TimedOut                   7
    ├── LimitReached               8
    ├── Partial                    9
    ├── DifferenceFound           10
    ├── ObjectiveMissed           11
    └── NothingRan                12

The docstring of a class is its default message. Exit codes stand in `docs/reference/exit-codes.md`, never renumbered.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process exit status means, for every command."""

    DONE = 0
    FAILED = 1
    INVALID = 2
    PREREQUISITE = 3
    NOT_FOUND = 4
    CONFLICT = 5
    REFUSED = 6
    TIMED_OUT = 7
    LIMIT = 8
    PARTIAL = 9
    DIFFERENCE = 10
    OBJECTIVE_MISSED = 11
    NOTHING_RAN = 12
    INTERRUPTED = 130


EXIT_CODE_MEANING: dict[ExitCode, str] = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "failed",
    ExitCode.INVALID: "usage or invalid input",
    ExitCode.PREREQUISITE: "prerequisite missing or dependency unreachable",
    ExitCode.NOT_FOUND: "not found",
    ExitCode.CONFLICT: "conflict or lock held",
    ExitCode.REFUSED: "refused (approval, confirmation, safety rail)",
    ExitCode.TIMED_OUT: "timed out",
    ExitCode.LIMIT: "quota or limit exhausted",
    ExitCode.PARTIAL: "partial, run again to resume",
    ExitCode.DIFFERENCE: "difference found (pending, drift, mismatch)",
    ExitCode.OBJECTIVE_MISSED: "objective missed (drill, SLO)",
    ExitCode.NOTHING_RAN: "nothing ran",
    ExitCode.INTERRUPTED: "interrupted",
}


class AiasError(Exception):
    """Something failed"""

    exit_code = ExitCode.FAILED
    code = "failed"

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        self.message = message or (self.__doc__ or "").strip()
        self.hint = hint
        super().__init__(self.message)


class InvalidInput(AiasError):
    """The input is not valid"""

    exit_code = ExitCode.INVALID
    code = "validation_failed"


class InvalidSettings(InvalidInput):
    """The settings are not valid"""

    code = "invalid_settings"


class PrerequisiteMissing(AiasError):
    """Something this needs is missing"""

    exit_code = ExitCode.PREREQUISITE
    code = "prerequisite_missing"


class DependencyUnreachable(PrerequisiteMissing):
    """A server this needs does not answer"""

    code = "dependency_unavailable"


class EnvironmentNotUp(PrerequisiteMissing):
    """The environment is not up"""

    code = "environment_not_up"


class NotFound(AiasError):
    """There is no such thing"""

    exit_code = ExitCode.NOT_FOUND
    code = "not_found"


class Gone(NotFound):
    """It was there and is no longer kept"""

    code = "gone"


class Conflict(AiasError):
    """It conflicts with what is there"""

    exit_code = ExitCode.CONFLICT
    code = "conflict"


class LockHeld(Conflict):
    """Another run is at work on the same thing"""

    code = "lock_held"


class PortTaken(Conflict):
    """A port is held by another process"""

    code = "port_taken"


class Refused(AiasError):
    """This was refused"""

    exit_code = ExitCode.REFUSED
    code = "refused"


class ConfirmationNeeded(Refused):
    """This needs a confirmation and there is no terminal to ask on"""

    code = "confirmation_needed"


class TimedOut(AiasError):
    """It took too long"""

    exit_code = ExitCode.TIMED_OUT
    code = "timed_out"


class LimitReached(AiasError):
    """A limit is reached"""

    exit_code = ExitCode.LIMIT
    code = "limit_reached"


class Partial(AiasError):
    """Only part was done"""

    exit_code = ExitCode.PARTIAL
    code = "partial"


class DifferenceFound(AiasError):
    """What is there differs from what should be"""

    exit_code = ExitCode.DIFFERENCE
    code = "difference_found"


class ObjectiveMissed(AiasError):
    """An objective was missed"""

    exit_code = ExitCode.OBJECTIVE_MISSED
    code = "objective_missed"


class NothingRan(AiasError):
    """There was nothing to look at"""

    exit_code = ExitCode.NOTHING_RAN
    code = "nothing_ran"
