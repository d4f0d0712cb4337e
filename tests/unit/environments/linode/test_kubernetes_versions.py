"""To which version a cluster may go."""

from __future__ import annotations

import pytest

from aias_core.environments.linode.kubernetes_versions import choose_version, minor_of
from aias_core.errors import AiasError, ExitCode

OFFERED = ("1.36", "1.35", "1.34", "1.33")


@pytest.mark.parametrize(
    ("now", "behind", "wanted", "chosen"),
    [
        pytest.param("1.34", [], None, "1.35", id="the next"),
        pytest.param("1.34", [], "1.35", "1.35", id="the next by name"),
        pytest.param("1.36", [], None, "1.36", id="there is no newer one"),
        pytest.param("1.34", [], "1.34", "1.34", id="already there"),
        pytest.param("1.32", [], "1.32", "1.32", id="already there and no longer offered"),
        pytest.param("1.35", ["node-1"], None, "1.35", id="what was begun comes first"),
    ],
)
def test_a_cluster_goes_up_by_one(now: str, behind: list[str], wanted: str | None, chosen: str) -> None:
    assert choose_version("small", now, behind, OFFERED, wanted) == chosen


@pytest.mark.parametrize(
    ("behind", "wanted", "code", "said"),
    [
        pytest.param([], "1.40", ExitCode.INVALID, "1.36, 1.35, 1.34, 1.33", id="not offered"),
        pytest.param([], "newest", ExitCode.INVALID, "not offered", id="no version"),
        pytest.param([], "1.36", ExitCode.REFUSED, "--to 1.35", id="one is skipped"),
        pytest.param([], "1.33", ExitCode.REFUSED, "never goes back", id="back"),
        pytest.param(["node-1"], "1.35", ExitCode.REFUSED, "node-1", id="nodes are behind"),
    ],
)
def test_another_version_is_refused(behind: list[str], wanted: str, code: ExitCode, said: str) -> None:
    with pytest.raises(AiasError) as refused:
        choose_version("small", "1.34", behind, OFFERED, wanted)
    assert refused.value.exit_code == code
    assert said in f"{refused.value.message} {refused.value.hint}"


@pytest.mark.parametrize(
    ("text", "minor"), [("1.9", (1, 9)), ("v1.35.2", (1, 35)), ("v1.34.6+lke2", (1, 34)), ("", (0, 0))]
)
def test_versions_are_compared_by_number(text: str, minor: tuple[int, int]) -> None:
    assert minor_of(text) == minor
