"""Why Terraform failed, as errors of ours, and whether the same run may try again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aias_core.environments.linode.refusals import LIMIT, OUT_OF_STOCK, TAKEN, limit_hint
from aias_core.errors import AiasError, Conflict, LimitReached, Partial, PrerequisiteMissing

if TYPE_CHECKING:
    from aias_core.environments.linode.terraform import TerraformFailed

RESUME = "run the same command again; it goes on where it stopped"
_STATUS = re.compile(r"\[(\d{3})\]")
_LATE = re.compile(
    r"gave up waiting|failed to wait|failed to get kubeconfig|timed? ?out|deadline exceeded|event \d+ has failed|"
    r"not available while",
    re.IGNORECASE,
)
_IN_USE = re.compile(r"still has devices attached|in use by", re.IGNORECASE)
# In linodego's errors.go 1 and 2 stand for no answer, or one that could not be read.
_PASSING = {1, 2, 408, 429, 500, 502, 503, 504}
_STALE = "saved plan is stale"


class Passing(Partial):
    """A failure that passes by itself"""

    code = "passing_failure"


def explain_failure(failed: TerraformFailed, fault: AiasError | None) -> AiasError:
    """The error behind a failure of Terraform's; `fault` is why its state was refused.

    A refusal that ends the run wins over failures that pass: of several resources each may have failed by itself.
    """
    if fault is not None:
        return fault
    texts = [f"{one.summary} {one.detail} ({one.address})" for one in failed.faults] or [failed.message]
    errors = [_explain(text) for text in texts]
    return min(errors, key=_rank)


def _explain(text: str) -> AiasError:
    statuses = {int(status) for status in _STATUS.findall(text)}
    if LIMIT.search(text) or OUT_OF_STOCK.search(text):
        return LimitReached(f"Linode refused: {text}", hint=limit_hint(text))
    if statuses & {401, 403}:
        return PrerequisiteMissing(
            f"Linode does not accept the token any more: {text}",
            hint=f"put a valid one where 'account.token' of the profile points to, then {RESUME}",
        )
    if _STALE in text.lower() or statuses & _PASSING or _LATE.search(text) or _IN_USE.search(text):
        return Passing(f"Linode did not do it: {text}", hint=RESUME)
    if TAKEN.search(text):
        return Passing(f"Something has the name already: {text}", hint=RESUME)
    return AiasError(f"Terraform failed: {text}", hint="correct the profile, then run the same command again")


def _rank(error: AiasError) -> int:
    order = (PrerequisiteMissing, LimitReached, Conflict, Passing)
    return next((place for place, kind in enumerate(order) if isinstance(error, kind)), 2)
