"""Operating-system accounts: who runs this process, and which account a server runs under.

PostgreSQL refuses to run as root, so root hands it to an account without rights. No account is ever created.
"""

from __future__ import annotations

import getpass
import os
import pwd
import signal
import socket
import stat
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aias_core.errors import PrerequisiteMissing

CANDIDATES = ("aias", "nobody")
ACL_ATTRIBUTE = "system.posix_acl_access"
USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
READ, SEARCH = 4, 1
_VERSION = 2
_NO_ID = 0xFFFFFFFF
_PR_SET_PDEATHSIG = 1


def own_name() -> str:
    """Who runs this process, as `user@host`."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


@dataclass(frozen=True, slots=True)
class Account:
    """An account without rights that root runs a server under."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True, order=True)
class AclEntry:
    """One entry of a POSIX access control list; sorts into the order the kernel wants."""

    tag: int
    id: int
    perm: int


def find_server_account() -> Account | None:
    """The account for servers that refuse root; None when we are not root. Raises PrerequisiteMissing."""
    if os.geteuid() != 0:
        return None
    for name in CANDIDATES:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if found.pw_uid != 0:
            return Account(name, found.pw_uid, found.pw_gid)
    raise PrerequisiteMissing(
        "PostgreSQL does not run as root and there is no account 'aias' or 'nobody' to run it under",
        hint="run as an ordinary user, or make one with: useradd --system aias",
    )


def build_child_setup(account: Account | None) -> Callable[[], None]:
    """What a child does between fork and exec: takes on the account, then asks to die with its parent (Linux)."""
    prctl = _load_prctl()

    def set_up() -> None:
        if account is not None:
            os.setgroups([])
            os.setgid(account.gid)
            os.setuid(account.uid)
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    return set_up


def _load_prctl() -> Callable[..., int] | None:
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    prctl: Callable[..., int] = ctypes.CDLL(None).prctl
    return prctl


def ensure_reachable(path: Path, account: Account, progress: Callable[[str], None]) -> None:
    """Lets the account search every directory above `path`; others gain nothing. Raises PrerequisiteMissing."""
    for directory in reversed(path.absolute().parents):
        if not is_permitted(directory, account, SEARCH):
            _grant_search(directory, account)
            progress(f"Allowed the account '{account.name}' to pass through '{directory}'")


def is_permitted(path: Path, account: Account, perm: int) -> bool:
    """Whether the account has all bits of `perm` on the path, by its ACL or by its mode."""
    status = path.stat()
    if status.st_uid == account.uid:
        return (status.st_mode >> 6) & perm == perm
    entries = read_acl(path)
    mask = next((e.perm for e in entries if e.tag == MASK), 7)
    for entry in entries:
        if entry.tag == USER and entry.id == account.uid:
            return entry.perm & mask & perm == perm
    if status.st_gid == account.gid:
        return (status.st_mode >> 3) & perm == perm
    return stat.S_IMODE(status.st_mode) & perm == perm


def _grant_search(directory: Path, account: Account) -> None:
    try:
        entries = read_acl(directory) or minimal_acl(directory.stat().st_mode)
        os.setxattr(directory, ACL_ATTRIBUTE, pack_acl(with_search(entries, account.uid)))
    except (OSError, AttributeError) as exc:
        raise PrerequisiteMissing(
            f"The account '{account.name}', which PostgreSQL runs under, may not pass through '{directory}'",
            hint=f"allow it with: chmod o+x '{directory}'",
        ) from exc


def read_acl(path: Path) -> list[AclEntry]:
    """The access control list of a path; empty where there is none or the system has no such thing."""
    try:
        return unpack_acl(os.getxattr(path, ACL_ATTRIBUTE))
    except (OSError, AttributeError):
        return []


def minimal_acl(mode: int) -> list[AclEntry]:
    """The list that says the same as a mode."""
    bits = ((USER_OBJ, mode >> 6), (GROUP_OBJ, mode >> 3), (OTHER, mode))
    return [AclEntry(tag, _NO_ID, value & 7) for tag, value in bits]


def with_search(entries: list[AclEntry], uid: int) -> list[AclEntry]:
    """The same list with search permission for one user; nobody else's effective permission changes."""
    old_mask = next((e.perm for e in entries if e.tag == MASK), 7)
    own = next((e.perm & old_mask for e in entries if e.tag == USER and e.id == uid), 0)
    kept = [
        AclEntry(e.tag, e.id, e.perm & old_mask if e.tag in (USER, GROUP_OBJ, GROUP) else e.perm)
        for e in entries
        if e.tag != MASK and not (e.tag == USER and e.id == uid)
    ]
    kept.append(AclEntry(USER, uid, own | SEARCH))
    mask = 0
    for entry in kept:
        if entry.tag in (USER, GROUP_OBJ, GROUP):
            mask |= entry.perm
    return sorted([*kept, AclEntry(MASK, _NO_ID, mask)])


def pack_acl(entries: list[AclEntry]) -> bytes:
    """The kernel's form (linux/posix_acl_xattr.h): a version, then tag, permission and id of each entry."""
    return struct.pack("<I", _VERSION) + b"".join(struct.pack("<HHI", e.tag, e.perm, e.id) for e in entries)


def unpack_acl(data: bytes) -> list[AclEntry]:
    """The entries of the kernel's form."""
    return [AclEntry(tag, id_, perm) for tag, perm, id_ in struct.iter_unpack("<HHI", data[4:])]
