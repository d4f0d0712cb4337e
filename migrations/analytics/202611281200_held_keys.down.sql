-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Functions are replaced; nothing waits

CREATE OR REPLACE FUNCTION aias.describe_hold(p_table text) RETURNS text
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

-- aias:allow dynamic-sql the names come from the catalogue and are quoted by format
CREATE OR REPLACE FUNCTION aias.count_expired_partitions(p_as_of timestamptz, p_held uuid[]) RETURNS TABLE (
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
