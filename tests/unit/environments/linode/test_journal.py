from __future__ import annotations

import resource
from pathlib import Path

import pytest

from aias_core.environments.linode.journal import JournalShelf
from aias_core.environments.linode.lease import Lease, LeaseLost
from aias_core.environments.linode.store import DirectoryStore
from aias_core.errors import AiasError, PrerequisiteMissing, Refused
from support.state import ENVIRONMENT, KeepingStore, open_journal

RUN = "01a22209-0000-7000-8000-000000000001"
LATER = "01a22209-0000-7000-8000-000000000002"


@pytest.fixture
def here(tmp_path: Path, store: DirectoryStore) -> JournalShelf:
    return JournalShelf(tmp_path / "here", store, ENVIRONMENT)


@pytest.fixture
def elsewhere(tmp_path: Path, store: DirectoryStore) -> JournalShelf:
    return JournalShelf(tmp_path / "elsewhere", store, ENVIRONMENT)


def run_until_killed(shelf: JournalShelf, lease: Lease) -> None:
    """A run that made a network and was killed in the middle of making a cluster."""
    journal = shelf.begin(RUN, "env up", lease)
    with journal.step("network", label="aias-development") as found:
        found["id"] = 7
    journal.intend("cluster", label="aias-development")


def test_a_killed_run_is_resumed_at_its_first_unproven_step_on_any_machine(
    here: JournalShelf, elsewhere: JournalShelf, lease: Lease
) -> None:
    run_until_killed(here, lease)
    for shelf in (elsewhere, here):
        journal = shelf.find_unfinished(lease)
        assert journal is not None
        assert [entry.step for entry in journal.unproven()] == ["cluster"]
        assert journal.unproven()[0].details == {"label": "aias-development"}
        assert journal.proven() == {"network": {"id": 7}}


def test_a_run_that_another_machine_ended_is_not_resumed_here(
    here: JournalShelf, elsewhere: JournalShelf, lease: Lease
) -> None:
    run_until_killed(here, lease)
    journal = elsewhere.find_unfinished(lease)
    assert journal is not None
    with journal.step("cluster"):
        pass
    assert journal.unproven() == []
    journal.end("succeeded")
    assert here.find_unfinished(lease) is None


def test_a_torn_last_line_never_happened_and_is_written_over(here: JournalShelf, lease: Lease, tmp_path: Path) -> None:
    run_until_killed(here, lease)
    path = tmp_path / "here/journal" / f"{RUN}.jsonl"
    path.write_bytes(path.read_bytes() + b'{"seq":5,"at":"2026-')
    journal = here.find_unfinished(lease)
    assert journal is not None
    journal.conclude(journal.unproven()[0].seq, "succeeded")
    assert [entry.seq for entry in open_journal(here, RUN, lease).entries] == [1, 2, 3, 4, 5]
    assert path.stat().st_mode & 0o077 == 0


def test_a_line_that_never_reached_the_store_counts_here_and_is_replaced_by_what_another_machine_did(
    here: JournalShelf, elsewhere: JournalShelf, store: DirectoryStore, lease: Lease
) -> None:
    run_until_killed(here, lease)
    key = f"{ENVIRONMENT}/journal/{RUN}.jsonl"
    store.put(key, b"".join((store.get(key) or b"").splitlines(keepends=True)[:-1]))
    assert [entry.step for entry in open_journal(here, RUN, lease).unproven()] == ["cluster"]
    open_journal(elsewhere, RUN, lease).intend("database")
    assert [entry.step for entry in open_journal(here, RUN, lease).unproven()] == ["database"]


def test_an_intent_is_refused_before_the_call_when_the_lease_is_lost(
    here: JournalShelf, store: DirectoryStore, lease: Lease
) -> None:
    journal = here.begin(RUN, "env up", lease)
    lease.release()
    before = store.list(""), len(journal.entries)
    with pytest.raises(LeaseLost):
        journal.intend("cluster")
    assert (store.list(""), len(journal.entries)) == before


def test_a_failed_step_is_unproven_and_says_why_and_an_interrupted_one_says_nothing(
    here: JournalShelf, lease: Lease
) -> None:
    journal = here.begin(RUN, "env up", lease)
    with pytest.raises(AiasError), journal.step("network"):
        raise AiasError("no capacity at https://user:hunter2@host")
    with pytest.raises(KeyboardInterrupt), journal.step("cluster"):
        raise KeyboardInterrupt
    found = open_journal(here, RUN, lease)
    assert [entry.step for entry in found.unproven()] == ["network", "cluster"]
    assert [entry.details.get("cause") for entry in found.entries if entry.event == "result"] == [
        "no capacity at https://user:***@host"
    ]


def test_an_address_and_a_mailbox_do_not_spoil_a_line(here: JournalShelf, lease: Lease) -> None:
    run_until_killed(here, lease)
    details = {"reason": "see https://wiki", "by": "anna@example.com"}
    here.record_unlock(LATER, lease.fence, **details)
    assert open_journal(here, LATER, lease).entries[0].details == details
    assert here.find_unfinished(lease) is not None


def test_a_run_began_by_the_plan_that_it_tells_of_and_so_did_one_that_is_too_old_to_be_kept(
    here: JournalShelf, elsewhere: JournalShelf, lease: Lease
) -> None:
    here.begin(RUN, "up", lease, plan="a").end("succeeded")
    told = [elsewhere.is_begun(run, plan) for run, plan in ((RUN, "a"), (RUN, "b"), (LATER, "a"))]
    assert told == [True, False, False]
    for number in range(50):
        here.begin(f"{LATER}-{number}", "up", lease)
    assert RUN not in elsewhere.list_runs()
    assert elsewhere.is_begun(RUN, "a")


def test_a_run_that_was_ended_in_its_first_line_did_not_begin(here: JournalShelf, lease: Lease, tmp_path: Path) -> None:
    run_until_killed(here, lease)
    (tmp_path / "here/journal" / f"{LATER}.jsonl").write_bytes(b'{"seq":1,"at":"2026-')
    journal = here.find_unfinished(lease)
    assert journal is not None
    assert [journal.run_id, *(one.run_id for one in here.iter_begun(lease))] == [RUN, RUN]


def test_old_journals_that_cannot_be_removed_are_no_obstacle(
    here: JournalShelf, store: DirectoryStore, lease: Lease, tmp_path: Path
) -> None:
    for number in range(50):
        here.begin(f"00000000-{number}", "env up", lease)
    kept = JournalShelf(tmp_path / "here", KeepingStore(Path(store.url)), ENVIRONMENT)
    assert not kept.begin(RUN, "env up", lease).is_ended


def test_a_line_that_does_not_fit_on_the_disk_is_not_told_to_others(tmp_path: Path, lease: Lease) -> None:
    class Elsewhere(DirectoryStore):
        """Has room."""

        told = b""

        def put(self, key: str, data: bytes) -> None:
            self.told = data

    elsewhere = Elsewhere(tmp_path / "elsewhere")
    journal = JournalShelf(tmp_path / "here", elsewhere, ENVIRONMENT).begin(RUN, "env up", lease)
    before, limits = elsewhere.told, resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, limits[1]))
    try:
        with pytest.raises(PrerequisiteMissing, match="journal"):
            journal.intend("cluster")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert elsewhere.told == before


def test_the_record_of_an_unlock_hides_no_unfinished_run(here: JournalShelf, lease: Lease) -> None:
    run_until_killed(here, lease)
    here.record_unlock(LATER, lease.fence, reason="that machine is gone")
    journal = here.find_unfinished(lease)
    assert journal is not None
    assert journal.run_id == RUN


def test_nothing_is_unlocked_without_a_record(tmp_path: Path, store: DirectoryStore) -> None:
    (tmp_path / "here").write_text("in the way")
    with pytest.raises(Refused, match="Nothing was unlocked"):
        JournalShelf(tmp_path / "here", store, ENVIRONMENT).record_unlock(LATER, 1, reason="x")
