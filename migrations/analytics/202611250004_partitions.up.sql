-- aias: phase = expand
-- aias: author = platform
-- aias: risk = New functions only; nothing exists that could wait

CREATE FUNCTION aias.partition_lifetimes() RETURNS TABLE (table_name text, lifetime interval)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    VALUES
        ('event_receipts', interval '400 days'),
        ('usage_facts', interval '400 days'),
        ('usage_hours', interval '90 days'),
        ('usage_hour_keys', interval '90 days'),
        ('usage_days', interval '397 days'),
        ('usage_day_keys', interval '397 days')
$$;
REVOKE ALL ON FUNCTION aias.partition_lifetimes() FROM PUBLIC;
COMMENT ON FUNCTION aias.partition_lifetimes()
    IS 'How long the months of each partitioned table are kept; the data policy says the same, and a test compares';
GRANT EXECUTE ON FUNCTION aias.partition_lifetimes() TO aias_retention, aias_analytics;

CREATE FUNCTION aias.first_uuid(p_at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT (lpad(to_hex((extract(epoch FROM p_at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;
REVOKE ALL ON FUNCTION aias.first_uuid(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aias.first_uuid(timestamptz)
    IS 'The smallest UUIDv7 of an instant: a bound of the partitions of receipts';

-- aias:allow dynamic-sql the names come from the catalogue and are quoted by format
CREATE FUNCTION aias.ensure_month_partitions(p_from timestamptz, p_months int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' AS $$
DECLARE
    v_start timestamptz;
    v_end timestamptz;
    v_table text;
    v_name text;
    v_months int := 0;
    v_made bool;
BEGIN
    FOR i IN 0 .. p_months - 1 LOOP
        v_start := date_trunc('month', p_from) + make_interval(months => i);
        v_end := v_start + interval '1 month';
        v_made := false;
        FOR v_table IN SELECT table_name FROM aias.partition_lifetimes() LOOP
            v_name := format('%s_%s', v_table, to_char(v_start, 'YYYYMM'));
            CONTINUE WHEN to_regclass('aias.' || v_name) IS NOT NULL;
            IF v_table = 'event_receipts' THEN
                EXECUTE format('CREATE TABLE aias.%I PARTITION OF aias.%I FOR VALUES FROM (%L) TO (%L)',
                    v_name, v_table, aias.first_uuid(v_start), aias.first_uuid(v_end));
            ELSE
                EXECUTE format('CREATE TABLE aias.%I PARTITION OF aias.%I FOR VALUES FROM (%L) TO (%L)',
                    v_name, v_table, v_start, v_end);
            END IF;
            EXECUTE format('ALTER TABLE aias.%I ENABLE ROW LEVEL SECURITY', v_name);
            EXECUTE format('ALTER TABLE aias.%I FORCE ROW LEVEL SECURITY', v_name);
            v_made := true;
        END LOOP;
        v_months := v_months + v_made::int;
    END LOOP;
    RETURN v_months;
END
$$;
REVOKE ALL ON FUNCTION aias.ensure_month_partitions(timestamptz, int) FROM PUBLIC;
COMMENT ON FUNCTION aias.ensure_month_partitions(timestamptz, int)
    IS 'Makes the partitions of p_months months from p_from on where they are missing; returns for how many months';
GRANT EXECUTE ON FUNCTION aias.ensure_month_partitions(timestamptz, int) TO aias_analytics, aias_retention;

CREATE FUNCTION aias.list_month_partitions() RETURNS TABLE (
    table_name text, partition_name text, month_start timestamptz, month_end timestamptz, bytes bigint
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' AS $$
    SELECT l.table_name, c.relname::text, m.month_start, m.month_start + interval '1 month',
        pg_total_relation_size(c.oid)
    FROM aias.partition_lifetimes() l
    JOIN pg_inherits i ON i.inhparent = format('aias.%I', l.table_name)::regclass
    JOIN pg_class c ON c.oid = i.inhrelid
    CROSS JOIN LATERAL (SELECT to_timestamp(right(c.relname, 6), 'YYYYMM') AS month_start) m
    WHERE c.relname ~ '_[0-9]{6}$'
    ORDER BY 1, 3
$$;
REVOKE ALL ON FUNCTION aias.list_month_partitions() FROM PUBLIC;
COMMENT ON FUNCTION aias.list_month_partitions() IS 'The monthly partitions of each table with their bounds and sizes';
GRANT EXECUTE ON FUNCTION aias.list_month_partitions() TO aias_analytics, aias_retention;

CREATE FUNCTION aias.list_expired_partitions(p_as_of timestamptz) RETURNS TABLE (
    table_name text, partition_name text, month_end timestamptz, bytes bigint
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.table_name, p.partition_name, p.month_end, p.bytes
    FROM aias.list_month_partitions() p JOIN aias.partition_lifetimes() l USING (table_name)
    WHERE p.month_end <= p_as_of - l.lifetime
    ORDER BY p.month_end, p.table_name
$$;
REVOKE ALL ON FUNCTION aias.list_expired_partitions(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aias.list_expired_partitions(timestamptz)
    IS 'The partitions whose every row has outlived its policy at an instant, oldest first';
GRANT EXECUTE ON FUNCTION aias.list_expired_partitions(timestamptz) TO aias_analytics, aias_retention;

-- aias:allow dynamic-sql the names come from the catalogue and are quoted by format
CREATE FUNCTION aias.count_expired_partitions(p_as_of timestamptz, p_held uuid[]) RETURNS TABLE (
    table_name text, partition_name text, rows bigint, bytes bigint, held bigint
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' AS $$
DECLARE
    v_part record;
    v_held text;
BEGIN
    FOR v_part IN
        SELECT p.*, p.month_end - interval '1 month' AS month_start,
            CASE p.table_name WHEN 'event_receipts' THEN 'event_id' WHEN 'usage_facts' THEN 'occurred_at'
                ELSE 'bucket_start' END AS key
        FROM aias.list_expired_partitions(p_as_of) p
    LOOP
        v_held := CASE v_part.table_name WHEN 'usage_facts' THEN 'org_id = ANY ($3) OR actor_id = ANY ($3)'
            ELSE 'org_id = ANY ($3)' END;
        RETURN QUERY EXECUTE format('SELECT $1, $2, count(*), $4, count(*) FILTER (WHERE %s)'
            ' FROM aias.%I WHERE %I >= %L AND %I < %L', v_held, v_part.table_name,
            v_part.key, CASE v_part.key WHEN 'event_id' THEN aias.first_uuid(v_part.month_start)::text
                ELSE v_part.month_start::text END,
            v_part.key, CASE v_part.key WHEN 'event_id' THEN aias.first_uuid(v_part.month_end)::text
                ELSE v_part.month_end::text END)
        USING v_part.table_name, v_part.partition_name, p_held, v_part.bytes;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION aias.count_expired_partitions(timestamptz, uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION aias.count_expired_partitions(timestamptz, uuid[])
    IS 'Rows of each expired partition, and how many of them belong to somebody under a hold';
GRANT EXECUTE ON FUNCTION aias.count_expired_partitions(timestamptz, uuid[]) TO aias_retention;

-- aias:allow dynamic-sql the names come from the catalogue and are quoted by format
CREATE FUNCTION aias.drop_expired_partitions(p_as_of timestamptz, p_limit int, p_held uuid[] DEFAULT '{}')
RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_name text;
BEGIN
    FOR v_name IN
        SELECT partition_name FROM aias.count_expired_partitions(least(p_as_of, now()), p_held)
        WHERE held = 0 LIMIT p_limit
    LOOP
        EXECUTE format('DROP TABLE aias.%I', v_name);
        RETURN NEXT v_name;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION aias.drop_expired_partitions(timestamptz, int, uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION aias.drop_expired_partitions(timestamptz, int, uuid[])
    IS 'Drops up to p_limit expired partitions that hold nothing of p_held, oldest first; returns their names';
GRANT EXECUTE ON FUNCTION aias.drop_expired_partitions(timestamptz, int, uuid[]) TO aias_retention;

CREATE FUNCTION aias.count_default_rows() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*) FROM aias.usage_facts WHERE tableoid = 'aias.usage_facts_default'::regclass
$$;
REVOKE ALL ON FUNCTION aias.count_default_rows() FROM PUBLIC;
COMMENT ON FUNCTION aias.count_default_rows()
    IS 'Rows in the default partition of usage_facts; anything but 0 means that a month was missing';
GRANT EXECUTE ON FUNCTION aias.count_default_rows() TO aias_analytics, aias_retention;

CREATE FUNCTION aias.spread_default_rows() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' AS $$
DECLARE
    v_month timestamptz;
    v_moved bigint;
BEGIN
    IF aias.count_default_rows() = 0 THEN
        RETURN 0;
    END IF;
    ALTER TABLE aias.usage_facts DETACH PARTITION aias.usage_facts_default;
    FOR v_month IN SELECT DISTINCT date_trunc('month', occurred_at) FROM aias.usage_facts_default LOOP
        PERFORM aias.ensure_month_partitions(v_month, 1);
    END LOOP;
    INSERT INTO aias.usage_facts SELECT * FROM aias.usage_facts_default;
    GET DIAGNOSTICS v_moved = ROW_COUNT;
    TRUNCATE aias.usage_facts_default;
    ALTER TABLE aias.usage_facts ATTACH PARTITION aias.usage_facts_default DEFAULT;
    RETURN v_moved;
END
$$;
REVOKE ALL ON FUNCTION aias.spread_default_rows() FROM PUBLIC;
COMMENT ON FUNCTION aias.spread_default_rows()
    IS 'Moves the rows of the default partition of usage_facts to partitions of their months; returns how many';
GRANT EXECUTE ON FUNCTION aias.spread_default_rows() TO aias_analytics, aias_retention;
