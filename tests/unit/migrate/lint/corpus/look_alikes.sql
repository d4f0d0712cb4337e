--- S1
CREATE TABLE refunds (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, order_id bigint NOT NULL); CREATE INDEX refunds_order_id_idx ON refunds (order_id);
--- S2
CREATE TABLE a (id bigint PRIMARY KEY); CREATE TABLE b (id bigint PRIMARY KEY, a_id bigint); ALTER TABLE b ADD CONSTRAINT b_a_id_fkey FOREIGN KEY (a_id) REFERENCES a (id); ALTER TABLE b ALTER COLUMN a_id SET NOT NULL;
--- S3
CREATE TABLE stage (id bigint); UPDATE stage SET id = 1; DELETE FROM stage; TRUNCATE stage; DROP TABLE stage;
--- S4
ALTER TABLE orders ADD COLUMN remark text;
--- S5
ALTER TABLE orders ADD COLUMN channel text NOT NULL DEFAULT 'web';
--- S6
ALTER TABLE orders ADD COLUMN seen_at timestamptz NOT NULL DEFAULT now();
--- S7
ALTER TABLE orders ADD COLUMN total numeric GENERATED ALWAYS AS (qty * price) VIRTUAL;
--- S8
ALTER TABLE orders ALTER COLUMN code TYPE varchar(40);
--- S9
ALTER TABLE orders ALTER COLUMN fee TYPE numeric(14,2);
--- S10
ALTER TABLE orders ADD CONSTRAINT orders_qty_check CHECK (qty > 0) NOT VALID;
--- S11
-- before: ALTER TABLE orders ADD CONSTRAINT orders_qty_check CHECK (qty > 0) NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT orders_qty_check;
--- S12
ALTER TABLE orders ALTER COLUMN region SET NOT NULL;
--- S13
ALTER TABLE orders ADD CONSTRAINT orders_ref_key UNIQUE USING INDEX orders_ref_uidx;
--- S14
UPDATE orders SET region = 'eu' WHERE id > 0 AND id <= 5000 AND region IS NULL;
--- S15
CREATE TABLE events_2026_03 (LIKE events INCLUDING DEFAULTS INCLUDING CONSTRAINTS); ALTER TABLE events ATTACH PARTITION events_2026_03 FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
--- S16
ALTER TYPE order_status ADD VALUE 'archived' AFTER 'paused';
--- S17
ALTER TABLE orders SET (autovacuum_vacuum_scale_factor = 0.02);
--- S18
ALTER INDEX orders_region_idx RENAME TO orders_by_region_idx;
--- S19
COMMENT ON TABLE orders IS 'Never TRUNCATE or DROP TABLE this; DELETE FROM orders needs approval.'; CREATE TABLE parts (id bigint PRIMARY KEY, serial text, "json" jsonb, "lock" boolean);
--- S20
CREATE TABLE ledgers (id bigint PRIMARY KEY, org_id bigint NOT NULL); ALTER TABLE ledgers ENABLE ROW LEVEL SECURITY; ALTER TABLE ledgers FORCE ROW LEVEL SECURITY; CREATE TRIGGER ledgers_touch BEFORE UPDATE ON ledgers FOR EACH ROW EXECUTE FUNCTION touch(); GRANT SELECT ON ledgers TO app_reader;
