"""E-mail addresses: the one form in which two spellings of an address are the same."""

from __future__ import annotations

import re
import unicodedata

from aias_core.errors import InvalidInput

LONGEST = 254  # RFC 5321, 4.5.3.1.3
LONGEST_LOCAL_PART = 64
_LOCAL_PART = re.compile(r"[^\s@\x00-\x1f\x7f]+")


class InvalidEmail(InvalidInput):
    """This is not an e-mail address"""

    code = "invalid_email"


def normalise_email(text: str) -> str:
    """The address that is hashed: trimmed, NFKC, casefolded, its domain in ASCII (IDNA 2008). Raises InvalidEmail."""
    folded = _fold(text.strip())
    local, at, domain = folded.rpartition("@")
    ascii_domain = _to_ascii(domain) if at else ""
    if not _LOCAL_PART.fullmatch(local) or len(local.encode()) > LONGEST_LOCAL_PART or "." not in ascii_domain:
        raise InvalidEmail(hint="write it as NAME@DOMAIN")
    if len(local.encode()) + 1 + len(ascii_domain) > LONGEST:
        raise InvalidEmail(f"An address has at most {LONGEST} characters")
    return f"{local}@{ascii_domain}"


def _fold(text: str) -> str:
    """NFKC and casefold until neither changes anything: casefolding alone can undo the first."""
    while (folded := unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())) != text:
        text = folded
    return text


def _to_ascii(domain: str) -> str:
    import idna

    try:
        return idna.encode(domain.removesuffix("."), uts46=True).decode()
    except idna.IDNAError:
        return ""
