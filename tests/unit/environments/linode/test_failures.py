from __future__ import annotations

import pytest

from aias_core.environments.linode.failures import Passing, explain_failure
from aias_core.environments.linode.lease import LeaseLost
from aias_core.environments.linode.terraform import Fault, TerraformFailed
from aias_core.errors import AiasError, LimitReached, PrerequisiteMissing


def _explain(*summaries: str, fault: AiasError | None = None) -> AiasError:
    return explain_failure(TerraformFailed("failed", [Fault(one, "", "x.y") for one in summaries]), fault)


@pytest.mark.parametrize(
    ("summary", "kind", "code"),
    [
        ("[400] Account Limit reached. Please open a support ticket.", LimitReached, 8),
        ("[400] The plan is currently unavailable in this region", LimitReached, 8),
        ("[401] Invalid Token", PrerequisiteMissing, 3),
        ("[403] Your OAuth token is not authorized", PrerequisiteMissing, 3),
        ("[429] Too many requests", Passing, 9),
        ("[503] Service Unavailable", Passing, 9),
        ('[002] Post "https://api.linode.com/v4/vpcs": EOF', Passing, 9),
        ('[002] Get "https://api.linode.com/v4/vpcs/1": dial tcp: connect: connection refused', Passing, 9),
        ("[002] invalid character '<' looking for beginning of value", Passing, 9),
        ("[001] Unexpected Content-Type: Expected: application/json, Received: text/html", Passing, 9),
        ("[500] Internal Server Error", Passing, 9),
        ("[502] Bad Gateway", Passing, 9),
        ("[504] Unexpected Content-Type: Expected: application/json, Received: text/html", Passing, 9),
        ("Failed to Create PostgreSQL Database event 12 has failed", Passing, 9),
        ("Linode Node Pool is not ready after create: context deadline exceeded", Passing, 9),
        ("failed to get kubeconfig for LKE cluster 1: [503]", Passing, 9),
        ("Gave up waiting for a ready node", Passing, 9),
        ("Saved plan is stale", Passing, 9),
        ("[400] [label] Label must be unique among your VPCs", Passing, 9),
        ("[400] Cannot delete VPC subnet: it still has devices attached", Passing, 9),
        ("[400] Cannot delete VPC: it is in use by an LKE cluster", Passing, 9),
        ("[400] [region] region is not valid", AiasError, 1),
    ],
)
def test_a_failure_has_the_exit_code_of_its_cause(summary: str, kind: type[AiasError], code: int) -> None:
    error = _explain(summary)
    assert (isinstance(error, kind), int(error.exit_code)) == (True, code)
    assert error.hint


def test_of_several_failures_the_one_that_ends_the_run_counts() -> None:
    assert isinstance(_explain("[503] busy", "[400] Account Limit reached"), LimitReached)
    assert isinstance(_explain("[400] Account Limit reached", "[401] Invalid Token"), PrerequisiteMissing)


def test_a_refused_state_is_the_cause_whatever_terraform_says() -> None:
    lost = LeaseLost("gone")
    assert _explain("[503] busy", fault=lost) is lost
