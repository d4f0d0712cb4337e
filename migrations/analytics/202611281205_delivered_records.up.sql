-- aias: phase = expand
-- aias: author = platform
-- aias: risk = Functions are replaced; nothing waits

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

CREATE OR REPLACE FUNCTION aias.guard_access_record() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.delivered_at < now() - interval '400 days' THEN
        RETURN OLD;
    ELSIF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'delivered_at' = to_jsonb(OLD) - 'delivered_at' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'access_records is append-only'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END
$$;
COMMENT ON FUNCTION aias.guard_access_record()
    IS 'Refuses every change but the note of delivery, and removal before 400 days have passed since then';
