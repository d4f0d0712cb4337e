DROP FUNCTION aias.ensure_month_partitions(timestamptz, int);
DROP TABLE aias.dirty_hours;
DROP TABLE aias.dead_letters;
DROP TABLE aias.ingest_batches;
DROP TABLE aias.usage_facts;
DROP TABLE aias.event_receipts;
DROP SCHEMA aias;
