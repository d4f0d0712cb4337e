-- aias: phase = expand
-- aias: author = platform
-- aias: risk = New tables only; nothing exists that could wait

CREATE TABLE aias.audit_witness (
    chain text NOT NULL,
    seq bigint NOT NULL,
    audit_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    actor_type text NOT NULL,
    actor_id text NOT NULL,
    org_id uuid,
    action text NOT NULL,
    target_type text,
    target_id text,
    outcome text NOT NULL,
    request_id text,
    record jsonb NOT NULL,
    prev_hash bytea NOT NULL,
    hash bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT audit_witness_pkey PRIMARY KEY (chain, seq),
    CONSTRAINT audit_witness_audit_id_key UNIQUE (audit_id),
    CONSTRAINT audit_witness_hash_check CHECK (octet_length(hash) = 32),
    CONSTRAINT audit_witness_prev_hash_check CHECK (octet_length(prev_hash) = 32)
);
CREATE INDEX audit_witness_org_id_occurred_at_idx ON aias.audit_witness (org_id, occurred_at DESC);
CREATE INDEX audit_witness_actor_id_occurred_at_idx ON aias.audit_witness (actor_id, occurred_at);
CREATE INDEX audit_witness_action_occurred_at_idx ON aias.audit_witness (action, occurred_at);
CREATE INDEX audit_witness_recorded_at_idx ON aias.audit_witness USING brin (recorded_at);

ALTER TABLE aias.audit_witness ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.audit_witness FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_witness_platform ON aias.audit_witness TO aias_analytics, aias_owner USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON aias.audit_witness TO aias_analytics;

COMMENT ON TABLE aias.audit_witness
    IS 'Copy of audit records with their hashes, to search and to compare with the chain';
COMMENT ON COLUMN aias.audit_witness.chain IS 'The chain';
COMMENT ON COLUMN aias.audit_witness.seq IS 'Number of the record';
COMMENT ON COLUMN aias.audit_witness.audit_id IS 'The record';
COMMENT ON COLUMN aias.audit_witness.occurred_at IS 'When it happened';
COMMENT ON COLUMN aias.audit_witness.recorded_at IS 'When it was written down';
COMMENT ON COLUMN aias.audit_witness.actor_type IS 'What kind of principal acted';
COMMENT ON COLUMN aias.audit_witness.actor_id IS 'Which one';
COMMENT ON COLUMN aias.audit_witness.org_id IS 'The organization it is about';
COMMENT ON COLUMN aias.audit_witness.action IS 'What was done';
COMMENT ON COLUMN aias.audit_witness.target_type IS 'Kind of the thing it was done to';
COMMENT ON COLUMN aias.audit_witness.target_id IS 'Which one';
COMMENT ON COLUMN aias.audit_witness.outcome IS 'succeeded, failed, allowed or denied';
COMMENT ON COLUMN aias.audit_witness.request_id IS 'The request it belongs to';
COMMENT ON COLUMN aias.audit_witness.record IS 'The whole record, personal part excluded';
COMMENT ON COLUMN aias.audit_witness.prev_hash IS 'Hash of the record before it';
COMMENT ON COLUMN aias.audit_witness.hash IS 'Hash of the record';
COMMENT ON COLUMN aias.audit_witness.received_at IS 'When the copy arrived';

CREATE FUNCTION aias.guard_witness() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.recorded_at < now() - interval '400 days' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit_witness is append-only'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END
$$;
REVOKE ALL ON FUNCTION aias.guard_witness() FROM PUBLIC;
COMMENT ON FUNCTION aias.guard_witness() IS 'Refuses every change of a copied audit record for 400 days';

CREATE TRIGGER audit_witness_append_only_tg BEFORE UPDATE OR DELETE ON aias.audit_witness
    FOR EACH ROW EXECUTE FUNCTION aias.guard_witness();
CREATE TRIGGER audit_witness_kept_tg BEFORE TRUNCATE ON aias.audit_witness
    FOR EACH STATEMENT EXECUTE FUNCTION aias.refuse_change();

CREATE TABLE aias.access_records (
    audit_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    actor_type text NOT NULL,
    actor_id text NOT NULL,
    actor_role text NOT NULL,
    org_id uuid,
    action text NOT NULL,
    target_type text,
    target_id text,
    outcome text NOT NULL,
    reason text,
    request_id text,
    details jsonb NOT NULL DEFAULT '{}',
    delivered_at timestamptz,
    CONSTRAINT access_records_pkey PRIMARY KEY (audit_id),
    CONSTRAINT access_records_outcome_check CHECK (outcome IN ('succeeded', 'failed', 'allowed', 'denied')),
    CONSTRAINT access_records_details_check CHECK (octet_length(details::text) <= 16384)
);
CREATE INDEX access_records_undelivered_idx ON aias.access_records (occurred_at) WHERE delivered_at IS NULL;
CREATE INDEX access_records_org_id_occurred_at_idx ON aias.access_records (org_id, occurred_at);
CREATE INDEX access_records_occurred_at_idx ON aias.access_records (occurred_at);

ALTER TABLE aias.access_records ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.access_records FORCE ROW LEVEL SECURITY;
CREATE POLICY access_records_platform ON aias.access_records TO aias_analytics, aias_owner
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE (delivered_at) ON aias.access_records TO aias_analytics;

COMMENT ON TABLE aias.access_records
    IS 'Audited reads and refusals of this service, kept with the answer and delivered to the audit chain once';
COMMENT ON COLUMN aias.access_records.audit_id IS 'The record; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.access_records.occurred_at IS 'When it happened';
COMMENT ON COLUMN aias.access_records.actor_type IS 'What kind of principal acted';
COMMENT ON COLUMN aias.access_records.actor_id IS 'Which one';
COMMENT ON COLUMN aias.access_records.actor_role IS 'In which role';
COMMENT ON COLUMN aias.access_records.org_id IS 'The organization it is about; null is all or an unknown one';
COMMENT ON COLUMN aias.access_records.action IS 'What was asked for, such as usage.read';
COMMENT ON COLUMN aias.access_records.target_type IS 'Kind of the thing it was done to';
COMMENT ON COLUMN aias.access_records.target_id IS 'Which one, as it was named';
COMMENT ON COLUMN aias.access_records.outcome IS 'succeeded, failed, allowed or denied';
COMMENT ON COLUMN aias.access_records.reason IS 'Why, in the actor''s words';
COMMENT ON COLUMN aias.access_records.request_id IS 'The request it belongs to';
COMMENT ON COLUMN aias.access_records.details IS 'The parameters';
COMMENT ON COLUMN aias.access_records.delivered_at IS 'When the audit chain had it; null before';

CREATE FUNCTION aias.guard_access_record() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.delivered_at IS NOT NULL AND OLD.occurred_at < now() - interval '400 days' THEN
        RETURN OLD;
    ELSIF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'delivered_at' = to_jsonb(OLD) - 'delivered_at' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'access_records is append-only'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END
$$;
REVOKE ALL ON FUNCTION aias.guard_access_record() FROM PUBLIC;
COMMENT ON FUNCTION aias.guard_access_record()
    IS 'Refuses every change but the note of delivery, and removal before 400 days have passed';

CREATE TRIGGER access_records_append_only_tg BEFORE UPDATE OR DELETE ON aias.access_records
    FOR EACH ROW EXECUTE FUNCTION aias.guard_access_record();
CREATE TRIGGER access_records_kept_tg BEFORE TRUNCATE ON aias.access_records
    FOR EACH STATEMENT EXECUTE FUNCTION aias.refuse_change();
