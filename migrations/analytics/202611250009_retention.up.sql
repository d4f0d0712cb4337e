-- aias: phase = expand
-- aias: author = platform
-- aias: risk = New functions only; nothing exists that could wait

CREATE FUNCTION aias.row_lifetimes() RETURNS TABLE (table_name text, clock_column text, lifetime interval)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    VALUES
        ('access_records', 'occurred_at', interval '400 days'),
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
REVOKE ALL ON FUNCTION aias.row_lifetimes() FROM PUBLIC;
COMMENT ON FUNCTION aias.row_lifetimes()
    IS 'How long rows are kept, by table; the data policy says the same, and a test compares';
GRANT EXECUTE ON FUNCTION aias.row_lifetimes() TO aias_retention;

-- aias:allow dynamic-sql the names come from the catalogue and are quoted by format
CREATE FUNCTION aias.purge_expired(p_table text, p_as_of timestamptz, p_limit int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_clock text;
    v_before timestamptz;
    v_removed bigint;
BEGIN
    SELECT clock_column, least(p_as_of, now()) - lifetime INTO v_clock, v_before
    FROM aias.row_lifetimes() WHERE table_name = p_table;
    IF v_clock IS NULL THEN
        RAISE EXCEPTION 'rows of % are not purged by age', p_table USING ERRCODE = 'invalid_parameter_value';
    END IF;
    EXECUTE format('DELETE FROM aias.%1$I WHERE ctid = ANY (ARRAY('
        'SELECT t.ctid FROM aias.%1$I t WHERE t.%2$I < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))', p_table, v_clock)
    USING v_before, p_limit;
    GET DIAGNOSTICS v_removed = ROW_COUNT;
    RETURN v_removed;
END
$$;
REVOKE ALL ON FUNCTION aias.purge_expired(text, timestamptz, int) FROM PUBLIC;
COMMENT ON FUNCTION aias.purge_expired(text, timestamptz, int)
    IS 'Removes up to p_limit rows of a table that outlived their policy; returns how many';
GRANT EXECUTE ON FUNCTION aias.purge_expired(text, timestamptz, int) TO aias_retention;
