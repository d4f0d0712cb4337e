-- aias: phase = expand
-- aias: author = platform
-- aias: risk = New schema and functions only; nothing exists that could wait

CREATE SCHEMA aias;
REVOKE ALL ON SCHEMA aias FROM PUBLIC;
GRANT USAGE ON SCHEMA aias TO
    aias_identity, aias_router, aias_analytics, aias_reader, aias_readonly, aias_retention, aias_lookup;

CREATE FUNCTION aias.touch_row() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    NEW.updated_at := now();
    NEW.row_version := OLD.row_version + 1;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION aias.touch_row() FROM PUBLIC;
COMMENT ON FUNCTION aias.touch_row() IS 'Sets updated_at and counts row_version up; the trigger of every mutable table';

CREATE FUNCTION aias.refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END
$$;
REVOKE ALL ON FUNCTION aias.refuse_change() FROM PUBLIC;
COMMENT ON FUNCTION aias.refuse_change() IS 'Refuses UPDATE, DELETE and TRUNCATE for every role, the owner included';

CREATE FUNCTION aias.refuse_rewrite() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'a column of % that never changes was changed', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END
$$;
REVOKE ALL ON FUNCTION aias.refuse_rewrite() FROM PUBLIC;
COMMENT ON FUNCTION aias.refuse_rewrite()
    IS 'Refuses a change of columns that never change; the trigger names them in its WHEN';

CREATE FUNCTION aias.is_ascending_percent(p_values smallint[]) RETURNS bool
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT cardinality(p_values) > 0 AND p_values = ARRAY(
        SELECT DISTINCT v FROM unnest(p_values) v WHERE v BETWEEN 1 AND 100 ORDER BY v)
$$;
REVOKE ALL ON FUNCTION aias.is_ascending_percent(smallint[]) FROM PUBLIC;
COMMENT ON FUNCTION aias.is_ascending_percent(smallint[]) IS 'Whether all values are 1 to 100, ascending, none twice';
GRANT EXECUTE ON FUNCTION aias.is_ascending_percent(smallint[]) TO aias_identity, aias_router, aias_analytics;

CREATE FUNCTION aias.is_label_map(p_labels jsonb) RETURNS bool LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT jsonb_typeof(p_labels) = 'object'
        AND (SELECT count(*) <= 16 AND count(*) = count(*) FILTER (WHERE jsonb_typeof(value) = 'string')
            FROM jsonb_each(p_labels))
$$;
REVOKE ALL ON FUNCTION aias.is_label_map(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION aias.is_label_map(jsonb) IS 'Whether it is an object of at most 16 pairs of text';
GRANT EXECUTE ON FUNCTION aias.is_label_map(jsonb) TO aias_identity, aias_router, aias_analytics;

CREATE FUNCTION aias.is_seed_id(p_id uuid) RETURNS bool LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT substr(p_id::text, 15, 1) = '5'
$$;
REVOKE ALL ON FUNCTION aias.is_seed_id(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aias.is_seed_id(uuid)
    IS 'Whether an identifier is derived from a seed package (version 5); those of real rows are of version 7';
GRANT EXECUTE ON FUNCTION aias.is_seed_id(uuid) TO aias_identity, aias_router, aias_analytics;
