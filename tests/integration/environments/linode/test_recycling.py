"""Nodes that are replaced, and what becomes of them where an answer is lost."""

from __future__ import annotations

import pytest

from aias_core.environments.linode.recycling import Chosen, recycle_nodes
from aias_core.environments.linode.up import UpOptions
from support.campaign import Account

DEVICES = "/networking/firewalls/*/devices"


@pytest.fixture
def there(account: Account) -> Account:
    account.environment().up(UpOptions(), lambda _: None, lambda _: None)
    return account


def test_a_new_node_is_behind_its_firewall_though_the_answer_was_lost(there: Account) -> None:
    there.fail(("POST", DEVICES, 1), "lost answer")
    recycle_nodes(there.environment(), Chosen(None, "extra"), 60, lambda _: None, lambda _: None)
    assert there.environment().drift().severity == "none"
