"""What an environment says about money: whose consent a month needs, and the names on its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aias_core.approvals import ALWAYS_REQUIRED, ApprovalPolicy
from aias_core.finance.export.request import Issuer

if TYPE_CHECKING:
    from aias_core.environments.local.target import LocalEnvironment


def read_month_policy(environment: LocalEnvironment) -> ApprovalPolicy:
    """Whether months of the environment need a second person, and who may be it. Production always needs one."""
    approvals = environment.load_profile().approvals
    required = approvals.months == "required" or environment.name in ALWAYS_REQUIRED
    return ApprovalPolicy(environment.name, required, dict(approvals.approvers))


def read_issuer(environment: LocalEnvironment) -> Issuer:
    """Who issues invoices, and how the service is called."""
    finance = environment.load_profile().finance
    return Issuer(finance.issuer, finance.service)
