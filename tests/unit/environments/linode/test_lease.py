from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest

from aias_core import clock
from aias_core.environments.linode.holder import describe_self, own_command
from aias_core.environments.linode.lease import LeaseLost, LeaseShelf, Rhythm, hold_lease
from aias_core.environments.linode.store import DirectoryStore
from aias_core.errors import LockHeld
from support.state import ENVIRONMENT, KeepingStore, elsewhere, take_lease
from support.waiting import wait_until

QUICK = Rhythm(beat=0.01, stale=0.05, look=0.01)


@pytest.fixture
def shelf(store: DirectoryStore) -> LeaseShelf:
    return LeaseShelf(store, ENVIRONMENT)


@contextmanager
def dead_holder(store: DirectoryStore) -> Iterator[int]:
    """A process that takes the lease and is killed while it holds it."""
    held = multiprocessing.get_context("fork").Event()

    def hold() -> None:
        with hold_lease(store, ENVIRONMENT, describe_self("aias env up")):
            held.set()
            Event().wait()

    child = multiprocessing.get_context("fork").Process(target=hold)
    child.start()
    assert held.wait(20)
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    yield child.pid


def test_a_second_run_ends_with_the_holder_its_age_and_the_command_that_ends_it(store: DirectoryStore) -> None:
    holder = elsewhere(describe_self("aias env up development"))
    with (
        hold_lease(store, ENVIRONMENT, holder),
        pytest.raises(LockHeld) as caught,
        hold_lease(store, ENVIRONMENT, describe_self("second")),
    ):
        pass
    assert "'aias env up development'" in caught.value.message
    assert "on 'elsewhere'" in caught.value.message
    assert f"aias env state unlock development --id {holder.run_id} --reason" in str(caught.value.hint)


def test_fences_only_grow_and_old_leases_go(store: DirectoryStore, shelf: LeaseShelf) -> None:
    for expected in range(1, 15):
        with hold_lease(store, ENVIRONMENT, describe_self("run")) as lease:
            assert lease.fence == expected
    numbers = {key.split("/")[2] for key in store.list(f"{ENVIRONMENT}/leases/")}
    assert "00000014" in numbers
    assert len(numbers) <= 11


def test_a_dead_holder_of_ones_own_host_heals_at_once(store: DirectoryStore) -> None:
    with dead_holder(store), hold_lease(store, ENVIRONMENT, describe_self("next")) as lease:
        assert lease.fence == 2


def test_a_dead_holder_heals_whatever_user_of_the_account_its_token_was_of(store: DirectoryStore) -> None:
    with dead_holder(store), hold_lease(store, ENVIRONMENT, describe_self("next", actor="somebody")) as lease:
        assert lease.fence == 2


def test_a_dead_holder_of_another_host_or_user_is_left_alone(store: DirectoryStore) -> None:
    with dead_holder(store):
        for observer in (elsewhere(describe_self("next")), replace(describe_self("next"), user="somebody")):
            with pytest.raises(LockHeld), hold_lease(store, ENVIRONMENT, observer):
                pass


def test_a_process_id_that_another_program_has_now_is_a_dead_holder(store: DirectoryStore, shelf: LeaseShelf) -> None:
    shelf.take_next(replace(describe_self("gone"), started_at=1))
    with hold_lease(store, ENVIRONMENT, describe_self("next")) as lease:
        assert lease.fence == 2


def test_a_lease_that_a_person_took_lasts_until_it_is_ended(store: DirectoryStore, shelf: LeaseShelf) -> None:
    shelf.take_next(describe_self("state lock", is_process=False))
    with pytest.raises(LockHeld), hold_lease(store, ENVIRONMENT, describe_self("next")):
        pass


def test_a_waiter_gets_the_lease_when_it_is_released(store: DirectoryStore) -> None:
    first = take_lease(store)
    said: list[str] = []
    waiting = Event()

    def hear(text: str) -> None:
        said.append(text)
        waiting.set()

    Thread(target=lambda: waiting.wait(20) and first.release()).start()
    with hold_lease(store, ENVIRONMENT, describe_self("next"), wait_seconds=20, rhythm=QUICK, progress=hear) as lease:
        assert lease.fence == 2
    assert said == ["Waiting for 'test' of '" + first.holder.actor + "' to end…"]


def test_a_holder_that_lost_its_lease_hears_it_before_its_next_write(store: DirectoryStore, shelf: LeaseShelf) -> None:
    with hold_lease(store, ENVIRONMENT, describe_self("run")) as lease:
        lease.check()
        shelf.end(lease.fence, {"reason": "unlocked", "by": "somebody"})
        with pytest.raises(LeaseLost):
            lease.check()
        with hold_lease(store, ENVIRONMENT, describe_self("next")), pytest.raises(LeaseLost):
            lease.check()


def test_a_holder_beats_and_leaves_one_sign_of_life(store: DirectoryStore, shelf: LeaseShelf) -> None:
    def newest() -> str:
        current = shelf.find_current()
        return (current and current.newest_beat) or ""

    with hold_lease(store, ENVIRONMENT, describe_self("run"), rhythm=QUICK):
        wait_until(lambda: newest() > "beat-00000003")
    assert not [key for key in store.list(ENVIRONMENT) if "beat" in key]


def test_silence_counts_by_the_observers_own_clock(
    store: DirectoryStore, shelf: LeaseShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.take_next(elsewhere(describe_self("silent")))
    now = iter(range(0, 10_000, 20))
    monkeypatch.setattr(clock, "monotonic", lambda: float(next(now)))
    with (
        pytest.raises(LockHeld, match="no sign of life"),
        hold_lease(store, ENVIRONMENT, describe_self("next"), wait_seconds=200, rhythm=replace(QUICK, stale=60)),
    ):
        pass


def test_what_cannot_be_tidied_up_costs_nobody_the_lease(store: DirectoryStore) -> None:
    for _ in range(14):
        take_lease(store).release()

    take_lease(KeepingStore(Path(store.url))).check()


def test_a_password_on_the_command_line_is_not_kept_with_the_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/aias", "env", "up", "https://user:hunter2@host"])
    assert own_command() == "aias env up https://user:***@host"


def test_a_lease_made_under_a_number_that_was_removed_does_not_count(store: DirectoryStore) -> None:
    for _ in range(14):
        take_lease(store).release()

    class Sleepy(DirectoryStore):
        """The first list is from long ago."""

        lists = 0

        def list(self, prefix: str) -> list[str]:
            self.lists += 1
            found = super().list(prefix)
            return found if self.lists > 1 else []

    late = LeaseShelf(Sleepy(Path(store.url)), ENVIRONMENT)
    assert late.take_next(describe_self("late")) is None
    with hold_lease(store, ENVIRONMENT, describe_self("next")) as lease:
        assert lease.fence == 15
