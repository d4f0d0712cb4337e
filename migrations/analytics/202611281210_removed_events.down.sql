-- aias: phase = contract
-- aias: author = platform
-- aias: down = lossy
-- aias: risk = Removes what the file made, with its rows; numbers that were removed count as gaps again

DROP TRIGGER dead_letters_removed_tg ON aias.dead_letters;
DROP TRIGGER dead_letters_dropped_tg ON aias.dead_letters;
DROP FUNCTION aias.note_removed_letter();
DROP TABLE aias.removed_events;

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
        ('rollup_rebuilds', 'updated_at', interval '400 days'),
        ('rollup_runs', 'started_at', interval '400 days'),
        ('source_totals', 'hour', interval '400 days'),
        ('sources', 'heartbeat_at', interval '400 days')
$$;
