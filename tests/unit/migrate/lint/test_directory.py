"""What is said about files, their heads and the schema that they make together."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from aias_core import clock
from aias_core.migrate.lint.directory import lint_directory
from aias_core.migrate.lint.rule import RULES

HEAD = "-- aias: risk = New tables only\n"
DOWN = "-- aias: risk = Removes what the file made\nDROP TABLE aias.things;\n"
TABLE = "CREATE TABLE aias.things (thing_id uuid NOT NULL, CONSTRAINT things_pkey PRIMARY KEY (thing_id));\n"
COMMENTS = "COMMENT ON TABLE aias.things IS 'Things';\nCOMMENT ON COLUMN aias.things.thing_id IS 'Its identifier';\n"
CLEAN = HEAD + TABLE + COMMENTS


def write(directory: Path, version: str = "202610010000_things", up: str = CLEAN, down: str = DOWN) -> None:
    (directory / f"{version}.up.sql").write_text(up)
    (directory / f"{version}.down.sql").write_text(down)


def rules_of(directory: Path) -> set[str]:
    return {finding.rule for finding in lint_directory(directory)}


def test_a_clean_directory_has_no_findings(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "schema.sql").write_text("CREATE TABLE generated (a json);")
    (tmp_path / "catalog.json").write_text("{}")
    assert lint_directory(tmp_path) == []


def test_a_finding_names_file_line_and_object(tmp_path: Path) -> None:
    write(tmp_path, up=CLEAN + "\n-- about it\nALTER TABLE aias.others\n    ADD COLUMN größe json;\n")
    (finding,) = lint_directory(tmp_path)
    assert finding.as_record()["place"] == f"{tmp_path}/202610010000_things.up.sql:7"
    assert (finding.rule, finding.severity) == ("json-column", "error")
    assert finding.message.startswith("'aias.others.größe': ")
    assert finding.safer == "jsonb"


def test_a_finding_in_a_block_has_the_line_inside_it(tmp_path: Path) -> None:
    block = "DO $$\nBEGIN\n    PERFORM 1;\n    TRUNCATE aias.others;\nEND\n$$;\n"
    write(tmp_path, up=CLEAN + block)
    (finding,) = lint_directory(tmp_path)
    assert (finding.rule, finding.line) == ("truncate", 8)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("things.sql", "file-name"),
        ("20261001_things.up.sql", "file-name"),
        ("202610010000_Things.up.sql", "file-name"),
        ("202613010000_things.up.sql", "file-calendar"),
        ("202610010000_things.up.sql", "file-pair"),
        ("202610010000_things.down.sql", "file-pair"),
    ],
)
def test_a_misnamed_file_is_a_finding(tmp_path: Path, name: str, rule: str) -> None:
    (tmp_path / name).write_text(HEAD)
    assert rule in rules_of(tmp_path)


def test_a_version_that_has_not_come_or_comes_twice_is_a_finding(tmp_path: Path) -> None:
    ahead = (clock.now() + timedelta(days=2)).strftime("%Y%m%d%H%M")
    write(tmp_path, f"{ahead}_things")
    assert rules_of(tmp_path) == {"file-calendar"}
    write(tmp_path, f"{ahead}_others", up=HEAD, down=HEAD)
    assert rules_of(tmp_path) == {"file-calendar", "file-version-twice"}


@pytest.mark.parametrize(
    ("up", "rule", "line"),
    [
        (CLEAN + "CREATE TABEL x ();\n", "file-unreadable", 5),
        (CLEAN + "\\i other.sql\n", "file-unreadable", 5),
        (CLEAN + "SELECT :variable;\n", "file-unreadable", 5),
        ("-- aias: phase = later\n" + CLEAN, "directive-invalid", 1),
        ("-- aias: colour = red\n" + CLEAN, "directive-invalid", 1),
        (TABLE + COMMENTS, "risk-missing", 1),
        ("-- aias: phase = expand\n" + TABLE + COMMENTS, "risk-missing", 1),
        (CLEAN + "SET ROLE aias_owner;", "set-role", 5),
        (CLEAN + "DELETE FROM aias.others WHERE id = 1;", "destructive-in-expand", 5),
    ],
)
def test_what_the_runner_would_refuse_is_a_finding(tmp_path: Path, up: str, rule: str, line: int) -> None:
    write(tmp_path, up=up)
    assert (rule, line) in {(finding.rule, finding.line) for finding in lint_directory(tmp_path)}


def test_a_file_that_is_not_text_is_a_finding(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "202610010000_things.up.sql").write_bytes(b"\xff\xfe")
    assert "file-unreadable" in rules_of(tmp_path)


def test_a_second_busy_table_in_one_transaction_is_a_finding(tmp_path: Path) -> None:
    both = "ALTER TABLE aias.a ADD COLUMN x text;\nALTER TABLE aias.b ADD COLUMN x text;\n"
    write(tmp_path, up=CLEAN + both)
    assert [(f.rule, f.line) for f in lint_directory(tmp_path)] == [("several-relations", 6)]
    write(tmp_path, up="-- aias: transaction = none\n" + CLEAN + both)
    assert rules_of(tmp_path) == set()


def test_earlier_files_are_known_and_their_tables_are_live(tmp_path: Path) -> None:
    write(tmp_path, up=CLEAN + "ALTER TABLE aias.things ADD CONSTRAINT things_check CHECK (thing_id IS NOT NULL);")
    later = f"{HEAD}ALTER TABLE aias.things ALTER thing_id SET NOT NULL;\n"
    later += "CREATE INDEX things_thing_id_idx ON aias.things (thing_id);"
    write(tmp_path, "202610010001_more", up=later, down="-- aias: risk = x\nSELECT 1;")
    assert [(f.rule, f.line) for f in lint_directory(tmp_path)] == [("index-not-concurrent", 3)]


def test_only_the_wanted_files_are_judged_in_the_light_of_all(tmp_path: Path) -> None:
    write(tmp_path, up=HEAD + TABLE)
    write(tmp_path, "202610010001_more", up=HEAD + "TRUNCATE aias.things;", down="-- aias: risk = x\nSELECT 1;")
    wanted = tmp_path / "202610010001_more.up.sql"
    assert {finding.rule for finding in lint_directory(tmp_path, {wanted})} == {"truncate"}
    assert rules_of(tmp_path) == {"truncate", "table-without-comment", "column-without-comment"}


def test_a_down_file_may_take_away_what_its_up_file_made(tmp_path: Path) -> None:
    write(
        tmp_path,
        down="-- aias: risk = x\nTRUNCATE aias.things;\nDROP TABLE aias.things;\nDROP TABLE aias.others CASCADE;",
    )
    assert [(f.rule, f.line) for f in lint_directory(tmp_path)] == [("drop-cascade", 4)]


def table(columns: str, after: str = "") -> str:
    key = "CONSTRAINT things_pkey PRIMARY KEY (thing_id)"
    return f"CREATE TABLE aias.things (thing_id uuid NOT NULL, {columns}, {key});\n{after}"


RLS = "ALTER TABLE aias.things ENABLE ROW LEVEL SECURITY;\nALTER TABLE aias.things FORCE ROW LEVEL SECURITY;\n"
POLICY = "CREATE POLICY things_tenant ON aias.things USING (org_id = current_setting('aias.org_id')::uuid);\n"
TOUCH = "CREATE TRIGGER things_touch_tg BEFORE UPDATE ON aias.things FOR EACH ROW EXECUTE FUNCTION aias.touch_row();\n"
REFERENCE = "other_id uuid, CONSTRAINT things_other_id_fkey FOREIGN KEY (other_id) REFERENCES aias.others (other_id)"


@pytest.mark.parametrize(
    ("up", "rules"),
    [
        (table("org_id uuid"), {"tenant-without-row-security"}),
        (table("org_id uuid", RLS), {"tenant-without-row-security"}),
        (table("org_id uuid", RLS + POLICY), set()),
        (table("updated_at timestamptz"), {"updated-at-without-trigger"}),
        (table("updated_at timestamptz", TOUCH), set()),
        (table(REFERENCE), {"foreign-key-without-index"}),
        (table(REFERENCE, "CREATE INDEX things_other_id_idx ON aias.things (other_id, thing_id);"), set()),
        (table("a text, CONSTRAINT positive CHECK (a <> '')"), {"constraint-name"}),
        (table("a text, CHECK (a <> '')"), set()),
        (table("a text NOT NULL, CONSTRAINT things_a UNIQUE (a)"), {"constraint-name"}),
        (table("a text", "CREATE INDEX a_idx ON aias.things (a);"), {"index-name"}),
        (table("a text", TOUCH.replace("things_touch_tg", "touch")), {"trigger-name"}),
        (table("a text, CONSTRAINT things_a_key UNIQUE (a)"), {"unique-nullable-column"}),
        (table("a text, CONSTRAINT things_a_key UNIQUE NULLS NOT DISTINCT (a)"), set()),
        (table("a bool", "CREATE INDEX things_a_idx ON aias.things (a);"), {"boolean-leads-index"}),
        (table("a text").replace(");\n", ") PARTITION BY RANGE (a);"), {"key-without-partition-column"}),
        (table("a serial"), {"serial-column"}),
    ],
)
def test_a_table_is_judged_when_all_files_are_read(tmp_path: Path, up: str, rules: set[str]) -> None:
    write(tmp_path, up=HEAD + up)
    assert rules_of(tmp_path) - {"table-without-comment", "column-without-comment"} == rules


def test_columns_without_policy_are_found_where_a_policy_is_given(tmp_path: Path) -> None:
    write(tmp_path)
    assert lint_directory(tmp_path, known_columns={("aias.things", "thing_id")}) == []
    (finding,) = lint_directory(tmp_path, known_columns=set())
    assert (finding.rule, finding.line) == ("column-without-policy", 2)


def test_functions_are_judged_when_they_are_called(tmp_path: Path) -> None:
    function = "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'TRUNCATE aias.others';\n"
    write(tmp_path, up=CLEAN + function)
    assert rules_of(tmp_path) == set()
    write(tmp_path, up=CLEAN + function + "SELECT f();")
    assert rules_of(tmp_path) == {"truncate"}


@pytest.mark.parametrize(
    "body",
    [
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN x := 1; END $$;",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'SELEC 1';",
        "DO LANGUAGE plperl $$ 1 $$;",
    ],
)
def test_a_body_that_cannot_be_read_is_a_finding(tmp_path: Path, body: str) -> None:
    write(tmp_path, up=CLEAN + body)
    assert rules_of(tmp_path) == {"body-unreadable"}


def test_a_body_may_use_types_of_ours(tmp_path: Path) -> None:
    body = """CREATE FUNCTION aias.f(p aias.things, n int DEFAULT 1) RETURNS aias.things LANGUAGE plpgsql AS $$
    DECLARE a aias.things; b aias.things%ROWTYPE; c aias.things.thing_id%TYPE;
    BEGIN SELECT * INTO a FROM aias.things; ALTER TABLE aias.others DISABLE TRIGGER ALL; RETURN a; END $$;"""
    write(tmp_path, up=CLEAN + body)
    assert rules_of(tmp_path) == {"trigger-disabled"}


def test_every_rule_has_a_reason_and_a_safer_form() -> None:
    assert len(RULES) > 90
    for rule_id, rule in RULES.items():
        assert rule_id == rule_id.lower()
        assert rule.why
        assert rule.safer
        assert "_" not in rule_id
