from __future__ import annotations

from collections.abc import Callable

import pytest

from aias_core.errors import InvalidInput
from aias_core.identity.keys import check_form, generate_key
from aias_core.secret import Secret
from aias_core.seeds.package import load_package
from aias_core.seeds.secrets import find_credentials, forget_credentials


class Drawer:
    """Secrets in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, Secret] = {}

    def ensure_one(self, name: str, generate: Callable[[], str]) -> Secret:
        return self.kept.setdefault(name, Secret(generate()))

    def forget(self, name: str) -> None:
        self.kept.pop(name, None)


PACKAGE = load_package("local-dev", {})


def test_secrets_are_made_once_for_an_environment_and_differ_between_two() -> None:
    one, two = Drawer(), Drawer()
    first = find_credentials(PACKAGE, "local", one)
    assert find_credentials(PACKAGE, "local", one) == first
    others = find_credentials(PACKAGE, "local", two)
    assert all(first[name].secret != others[name].secret for name in first)
    assert len({credential.secret for credential in first.values()}) == len(first)
    check_form(first["dev-org-key-website"].secret.reveal(), "local")
    assert not any(credential.secret.reveal() in repr(first) for credential in first.values())
    forget_credentials(PACKAGE, one)
    assert one.kept == {}


def test_ci_may_hand_in_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    key = generate_key("local").reveal()
    monkeypatch.setenv("AIAS_SEED_DEV_ORG_KEY_WEBSITE", key)
    monkeypatch.setenv("AIAS_SEED_DEV_ORG_OWNER", "correct horse battery")
    drawer = Drawer()
    found = find_credentials(PACKAGE, "local", drawer)
    assert found["dev-org-key-website"].secret == Secret(key)
    assert found["dev-org-owner"].secret == Secret("correct horse battery")
    assert Secret(key) not in drawer.kept.values()


@pytest.mark.parametrize(
    ("variable", "value"), [("AIAS_SEED_DEV_ORG_KEY_WEBSITE", "sk-aias-l-nope"), ("AIAS_SEED_DEV_ORG_OWNER", "short")]
)
def test_a_bad_one_is_refused_by_the_name_of_its_variable(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidInput, match=variable) as caught:
        find_credentials(PACKAGE, "local", Drawer())
    assert value not in str(caught.value)
