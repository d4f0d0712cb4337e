-- aias: phase = expand
-- aias: author = platform
-- aias: risk = New tables only; nothing exists that could wait

CREATE TABLE aias.audit_heads (
    chain text NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    anchor_seq bigint NOT NULL DEFAULT 0,
    anchor_hash bytea NOT NULL,
    CONSTRAINT audit_heads_pkey PRIMARY KEY (chain),
    CONSTRAINT audit_heads_chain_check CHECK (chain = 'platform' OR chain ~ '^org:[0-9a-f-]{36}$'),
    CONSTRAINT audit_heads_seq_check CHECK (seq >= anchor_seq),
    CONSTRAINT audit_heads_hash_check CHECK (octet_length(hash) = 32),
    CONSTRAINT audit_heads_anchor_hash_check CHECK (octet_length(anchor_hash) = 32)
) WITH (fillfactor = 50);

GRANT SELECT, INSERT, UPDATE ON aias.audit_heads TO aias_identity;

COMMENT ON TABLE aias.audit_heads IS 'The last record of each chain, and the anchor its oldest kept record follows';
COMMENT ON COLUMN aias.audit_heads.chain IS 'platform, or org: and the organization''s id';
COMMENT ON COLUMN aias.audit_heads.seq IS 'Number of the last record';
COMMENT ON COLUMN aias.audit_heads.hash IS 'Hash of the last record';
COMMENT ON COLUMN aias.audit_heads.anchor_seq IS 'Number of the last record that was purged; 0 for none';
COMMENT ON COLUMN aias.audit_heads.anchor_hash
    IS 'Its hash, which the oldest kept record follows; at first the hash of the chain''s name';

CREATE TABLE aias.audit_log (
    chain text NOT NULL,
    seq bigint NOT NULL,
    audit_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    actor_type text NOT NULL,
    actor_id text NOT NULL,
    actor_role text,
    org_id uuid,
    action text NOT NULL,
    target_type text,
    target_id text,
    outcome text NOT NULL,
    reason text,
    request_id text,
    approval_id uuid,
    details jsonb NOT NULL DEFAULT '{}',
    personal_digest bytea,
    prev_hash bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_log_pkey PRIMARY KEY (chain, seq),
    CONSTRAINT audit_log_chain_fkey FOREIGN KEY (chain) REFERENCES aias.audit_heads (chain) ON DELETE RESTRICT,
    CONSTRAINT audit_log_audit_id_key UNIQUE (audit_id),
    CONSTRAINT audit_log_seq_check CHECK (seq >= 1),
    CONSTRAINT audit_log_actor_type_check
        CHECK (actor_type IN ('user', 'service_account', 'service', 'cli', 'migration', 'system')),
    CONSTRAINT audit_log_action_check CHECK (action ~ '^[a-z_]+([.][a-z_]+)+$'),
    CONSTRAINT audit_log_outcome_check CHECK (outcome IN ('succeeded', 'failed', 'allowed', 'denied')),
    CONSTRAINT audit_log_details_check CHECK (octet_length(details::text) <= 16384),
    CONSTRAINT audit_log_personal_digest_check CHECK (octet_length(personal_digest) = 32),
    CONSTRAINT audit_log_prev_hash_check CHECK (octet_length(prev_hash) = 32),
    CONSTRAINT audit_log_hash_check CHECK (octet_length(hash) = 32)
);
CREATE INDEX audit_log_org_id_occurred_at_idx ON aias.audit_log (org_id, occurred_at DESC);
CREATE INDEX audit_log_actor_id_occurred_at_idx ON aias.audit_log (actor_id, occurred_at);
CREATE INDEX audit_log_action_occurred_at_idx ON aias.audit_log (action, occurred_at);
CREATE INDEX audit_log_request_id_idx ON aias.audit_log (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX audit_log_recorded_at_idx ON aias.audit_log USING brin (recorded_at);

ALTER TABLE aias.audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.audit_log FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_log_tenant ON aias.audit_log FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY audit_log_platform ON aias.audit_log TO aias_identity, aias_owner USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON aias.audit_log TO aias_identity;
GRANT SELECT (
    chain, seq, audit_id, occurred_at, recorded_at, actor_type, actor_id, actor_role, org_id, action, target_type,
    target_id, outcome, reason, request_id, approval_id, details, prev_hash, hash
) ON aias.audit_log TO aias_reader;

COMMENT ON TABLE aias.audit_log IS 'Who did what, when, why and with which outcome; append-only and hash-chained';
COMMENT ON COLUMN aias.audit_log.chain IS 'The chain it belongs to';
COMMENT ON COLUMN aias.audit_log.seq IS 'Its number in the chain, without gaps';
COMMENT ON COLUMN aias.audit_log.audit_id IS 'The record; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.audit_log.occurred_at IS 'When it happened';
COMMENT ON COLUMN aias.audit_log.recorded_at IS 'When it was written down';
COMMENT ON COLUMN aias.audit_log.actor_type IS 'What kind of principal acted';
COMMENT ON COLUMN aias.audit_log.actor_id IS 'Which one';
COMMENT ON COLUMN aias.audit_log.actor_role IS 'In which role';
COMMENT ON COLUMN aias.audit_log.org_id IS 'The organization it is about';
COMMENT ON COLUMN aias.audit_log.action IS 'What was done, such as key.issue';
COMMENT ON COLUMN aias.audit_log.target_type IS 'Kind of the thing it was done to';
COMMENT ON COLUMN aias.audit_log.target_id IS 'Which one';
COMMENT ON COLUMN aias.audit_log.outcome IS 'succeeded, failed, allowed or denied';
COMMENT ON COLUMN aias.audit_log.reason IS 'Why, in the actor''s words';
COMMENT ON COLUMN aias.audit_log.request_id IS 'The request it belongs to';
COMMENT ON COLUMN aias.audit_log.approval_id IS 'The approval behind it';
COMMENT ON COLUMN aias.audit_log.details IS 'Changed fields, versions, session; secrets only as changed';
COMMENT ON COLUMN aias.audit_log.personal_digest IS 'SHA-256(salt ‖ personal part), so that the chain outlives erasure';
COMMENT ON COLUMN aias.audit_log.prev_hash IS 'Hash of the record before it';
COMMENT ON COLUMN aias.audit_log.hash IS 'SHA-256(prev_hash ‖ canonical JSON of the record)';

CREATE FUNCTION aias.link_audit_record() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    v_head aias.audit_heads;
    v_prev bytea;
BEGIN
    INSERT INTO aias.audit_heads (chain, seq, hash, anchor_hash)
    VALUES (NEW.chain, 0, sha256(convert_to(NEW.chain, 'UTF8')), sha256(convert_to(NEW.chain, 'UTF8')))
    ON CONFLICT (chain) DO NOTHING;
    SELECT * INTO v_head FROM aias.audit_heads WHERE chain = NEW.chain FOR NO KEY UPDATE;
    v_prev := CASE WHEN v_head.anchor_seq = NEW.seq - 1 THEN v_head.anchor_hash
        ELSE (SELECT hash FROM aias.audit_log WHERE chain = NEW.chain AND seq = NEW.seq - 1) END;
    IF NEW.prev_hash IS DISTINCT FROM v_prev THEN
        RAISE EXCEPTION 'record % of % does not follow the one before it', NEW.seq, NEW.chain
            USING ERRCODE = 'check_violation', CONSTRAINT = 'audit_log_chain_check';
    END IF;
    UPDATE aias.audit_heads SET seq = NEW.seq, hash = NEW.hash WHERE chain = NEW.chain AND seq < NEW.seq;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION aias.link_audit_record() FROM PUBLIC;
COMMENT ON FUNCTION aias.link_audit_record()
    IS 'Refuses a record that does not follow the last one, locks the head of its chain, and moves it forward';

CREATE FUNCTION aias.guard_audit_head() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP <> 'UPDATE' OR NEW.chain <> OLD.chain OR NEW.seq < OLD.seq OR NEW.anchor_seq < OLD.anchor_seq
        OR (NEW.anchor_seq = OLD.anchor_seq AND NEW.anchor_hash <> OLD.anchor_hash)
        OR (NEW.anchor_seq > OLD.anchor_seq AND NOT EXISTS (
            SELECT FROM aias.audit_log WHERE chain = NEW.chain AND seq = NEW.anchor_seq AND hash = NEW.anchor_hash
                AND recorded_at < now() - interval '400 days'))
    THEN
        RAISE EXCEPTION 'the head of a chain moves forward only'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION aias.guard_audit_head() FROM PUBLIC;
COMMENT ON FUNCTION aias.guard_audit_head()
    IS 'Refuses to remove a head, to move it back, or to anchor it at a record that is missing or under 400 days old';

CREATE FUNCTION aias.guard_audit_log() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP <> 'DELETE' OR TG_LEVEL = 'STATEMENT' OR OLD.recorded_at >= now() - interval '400 days'
        OR NOT EXISTS (SELECT FROM aias.audit_heads WHERE chain = OLD.chain AND anchor_seq >= OLD.seq)
    THEN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN OLD;
END
$$;
REVOKE ALL ON FUNCTION aias.guard_audit_log() FROM PUBLIC;
COMMENT ON FUNCTION aias.guard_audit_log()
    IS 'Refuses every change; only records that are older than 400 days and not after their chain''s anchor may go';

CREATE TRIGGER audit_log_chain_tg BEFORE INSERT ON aias.audit_log
    FOR EACH ROW EXECUTE FUNCTION aias.link_audit_record();
CREATE TRIGGER audit_log_append_only_tg BEFORE UPDATE OR TRUNCATE ON aias.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION aias.guard_audit_log();
CREATE TRIGGER audit_log_anchored_tg BEFORE DELETE ON aias.audit_log
    FOR EACH ROW EXECUTE FUNCTION aias.guard_audit_log();
CREATE TRIGGER audit_heads_forward_tg BEFORE UPDATE OR DELETE ON aias.audit_heads
    FOR EACH ROW EXECUTE FUNCTION aias.guard_audit_head();
CREATE TRIGGER audit_heads_kept_tg BEFORE TRUNCATE ON aias.audit_heads
    FOR EACH STATEMENT EXECUTE FUNCTION aias.guard_audit_head();

CREATE TABLE aias.audit_personal (
    chain text NOT NULL,
    seq bigint NOT NULL,
    ciphertext bytea NOT NULL,
    enc_kid text NOT NULL,
    salt bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT audit_personal_pkey PRIMARY KEY (chain, seq),
    CONSTRAINT audit_personal_salt_check CHECK (octet_length(salt) >= 16)
);

GRANT SELECT, INSERT, DELETE ON aias.audit_personal TO aias_identity;

COMMENT ON TABLE aias.audit_personal
    IS 'Personal parts of audit records: network address, client, e-mail; may be erased alone';
COMMENT ON COLUMN aias.audit_personal.chain IS 'The chain of the record';
COMMENT ON COLUMN aias.audit_personal.seq IS 'The record';
COMMENT ON COLUMN aias.audit_personal.ciphertext IS 'The personal part, AES-256-GCM under enc_kid';
COMMENT ON COLUMN aias.audit_personal.enc_kid IS 'Encryption key of ciphertext';
COMMENT ON COLUMN aias.audit_personal.salt IS 'Salt of the record''s personal_digest';
COMMENT ON COLUMN aias.audit_personal.created_at IS 'When the row was made';

CREATE TABLE aias.audit_checkpoints (
    checkpoint_id uuid NOT NULL,
    chain text NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    signature bytea NOT NULL,
    signing_kid text NOT NULL,
    object_key text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT audit_checkpoints_pkey PRIMARY KEY (checkpoint_id),
    CONSTRAINT audit_checkpoints_chain_fkey
        FOREIGN KEY (chain) REFERENCES aias.audit_heads (chain) ON DELETE RESTRICT,
    CONSTRAINT audit_checkpoints_signing_kid_fkey
        FOREIGN KEY (signing_kid) REFERENCES aias.signing_keys (kid) ON DELETE RESTRICT,
    CONSTRAINT audit_checkpoints_chain_seq_key UNIQUE (chain, seq),
    CONSTRAINT audit_checkpoints_hash_check CHECK (octet_length(hash) = 32),
    CONSTRAINT audit_checkpoints_signature_check CHECK (octet_length(signature) = 64)
);
CREATE INDEX audit_checkpoints_signing_kid_idx ON aias.audit_checkpoints (signing_kid);
CREATE TRIGGER audit_checkpoints_append_only_tg BEFORE UPDATE OR DELETE OR TRUNCATE ON aias.audit_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION aias.refuse_change();

GRANT SELECT, INSERT ON aias.audit_checkpoints TO aias_identity;

COMMENT ON TABLE aias.audit_checkpoints IS 'Signed heads of chains, copied to object storage';
COMMENT ON COLUMN aias.audit_checkpoints.checkpoint_id IS 'The checkpoint; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.audit_checkpoints.chain IS 'The chain';
COMMENT ON COLUMN aias.audit_checkpoints.seq IS 'The record it signs';
COMMENT ON COLUMN aias.audit_checkpoints.hash IS 'Its hash';
COMMENT ON COLUMN aias.audit_checkpoints.signature IS 'Ed25519 signature over chain, number and hash';
COMMENT ON COLUMN aias.audit_checkpoints.signing_kid IS 'Key of the signature';
COMMENT ON COLUMN aias.audit_checkpoints.object_key IS 'Where its copy lies in object storage';
COMMENT ON COLUMN aias.audit_checkpoints.created_at IS 'When the row was made';

CREATE TABLE aias.audit_exports (
    export_id uuid NOT NULL,
    chain text NOT NULL,
    org_id uuid,
    requested_by text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    filter jsonb NOT NULL DEFAULT '{}',
    status text NOT NULL DEFAULT 'pending',
    object_key text,
    manifest jsonb,
    error text,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT audit_exports_pkey PRIMARY KEY (export_id),
    CONSTRAINT audit_exports_chain_fkey FOREIGN KEY (chain) REFERENCES aias.audit_heads (chain) ON DELETE RESTRICT,
    CONSTRAINT audit_exports_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT audit_exports_status_check CHECK (status IN ('pending', 'ready', 'failed', 'expired')),
    CONSTRAINT audit_exports_ends_at_check CHECK (ends_at > starts_at),
    CONSTRAINT audit_exports_object_key_check CHECK (status <> 'ready' OR object_key IS NOT NULL)
);
CREATE INDEX audit_exports_chain_idx ON aias.audit_exports (chain);
CREATE INDEX audit_exports_org_id_idx ON aias.audit_exports (org_id) WHERE org_id IS NOT NULL;
CREATE TRIGGER audit_exports_touch_tg BEFORE UPDATE ON aias.audit_exports
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

ALTER TABLE aias.audit_exports ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.audit_exports FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_exports_tenant ON aias.audit_exports FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY audit_exports_platform ON aias.audit_exports TO aias_identity, aias_owner USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON aias.audit_exports TO aias_identity;
GRANT SELECT ON aias.audit_exports TO aias_reader;

COMMENT ON TABLE aias.audit_exports IS 'Extracts of a chain: what was asked for and where the signed archive lies';
COMMENT ON COLUMN aias.audit_exports.export_id IS 'The ticket; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.audit_exports.chain IS 'The chain';
COMMENT ON COLUMN aias.audit_exports.org_id IS 'The organization of the chain';
COMMENT ON COLUMN aias.audit_exports.requested_by IS 'Principal that asked';
COMMENT ON COLUMN aias.audit_exports.starts_at IS 'First instant';
COMMENT ON COLUMN aias.audit_exports.ends_at IS 'First instant after it';
COMMENT ON COLUMN aias.audit_exports.filter IS 'What was left out';
COMMENT ON COLUMN aias.audit_exports.status IS 'pending, ready, failed or expired';
COMMENT ON COLUMN aias.audit_exports.object_key IS 'Where the archive lies';
COMMENT ON COLUMN aias.audit_exports.manifest IS 'Counts, first and last record, checksums';
COMMENT ON COLUMN aias.audit_exports.error IS 'Why it failed';
COMMENT ON COLUMN aias.audit_exports.expires_at IS 'When the archive goes';
COMMENT ON COLUMN aias.audit_exports.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.audit_exports.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.audit_exports.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';
