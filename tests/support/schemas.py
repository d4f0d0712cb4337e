"""Random schemas and migrations: valid by construction, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

ROLES = ("aias_identity", "aias_router", "aias_analytics")
_TYPES = {
    "bigint": ("0", "(1 + 1)"),
    "integer": ("7", "app.f0(3)"),
    "text": ("'it''s'", "lower('A')"),
    "character varying(40)": ("'x'",),
    "character(3)": ("'USD'",),
    "numeric(38,0)": ("0",),
    "numeric(12,2)": ("1.50",),
    "boolean": ("true", "false"),
    "timestamptz": ("now()", "'2026-01-01 00:00:00+02'"),
    "date": ("CURRENT_DATE",),
    "interval": ("'1 day'",),
    "uuid": ("gen_random_uuid()",),
    "jsonb": ("'{}'",),
    "bytea": (r"'\xff'",),
    "text[]": ("'{}'", "ARRAY['a', 'b']"),
    "inet": ("'10.0.0.1'",),
    "double precision": ("0.1",),
}


@dataclass(frozen=True)
class Element:
    """One thing in a schema: the SQL that makes it, the SQL that takes it away, what must be there before it."""

    name: str
    up: str
    down: str
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RandomMigration:
    """A change of a schema and its exact inverse."""

    up: str
    down: str


def make_elements(seed: int, tables: int = 4) -> list[Element]:
    """A whole random schema in an order that can be made; names are few, so two seeds differ within objects too."""
    return list(_Maker(random.Random(seed), tables).iter_elements())


def choose_elements(elements: Iterable[Element], seed: int, share: float = 0.7) -> list[Element]:
    """A random part of a schema that still holds together."""
    rng, kept = random.Random(seed), {}
    for element in elements:
        if element.needs <= kept.keys() and rng.random() < (share if "." in element.name else 0.95):
            kept[element.name] = element
    return list(kept.values())


def build_sql(elements: Iterable[Element]) -> str:
    return "".join(f"{element.up};\n" for element in elements)


def make_migrations(seed: int, count: int, tables: int = 4) -> list[RandomMigration]:
    """A walk through a random schema, from nothing: each step adds and takes away; its down is its exact inverse."""
    rng, universe = random.Random(seed), {e.name: e for e in make_elements(seed, tables)}
    present: dict[str, Element] = {}
    migrations = []
    for _ in range(count):
        steps = [step for _ in range(rng.randint(1, 12)) if (step := _choose_step(rng, universe, present))]
        up = "".join(f"{made};\n" for made, _ in steps)
        down = "".join(f"{unmade};\n" for _, unmade in reversed(steps))
        migrations.append(RandomMigration(up or "SELECT 1;\n", down or "SELECT 1;\n"))
    return migrations


def _choose_step(
    rng: random.Random, universe: dict[str, Element], present: dict[str, Element]
) -> tuple[str, str] | None:
    if present and rng.random() < 0.25:
        needed = {name for element in present.values() for name in element.needs}
        gone = present.pop(rng.choice([name for name in present if name not in needed]))
        return gone.down, gone.up
    possible = [e for name, e in universe.items() if name not in present and e.needs <= present.keys()]
    if not possible:
        return None
    new = possible[min(int(rng.expovariate(0.2)), len(possible) - 1)]
    present[new.name] = new
    return new.up, new.down


class _Maker:
    """Makes the elements of one schema; what later ones may use is remembered as they come."""

    def __init__(self, rng: random.Random, tables: int) -> None:
        self.rng, self.tables = rng, tables
        self.types = dict(_TYPES)
        self.type_needs: dict[str, str] = {}
        self.columns: dict[str, dict[str, str]] = {}
        self.plain: list[str] = []

    def iter_elements(self) -> Iterator[Element]:
        yield Element("app", "CREATE SCHEMA app", "DROP SCHEMA app")
        yield from self._types()
        yield from self._functions()
        for number in range(self.tables):
            yield from self._table(f"app.t{number}")
        for number in range(1, self.tables):
            yield from self._reference(f"app.t{number}")
        for number in range(self.tables):
            yield from self._views(number)
            yield from self._row_security(f"app.t{number}")
        yield self._element(
            "app.user_usage", "GRANT USAGE ON SCHEMA app TO {role}", "REVOKE USAGE ON SCHEMA app FROM {role}"
        )

    def _element(self, name: str, up: str, down: str, *needs: str) -> Element:
        role = self.rng.choice(ROLES)
        return Element(name, up.replace("{role}", role), down.replace("{role}", role), frozenset({"app", *needs}))

    def _comment(self, target: str, *needs: str) -> Iterator[Element]:
        if self._likely(0.5):
            text = self.rng.choice(("What it is", "It''s \\ \"quoted\"", "Größe\nin two lines"))
            up, down = f"COMMENT ON {target} IS '{text}'", f"COMMENT ON {target} IS NULL"
            yield Element(f"app.comment {target}", up, down, frozenset({"app", *needs}))

    def _likely(self, share: float) -> bool:
        return self.rng.random() < share

    def _types(self) -> Iterator[Element]:
        labels = self.rng.sample(["new", "open", "held", "it''s", "done"], self.rng.randint(2, 5))
        listed = ", ".join(f"'{label}'" for label in labels)
        yield Element("app.e0", f"CREATE TYPE app.e0 AS ENUM ({listed})", "DROP TYPE app.e0", frozenset({"app"}))
        yield from self._comment("TYPE app.e0", "app.e0")
        ending = self.rng.choice(("", " DEFAULT 'none'", " NOT NULL DEFAULT 'none'"))
        yield self._element("app.d0", f"CREATE DOMAIN app.d0 AS text{ending}", "DROP DOMAIN app.d0")
        check = self.rng.choice(("VALUE <> ''", "length(VALUE) < 90"))
        add, drop = "ALTER DOMAIN app.d0 ADD CONSTRAINT d0_check", "ALTER DOMAIN app.d0 DROP CONSTRAINT d0_check"
        yield Element("app.d0_check", f"{add} CHECK ({check})", drop, frozenset({"app", "app.d0"}))
        inside = self.rng.choice(("a integer, b text", "a integer, b text, c app.e0"))
        yield self._element("app.c0", f"CREATE TYPE app.c0 AS ({inside})", "DROP TYPE app.c0", "app.e0")
        options = self.rng.choice(("", " AS integer", " INCREMENT 5 CACHE 3", " START 10 CYCLE MAXVALUE 99"))
        yield self._element("app.s0", f"CREATE SEQUENCE app.s0{options}", "DROP SEQUENCE app.s0")
        self.types |= {"app.e0": (f"'{labels[0]}'",), "app.e0[]": ("'{}'",), "app.d0": ("'x'",), "app.c0": ()}
        self.type_needs |= {"app.e0": "app.e0", "app.e0[]": "app.e0", "app.d0": "app.d0", "app.c0": "app.c0"}

    def _functions(self) -> Iterator[Element]:
        number, result = self.rng.randint(1, 3), self.rng.choice(("integer", "integer", "bigint"))
        body = f"CREATE FUNCTION app.f0(x integer) RETURNS {result} LANGUAGE sql IMMUTABLE AS 'SELECT x + {number}'"
        yield Element("app.f0", body, "DROP FUNCTION app.f0(integer)", frozenset({"app"}))
        argument = self.rng.choice(("y text", "y text DEFAULT 'a'", "z text"))
        body = (
            f"CREATE FUNCTION app.f1(x app.e0, {argument}) RETURNS text LANGUAGE plpgsql SECURITY DEFINER "
            f"SET search_path = pg_catalog AS $$BEGIN RETURN x::text || '{number}'; END$$"
        )
        yield Element("app.f1", body, "DROP FUNCTION app.f1(app.e0, text)", frozenset({"app", "app.e0"}))
        private = "REVOKE ALL ON FUNCTION app.f1(app.e0, text) FROM PUBLIC"
        public = "GRANT EXECUTE ON FUNCTION app.f1(app.e0, text) TO PUBLIC"
        yield Element("app.f1_private", private, public, frozenset({"app", "app.f1"}))
        given = "GRANT EXECUTE ON FUNCTION app.f1(app.e0, text) TO {role}"
        taken = "REVOKE EXECUTE ON FUNCTION app.f1(app.e0, text) FROM {role}"
        yield self._element("app.f1_given", given, taken, "app.f1")
        yield from self._comment("FUNCTION app.f0(integer)", "app.f0")
        touch = (
            f"CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; /* {number} */ END$$"
        )
        yield Element("app.touch", touch, "DROP FUNCTION app.touch()", frozenset({"app"}))
        run = f"CREATE PROCEDURE app.p0(INOUT x integer) LANGUAGE sql AS 'SELECT x * {number}'"
        yield Element("app.p0", run, "DROP PROCEDURE app.p0(integer)", frozenset({"app"}))

    def _table(self, table: str) -> Iterator[Element]:
        form = self.rng.choice(("", "", "", "UNLOGGED ", "partitioned"))
        identity = self.rng.choice(("", " GENERATED ALWAYS AS IDENTITY", " GENERATED BY DEFAULT AS IDENTITY (START 5)"))
        partitioned = form == "partitioned"
        ending = " PARTITION BY RANGE (id)" if partitioned else self.rng.choice(("", " WITH (fillfactor = 70)"))
        inside = f"id bigint NOT NULL{'' if partitioned else identity}, CONSTRAINT {table[4:]}_pkey PRIMARY KEY (id)"
        made = f"CREATE {'' if partitioned else form}TABLE {table} ({inside}){ending}"
        yield Element(table, made, f"DROP TABLE {table}", frozenset({"app"}))
        self.columns[table] = {"id": "bigint"}
        if not form:
            self.plain.append(table)
        if partitioned:
            made = f"CREATE TABLE {table}_rest PARTITION OF {table} DEFAULT"
            yield self._element(f"{table}_rest", made, f"DROP TABLE {table}_rest", table)
        yield from self._comment(f"TABLE {table}", table)
        for number in range(self.rng.randint(2, 6)):
            yield from self._column(table, f"c{number}")
        yield from self._generated(table)
        yield from self._constraints(table, form)
        yield from self._indexes(table)
        yield from self._extras(table, form)
        yield from self._trigger(table)
        yield from self._grants(table)

    def _column(self, table: str, column: str) -> Iterator[Element]:
        kind = self.rng.choice(list(self.types))
        self.columns[table][column] = kind
        collation = ' COLLATE "C"' if kind == "text" and self._likely(0.3) else ""
        ending = " NOT NULL" if self._likely(0.4) else ""
        needs = {table, self.type_needs.get(kind, table)}
        name = f"{table}.{column}"
        drop = f"ALTER TABLE {table} DROP COLUMN {column}"
        yield self._element(name, f"ALTER TABLE {table} ADD COLUMN {column} {kind}{collation}{ending}", drop, *needs)
        defaults = self.types[kind]
        if defaults and self._likely(0.5):
            value = self.rng.choice(defaults)
            if kind == "bigint" and self._likely(0.5):
                value, needs = "nextval('app.s0')", {*needs, "app.s0"}
            needs = {*needs, "app.f0"} if "app.f0" in value else needs
            head = f"ALTER TABLE {table} ALTER COLUMN {column}"
            yield self._element(f"{name} default", f"{head} SET DEFAULT {value}", f"{head} DROP DEFAULT", name, *needs)
        yield from self._comment(f"COLUMN {name}", name)

    def _generated(self, table: str) -> Iterator[Element]:
        expression, need = self.rng.choice((("id * 2", table), ("id + 1", table), ("app.f0(id::integer)", "app.f0")))
        made = f"ALTER TABLE {table} ADD COLUMN computed bigint GENERATED ALWAYS AS ({expression}) STORED"
        drop = f"ALTER TABLE {table} DROP COLUMN computed"
        yield self._element(f"{table}.computed", made, drop, table, need)
        self.columns[table]["computed"] = "bigint"

    def _pick(self, table: str, *kinds: str) -> str | None:
        found = [c for c, kind in self.columns[table].items() if kind in kinds and c != "id"]
        return self.rng.choice(found) if found else None

    def _constraints(self, table: str, form: str) -> Iterator[Element]:
        bare, head = table[4:], f"ALTER TABLE {table}"
        lenient = "" if form or self._likely(0.6) else " NOT VALID"
        possible = [
            ("check", f"CHECK (id > {self.rng.randint(0, 2)}){lenient}", ()),
            ("call_check", f"CHECK (app.f0(id::integer) > 0){lenient}", ("app.f0",)),
        ]
        if column := self._pick(table, "bigint", "integer", "uuid", "date", "inet"):
            needs = (f"{table}.{column}",)
            way = self.rng.choice(("", " NULLS NOT DISTINCT"))
            later = self.rng.choice(("", " DEFERRABLE", " DEFERRABLE INITIALLY DEFERRED"))
            possible.append(("key", f"UNIQUE{way} (id, {column}){later}", needs))
            if not form:
                possible.append(("excl", f"EXCLUDE USING btree (id WITH =, {column} WITH =) WHERE (id > 3)", needs))
        for suffix, definition, needs in possible:
            name = f"{bare}_{suffix}"
            made, drop = f"{head} ADD CONSTRAINT {name} {definition}", f"{head} DROP CONSTRAINT {name}"
            yield self._element(f"app.{name}", made, drop, table, *needs)
            yield from self._comment(f"CONSTRAINT {name} ON {table}", table, f"app.{name}")

    def _indexes(self, table: str) -> Iterator[Element]:
        forms = [
            ("a", "(id DESC) WHERE id > 5", ()),
            ("b", "((id % 7), id)", ()),
            ("c", "(app.f0(id::integer))", ("app.f0",)),
        ]
        if column := self._pick(table, "text", "character varying(40)"):
            forms += [
                ("d", f"(lower({column}))", (f"{table}.{column}",)),
                ("e", f"(id) INCLUDE ({column})", (f"{table}.{column}",)),
            ]
        if column := self._pick(table, "jsonb", "text[]"):
            forms.append(("f", f"USING gin ({column})", (f"{table}.{column}",)))
        for suffix, definition, needs in self.rng.sample(forms, self.rng.randint(1, len(forms))):
            name = f"{table}_{suffix}_idx"
            yield self._element(
                name, f"CREATE INDEX {name[4:]} ON {table} {definition}", f"DROP INDEX {name}", table, *needs
            )
            yield from self._comment(f"INDEX {name}", name)

    def _extras(self, table: str, form: str) -> Iterator[Element]:
        head = f"ALTER TABLE {table}"
        if form != "partitioned":
            way = self.rng.choice(("FULL", "NOTHING", f"USING INDEX {table[4:]}_pkey"))
            yield self._element(
                f"{table} replica", f"{head} REPLICA IDENTITY {way}", f"{head} REPLICA IDENTITY DEFAULT", table
            )
        if column := self._pick(table, "text", "jsonb", "bytea"):
            for name, up, down in (
                ("statistics", "STATISTICS 500", "STATISTICS -1"),
                ("storage", "STORAGE EXTERNAL", "STORAGE EXTENDED"),
            ):
                alter = f"{head} ALTER COLUMN {column} SET"
                yield self._element(f"{table}.{column} {name}", f"{alter} {up}", f"{alter} {down}", f"{table}.{column}")
        if column := self._pick(table, "bigint", "integer", "text"):
            made = f"CREATE STATISTICS {table}_stat ON id, {column} FROM {table}"
            yield self._element(f"{table}_stat", made, f"DROP STATISTICS {table}_stat", table, f"{table}.{column}")
        if table == "app.t0" and form != "partitioned":
            owned = f"ALTER SEQUENCE app.s0 OWNED BY {table}.id"
            if form != "UNLOGGED ":
                yield self._element("app.s0 owner", owned, "ALTER SEQUENCE app.s0 OWNED BY NONE", table, "app.s0")

    def _trigger(self, table: str) -> Iterator[Element]:
        when, name = self.rng.choice(("UPDATE", "INSERT OR UPDATE", "UPDATE OF id")), f"{table}_touch_tg"
        made = f"CREATE TRIGGER {name[4:]} BEFORE {when} ON {table} FOR EACH ROW EXECUTE FUNCTION app.touch()"
        yield self._element(name, made, f"DROP TRIGGER {name[4:]} ON {table}", table, "app.touch")
        state, head = self.rng.choice(("DISABLE", "ENABLE ALWAYS", "ENABLE REPLICA")), f"ALTER TABLE {table}"
        yield self._element(
            f"{name} state", f"{head} {state} TRIGGER {name[4:]}", f"{head} ENABLE TRIGGER {name[4:]}", name
        )

    def _grants(self, table: str) -> Iterator[Element]:
        rights = self.rng.choice(("SELECT", "SELECT, INSERT", "ALL"))
        option = self.rng.choice(("", "", " WITH GRANT OPTION"))
        up = f"GRANT {rights} ON {table} TO aias_identity{option}"
        yield Element(f"{table} grant", up, f"REVOKE ALL ON {table} FROM aias_identity", frozenset({"app", table}))
        column = self.rng.choice(list(self.columns[table]))
        needs = {"app", table} if column == "id" else {"app", table, f"{table}.{column}"}
        up, down = f"GRANT SELECT (id, {column}) ON {table} TO aias_router", f"REVOKE ALL ON {table} FROM aias_router"
        yield Element(f"{table} column grant", up.replace("(id, id)", "(id)"), down, frozenset(needs))

    def _reference(self, table: str) -> Iterator[Element]:
        other = f"app.t{self.rng.randrange(self.tables)}"
        if table not in self.plain or other not in self.plain:
            return
        made = f"ALTER TABLE {table} ADD COLUMN other_id bigint"
        yield self._element(f"{table}.other_id", made, f"ALTER TABLE {table} DROP COLUMN other_id", table)
        self.columns[table]["other_id"] = "bigint"
        name = f"{table[4:]}_other_id_fkey"
        ending = self.rng.choice(("", " ON DELETE CASCADE", " ON DELETE RESTRICT NOT VALID", " DEFERRABLE"))
        made = f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (other_id) REFERENCES {other} (id){ending}"
        drop = f"ALTER TABLE {table} DROP CONSTRAINT {name}"
        yield self._element(f"app.{name}", made, drop, f"{table}.other_id", other)

    def _views(self, number: int) -> Iterator[Element]:
        table, view = f"app.t{number}", f"app.v{number}"
        chosen = self.rng.sample(list(self.columns[table]), min(2, len(self.columns[table])))
        needs = {table, *(f"{table}.{c}" for c in chosen if c != "id")}
        listed = ", ".join(f"x.{c}" for c in dict.fromkeys(["id", *chosen]))
        option = self.rng.choice(("", " WITH (security_barrier = true)", " WITH (security_invoker = true)"))
        call, more = (", app.f0(x.id::integer) AS called", {"app.f0"}) if self._likely(0.4) else ("", set())
        made = f"CREATE VIEW {view}{option} AS SELECT {listed}{call} FROM {table} x"
        yield self._element(view, made, f"DROP VIEW {view}", *needs, *more)
        yield from self._comment(f"VIEW {view}", view)
        yield from self._comment(f"COLUMN {view}.id", view)
        made = f"CREATE MATERIALIZED VIEW {view}_kept AS SELECT a.id, count(*) AS n FROM {view} a GROUP BY a.id"
        yield self._element(f"{view}_kept", made, f"DROP MATERIALIZED VIEW {view}_kept", view)
        made = f"CREATE UNIQUE INDEX v{number}_kept_idx ON {view}_kept (id)"
        yield self._element(f"{view}_kept_idx", made, f"DROP INDEX {view}_kept_idx", f"{view}_kept")
        body = f"BEGIN ATOMIC SELECT v.id FROM {view} v ORDER BY v.id LIMIT {self.rng.randint(1, 3)}; END"
        made = f"CREATE FUNCTION app.from_v{number}() RETURNS bigint LANGUAGE sql {body}"
        yield self._element(f"app.from_v{number}", made, f"DROP FUNCTION app.from_v{number}()", view)
        made = f"CREATE FUNCTION app.rows_t{number}() RETURNS SETOF {table} LANGUAGE sql AS 'SELECT * FROM {table}'"
        yield self._element(f"app.rows_t{number}", made, f"DROP FUNCTION app.rows_t{number}()", table)

    def _row_security(self, table: str) -> Iterator[Element]:
        head = f"ALTER TABLE {table}"
        for name, up, down in (("enabled", "ENABLE", "DISABLE"), ("forced", "FORCE", "NO FORCE")):
            rows = "ROW LEVEL SECURITY"
            yield self._element(f"{table} {name}", f"{head} {up} {rows}", f"{head} {down} {rows}", table)
        other = f"app.t{self.rng.randrange(self.tables)}"
        condition, need = self.rng.choice(
            (("id > 4", table), ("app.f0(id::integer) > 0", "app.f0"), (f"id IN (SELECT o.id FROM {other} o)", other))
        )
        command = self.rng.choice(
            (
                f"USING ({condition})",
                f"FOR INSERT TO {{role}} WITH CHECK ({condition})",
                f"AS RESTRICTIVE FOR SELECT USING ({condition})",
            )
        )
        yield self._element(
            f"{table} policy", f"CREATE POLICY own ON {table} {command}", f"DROP POLICY own ON {table}", table, need
        )
        yield from self._comment(f"POLICY own ON {table}", f"{table} policy")
