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

CREATE FUNCTION aias.list_followers(p_table text) RETURNS TABLE (table_name text, meets text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT r.relname::text,
        (SELECT string_agg(format('c.%I = t.%I', a.attname, b.attname), ' AND ')
        FROM unnest(f.conkey, f.confkey) k (child, parent)
        JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.child
        JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attnum = k.parent)
    FROM pg_constraint f JOIN pg_class r ON r.oid = f.conrelid
    WHERE f.contype = 'f' AND f.confdeltype = 'c' AND f.confrelid = format('aias.%I', p_table)::regclass
$$;
REVOKE ALL ON FUNCTION aias.list_followers(text) FROM PUBLIC;
COMMENT ON FUNCTION aias.list_followers(text) IS 'The tables whose rows go with those of a table, and how rows meet';

CREATE FUNCTION aias.describe_hold(p_table text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT coalesce(string_agg(condition, ' OR '), 'false') FROM (
        SELECT CASE attname WHEN 'org_id' THEN 'coalesce(t.org_id = ANY ($2), false)'
            WHEN 'actor_id' THEN 't.actor_id = ANY ($2::text[])'
            ELSE 'EXISTS (SELECT FROM unnest($2) h WHERE strpos(encode(t.payload, ''escape''), h::text) > 0)' END
        FROM pg_attribute
        WHERE attrelid = format('aias.%I', p_table)::regclass AND attname IN ('org_id', 'actor_id', 'payload')
        UNION ALL
        SELECT format('EXISTS (SELECT FROM aias.%I c WHERE %s AND c.org_id = ANY ($2))', f.table_name, f.meets)
        FROM aias.list_followers(p_table) f
    ) AS conditions (condition)
$$;
REVOKE ALL ON FUNCTION aias.describe_hold(text) FROM PUBLIC;
COMMENT ON FUNCTION aias.describe_hold(text)
    IS 'The condition under which a row, or one that goes with it, belongs to somebody of $2, as SQL';

-- aias:allow dynamic-sql the names come from the catalogue and are quoted by format
CREATE FUNCTION aias.purge_expired(p_table text, p_as_of timestamptz, p_limit int, p_held uuid[] DEFAULT '{}')
RETURNS bigint
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
    EXECUTE format('DELETE FROM aias.%1$I WHERE ctid = ANY (ARRAY(SELECT t.ctid FROM aias.%1$I t'
        ' WHERE t.%2$I < $1 AND NOT (%3$s) LIMIT $3 FOR UPDATE SKIP LOCKED))',
        p_table, v_clock, aias.describe_hold(p_table))
    USING v_before, p_held, p_limit;
    GET DIAGNOSTICS v_removed = ROW_COUNT;
    RETURN v_removed;
END
$$;
REVOKE ALL ON FUNCTION aias.purge_expired(text, timestamptz, int, uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION aias.purge_expired(text, timestamptz, int, uuid[])
    IS 'Removes up to p_limit rows of a table that outlived their policy and are of nobody in p_held; returns how many';
GRANT EXECUTE ON FUNCTION aias.purge_expired(text, timestamptz, int, uuid[]) TO aias_retention;

-- aias:allow dynamic-sql the names come from the catalogue and are quoted by format
CREATE FUNCTION aias.count_expired(p_as_of timestamptz, p_held uuid[]) RETURNS TABLE (
    table_name text, goes_with text, rows bigint, bytes bigint, held bigint
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_table record;
    v_follower record;
    v_hold text;
BEGIN
    FOR v_table IN SELECT l.*, p_as_of - l.lifetime AS before FROM aias.row_lifetimes() l LOOP
        v_hold := aias.describe_hold(v_table.table_name);
        FOR v_follower IN SELECT * FROM aias.list_followers(v_table.table_name) LOOP
            RETURN QUERY EXECUTE format('SELECT %1$L::text, %2$L::text, count(*) FILTER (WHERE NOT (%3$s)),'
                ' coalesce(sum(pg_column_size(c.*)) FILTER (WHERE NOT (%3$s)), 0)::bigint, count(*) FILTER (WHERE %3$s)'
                ' FROM aias.%1$I c JOIN aias.%2$I t ON %4$s WHERE t.%5$I < $1', v_follower.table_name,
                v_table.table_name, v_hold, v_follower.meets, v_table.clock_column)
            USING v_table.before, p_held;
        END LOOP;
        RETURN QUERY EXECUTE format('SELECT %1$L::text, NULL::text, count(*) FILTER (WHERE NOT (%2$s)),'
            ' coalesce(sum(pg_column_size(t.*)) FILTER (WHERE NOT (%2$s)), 0)::bigint, count(*) FILTER (WHERE %2$s)'
            ' FROM aias.%1$I t WHERE t.%3$I < $1', v_table.table_name, v_hold, v_table.clock_column)
        USING v_table.before, p_held;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION aias.count_expired(timestamptz, uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION aias.count_expired(timestamptz, uuid[])
    IS 'What the purges would remove at an instant, by table, and how many expired rows a hold of p_held keeps';
GRANT EXECUTE ON FUNCTION aias.count_expired(timestamptz, uuid[]) TO aias_retention;
