"""More than 500 statements that hold nobody up and lose nothing, no two of one shape; a test executes every one."""

from __future__ import annotations

from collections.abc import Iterator

from support.corpus import Example, read_examples

ALONE = "-- aias: transaction = none\n"
MIGRATE = "-- aias: phase = migrate\n"
CONTRACT = "-- aias: phase = contract\n"
NEW = """
CREATE TABLE fresh (id bigint PRIMARY KEY, org_id bigint NOT NULL, at timestamptz, tags text[], doc jsonb, n int);
"""

TYPES = (
    "text|bigint|int|smallint|boolean|date|timestamptz|timestamp with time zone|time|timetz|interval|interval day|uuid"
    "|jsonb|bytea|inet|cidr|macaddr|macaddr8|numeric|numeric(12, 2)|decimal(6)|tsvector|tsquery|point|box|path|circle"
    "|int4range|int8range|numrange|tstzrange|daterange|int4multirange|text[]|bigint[]|uuid[]|jsonb[][]|xml|bit(8)"
    "|varbit|varbit(8)|order_status|amount|order_status[]|jsonpath|pg_lsn|oid|name|char(3)"
)
DEFAULTS = (
    "text 'web'|text NOT NULL 'web'|bigint 0|int -1|boolean false|jsonb '{}'::jsonb|jsonb NOT NULL '[]'"
    "|text[] ARRAY[]::text[]"
    "|text[] ARRAY['a', 'b']|timestamptz CURRENT_TIMESTAMP|timestamptz now()|timestamptz pg_catalog.now()"
    "|date CURRENT_DATE|time LOCALTIME|timestamptz transaction_timestamp()|timestamptz statement_timestamp()"
    "|text lower('WEB')|text concat('a', 'b')|int 1 + 2 * 3|text CURRENT_USER|text session_user"
    "|text current_setting('a.b', true)"
    "|text NULL|interval interval '1 day'|interval make_interval(days => 1)|date date '2026-01-01'"
    "|timestamptz to_timestamp(0)|text coalesce(NULL, 'x')|int CASE WHEN true THEN 1 ELSE 2 END|text md5('x')"
    "|bytea '\\x00'::bytea|varbit B'101'|int greatest(1, 2)|jsonb jsonb_build_object('a', 1)|text nullif('a', 'b')"
    "|timestamptz now() + interval '30 days'|date (now() AT TIME ZONE 'UTC')::date|int4range int4range(1, 10)"
    "|uuid '00000000-0000-0000-0000-000000000000'|order_status 'active'|text current_database()|int length('abc')"
    "|text to_char(now(), 'YYYY')|numeric(10, 2) 1.50|text repeat('x', 3)|inet '127.0.0.1'::inet|text trim(' a ')"
)
CHECKS = (
    "qty > 0|qty >= 0 AND qty < 100000|qty BETWEEN 0 AND 10|qty IS NOT NULL|region IN ('eu', 'us')"
    "|region = ANY (ARRAY['eu'])"
    "|length(ref) BETWEEN 1 AND 64|ref ~ '^[0-9]+$'|ref !~ ' '|ref LIKE 'A%'|ref NOT LIKE '% %'|ref ILIKE 'a%'"
    "|lower(ref) = ref|(qty > 0) OR (note IS NOT NULL)|NOT (qty = 13)|qty IS DISTINCT FROM 13|status <> 'paused'"
    "|num_nonnulls(ref, note) >= 1|octet_length(code) <= 20|price * qty < 1000000|coalesce(qty, 0) >= 0"
    "|CASE WHEN qty > 5 THEN note IS NOT NULL ELSE true END|created_at > '2000-01-01'"
    "|created_at IS NULL OR region <> ''"
    "|position('@' in note) = 0|(qty IS NULL) = (note IS NULL)|due >= 0|fee + price > 0|abs(qty) < 5"
    "|note SIMILAR TO '[a-z]*'"
)
KEYS = (
    "FOREIGN KEY (user_id) REFERENCES users|FOREIGN KEY (user_id) REFERENCES users (id)"
    "|FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE"
    "|FOREIGN KEY (user_id) REFERENCES users ON DELETE RESTRICT"
    "|FOREIGN KEY (user_id) REFERENCES users ON DELETE SET NULL"
    "|FOREIGN KEY (user_id) REFERENCES users ON UPDATE CASCADE"
    "|FOREIGN KEY (user_id) REFERENCES users MATCH FULL|FOREIGN KEY (user_id) REFERENCES users DEFERRABLE"
    "|FOREIGN KEY (user_id) REFERENCES users DEFERRABLE INITIALLY DEFERRED"
    "|FOREIGN KEY (user_id) REFERENCES users ON DELETE SET DEFAULT ON UPDATE RESTRICT"
)
STORAGE = (
    "fillfactor = 90|autovacuum_enabled = true|autovacuum_vacuum_threshold = 100|autovacuum_analyze_scale_factor = 0.01"
    "|autovacuum_vacuum_cost_limit = 500|autovacuum_freeze_max_age = 100000000|parallel_workers = 4"
    "|toast_tuple_target = 4096"
    "|log_autovacuum_min_duration = 0|vacuum_truncate = false|toast.autovacuum_enabled = true"
    "|autovacuum_vacuum_insert_threshold = 9"
)
COLUMN_CHANGES = (
    "region SET DEFAULT 'eu'|created_at SET DEFAULT now()|qty SET DEFAULT 1|qty SET DEFAULT NULL"
    "|note SET DEFAULT lower('A')"
    "|note SET STATISTICS 500|note SET STORAGE EXTERNAL|note SET STORAGE MAIN|note SET COMPRESSION pglz"
    "|qty SET (n_distinct = 5)"
    "|qty RESET (n_distinct)|code TYPE varchar(80)|code TYPE text|code TYPE varchar"
    "|code SET DATA TYPE character varying(21)"
    "|fee TYPE numeric(11, 2)|fee TYPE numeric|price TYPE numeric(38, 2)|note TYPE varchar|note TYPE text"
    "|region SET NOT NULL|price SET NOT NULL|id SET NOT NULL|id SET GENERATED ALWAYS|id SET CACHE 10"
    "|id SET INCREMENT BY 2"
)
TABLE_CHANGES = (
    'ADD COLUMN IF NOT EXISTS remark text|ADD remark text, ADD tag text|ADD COLUMN remark text COLLATE "C"'
    "|ADD remark text NULL"
    "|ADD COLUMN remark text STORAGE EXTERNAL|ADD COLUMN d int GENERATED ALWAYS AS (qty + 1) VIRTUAL"
    "|CLUSTER ON orders_pkey"
    "|SET WITHOUT CLUSTER|REPLICA IDENTITY DEFAULT|REPLICA IDENTITY USING INDEX orders_pkey|REPLICA IDENTITY NOTHING"
    "|ENABLE TRIGGER ALL|ENABLE ROW LEVEL SECURITY|ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
    "|RENAME CONSTRAINT orders_region_check TO orders_area_check|OWNER TO aias_owner"
    "|ALTER CONSTRAINT orders_user_fkey DEFERRABLE"
    "|RESET (fillfactor)|VALIDATE CONSTRAINT orders_fee_check|VALIDATE CONSTRAINT orders_region_check"
    "|ADD CONSTRAINT n NOT NULL ref NOT VALID|ADD CONSTRAINT n NOT NULL region|ADD CONSTRAINT n NOT NULL qty NOT VALID"
)
NEW_TABLES = (
    "(id bigint PRIMARY KEY)|(id uuid PRIMARY KEY)|(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)"
    "|(a bigint, b bigint, PRIMARY KEY (a, b))"
    "|(id bigint GENERATED BY DEFAULT AS IDENTITY (START 10) PRIMARY KEY)|(id bigint PRIMARY KEY, a text UNIQUE)"
    "|(id bigint PRIMARY KEY, a text NOT NULL)|(id bigint PRIMARY KEY, a text CHECK (a <> ''))"
    "|(id bigint PRIMARY KEY, a uuid DEFAULT gen_random_uuid())"
    "|(id bigint PRIMARY KEY, a numeric GENERATED ALWAYS AS (id * 2) STORED)"
    "|(id bigint PRIMARY KEY, a numeric GENERATED ALWAYS AS (id * 2) VIRTUAL)"
    "|(id bigint PRIMARY KEY, user_id bigint REFERENCES users)"
    "|(id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE)"
    "|(id bigint, during tstzrange, EXCLUDE USING gist (during WITH &&))"
    "|(id bigint, u bigint, FOREIGN KEY (u) REFERENCES users (id) DEFERRABLE)"
    "|(LIKE orders)|(LIKE orders INCLUDING ALL)|(LIKE orders INCLUDING DEFAULTS INCLUDING INDEXES)"
    "|(LIKE orders EXCLUDING CONSTRAINTS, extra text)"
    "|(id bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp())"
    "|(id bigint, at timestamptz) PARTITION BY RANGE (at)"
    "|(id bigint, region text) PARTITION BY LIST (region)|(id bigint) PARTITION BY HASH (id)"
    "|(id bigint, at date) PARTITION BY RANGE (at, id)"
    "|(id bigint PRIMARY KEY) WITH (fillfactor = 70)|(id bigint, n text, UNIQUE NULLS NOT DISTINCT (id, n))"
    '|(a text COLLATE "C")'
    "|(id bigint, CONSTRAINT made_id_check CHECK (id > 0) NO INHERIT)"
    "|(id bigint PRIMARY KEY, price_pico bigint, currency char(3))"
    "|(a jsonb, b bytea, c inet, d uuid[], e daterange)|AS SELECT id FROM orders WITH NO DATA|AS TABLE users"
    "|AS VALUES (1), (2)|()"
)
NEW_INDEXES = (
    "(n)|(n DESC)|(n DESC NULLS LAST)|(n, at)|USING hash (n)|USING gin (tags)|USING gin (doc jsonb_path_ops)"
    "|USING brin (at)"
    "|USING brin (at) WITH (pages_per_range = 32)|(lower(tags[1]))|((doc ->> 'a'))|(n) WHERE at IS NULL"
    "|(n) INCLUDE (at)"
    "|(n) WITH (fillfactor = 80)|((n + 1)) WHERE n > 0|USING btree (org_id int8_ops)"
    "|USING gist (int8range(id, id + 1))|(n) NULLS NOT DISTINCT"
)
ON_NEW = (
    "UPDATE fresh SET n = 1|DELETE FROM fresh|TRUNCATE fresh|DROP TABLE fresh|ALTER TABLE fresh DROP COLUMN n"
    "|LOCK TABLE fresh"
    "|ALTER TABLE fresh ALTER n TYPE bigint|ALTER TABLE fresh ALTER n SET NOT NULL"
    "|ALTER TABLE fresh ALTER org_id DROP NOT NULL"
    "|ALTER TABLE fresh ADD UNIQUE (n)|ALTER TABLE fresh DROP CONSTRAINT fresh_pkey, ADD PRIMARY KEY (id, n)"
    "|ALTER TABLE fresh ADD CHECK (n > 0)"
    "|ALTER TABLE fresh ADD FOREIGN KEY (org_id) REFERENCES fresh|ALTER TABLE fresh ADD u bigint REFERENCES fresh (id)"
    "|ALTER TABLE fresh ADD t uuid DEFAULT gen_random_uuid()|ALTER TABLE fresh ADD g int GENERATED ALWAYS AS (n) STORED"
    "|ALTER TABLE fresh ADD i bigint GENERATED ALWAYS AS IDENTITY|ALTER TABLE fresh ADD x text NOT NULL"
    "|ALTER TABLE fresh RENAME n TO m"
    "|ALTER TABLE fresh RENAME TO fresher|ALTER TABLE fresh SET UNLOGGED"
    "|ALTER TABLE fresh ADD EXCLUDE USING btree (n WITH =)"
    "|CREATE TRIGGER fresh_touch_tg BEFORE UPDATE ON fresh FOR EACH ROW EXECUTE FUNCTION touch()|REINDEX TABLE fresh"
    "|CREATE POLICY p ON fresh USING (org_id = 1)|CLUSTER fresh USING fresh_pkey"
    "|INSERT INTO fresh (id, org_id) SELECT id, 1 FROM orders"
    "|ALTER TABLE fresh ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY|CREATE VIEW v AS SELECT id FROM fresh"
    "|DELETE FROM fresh WHERE n = 1"
    "|CREATE MATERIALIZED VIEW m AS SELECT id FROM fresh; CREATE UNIQUE INDEX ON m (id); REFRESH MATERIALIZED VIEW m"
    "|CREATE TABLE part (LIKE fresh); ALTER TABLE part INHERIT fresh"
    "|CREATE RULE r AS ON DELETE TO fresh DO INSTEAD NOTHING"
    "|ALTER TABLE fresh ALTER n SET DEFAULT 1, ALTER n DROP DEFAULT|COMMENT ON TABLE fresh IS 'x'"
    "|CREATE INDEX i ON fresh (n); DROP INDEX i|DO $$ BEGIN UPDATE fresh SET n = 2; TRUNCATE fresh; END $$"
    "|CREATE STATISTICS s ON id, n FROM fresh"
)
OBJECTS = (
    "CREATE SCHEMA archive|CREATE SCHEMA IF NOT EXISTS archive AUTHORIZATION aias_owner|CREATE SEQUENCE s"
    "|CREATE SEQUENCE s AS bigint START 100 CACHE 10"
    "|CREATE TYPE mood AS ENUM ('sad', 'ok')|CREATE TYPE pair AS (a int, b text)"
    "|CREATE TYPE r AS RANGE (subtype = float8)"
    "|CREATE DOMAIN positive AS bigint CHECK (VALUE > 0)|CREATE DOMAIN label AS text NOT NULL"
    "|CREATE VIEW v AS SELECT id FROM orders"
    "|CREATE VIEW v WITH (security_invoker = true) AS SELECT 1 AS a"
    "|CREATE OR REPLACE VIEW open_orders AS SELECT id, region FROM orders WHERE qty > 0"
    "|CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM orders WITH NO DATA|CREATE RECURSIVE VIEW v (n) AS VALUES (1)"
    "|CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"
    "|CREATE FUNCTION f(a int, b int DEFAULT 2) RETURNS int LANGUAGE sql IMMUTABLE RETURN a + b"
    "|CREATE FUNCTION f() RETURNS void LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END"
    "|CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $f$ BEGIN RETURN 1; END $f$"
    "|CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN NEW.note := 'TRUNCATE'; RETURN NEW; END $f$"
    "|CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT 1'"
    "|CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $f$ BEGIN DELETE FROM orders; END $f$"
    "|CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN RETURN NULL; END $f$"
    "|CREATE FUNCTION f() RETURNS SETOF orders LANGUAGE sql STABLE AS 'SELECT * FROM orders'"
    "|CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1'"
    "|CREATE PROCEDURE p() LANGUAGE plpgsql AS $f$ DECLARE r int; BEGIN FOR r IN 1..2 LOOP NULL; END LOOP; END $f$"
    "|CREATE AGGREGATE total (int) (SFUNC = int4pl, STYPE = int, INITCOND = '0')"
    "|CREATE STATISTICS s ON user_id, region FROM orders"
    "|CREATE STATISTICS s (ndistinct) ON qty, region FROM orders|CREATE CAST (order_status AS bigint) WITH INOUT"
    "|CREATE ROLE reporter NOLOGIN"
    '|CREATE COLLATION c FROM "C"|CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)'
    "|CREATE PUBLICATION p FOR TABLE orders"
    "|CREATE TRIGGER t AFTER UPDATE ON orders FOR EACH STATEMENT EXECUTE FUNCTION touch()"
    "|CREATE TRIGGER t AFTER DELETE ON orders EXECUTE FUNCTION touch()"
    "|CREATE TRIGGER t BEFORE UPDATE ON orders FOR EACH ROW WHEN (OLD.qty <> NEW.qty) EXECUTE FUNCTION touch()"
    "|CREATE TRIGGER t BEFORE UPDATE OF note ON orders FOR EACH ROW WHEN (NEW.note IS NULL) EXECUTE FUNCTION touch()"
    "|CREATE TRIGGER t AFTER INSERT ON orders REFERENCING NEW TABLE AS n EXECUTE FUNCTION touch()"
    "|CREATE TEMP TABLE scratch (id int)"
    "|CREATE UNLOGGED TABLE scratch (id bigint)|ALTER SEQUENCE orders_id_seq CACHE 20"
    "|ALTER SEQUENCE orders_id_seq INCREMENT BY 5 NO CYCLE"
    "|CREATE SEQUENCE s; ALTER SEQUENCE s OWNED BY orders.qty|ALTER SEQUENCE orders_id_seq MAXVALUE 1000000"
    "|ALTER INDEX orders_region_idx SET (fillfactor = 80)"
    "|ALTER INDEX orders_region_idx RESET (fillfactor)|ALTER INDEX IF EXISTS orders_region_idx RENAME TO x"
    "|ALTER VIEW open_orders SET (security_barrier = true)"
    "|ALTER VIEW open_orders ALTER COLUMN region SET DEFAULT 'eu'|ALTER FUNCTION touch() STABLE"
    "|ALTER FUNCTION touch() SET search_path = pg_catalog"
    "|ALTER FUNCTION touch() RENAME TO touched|ALTER FUNCTION touch() OWNER TO aias_owner"
    "|ALTER TYPE order_status ADD VALUE 'old' BEFORE 'active'"
    "|ALTER TYPE order_status ADD VALUE IF NOT EXISTS 'old' AFTER 'active'|ALTER TYPE order_status OWNER TO aias_owner"
    "|ALTER DOMAIN amount ADD CONSTRAINT c CHECK (VALUE > 0) NOT VALID|ALTER DOMAIN amount SET DEFAULT 0"
    "|ALTER DOMAIN amount DROP NOT NULL"
    "|ALTER POLICY tenant ON invoices USING (org_id = 2)|ALTER POLICY tenant ON invoices TO app_reader"
    "|ALTER POLICY tenant ON invoices RENAME TO owner"
    "|CREATE POLICY p ON invoices USING (org_id = 1)|CREATE POLICY p ON invoices FOR SELECT TO app_reader USING (true)"
    "|CREATE POLICY p ON invoices AS RESTRICTIVE USING (true)"
    "|CREATE POLICY p ON invoices FOR INSERT WITH CHECK (org_id > 0)"
    "|DROP POLICY tenant ON invoices; CREATE POLICY tenant ON invoices USING (org_id = 3)"
    "|ALTER TABLE invoices ENABLE ALWAYS TRIGGER invoices_touch"
    "|ALTER TABLE invoices FORCE ROW LEVEL SECURITY"
    "|ALTER MATERIALIZED VIEW sales_by_day SET (autovacuum_enabled = false)"
    "|ALTER TRIGGER invoices_touch ON invoices RENAME TO invoices_touch_tg"
    ""
)
RIGHTS = (
    "GRANT SELECT ON orders TO app_reader|GRANT SELECT, INSERT ON TABLE orders, users TO app_reader"
    "|GRANT SELECT (id, ref) ON orders TO app_reader"
    "|GRANT USAGE ON SCHEMA public TO app_reader|GRANT USAGE ON SEQUENCE orders_id_seq TO app_reader"
    "|GRANT EXECUTE ON FUNCTION touch() TO app_reader"
    "|GRANT ALL ON orders TO aias_owner WITH GRANT OPTION"
    "|GRANT SELECT ON ALL TABLES IN SCHEMA public TO app_reader|GRANT USAGE ON TYPE order_status TO app_reader"
    "|GRANT app_reader TO aias_owner|GRANT USAGE ON LANGUAGE plpgsql TO app_reader"
    "|GRANT DELETE ON orders TO CURRENT_USER|GRANT MAINTAIN ON orders TO app_reader"
    "|REVOKE ALL ON orders FROM PUBLIC|REVOKE SELECT ON orders FROM app_reader"
    "|REVOKE EXECUTE ON FUNCTION touch() FROM PUBLIC"
    "|REVOKE CREATE ON SCHEMA public FROM PUBLIC|REVOKE GRANT OPTION FOR SELECT ON orders FROM app_reader"
    "|REVOKE app_reader FROM aias_owner"
    "|ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO app_reader"
    "|ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC"
    "|ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO app_reader"
    "|ALTER ROLE app_reader SET work_mem = '8MB'"
    "|ALTER ROLE app_reader CONNECTION LIMIT 5|ALTER ROLE app_reader NOLOGIN"
    "|ALTER ROLE app_reader NOSUPERUSER NOBYPASSRLS"
)
COMMENTS = (
    "TABLE orders|COLUMN orders.ref|COLUMN public.orders.note|VIEW open_orders|MATERIALIZED VIEW sales_by_day"
    "|INDEX orders_region_idx"
    "|SEQUENCE orders_id_seq|FUNCTION touch()|TYPE order_status|DOMAIN amount|SCHEMA public"
    "|TRIGGER invoices_touch ON invoices"
    "|POLICY tenant ON invoices|CONSTRAINT orders_region_check ON orders|ROLE app_reader"
)
ROWS = (
    "INSERT INTO users VALUES (1000, 'a')|INSERT INTO users (id) VALUES (1001), (1002)"
    "|INSERT INTO users (id, email) SELECT 1003, 'b'"
    "|INSERT INTO users (id) VALUES (1) ON CONFLICT DO NOTHING"
    "|INSERT INTO users (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET email = 'c'"
    "|INSERT INTO legacy DEFAULT VALUES|INSERT INTO users (id) VALUES (1004) RETURNING id"
    "|WITH x AS (SELECT 1005 AS id) INSERT INTO users (id) SELECT id FROM x"
    "|UPDATE orders SET note = 'x' WHERE id = 1|UPDATE orders SET note = 'x' WHERE id IN (1, 2, 3)"
    "|UPDATE orders SET note = 'x' WHERE id = ANY (ARRAY[1, 2])"
    "|UPDATE orders SET note = 'x' WHERE id BETWEEN 1 AND 1000|UPDATE orders SET note = 'x' WHERE id >= 1 AND id < 1000"
    "|UPDATE orders SET note = 'x' WHERE 1 <= id AND 1000 > id AND note IS NULL"
    "|UPDATE orders AS o SET note = 'x' WHERE o.id > 5 AND o.id <= 10"
    "|UPDATE orders SET note = u.email FROM users u WHERE u.id = orders.user_id AND orders.id BETWEEN 1 AND 50"
    "|UPDATE orders SET note = 'x' WHERE id IN (SELECT id FROM orders WHERE note IS NULL LIMIT 100)"
    "|UPDATE orders SET note = 'x' WHERE id IN (SELECT id FROM orders ORDER BY id LIMIT 10 FOR UPDATE SKIP LOCKED)"
    "|UPDATE orders SET note = 'x' WHERE region > 'a' AND region < 'b'"
    "|UPDATE orders SET (note, code) = ('a', 'b') WHERE id = 7"
    "|UPDATE orders SET note = 'x' WHERE ctid = '(0,1)'|UPDATE invoices SET org_id = 2 WHERE id = 9"
    "|UPDATE users SET email = lower(email) WHERE id = 3"
    "|SELECT 1|SELECT count(*) FROM orders|SELECT setval('orders_id_seq', max(id)) FROM orders"
    "|SELECT setval('orders_id_seq', (SELECT max(id) FROM orders))"
    "|SELECT set_config('aias.org_id', '1', true)|SET LOCAL work_mem = '64MB'|SET search_path = public"
    "|SET lock_timeout = '200ms'|SET statement_timeout = '5min'"
    "|RESET work_mem|SHOW work_mem|ANALYZE orders|ANALYZE orders (region)|LISTEN changes|NOTIFY changes, 'x'"
    "|EXPLAIN SELECT 1|VALUES (1)"
    "|REFRESH MATERIALIZED VIEW CONCURRENTLY sales_by_day|DO $$ BEGIN NULL; END $$"
    "|DO $$ BEGIN RAISE NOTICE 'DROP TABLE %', 'x'; END $$"
    "|DO $$ DECLARE n int; BEGIN SELECT count(*) INTO n FROM orders; IF n < 0 THEN RAISE EXCEPTION 'no'; END IF; END $$"
    "|DO $$ BEGIN UPDATE orders SET note = 'x' WHERE id > 10 AND id <= 20; END $$"
    "|DO $$ BEGIN ALTER TABLE orders ADD COLUMN remark text; END $$"
    "|DO $$ BEGIN EXECUTE 'COMMENT ON TABLE orders IS ''x'''; END $$"
    "|DO $$ BEGIN PERFORM 1; EXCEPTION WHEN OTHERS THEN NULL; END $$"
)
DELETES = (
    "DELETE FROM orders WHERE id = 1|DELETE FROM orders WHERE id BETWEEN 1 AND 10"
    "|DELETE FROM orders WHERE id > 1 AND id <= 5 RETURNING id"
    "|DELETE FROM orders WHERE id IN (SELECT id FROM orders WHERE qty = 1 LIMIT 10)"
    "|DELETE FROM orders o USING users u WHERE u.id = o.user_id AND o.id = 5"
)
REMOVALS = (
    "ALTER TABLE orders DROP COLUMN note|ALTER TABLE orders ALTER price DROP NOT NULL|DROP TABLE legacy"
    "|DROP TABLE IF EXISTS bookings"
    "|ALTER TABLE orders ALTER region DROP DEFAULT|ALTER TABLE orders DROP CONSTRAINT orders_region_check"
    "|DROP TRIGGER invoices_touch ON invoices"
    "|ALTER TABLE legacy RENAME TO legacy_old|DROP VIEW open_regions|DROP MATERIALIZED VIEW sales_by_day"
    "|ALTER TABLE orders DROP note, DROP code"
)
ALONE_STATEMENTS = (
    "CREATE INDEX CONCURRENTLY i ON orders (user_id)|CREATE UNIQUE INDEX CONCURRENTLY i ON orders (user_id, id)"
    "|CREATE INDEX CONCURRENTLY ON orders USING hash (ref)"
    "|CREATE INDEX CONCURRENTLY i ON orders (lower(note)) WHERE note IS NOT NULL"
    "|CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON users (email) INCLUDE (id)"
    "|DROP INDEX CONCURRENTLY orders_region_idx|DROP INDEX CONCURRENTLY IF EXISTS nothing"
    "|REINDEX INDEX CONCURRENTLY orders_pkey|REINDEX TABLE CONCURRENTLY orders"
    "|REINDEX (CONCURRENTLY, VERBOSE) TABLE users|ALTER TABLE events DETACH PARTITION events_2026_01 CONCURRENTLY"
    "|VACUUM orders|VACUUM (ANALYZE) orders"
    "|VACUUM (FULL false) users"
    "|ALTER TABLE orders ADD CONSTRAINT c CHECK (qty > 0) NOT VALID; ALTER TABLE orders VALIDATE CONSTRAINT c"
)
BOUNDS = "(at >= '2026-02-01' AND at < '2026-03-01')"
AFTER_EARLIER_FILES = (
    (
        "CREATE UNIQUE INDEX k ON legacy (id); ALTER TABLE legacy ADD CONSTRAINT n CHECK (id IS NOT NULL)",
        "ALTER TABLE legacy ADD CONSTRAINT legacy_pkey PRIMARY KEY USING INDEX k",
    ),
    (
        "ALTER TABLE legacy ADD CONSTRAINT n CHECK (id IS NOT NULL); ALTER TABLE legacy ALTER id SET NOT NULL",
        "ALTER TABLE legacy DROP CONSTRAINT n",
    ),
    (
        "ALTER TABLE orders ADD CONSTRAINT n CHECK (ref IS NOT NULL) NOT VALID;"
        "ALTER TABLE orders VALIDATE CONSTRAINT n",
        "ALTER TABLE orders ALTER ref SET NOT NULL",
    ),
    (
        "ALTER TABLE orders ADD CONSTRAINT n NOT NULL ref NOT VALID; ALTER TABLE orders VALIDATE CONSTRAINT n",
        "ALTER TABLE orders ALTER COLUMN ref SET NOT NULL, ALTER COLUMN note SET DEFAULT ''",
    ),
    (
        "ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users NOT VALID",
        "ALTER TABLE orders VALIDATE CONSTRAINT f",
    ),
    (
        f"ALTER TABLE events_2026_02 ADD CONSTRAINT b CHECK {BOUNDS}",
        "ALTER TABLE events ATTACH PARTITION events_2026_02 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')",
    ),
    (
        f"ALTER TABLE visits_2026_02 ADD CONSTRAINT b CHECK {BOUNDS};"
        f"ALTER TABLE visits_rest ADD CONSTRAINT b CHECK (NOT {BOUNDS})",
        "ALTER TABLE visits ATTACH PARTITION visits_2026_02 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')",
    ),
    (
        "CREATE FUNCTION steady() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1'",
        "ALTER TABLE orders ADD COLUMN remark int DEFAULT steady()",
    ),
    (
        "CREATE INDEX events_id_idx ON ONLY events (id); CREATE INDEX part_id_idx ON events_2026_01 (id)",
        "ALTER INDEX events_id_idx ATTACH PARTITION part_id_idx",
    ),
    ("CREATE TABLE aias.orders (id bigint, code varchar(5))", "ALTER TABLE aias.orders ALTER code TYPE varchar(6)"),
    (
        "ALTER TABLE users ADD COLUMN key bigint; CREATE UNIQUE INDEX users_key_key ON users (key)",
        "ALTER TABLE users ADD CONSTRAINT users_key_key UNIQUE USING INDEX users_key_key DEFERRABLE",
    ),
)


def iter_safe_examples() -> Iterator[Example]:
    """The look-alikes first, then one example for each piece above."""
    yield from read_examples("look_alikes.sql")
    yield from _expand("ALTER TABLE orders ADD COLUMN extra {}", TYPES)
    yield from _expand('ALTER TABLE IF EXISTS public."users" ADD IF NOT EXISTS "Extra" {} NULL', TYPES)
    for default in DEFAULTS.split("|"):
        name, _, value = default.replace("timestamp with", "timestamp_with").partition(" ")
        null, value = ("NOT NULL ", value[9:]) if value.startswith("NOT NULL ") else ("", value)
        if name.startswith("numeric(10,"):
            name, value = "numeric(10, 2)", value.partition(") ")[2]
        yield _safe(f"ALTER TABLE orders ADD COLUMN extra {name} {null}DEFAULT {value}")
    yield from _expand("ALTER TABLE orders ADD CONSTRAINT c CHECK ({}) NOT VALID", CHECKS)
    yield from _expand("ALTER TABLE orders ADD CONSTRAINT f {} NOT VALID", KEYS)
    yield from _expand("ALTER TABLE orders SET ({})", STORAGE)
    yield from _expand("ALTER TABLE orders ALTER COLUMN {}", COLUMN_CHANGES)
    yield from _expand("ALTER TABLE orders {}", TABLE_CHANGES, before=_BEFORE_CHANGES)
    yield from _expand("CREATE TABLE made {}", NEW_TABLES)
    yield from _expand(NEW + "CREATE INDEX ON fresh {}", NEW_INDEXES)
    yield from _expand(
        NEW + "CREATE UNIQUE INDEX ON fresh {}", "(n)|(lower(tags[1]), n)|(n) WHERE at IS NULL|(n, id) INCLUDE (at)"
    )
    yield from _expand(NEW + "{}", ON_NEW)
    yield from _expand("{}", OBJECTS)
    yield from _expand("{}", RIGHTS)
    yield from _expand("COMMENT ON {} IS 'DELETE FROM orders; DROP TABLE orders CASCADE; -- TRUNCATE'", COMMENTS)
    yield from _expand("{}", ROWS)
    yield from _expand(MIGRATE + "{}", DELETES)
    yield from _expand(CONTRACT + "{}", REMOVALS)
    yield from _expand(ALONE + "{}", ALONE_STATEMENTS)
    yield from (_safe(text, before) for before, text in AFTER_EARLIER_FILES)


_BEFORE_CHANGES = "ALTER TABLE orders ADD CONSTRAINT orders_user_fkey FOREIGN KEY (user_id) REFERENCES users"


def _expand(template: str, pieces: str, before: str = "") -> Iterator[Example]:
    for piece in pieces.split("|"):
        yield _safe(template.replace("{}", piece, 1), before)


def _safe(text: str, before: str = "") -> Example:
    return Example("safe", "", text, before)
