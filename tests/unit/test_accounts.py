from __future__ import annotations

import os
from pathlib import Path

import pytest

from aias_core.accounts import (
    GROUP_OBJ,
    MASK,
    OTHER,
    USER,
    USER_OBJ,
    Account,
    AclEntry,
    ensure_reachable,
    is_permitted,
    minimal_acl,
    pack_acl,
    unpack_acl,
    with_search,
)

NO_ID = 0xFFFFFFFF
STRANGER = Account("stranger", 54321, 54321)


def test_acl_of_a_private_directory_has_the_kernel_form() -> None:
    entries = with_search(minimal_acl(0o700), 65534)
    assert pack_acl(entries) == bytes.fromhex(
        "0200000001000700ffffffff02000100feff000004000000ffffffff10000100ffffffff20000000ffffffff"
    )
    assert unpack_acl(pack_acl(entries)) == entries


def test_entries_of_others_keep_what_they_effectively_had() -> None:
    before = [
        AclEntry(USER_OBJ, NO_ID, 7),
        AclEntry(USER, 1000, 7),
        AclEntry(GROUP_OBJ, NO_ID, 7),
        AclEntry(MASK, NO_ID, 4),
        AclEntry(OTHER, NO_ID, 0),
    ]
    after = with_search(before, 65534)
    mask = next(entry.perm for entry in after if entry.tag == MASK)
    effective = {(e.tag, e.id): e.perm & mask if e.tag in (USER, GROUP_OBJ) else e.perm for e in after}
    assert effective[USER, 1000] == 4
    assert effective[GROUP_OBJ, NO_ID] == 4
    assert effective[USER, 65534] == 1
    assert effective[OTHER, NO_ID] == 0


def test_granting_twice_changes_nothing() -> None:
    once = with_search(minimal_acl(0o750), 65534)
    assert with_search(once, 65534) == once


@pytest.mark.skipif(os.geteuid() == 0, reason="root owns what it makes: covered by the next test")
def test_own_directories_are_reachable_for_ourselves(tmp_path: Path) -> None:
    told: list[str] = []
    ensure_reachable(tmp_path / "data", Account("me", os.geteuid(), os.getegid()), told.append)
    assert told == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_private_directory_becomes_reachable_for_one_account_only(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    told: list[str] = []
    ensure_reachable(private / "data", STRANGER, told.append)
    assert is_permitted(private, STRANGER, 1)
    assert not is_permitted(private, STRANGER, 4)
    assert not is_permitted(private, Account("another", 54322, 54322), 1)
    assert told[-1] == f"Allowed the account 'stranger' to pass through '{private}'"
    ensure_reachable(private / "data", STRANGER, told.append)
    assert told.count(told[-1]) == 1
