-- aias: phase = expand
-- aias: author = platform
-- aias: risk = A new table, and triggers on dead_letters, whose lock is brief

CREATE TABLE aias.removed_events (
    source text NOT NULL,
    source_seq bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    CONSTRAINT removed_events_pkey PRIMARY KEY (source, source_seq)
);
CREATE INDEX removed_events_occurred_at_idx ON aias.removed_events (occurred_at);

GRANT SELECT, INSERT ON aias.removed_events TO aias_analytics;

COMMENT ON TABLE aias.removed_events
    IS 'Numbers of events that are in no fact on purpose: erased, or given up as dead letters; they are no gaps';
COMMENT ON COLUMN aias.removed_events.source IS 'Router that numbered it';
COMMENT ON COLUMN aias.removed_events.source_seq IS 'Its number there';
COMMENT ON COLUMN aias.removed_events.occurred_at IS 'When the request was admitted, or when the letter came';

CREATE FUNCTION aias.note_removed_letter() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    v_event jsonb;
BEGIN
    v_event := convert_from(OLD.payload, 'UTF8')::jsonb;
    v_event := coalesce(v_event -> 'data', v_event);
    IF (v_event ->> 'source') IS NOT NULL AND (v_event ->> 'source_seq') IS NOT NULL THEN
        INSERT INTO aias.removed_events (source, source_seq, occurred_at)
        VALUES (v_event ->> 'source', (v_event ->> 'source_seq')::bigint, OLD.received_at) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
EXCEPTION WHEN data_exception OR untranslatable_character THEN
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION aias.note_removed_letter() FROM PUBLIC;
COMMENT ON FUNCTION aias.note_removed_letter()
    IS 'Keeps the number of an event whose letter is given up or removed, where it can be read';

CREATE TRIGGER dead_letters_dropped_tg AFTER UPDATE ON aias.dead_letters
    FOR EACH ROW WHEN (OLD.state = 'open' AND NEW.state = 'dropped') EXECUTE FUNCTION aias.note_removed_letter();
CREATE TRIGGER dead_letters_removed_tg AFTER DELETE ON aias.dead_letters
    FOR EACH ROW WHEN (OLD.state <> 'replayed') EXECUTE FUNCTION aias.note_removed_letter();

CREATE OR REPLACE FUNCTION aias.row_lifetimes() RETURNS TABLE (table_name text, clock_column text, lifetime interval)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    VALUES
        ('access_records', 'delivered_at', interval '400 days'),
        ('audit_witness', 'recorded_at', interval '400 days'),
        ('dead_letters', 'received_at', interval '35 days'),
        ('export_jobs', 'created_at', interval '1825 days'),
        ('ingest_batches', 'committed_at', interval '400 days'),
        ('month_closes', 'closed_at', interval '2557 days'),
        ('reconcile_runs', 'started_at', interval '400 days'),
        ('removed_events', 'occurred_at', interval '400 days'),
        ('rollup_rebuilds', 'updated_at', interval '400 days'),
        ('rollup_runs', 'started_at', interval '400 days'),
        ('source_totals', 'hour', interval '400 days'),
        ('sources', 'heartbeat_at', interval '400 days')
$$;
