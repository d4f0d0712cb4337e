from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from aias_core.errors import DifferenceFound, InvalidInput, NotFound, NothingRan
from aias_core.secrets.cluster import open_cluster
from aias_core.secrets.controller_keys import back_up_keys, check_files, find_unopened
from aias_core.secrets.declared import Secrets
from aias_core.secrets.rotation import Rotation
from support.clusters import FakeCluster, make_cluster
from support.linode import Simulator
from support.secret_steps import MODELS, NAMESPACE, bootstrap


def test_the_keys_of_the_controller_are_kept_and_open_what_git_has(
    secrets: Secrets, cluster: FakeCluster, running: Simulator, tmp_path: Path
) -> None:
    bootstrap(secrets, cluster)
    sealed, committed = cluster.sealed(NAMESPACE, "nats"), tmp_path / "nats.yaml"
    committed.write_text(yaml.safe_dump_all([{"kind": "Namespace"}, sealed]))
    assert [(one.secret, one.opens) for one in check_files(secrets, [committed])] == [(f"{NAMESPACE}/nats", True)]
    assert b"PRIVATE KEY" not in (secrets.directory / "sealing-keys.age").read_bytes()
    other = make_cluster(running.url, ["sealed-secrets", NAMESPACE, MODELS])
    fresh = replace(secrets, directory=tmp_path / "fresh")
    bootstrap(fresh, other)
    lost = check_files(fresh, [committed])
    assert isinstance(find_unopened(lost), DifferenceFound)
    with open_cluster(other.kubeconfig) as opened:
        assert back_up_keys(fresh, opened) == []
    with pytest.raises(NotFound, match="no backup"):
        check_files(replace(secrets, directory=tmp_path / "empty"), [committed])
    committed.write_text(yaml.safe_dump({**sealed, "spec": {**sealed["spec"], "encryptedData": {}}}))
    assert not check_files(secrets, [committed])[0].opens
    committed.write_text(yaml.safe_dump({"kind": "Namespace"}))
    assert isinstance(find_unopened(check_files(secrets, [committed])), NothingRan)
    committed.write_text(yaml.safe_dump({"kind": "SealedSecret", "metadata": {"name": "nats"}}))
    with pytest.raises(InvalidInput, match="namespace"):
        check_files(secrets, [committed])


def test_sealing_anew_changes_what_is_sealed_and_no_value(secrets: Secrets, cluster: FakeCluster) -> None:
    bootstrap(secrets, cluster)
    values, sealed = cluster.values(NAMESPACE, "nats"), cluster.sealed(NAMESPACE, "nats")["spec"]
    with open_cluster(cluster.kubeconfig) as opened:
        done = Rotation(secrets, opened, lambda _: None).rotate_chosen(None, sealing_key=True)
    assert len(done) == 4
    assert cluster.values(NAMESPACE, "nats") == values
    assert cluster.sealed(NAMESPACE, "nats")["spec"] != sealed
