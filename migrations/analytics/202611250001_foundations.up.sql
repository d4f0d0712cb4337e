-- aias: phase = expand
-- aias: author = platform
-- aias: risk = New schema and functions only; nothing exists that could wait

CREATE SCHEMA aias;
REVOKE ALL ON SCHEMA aias FROM PUBLIC;
GRANT USAGE ON SCHEMA aias TO aias_analytics, aias_reader, aias_readonly, aias_exporter, aias_retention;

CREATE FUNCTION aias.refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END
$$;
REVOKE ALL ON FUNCTION aias.refuse_change() FROM PUBLIC;
COMMENT ON FUNCTION aias.refuse_change() IS 'Refuses UPDATE, DELETE and TRUNCATE for every role, the owner included';

CREATE FUNCTION aias.touch_row() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    NEW.updated_at := now();
    NEW.row_version := OLD.row_version + 1;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION aias.touch_row() FROM PUBLIC;
COMMENT ON FUNCTION aias.touch_row() IS 'Sets updated_at and counts row_version up; the trigger of every mutable table';

CREATE FUNCTION aias.is_seed_id(p_id uuid) RETURNS bool LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT substr(p_id::text, 15, 1) = '5'
$$;
REVOKE ALL ON FUNCTION aias.is_seed_id(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aias.is_seed_id(uuid)
    IS 'Whether an identifier is derived from a seed package (version 5); those of real rows are of version 7';

CREATE TABLE aias.erased_subjects (
    subject_kind text NOT NULL,
    subject_id uuid NOT NULL,
    erased_at timestamptz NOT NULL,
    CONSTRAINT erased_subjects_pkey PRIMARY KEY (subject_kind, subject_id),
    CONSTRAINT erased_subjects_subject_kind_check CHECK (subject_kind IN ('user', 'organization', 'api_key'))
);
CREATE TRIGGER erased_subjects_append_only_tg BEFORE UPDATE OR DELETE OR TRUNCATE ON aias.erased_subjects
    FOR EACH STATEMENT EXECUTE FUNCTION aias.refuse_change();

GRANT SELECT, INSERT ON aias.erased_subjects TO aias_analytics;

COMMENT ON TABLE aias.erased_subjects IS 'Who was erased: later and replayed events of them are refused';
COMMENT ON COLUMN aias.erased_subjects.subject_kind IS 'user, organization, or api_key of an erased user';
COMMENT ON COLUMN aias.erased_subjects.subject_id IS 'Which one';
COMMENT ON COLUMN aias.erased_subjects.erased_at IS 'When';
