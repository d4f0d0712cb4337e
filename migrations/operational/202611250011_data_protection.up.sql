-- aias: phase = expand
-- aias: author = platform
-- aias: risk = New tables and functions only; nothing exists that could wait

CREATE TABLE aias.hash_keys (
    kid text NOT NULL,
    purpose text NOT NULL,
    status text NOT NULL,
    fingerprint bytea NOT NULL,
    retired_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT hash_keys_pkey PRIMARY KEY (kid),
    CONSTRAINT hash_keys_purpose_check CHECK (purpose IN ('email', 'api_key', 'token', 'encryption')),
    CONSTRAINT hash_keys_status_check CHECK (status IN ('active', 'accepting', 'retired')),
    CONSTRAINT hash_keys_fingerprint_check CHECK (octet_length(fingerprint) = 32),
    CONSTRAINT hash_keys_retired_at_check CHECK ((status = 'retired') = (retired_at IS NOT NULL))
);
CREATE UNIQUE INDEX hash_keys_active_idx ON aias.hash_keys (purpose) WHERE status = 'active';

GRANT SELECT, INSERT, UPDATE ON aias.hash_keys TO aias_identity;

COMMENT ON TABLE aias.hash_keys IS 'Hashing and encryption keys by name and fingerprint; never the keys';
COMMENT ON COLUMN aias.hash_keys.kid IS 'The key''s name';
COMMENT ON COLUMN aias.hash_keys.purpose IS 'email, api_key, token or encryption';
COMMENT ON COLUMN aias.hash_keys.status IS 'active (writes), accepting (reads) or retired';
COMMENT ON COLUMN aias.hash_keys.fingerprint IS 'Digest that catches a wrong key before it writes';
COMMENT ON COLUMN aias.hash_keys.retired_at IS 'When the last row stopped using it';
COMMENT ON COLUMN aias.hash_keys.created_at IS 'When the row was made';

CREATE TABLE aias.hash_rotations (
    rotation_id uuid NOT NULL,
    from_kid text NOT NULL,
    to_kid text NOT NULL,
    last_user_id uuid,
    rows_done bigint NOT NULL DEFAULT 0,
    finished_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT hash_rotations_pkey PRIMARY KEY (rotation_id),
    CONSTRAINT hash_rotations_from_kid_fkey
        FOREIGN KEY (from_kid) REFERENCES aias.hash_keys (kid) ON DELETE RESTRICT,
    CONSTRAINT hash_rotations_to_kid_fkey FOREIGN KEY (to_kid) REFERENCES aias.hash_keys (kid) ON DELETE RESTRICT,
    CONSTRAINT hash_rotations_to_kid_check CHECK (to_kid <> from_kid)
);
CREATE INDEX hash_rotations_from_kid_idx ON aias.hash_rotations (from_kid);
CREATE INDEX hash_rotations_to_kid_idx ON aias.hash_rotations (to_kid);
CREATE UNIQUE INDEX hash_rotations_open_idx ON aias.hash_rotations (to_kid) WHERE finished_at IS NULL;
CREATE TRIGGER hash_rotations_touch_tg BEFORE UPDATE ON aias.hash_rotations
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

GRANT SELECT, INSERT, UPDATE ON aias.hash_rotations TO aias_identity;

COMMENT ON TABLE aias.hash_rotations IS 'How far a rotation of the e-mail hashing key has come';
COMMENT ON COLUMN aias.hash_rotations.rotation_id IS 'The rotation; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.hash_rotations.from_kid IS 'Key that is left';
COMMENT ON COLUMN aias.hash_rotations.to_kid IS 'Key that is filled';
COMMENT ON COLUMN aias.hash_rotations.last_user_id IS 'Last person done; the next batch begins after it';
COMMENT ON COLUMN aias.hash_rotations.rows_done IS 'Rows filled so far';
COMMENT ON COLUMN aias.hash_rotations.finished_at IS 'When all were done';
COMMENT ON COLUMN aias.hash_rotations.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.hash_rotations.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.hash_rotations.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE TABLE aias.legal_holds (
    hold_id uuid NOT NULL,
    subject_kind text NOT NULL,
    subject_id uuid NOT NULL,
    reason text NOT NULL,
    placed_by text NOT NULL,
    released_by text,
    released_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT legal_holds_pkey PRIMARY KEY (hold_id),
    CONSTRAINT legal_holds_subject_kind_check CHECK (subject_kind IN ('user', 'organization')),
    CONSTRAINT legal_holds_reason_check CHECK (length(reason) BETWEEN 1 AND 2000),
    CONSTRAINT legal_holds_released_by_check CHECK ((released_by IS NULL) = (released_at IS NULL))
);
CREATE INDEX legal_holds_live_idx ON aias.legal_holds (subject_kind, subject_id) WHERE released_at IS NULL;
CREATE TRIGGER legal_holds_touch_tg BEFORE UPDATE ON aias.legal_holds
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

GRANT SELECT, INSERT, UPDATE ON aias.legal_holds TO aias_identity;
GRANT SELECT ON aias.legal_holds TO aias_retention;

COMMENT ON TABLE aias.legal_holds IS 'What may not be deleted or erased, and why';
COMMENT ON COLUMN aias.legal_holds.hold_id IS 'The hold; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.legal_holds.subject_kind IS 'user or organization';
COMMENT ON COLUMN aias.legal_holds.subject_id IS 'Which one';
COMMENT ON COLUMN aias.legal_holds.reason IS 'Why';
COMMENT ON COLUMN aias.legal_holds.placed_by IS 'Principal that placed it';
COMMENT ON COLUMN aias.legal_holds.released_by IS 'Principal that released it';
COMMENT ON COLUMN aias.legal_holds.released_at IS 'When it was released';
COMMENT ON COLUMN aias.legal_holds.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.legal_holds.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.legal_holds.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE TABLE aias.erasure_requests (
    request_id uuid NOT NULL,
    ticket text NOT NULL,
    subject_kind text NOT NULL,
    subject_id uuid NOT NULL,
    legal_basis text NOT NULL,
    status text NOT NULL DEFAULT 'requested',
    requested_by text NOT NULL,
    due_at timestamptz NOT NULL,
    impact jsonb,
    progress jsonb NOT NULL DEFAULT '{}',
    approval_id uuid,
    certificate jsonb,
    completed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT erasure_requests_pkey PRIMARY KEY (request_id),
    CONSTRAINT erasure_requests_approval_id_fkey
        FOREIGN KEY (approval_id) REFERENCES aias.approval_requests (approval_id) ON DELETE RESTRICT,
    CONSTRAINT erasure_requests_ticket_key UNIQUE (ticket),
    CONSTRAINT erasure_requests_subject_kind_check CHECK (subject_kind IN ('user', 'organization')),
    CONSTRAINT erasure_requests_status_check
        CHECK (status IN ('requested', 'approved', 'running', 'completed', 'rejected')),
    CONSTRAINT erasure_requests_due_at_check CHECK (due_at <= created_at + interval '30 days'),
    CONSTRAINT erasure_requests_certificate_check
        CHECK ((status = 'completed') = (certificate IS NOT NULL AND completed_at IS NOT NULL))
);
CREATE INDEX erasure_requests_approval_id_idx ON aias.erasure_requests (approval_id) WHERE approval_id IS NOT NULL;
CREATE INDEX erasure_requests_subject_kind_subject_id_idx ON aias.erasure_requests (subject_kind, subject_id);
CREATE TRIGGER erasure_requests_touch_tg BEFORE UPDATE ON aias.erasure_requests
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

GRANT SELECT, INSERT, UPDATE ON aias.erasure_requests TO aias_identity;

COMMENT ON TABLE aias.erasure_requests IS 'Requests to erase a person or an organization, to their certificate';
COMMENT ON COLUMN aias.erasure_requests.request_id IS 'The request; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.erasure_requests.ticket IS 'Ticket that asks for it';
COMMENT ON COLUMN aias.erasure_requests.subject_kind IS 'user or organization';
COMMENT ON COLUMN aias.erasure_requests.subject_id IS 'Which one';
COMMENT ON COLUMN aias.erasure_requests.legal_basis IS 'Why it must be done';
COMMENT ON COLUMN aias.erasure_requests.status IS 'Where it stands between requested and completed';
COMMENT ON COLUMN aias.erasure_requests.requested_by IS 'Principal that asked';
COMMENT ON COLUMN aias.erasure_requests.due_at IS 'By when it must be done, 30 days after the request';
COMMENT ON COLUMN aias.erasure_requests.impact IS 'Rows and objects found, by table and bucket';
COMMENT ON COLUMN aias.erasure_requests.progress IS 'Tables done, so that a killed run resumes';
COMMENT ON COLUMN aias.erasure_requests.approval_id IS 'The approval behind it';
COMMENT ON COLUMN aias.erasure_requests.certificate IS 'Signed proof: counts and hashes, nothing personal';
COMMENT ON COLUMN aias.erasure_requests.completed_at IS 'When it was done';
COMMENT ON COLUMN aias.erasure_requests.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.erasure_requests.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.erasure_requests.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE TABLE aias.erasure_tombstones (
    subject_kind text NOT NULL,
    subject_id uuid NOT NULL,
    erased_at timestamptz NOT NULL,
    request_id uuid NOT NULL,
    CONSTRAINT erasure_tombstones_pkey PRIMARY KEY (subject_kind, subject_id),
    CONSTRAINT erasure_tombstones_request_id_fkey
        FOREIGN KEY (request_id) REFERENCES aias.erasure_requests (request_id) ON DELETE RESTRICT,
    CONSTRAINT erasure_tombstones_subject_kind_check CHECK (subject_kind IN ('user', 'organization'))
);
CREATE INDEX erasure_tombstones_request_id_idx ON aias.erasure_tombstones (request_id);
CREATE TRIGGER erasure_tombstones_append_only_tg BEFORE UPDATE OR DELETE OR TRUNCATE ON aias.erasure_tombstones
    FOR EACH STATEMENT EXECUTE FUNCTION aias.refuse_change();

GRANT SELECT, INSERT ON aias.erasure_tombstones TO aias_identity;
GRANT SELECT ON aias.erasure_tombstones TO aias_analytics;

COMMENT ON TABLE aias.erasure_tombstones
    IS 'Who was erased: later and replayed data of them is refused, also after a restore';
COMMENT ON COLUMN aias.erasure_tombstones.subject_kind IS 'user or organization';
COMMENT ON COLUMN aias.erasure_tombstones.subject_id IS 'Which one';
COMMENT ON COLUMN aias.erasure_tombstones.erased_at IS 'When';
COMMENT ON COLUMN aias.erasure_tombstones.request_id IS 'The request behind it';

CREATE FUNCTION aias.row_lifetimes() RETURNS TABLE (table_name text, clock_column text, lifetime interval)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    VALUES
        ('audit_exports', 'created_at', interval '1825 days'),
        ('audit_personal', 'created_at', interval '400 days'),
        ('declarative_revisions', 'created_at', interval '400 days'),
        ('declarative_runs', 'started_at', interval '400 days'),
        ('federation_requests', 'expires_at', interval '1 days'),
        ('idempotency_keys', 'expires_at', interval '1 days'),
        ('invites', 'expires_at', interval '30 days'),
        ('login_throttles', 'window_start', interval '1 days'),
        ('oauth_grants', 'expires_at', interval '1 days'),
        ('oauth_tokens', 'expires_at', interval '30 days'),
        ('outbox', 'published_at', interval '7 days'),
        ('quota_leases', 'expires_at', interval '400 days'),
        ('quota_reports', 'reported_at', interval '7 days'),
        ('quota_windows', 'window_end', interval '400 days'),
        ('rate_shares', 'expires_at', interval '1 days'),
        ('recovery_tokens', 'expires_at', interval '1 days'),
        ('revocation_acks', 'applied_at', interval '1 days'),
        ('revocations', 'created_at', interval '30 days'),
        ('sessions', 'expires_at', interval '30 days')
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
    v_held text := '';
    v_removed bigint;
BEGIN
    SELECT clock_column, least(p_as_of, now()) - lifetime INTO v_clock, v_before
    FROM aias.row_lifetimes() WHERE table_name = p_table;
    IF v_clock IS NULL THEN
        RAISE EXCEPTION 'rows of % are not purged by age', p_table USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF EXISTS (SELECT FROM pg_attribute
        WHERE attrelid = format('aias.%I', p_table)::regclass AND attname = 'org_id')
    THEN
        v_held := ' AND NOT EXISTS (SELECT FROM aias.legal_holds h WHERE h.subject_kind = ''organization'''
            ' AND h.subject_id = t.org_id AND h.released_at IS NULL)';
    END IF;
    EXECUTE format('DELETE FROM aias.%1$I WHERE ctid = ANY (ARRAY('
        'SELECT t.ctid FROM aias.%1$I t WHERE t.%2$I < $1%3$s LIMIT $2 FOR UPDATE SKIP LOCKED))',
        p_table, v_clock, v_held)
    USING v_before, p_limit;
    GET DIAGNOSTICS v_removed = ROW_COUNT;
    RETURN v_removed;
END
$$;
REVOKE ALL ON FUNCTION aias.purge_expired(text, timestamptz, int) FROM PUBLIC;
COMMENT ON FUNCTION aias.purge_expired(text, timestamptz, int)
    IS 'Removes up to p_limit rows of a table that outlived their policy and are under no hold; returns how many';
GRANT EXECUTE ON FUNCTION aias.purge_expired(text, timestamptz, int) TO aias_retention;

CREATE FUNCTION aias.anonymize_users(p_as_of timestamptz, p_limit int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_done uuid[];
BEGIN
    v_done := ARRAY(
        SELECT u.user_id FROM aias.users u
        WHERE u.deleted_at < least(p_as_of, now()) - interval '30 days' AND u.status <> 'erased'
            AND NOT EXISTS (SELECT FROM aias.legal_holds h
                WHERE h.subject_kind = 'user' AND h.subject_id = u.user_id AND h.released_at IS NULL)
        LIMIT p_limit FOR UPDATE SKIP LOCKED);
    DELETE FROM aias.user_email_hashes WHERE user_id = ANY (v_done);
    UPDATE aias.users SET status = 'erased', email_ciphertext = NULL, email_enc_kid = NULL, display_name = NULL,
        locale = NULL
    WHERE user_id = ANY (v_done);
    RETURN cardinality(v_done);
END
$$;
REVOKE ALL ON FUNCTION aias.anonymize_users(timestamptz, int) FROM PUBLIC;
COMMENT ON FUNCTION aias.anonymize_users(timestamptz, int)
    IS 'Empties the personal columns of up to p_limit people whose deletion is 30 days old and under no hold';
GRANT EXECUTE ON FUNCTION aias.anonymize_users(timestamptz, int) TO aias_retention;
