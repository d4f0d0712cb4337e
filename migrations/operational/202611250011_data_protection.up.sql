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

CREATE FUNCTION aias.list_held_subjects() RETURNS TABLE (subject_kind text, subject_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT h.subject_kind, h.subject_id FROM aias.legal_holds h WHERE h.released_at IS NULL
    UNION
    SELECT 'organization', o.org_id FROM aias.organizations o WHERE o.legal_hold
$$;
REVOKE ALL ON FUNCTION aias.list_held_subjects() FROM PUBLIC;
COMMENT ON FUNCTION aias.list_held_subjects() IS 'The people and organizations of which nothing may be removed now';
GRANT EXECUTE ON FUNCTION aias.list_held_subjects() TO aias_retention;

CREATE FUNCTION aias.describe_hold(p_table text, p_alias text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT CASE WHEN p_table = 'audit_personal' THEN format(
            'EXISTS (SELECT FROM aias.audit_log l WHERE l.chain = %1$I.chain AND l.seq = %1$I.seq'
            ' AND ARRAY[l.org_id::text, l.actor_id] && ARRAY(SELECT subject_id::text FROM aias.list_held_subjects()))',
            p_alias)
        ELSE coalesce(format('ARRAY[%s]::uuid[] && ARRAY(SELECT subject_id FROM aias.list_held_subjects())',
            string_agg(format('%I.%I', p_alias, attname), ', ' ORDER BY attname)), 'false') END
    FROM pg_attribute
    WHERE attrelid = format('aias.%I', p_table)::regclass AND attname IN ('org_id', 'user_id', 'subject_id')
        AND atttypid = 'uuid'::regtype
$$;
REVOKE ALL ON FUNCTION aias.describe_hold(text, text) FROM PUBLIC;
COMMENT ON FUNCTION aias.describe_hold(text, text)
    IS 'The condition under which a row of a table belongs to somebody under a hold, as SQL';

CREATE FUNCTION aias.describe_expiry(p_table text, p_alias text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
DECLARE
    v_old text;
    v_text text;
    v_child record;
BEGIN
    SELECT format('%I.%I < $1 - interval %L', p_alias, clock_column, lifetime) INTO v_old
    FROM aias.row_lifetimes() WHERE table_name = p_table;
    v_text := v_old || format(' AND NOT %s', aias.describe_hold(p_table, p_alias));
    FOR v_child IN
        SELECT c.conrelid = c.confrelid AS own, r.relname AS name, p_alias || 'c' AS alias,
            (SELECT string_agg(format('%I.%I = %I.%I', p_alias || 'c', a.attname, p_alias, b.attname), ' AND ')
            FROM unnest(c.conkey, c.confkey) k (child, parent)
            JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.child
            JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = k.parent) AS meets
        FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid
        JOIN aias.row_lifetimes() l ON l.table_name = r.relname
        WHERE c.contype = 'f' AND c.confdeltype = 'c' AND c.confrelid = format('aias.%I', p_table)::regclass
    LOOP
        v_text := v_text || format(' AND NOT EXISTS (SELECT FROM aias.%I %I WHERE %s AND NOT (%s))',
            v_child.name, v_child.alias, v_child.meets,
            CASE WHEN v_child.own THEN replace(v_old, quote_ident(p_alias) || '.', quote_ident(v_child.alias) || '.')
                ELSE aias.describe_expiry(v_child.name, v_child.alias) END);
    END LOOP;
    RETURN v_text;
END
$$;
REVOKE ALL ON FUNCTION aias.describe_expiry(text, text) FROM PUBLIC;
COMMENT ON FUNCTION aias.describe_expiry(text, text)
    IS 'The condition under which a row outlived its policy at $1, is under no hold and takes no younger row with it';

-- aias:allow dynamic-sql the names come from the catalogue and are quoted by format
CREATE FUNCTION aias.purge_expired(p_table text, p_as_of timestamptz, p_limit int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_removed bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM aias.row_lifetimes() WHERE table_name = p_table) THEN
        RAISE EXCEPTION 'rows of % are not purged by age', p_table USING ERRCODE = 'invalid_parameter_value';
    END IF;
    EXECUTE format('DELETE FROM aias.%1$I WHERE ctid = ANY (ARRAY('
        'SELECT t.ctid FROM aias.%1$I t WHERE %2$s LIMIT $2 FOR UPDATE SKIP LOCKED))',
        p_table, aias.describe_expiry(p_table, 't'))
    USING least(p_as_of, now()), p_limit;
    GET DIAGNOSTICS v_removed = ROW_COUNT;
    RETURN v_removed;
END
$$;
REVOKE ALL ON FUNCTION aias.purge_expired(text, timestamptz, int) FROM PUBLIC;
COMMENT ON FUNCTION aias.purge_expired(text, timestamptz, int)
    IS 'Removes up to p_limit rows of a table that outlived their policy and are under no hold; returns how many';
GRANT EXECUTE ON FUNCTION aias.purge_expired(text, timestamptz, int) TO aias_retention;

CREATE FUNCTION aias.list_forgettable_users(p_as_of timestamptz) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT u.user_id FROM aias.users u
    WHERE u.deleted_at < p_as_of - interval '30 days' AND u.status <> 'erased'
        AND NOT EXISTS (SELECT FROM aias.list_held_subjects() h WHERE h.subject_id = u.user_id)
$$;
REVOKE ALL ON FUNCTION aias.list_forgettable_users(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aias.list_forgettable_users(timestamptz)
    IS 'People whose deletion is 30 days old at an instant and under no hold, and who are still known by name';

CREATE FUNCTION aias.anonymize_users(p_as_of timestamptz, p_limit int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_done uuid[];
BEGIN
    v_done := ARRAY(
        SELECT user_id FROM aias.users
        WHERE user_id IN (SELECT aias.list_forgettable_users(least(p_as_of, now())))
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

CREATE FUNCTION aias.find_audit_anchor(p_chain text, p_as_of timestamptz) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(
        (SELECT l.seq - 1 FROM aias.audit_log l
        WHERE l.chain = p_chain AND (l.recorded_at >= p_as_of - interval '400 days'
            OR ARRAY[l.org_id::text, l.actor_id] && ARRAY(SELECT subject_id::text FROM aias.list_held_subjects())
            OR EXISTS (SELECT FROM aias.audit_personal p WHERE p.chain = l.chain AND p.seq = l.seq
                AND p.created_at >= p_as_of - interval '400 days'))
        ORDER BY l.seq LIMIT 1),
        (SELECT max(seq) FROM aias.audit_log WHERE chain = p_chain))
$$;
REVOKE ALL ON FUNCTION aias.find_audit_anchor(text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aias.find_audit_anchor(text, timestamptz)
    IS 'Up to which record a chain may be cut off: all are older than 400 days at an instant and under no hold';

CREATE FUNCTION aias.purge_audit_log(p_chain text, p_as_of timestamptz, p_limit int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_last bigint;
    v_removed bigint;
BEGIN
    PERFORM FROM aias.audit_heads WHERE chain = p_chain FOR NO KEY UPDATE;
    SELECT max(seq) INTO v_last FROM (
        SELECT seq FROM aias.audit_log WHERE chain = p_chain
            AND seq <= aias.find_audit_anchor(p_chain, least(p_as_of, now()))
        ORDER BY seq LIMIT p_limit
    ) oldest;
    IF v_last IS NULL THEN
        RETURN 0;
    END IF;
    UPDATE aias.audit_heads h SET anchor_seq = v_last, anchor_hash = l.hash
    FROM aias.audit_log l WHERE h.chain = p_chain AND l.chain = p_chain AND l.seq = v_last;
    DELETE FROM aias.audit_personal WHERE chain = p_chain AND seq <= v_last;
    DELETE FROM aias.audit_log WHERE chain = p_chain AND seq <= v_last;
    GET DIAGNOSTICS v_removed = ROW_COUNT;
    RETURN v_removed;
END
$$;
REVOKE ALL ON FUNCTION aias.purge_audit_log(text, timestamptz, int) FROM PUBLIC;
COMMENT ON FUNCTION aias.purge_audit_log(text, timestamptz, int)
    IS 'Removes up to p_limit records of a chain that may be cut off; the last becomes the anchor';
GRANT EXECUTE ON FUNCTION aias.purge_audit_log(text, timestamptz, int) TO aias_retention;

CREATE FUNCTION aias.list_sealed_audit(p_as_of timestamptz) RETURNS TABLE (
    chain text, rows bigint, bytes bigint, unsealed bigint
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT l.chain, count(*) FILTER (WHERE l.seq <= s.seq),
        coalesce(sum(pg_column_size(l.*)) FILTER (WHERE l.seq <= s.seq), 0)::bigint,
        count(*) FILTER (WHERE l.seq > s.seq)
    FROM aias.audit_heads h
    CROSS JOIN LATERAL aias.find_audit_anchor(h.chain, p_as_of) a (seq)
    CROSS JOIN LATERAL (
        SELECT coalesce(max(c.seq), 0) AS seq FROM aias.audit_checkpoints c
        WHERE c.chain = h.chain AND c.object_key IS NOT NULL
    ) s
    JOIN aias.audit_log l ON l.chain = h.chain AND l.seq <= a.seq
    GROUP BY l.chain ORDER BY l.chain
$$;
REVOKE ALL ON FUNCTION aias.list_sealed_audit(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aias.list_sealed_audit(timestamptz)
    IS 'How many records of each chain may be cut off and are sealed in object storage, and how many are not sealed';
GRANT EXECUTE ON FUNCTION aias.list_sealed_audit(timestamptz) TO aias_retention;

-- aias:allow dynamic-sql the names come from the catalogue and are quoted by format
CREATE FUNCTION aias.count_expired(p_as_of timestamptz) RETURNS TABLE (
    table_name text, purge text, rows bigint, bytes bigint, held bigint
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_table record;
BEGIN
    FOR v_table IN SELECT * FROM aias.row_lifetimes() LOOP
        RETURN QUERY EXECUTE format('SELECT %1$L::text, ''delete''::text, count(*) FILTER (WHERE %2$s),'
            ' coalesce(sum(pg_column_size(t.*)) FILTER (WHERE %2$s), 0)::bigint, count(*) FILTER (WHERE %3$s)'
            ' FROM aias.%1$I t WHERE t.%4$I < $1 - $2',
            v_table.table_name, aias.describe_expiry(v_table.table_name, 't'),
            aias.describe_hold(v_table.table_name, 't'), v_table.clock_column)
        USING p_as_of, v_table.lifetime;
    END LOOP;
    RETURN QUERY SELECT 'users', 'anonymize', count(*), coalesce(sum(pg_column_size(u.*)), 0)::bigint,
        (SELECT count(*) FROM aias.users x JOIN aias.list_held_subjects() h ON h.subject_id = x.user_id
        WHERE x.deleted_at < p_as_of - interval '30 days' AND x.status <> 'erased')
    FROM aias.users u WHERE u.user_id IN (SELECT aias.list_forgettable_users(p_as_of));
END
$$;
REVOKE ALL ON FUNCTION aias.count_expired(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aias.count_expired(timestamptz)
    IS 'What the purges would remove at an instant, by table, and how many expired rows a hold keeps';
GRANT EXECUTE ON FUNCTION aias.count_expired(timestamptz) TO aias_retention;
