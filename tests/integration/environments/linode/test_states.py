"""A state in a bucket of a real server, and what is said when the server refuses."""

from __future__ import annotations

from itertools import count

import pytest

from aias_core.environments.linode.holder import describe_self
from aias_core.environments.linode.lease import Lease, LeaseShelf
from aias_core.environments.linode.states import StateNotStored, StateUnreadable, StateVersions
from aias_core.environments.linode.store import S3Store
from support.backups import BUCKET
from support.state import KEY, build_state
from support.strict_storage import StrictStorage, refusal

_numbers = count(1)


class Bucket:
    """One environment's state in a bucket, behind what a test can make refuse."""

    def __init__(self, strict: StrictStorage) -> None:
        self.environment = f"states-{next(_numbers)}"
        self.store = S3Store(strict.store, BUCKET)
        self.versions = StateVersions(self.store, self.environment, lambda: KEY)

    def take_lease(self) -> Lease:
        lease = LeaseShelf(self.store, self.environment).take_next(describe_self("test"))
        assert lease is not None
        return lease


@pytest.fixture(params=[False, True], ids=["honouring", "ignoring"])
def bucket(strict: StrictStorage, request: pytest.FixtureRequest) -> Bucket:
    strict.ignores_conditions = request.param
    return Bucket(strict)


def test_a_state_is_stored_encrypted_and_the_oldest_goes(bucket: Bucket) -> None:
    lease = bucket.take_lease()
    for serial in range(1, 33):
        bucket.versions.write(build_state(serial, password="hunter2"), lease)
    assert [version.serial for version in bucket.versions.list_versions()] == list(range(3, 33))
    assert bucket.versions.read_newest() == build_state(32, password="hunter2")
    assert not any(b"hunter2" in (bucket.store.get(key) or b"") for key in bucket.store.list(bucket.environment))
    assert len(bucket.store.list(f"{bucket.environment}/states/0000000")) <= 14, "claims go with their versions"


def test_a_full_bucket_ends_with_1_and_its_cause_and_keeps_what_is_there(bucket: Bucket, strict: StrictStorage) -> None:
    lease = bucket.take_lease()
    bucket.versions.write(build_state(1), lease)
    strict.judge = lambda line, _: refusal("QuotaExceeded") if line.startswith("PUT") else None
    strict.ignores_conditions = False
    with pytest.raises(StateNotStored, match="QuotaExceeded") as caught:
        bucket.versions.write(build_state(2), lease)
    assert caught.value.exit_code == 1
    assert bucket.versions.read_newest() == build_state(1)


def test_an_object_that_comes_back_altered_is_no_success(bucket: Bucket, strict: StrictStorage) -> None:
    lease = bucket.take_lease()
    version = bucket.versions.write(build_state(1), lease)
    strict.alter = lambda line, body: (
        body[:-9] + bytes(9) if line.startswith("GET") and ".enc" in line and "?" not in line else body
    )
    with pytest.raises(StateUnreadable, match="cut or altered"):
        bucket.versions.read(version)
    with pytest.raises(StateNotStored):
        bucket.versions.write(build_state(2), lease)
