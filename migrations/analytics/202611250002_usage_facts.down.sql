-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP TABLE aias.dirty_days;
DROP TABLE aias.dirty_hours;
DROP TABLE aias.source_totals;
DROP TABLE aias.sources;
DROP TABLE aias.dead_letters;
DROP TABLE aias.ingest_batches;
DROP TRIGGER usage_facts_kept_tg ON aias.usage_facts;
DROP TRIGGER usage_facts_append_only_tg ON aias.usage_facts;
DROP FUNCTION aias.guard_usage_fact();
DROP TABLE aias.usage_facts;
DROP TABLE aias.usage_series;
DROP TABLE aias.event_receipts;
