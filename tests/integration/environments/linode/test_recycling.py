"""Nodes that are replaced: which ones, and what becomes of them where an answer is lost."""

from __future__ import annotations

import pytest

from aias_core.environments.linode.nodes import list_nodes
from aias_core.environments.linode.recycling import Chosen, recycle_nodes
from support.campaign import Account

DEVICES = "/networking/firewalls/*/devices"


@pytest.fixture
def there(account: Account) -> Account:
    account.bring_up()
    return account


def test_a_node_that_came_after_the_question_stays(there: Account) -> None:
    environment = there.environment()
    (before,) = (one.title for one in list_nodes(environment) if one.pool == "extra")

    def add_node(_: list[str]) -> None:
        account = environment.opened.account
        (cluster,) = account.list_all("/lke/clusters")
        (pool,) = (one for one in account.list_all(f"/lke/clusters/{cluster['id']}/pools") if one["label"] == "extra")
        account.update(f"/lke/clusters/{cluster['id']}/pools/{pool['id']}", {"count": 2})

    recycled = recycle_nodes(environment, Chosen(None, "extra"), 60, add_node, lambda _: None)
    assert recycled.replaced == [before]
    assert len([one for one in list_nodes(environment) if one.pool == "extra"]) == 2


def test_a_new_node_is_behind_its_firewall_though_the_answer_was_lost(there: Account) -> None:
    there.fail(("POST", DEVICES, 1), "lost answer")
    recycle_nodes(there.environment(), Chosen(None, "extra"), 60, lambda _: None, lambda _: None)
    assert there.environment().drift().severity == "none"
