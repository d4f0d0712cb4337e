from __future__ import annotations

from aias_core.identity.passwords import hash_password, is_password
from aias_core.secret import Secret


def test_a_hash_is_of_its_password_only_and_salted() -> None:
    first, second = hash_password(Secret("correct horse")), hash_password(Secret("correct horse"))
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert first != second
    assert is_password(Secret("correct horse"), first)
    assert not is_password(Secret("Correct horse"), first)
