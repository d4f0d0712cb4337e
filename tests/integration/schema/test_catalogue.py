"""What every table promises, read from the catalogue: nothing is listed by hand, so nothing can be left out."""

from __future__ import annotations

import psycopg

TABLES = """SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'aias'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition"""


def names(connection: psycopg.Connection, statement: str) -> set[str]:
    return {name for (name,) in connection.execute(statement.encode())}


def test_there_are_tables_to_look_at(superuser: psycopg.Connection, database: str) -> None:
    assert len(names(superuser, TABLES)) == (65 if database.startswith("operational") else 31)


def test_every_table_with_an_organization_forces_row_security(superuser: psycopg.Connection) -> None:
    open_tables = """SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id'
        WHERE c.relnamespace = 'aias'::regnamespace AND c.relkind IN ('r', 'p')
            AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"""
    assert names(superuser, open_tables) == set()


def test_every_foreign_key_has_an_index(superuser: psycopg.Connection) -> None:
    without = """SELECT k.conname FROM pg_constraint k
        WHERE k.contype = 'f' AND k.connamespace = 'aias'::regnamespace AND k.conparentid = 0 AND NOT EXISTS (
            SELECT FROM pg_index i WHERE i.indrelid = k.conrelid
                AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] = k.conkey
                AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) ~ '^\\(\\w+ IS NOT NULL\\)$'))"""
    assert names(superuser, without) == set()


def test_every_table_and_column_has_a_comment(superuser: psycopg.Connection) -> None:
    tables = "SELECT relname FROM pg_class c WHERE c.oid IN (SELECT format('aias.%I', t.relname)::regclass FROM "
    assert names(superuser, f"{tables} ({TABLES}) t) AND obj_description(c.oid, 'pg_class') IS NULL") == set()
    columns = f"""SELECT format('%s.%s', t.relname, a.attname) FROM ({TABLES}) t
        JOIN pg_attribute a ON a.attrelid = format('aias.%I', t.relname)::regclass AND attnum > 0 AND NOT attisdropped
        WHERE col_description(a.attrelid, a.attnum) IS NULL"""
    assert names(superuser, columns) == set()


def test_every_mutable_table_sets_its_time_and_version_by_trigger(superuser: psycopg.Connection) -> None:
    untouched = f"""SELECT t.relname FROM ({TABLES}) t
        JOIN pg_attribute a ON a.attrelid = format('aias.%I', t.relname)::regclass AND a.attname = 'row_version'
        WHERE NOT EXISTS (SELECT FROM pg_trigger g
            WHERE g.tgrelid = a.attrelid AND g.tgfoid = 'aias.touch_row'::regproc)"""
    assert names(superuser, untouched) == set()


def test_constraints_are_named_after_their_table_and_kind(superuser: psycopg.Connection) -> None:
    misnamed = """SELECT conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
        WHERE k.connamespace = 'aias'::regnamespace AND k.conparentid = 0 AND NOT c.relispartition
            AND k.contype IN ('p', 'u', 'f', 'c')
            AND conname !~ ('^' || c.relname || '(_[a-z0-9_]+)?_'
                || CASE k.contype WHEN 'p' THEN 'pkey' WHEN 'u' THEN 'key' WHEN 'f' THEN 'fkey' ELSE 'check' END
                || '$')"""
    assert names(superuser, misnamed) == set()


def test_nothing_is_granted_to_everybody(superuser: psycopg.Connection) -> None:
    public = """SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'aias'::regnamespace
            AND has_function_privilege('public', p.oid, 'EXECUTE')
        UNION ALL
        SELECT c.relname FROM pg_class c, aclexplode(c.relacl) g
        WHERE c.relnamespace = 'aias'::regnamespace AND g.grantee = 0
        UNION ALL
        SELECT n.nspname FROM pg_namespace n, aclexplode(n.nspacl) g WHERE n.nspname = 'aias' AND g.grantee = 0"""
    assert names(superuser, public) == set()


def test_functions_with_the_rights_of_another_pin_their_search_path(superuser: psycopg.Connection) -> None:
    loose = """SELECT proname FROM pg_proc WHERE pronamespace = 'aias'::regnamespace AND prosecdef
        AND NOT coalesce(proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false)"""
    assert names(superuser, loose) == set()


def test_no_runtime_role_may_truncate_or_make_tables(superuser: psycopg.Connection) -> None:
    rights = """SELECT c.relname FROM pg_class c, unnest(ARRAY['aias_identity', 'aias_router', 'aias_analytics',
            'aias_reader', 'aias_readonly', 'aias_exporter', 'aias_retention', 'aias_lookup']) role
        WHERE c.relnamespace = 'aias'::regnamespace AND c.relkind IN ('r', 'p')
            AND (has_table_privilege(role, c.oid, 'TRUNCATE') OR has_schema_privilege(role, 'aias', 'CREATE'))"""
    assert names(superuser, rights) == set()
