from __future__ import annotations

import json
from itertools import islice

import pytest

from aias_core.environments.linode.events import AccountEvent, EventReader
from aias_core.environments.profiles import load_profile
from aias_core.environments.schema import LinodeProfile
from aias_services.linode_simulator import engine
from support.fake_account import FakeAccount, build_environment, make_account

DAY = 86_400


@pytest.fixture
def fake() -> FakeAccount:
    return make_account()


def build(fake: FakeAccount, name: str = "development") -> None:
    profile = load_profile("development", None)
    assert isinstance(profile, LinodeProfile)
    build_environment(fake, profile.model_copy(update={"name": name, "buckets": {}}))


def labels(events: list[AccountEvent]) -> set[str]:
    return {event.label.partition("-")[0] if event.kind == "linode" else event.label for event in events}


def test_events_are_those_of_the_environment_and_its_nodes_oldest_first(fake: FakeAccount) -> None:
    build(fake)
    build(fake, "staging")
    fake.account.create("volume", {"label": "somebody-elses", "region": "fr-par"})
    events = EventReader(fake.account, "development").list_events()
    assert labels(events) == {"aias-development", "lke500001"}
    assert [event.id for event in events] == sorted(event.id for event in events)
    assert {"lke_cluster_create", "linode_create", "database_create"} <= {event.action for event in events}


def test_an_environment_called_like_a_part_of_another_is_not_it(fake: FakeAccount) -> None:
    build(fake, "a")
    build(fake, "a-b")
    assert labels(EventReader(fake.account, "a").list_events()) == {"aias-a", "lke500001"}
    assert labels(EventReader(fake.account, "a-b").list_events()) == {"aias-a-b", "lke500002"}


def test_what_is_gone_still_has_its_events(fake: FakeAccount) -> None:
    build(fake)
    fake.account.delete("/lke/clusters/500001")
    events = EventReader(fake.account, "development").list_events()
    assert "lke_cluster_delete" in {event.action for event in events}
    assert "lke500001" in labels(events)


def test_a_workspace_is_its_environments_by_its_tags(fake: FakeAccount) -> None:
    body = {"label": "aias-workspace-jane", "region": "fr-par", "type": "g6-nanode-1"}
    engine.create(fake.world, "linode", {**body, "tags": ["aias", "env:development"]})
    engine.create(fake.world, "linode", {**body, "label": "aias-workspace-joe"})
    assert labels(EventReader(fake.account, "development").list_events()) == {"aias"}
    assert len(EventReader(fake.account, "development").list_events()) == 1


def test_the_domain_of_the_profile_is_its_own(fake: FakeAccount) -> None:
    fake.account.create("domain", {"domain": "dev.example.com", "type": "master", "soa_email": "a@b.cd"})
    assert len(EventReader(fake.account, "development", "dev.example.com").list_events()) == 1
    assert EventReader(fake.account, "development").list_events() == []


def test_following_tells_each_once_and_again_when_its_status_changes(fake: FakeAccount) -> None:
    build(fake)
    fake.world.state.settings.pace = 1
    ticks = []

    def sleep(seconds: float) -> None:
        ticks.append(seconds)
        if len(ticks) == 1:
            fake.account.create("volume", {"label": "aias-development-data", "region": "fr-par"})
        fake.world.state.clock_offset += 3
        assert len(ticks) < 50, "nothing new came"

    first = len(EventReader(fake.account, "development").list_events())
    followed = EventReader(fake.account, "development").follow(sleep)
    assert len(list(islice(followed, first))) == first
    started, finished = islice(followed, 2)
    assert (started.label, started.status) == ("aias-development-data", "started")
    assert (finished.id, finished.status) == (started.id, "finished")
    assert json.loads(finished.to_json())["percent"] == 100
    assert "finished" in finished.format()
    assert "%" in started.format()


def test_following_a_quiet_environment_reads_only_what_is_new(fake: FakeAccount) -> None:
    build(fake, "other")
    asked: list[int] = []

    def sleep(_: float) -> None:
        asked.append(len(fake.calls))
        if len(asked) == 3:
            fake.account.create("volume", {"label": "aias-development-data", "region": "fr-par"})
        assert len(asked) < 10, "nothing new came"

    event = next(EventReader(fake.account, "development").follow(sleep))
    assert event.label == "aias-development-data"
    assert (asked[1] - asked[0], asked[2] - asked[1]) == (1, 1)
