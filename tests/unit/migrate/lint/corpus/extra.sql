--- X1 unbounded-batch
UPDATE orders SET region = 'eu' WHERE region IS NULL;
---
DELETE FROM public."orders" WHERE "status" = 'paused';
---
UPDATE orders SET region = 'eu' WHERE id > 0;
---
UPDATE orders SET region = 'eu' WHERE (id > 0 AND id < 5000) OR region IS NULL;
---
DELETE FROM orders WHERE id IN (SELECT id FROM legacy);
--- X2 new-enum-value-used
BEGIN; ALTER TYPE order_status ADD VALUE 'archived' AFTER 'paused'; UPDATE orders SET status = 'archived' WHERE id = 1; COMMIT;
---
ALTER TYPE public."order_status" ADD VALUE IF NOT EXISTS 'held' BEFORE 'paused';
ALTER TABLE orders ALTER COLUMN status SET DEFAULT 'held';
--- X3 column-with-check
ALTER TABLE orders ADD COLUMN weight bigint CHECK (weight > 0);
---
ALTER TABLE public."orders" ADD COLUMN a text, ADD "b" text DEFAULT 'x' CONSTRAINT c CHECK ("b" <> '');
--- X4 column-with-unique
ALTER TABLE orders ADD COLUMN slug text UNIQUE;
---
ALTER TABLE public."legacy" ADD "key" bigint PRIMARY KEY;
--- X5 partition-of-existing
CREATE TABLE events_2026_03 PARTITION OF events FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
---
CREATE TABLE IF NOT EXISTS public."visits_2026_03" PARTITION OF "visits" FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
--- X6 index-on-partitioned-table
CREATE INDEX events_at_idx ON events (at);
---
CREATE UNIQUE INDEX "visits_id_at" ON public."visits" (id, at);
--- X7 drop-constraint
ALTER TABLE invoices DROP CONSTRAINT invoices_user_id_fkey;
---
ALTER TABLE public."orders" ADD COLUMN a text, DROP CONSTRAINT IF EXISTS "orders_fee_check";
--- X8 float-column
ALTER TABLE orders ADD COLUMN amount_due double precision;
---
CREATE TABLE "w" (id bigint PRIMARY KEY, share real NOT NULL, other float[]);
--- X9 money-column
ALTER TABLE orders ADD COLUMN amount_due money;
---
CREATE TABLE public.w (id bigint PRIMARY KEY, "price" pg_catalog.money);
--- X10 small-key
CREATE TABLE w (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
---
CREATE TABLE public."w" (id smallint, note text, CONSTRAINT w_pkey PRIMARY KEY (id));
--- X11 text-limit
CREATE TABLE w (id bigint PRIMARY KEY, code char(8), label varchar(40));
---
ALTER TABLE public."orders" ADD COLUMN "label" character varying(100);
--- X12 set-schema
ALTER TABLE orders SET SCHEMA archive;
---
ALTER VIEW IF EXISTS public."open_orders" SET SCHEMA "archive";
--- X13 drop-outside-history
DROP DATABASE shop;
---
DROP SCHEMA IF EXISTS "archive";
---
DROP ROLE app_reader;
---
DROP OWNED BY app_reader;
--- X14 drop-policy
DROP POLICY tenant ON invoices;
---
DROP POLICY IF EXISTS "tenant" ON public."invoices";
--- X15 policy-always-true
CREATE POLICY everyone ON invoices USING (true);
---
CREATE POLICY "all" ON public.invoices FOR INSERT TO PUBLIC WITH CHECK (true);
--- X16 role-attributes
ALTER ROLE app_reader BYPASSRLS;
---
CREATE ROLE "admin" WITH LOGIN SUPERUSER;
---
ALTER USER app_reader CREATEROLE;
--- X17 definer-search-path
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM orders';
---
ALTER FUNCTION public.touch() SECURITY DEFINER;
--- X18 copy-on-server
COPY orders FROM PROGRAM 'cat /dev/null';
---
COPY (SELECT * FROM public.orders) TO '/tmp/orders.csv' CSV;
--- X19 dynamic-sql
DO $$ BEGIN EXECUTE format('DROP TABLE %I', 'legacy'); END $$;
---
DO $$ DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables LOOP EXECUTE 'TRUNCATE ' || t; END LOOP; END $$;
---
CREATE FUNCTION f(t text) RETURNS void LANGUAGE plpgsql AS $f$ BEGIN EXECUTE 'DROP TABLE ' || quote_ident(t); END $f$;
--- X20 default-privileges-to-public
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
---
ALTER DEFAULT PRIVILEGES FOR ROLE app_reader IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
--- X21 replica-identity-full
ALTER TABLE orders REPLICA IDENTITY FULL;
---
ALTER TABLE public."orders" ADD COLUMN a text, REPLICA IDENTITY FULL;
--- X22 type-change-rewrites
ALTER TABLE orders ALTER COLUMN qty SET DATA TYPE smallint USING qty::smallint;
---
ALTER TABLE public."orders" ALTER "code" TYPE varchar(5);
--- X23 timeout-disabled
SET lock_timeout = 0;
---
SET LOCAL statement_timeout TO '0ms';
---
SELECT set_config('lock_timeout', '0', false);
--- X24 cannot-run-in-transaction
BEGIN; DROP INDEX CONCURRENTLY orders_region_idx; COMMIT;
---
DROP INDEX CONCURRENTLY IF EXISTS public."orders_region_idx";
--- X25 enum-value-position
ALTER TYPE order_status ADD VALUE 'archived';
---
ALTER TYPE public."order_status" ADD VALUE IF NOT EXISTS 'Held';
--- X26 drop-default
ALTER TABLE orders ALTER COLUMN region DROP DEFAULT;
---
ALTER TABLE public."orders" ADD COLUMN a text, ALTER "region" DROP DEFAULT;
--- X27 drop-trigger
DROP TRIGGER invoices_touch ON invoices;
---
DROP TRIGGER IF EXISTS "invoices_touch" ON public."invoices" RESTRICT;
--- X28 no-force-row-security
ALTER TABLE invoices NO FORCE ROW LEVEL SECURITY;
---
ALTER TABLE IF EXISTS public."invoices" NO FORCE ROW LEVEL SECURITY;
