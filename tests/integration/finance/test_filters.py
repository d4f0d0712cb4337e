from __future__ import annotations

import psycopg
import pytest

from aias_core import ids
from aias_core.errors import NotFound
from aias_core.finance.export.filters import find_models, find_projects
from aias_core.finance.export.request import Scope
from support.events import MODEL, ORG, OTHER_ORG

ACME = Scope(ORG, "acme")


def test_names_in_a_filter_are_those_of_the_organization(store: psycopg.Connection) -> None:
    globex = Scope(OTHER_ORG, "globex")
    reserved, own, foreign = (ids.new_id() for _ in range(3))
    store.execute("INSERT INTO aias.dim_models VALUES (%s, 'mock-small', %s)", [reserved, OTHER_ORG])
    for project, org in ((own, ORG), (foreign, OTHER_ORG)):
        store.execute("INSERT INTO aias.dim_projects VALUES (%s, %s, 'web', 'Web')", [project, org])
    found = [find_models(store, ["mock-small"], scope) for scope in (ACME, globex, None)]
    assert found == [(MODEL,), (MODEL, reserved), (MODEL, reserved)]
    assert [find_projects(store, ["web"], scope) for scope in (ACME, globex)] == [(own,), (foreign,)]
    assert set(find_projects(store, ["web"], None)) == {own, foreign}
    with pytest.raises(NotFound, match="no model"):
        find_models(store, [str(reserved)], ACME)
    with pytest.raises(NotFound, match="no project"):
        find_projects(store, [str(foreign)], ACME)
