-- aias: phase = expand
-- aias: author = platform
-- aias: risk = New tables only; nothing exists that could wait

CREATE TABLE aias.approval_requests (
    approval_id uuid NOT NULL,
    kind text NOT NULL,
    environment text NOT NULL,
    org_id uuid,
    subject_sha256 bytea NOT NULL,
    summary jsonb NOT NULL,
    risk text NOT NULL,
    risk_note text NOT NULL,
    requested_by text NOT NULL,
    authors text[] NOT NULL DEFAULT '{}',
    required smallint NOT NULL DEFAULT 1,
    status text NOT NULL DEFAULT 'pending',
    expires_at timestamptz NOT NULL,
    change_ref text,
    consumed_by_run uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT approval_requests_pkey PRIMARY KEY (approval_id),
    CONSTRAINT approval_requests_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT approval_requests_kind_check
        CHECK (kind IN ('plan', 'migration', 'rollback', 'restore', 'price', 'budget_override', 'policy_bundle',
            'service_promotion', 'model_promotion', 'month_close', 'month_restatement', 'adjustment', 'erasure',
            'platform_grant', 'break_glass')),
    CONSTRAINT approval_requests_risk_check CHECK (risk IN ('safe', 'locking', 'destructive')),
    CONSTRAINT approval_requests_status_check
        CHECK (status IN ('pending', 'approved', 'rejected', 'expired', 'consumed', 'cancelled')),
    CONSTRAINT approval_requests_subject_sha256_check CHECK (octet_length(subject_sha256) = 32),
    CONSTRAINT approval_requests_risk_note_check CHECK (length(risk_note) BETWEEN 1 AND 2000),
    CONSTRAINT approval_requests_required_check CHECK (required BETWEEN 1 AND 3),
    CONSTRAINT approval_requests_expires_at_check CHECK (expires_at > created_at),
    CONSTRAINT approval_requests_consumed_by_run_check CHECK ((status = 'consumed') = (consumed_by_run IS NOT NULL))
);
CREATE INDEX approval_requests_org_id_idx ON aias.approval_requests (org_id) WHERE org_id IS NOT NULL;
CREATE INDEX approval_requests_status_expires_at_idx ON aias.approval_requests (status, expires_at);
CREATE TRIGGER approval_requests_touch_tg BEFORE UPDATE ON aias.approval_requests
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();
CREATE TRIGGER approval_requests_content_fixed_tg BEFORE UPDATE ON aias.approval_requests
    FOR EACH ROW WHEN (
        (OLD.kind, OLD.environment, OLD.org_id, OLD.subject_sha256, OLD.requested_by, OLD.authors,
            OLD.required, OLD.expires_at) IS DISTINCT FROM (
            NEW.kind, NEW.environment, NEW.org_id, NEW.subject_sha256, NEW.requested_by, NEW.authors,
            NEW.required, NEW.expires_at))
    EXECUTE FUNCTION aias.refuse_rewrite();

ALTER TABLE aias.approval_requests ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.approval_requests FORCE ROW LEVEL SECURITY;
CREATE POLICY approval_requests_tenant ON aias.approval_requests FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY approval_requests_platform ON aias.approval_requests TO aias_identity, aias_router, aias_owner
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON aias.approval_requests TO aias_identity;
GRANT SELECT, INSERT, UPDATE ON aias.approval_requests TO aias_router;
GRANT SELECT ON aias.approval_requests TO aias_reader;

COMMENT ON TABLE aias.approval_requests IS 'What waits for a second person: the hash of exactly what will be done';
COMMENT ON COLUMN aias.approval_requests.approval_id IS 'The request; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.approval_requests.kind IS 'What is asked for; decides who may decide';
COMMENT ON COLUMN aias.approval_requests.environment IS 'Environment it is about';
COMMENT ON COLUMN aias.approval_requests.org_id IS 'Organization it is about; null for the platform';
COMMENT ON COLUMN aias.approval_requests.subject_sha256 IS 'SHA-256 of the exact plan, file or change';
COMMENT ON COLUMN aias.approval_requests.summary IS 'What approvers see of it';
COMMENT ON COLUMN aias.approval_requests.risk IS 'safe, locking or destructive';
COMMENT ON COLUMN aias.approval_requests.risk_note IS 'The requester''s own words on what can go wrong';
COMMENT ON COLUMN aias.approval_requests.requested_by IS 'Principal that asked';
COMMENT ON COLUMN aias.approval_requests.authors IS 'Principals that wrote what is to be done; none of them may decide';
COMMENT ON COLUMN aias.approval_requests.required IS 'How many different people must approve';
COMMENT ON COLUMN aias.approval_requests.status IS 'Where it stands between pending and consumed';
COMMENT ON COLUMN aias.approval_requests.expires_at IS 'When it can be neither decided nor used any more';
COMMENT ON COLUMN aias.approval_requests.change_ref IS 'Ticket or change in another system';
COMMENT ON COLUMN aias.approval_requests.consumed_by_run IS 'The one run that used it';
COMMENT ON COLUMN aias.approval_requests.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.approval_requests.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.approval_requests.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE TABLE aias.approval_decisions (
    approval_id uuid NOT NULL,
    approver_id text NOT NULL,
    decision text NOT NULL,
    comment text,
    decided_at timestamptz NOT NULL DEFAULT now(),
    signature bytea,
    CONSTRAINT approval_decisions_pkey PRIMARY KEY (approval_id, approver_id),
    CONSTRAINT approval_decisions_approval_id_fkey
        FOREIGN KEY (approval_id) REFERENCES aias.approval_requests (approval_id) ON DELETE RESTRICT,
    CONSTRAINT approval_decisions_decision_check CHECK (decision IN ('approve', 'reject')),
    CONSTRAINT approval_decisions_comment_check CHECK (length(comment) <= 2000)
);
CREATE INDEX approval_decisions_decided_at_idx ON aias.approval_decisions (decided_at);
CREATE TRIGGER approval_decisions_append_only_tg BEFORE UPDATE OR DELETE OR TRUNCATE ON aias.approval_decisions
    FOR EACH STATEMENT EXECUTE FUNCTION aias.refuse_change();

GRANT SELECT, INSERT ON aias.approval_decisions TO aias_identity;
GRANT SELECT, INSERT ON aias.approval_decisions TO aias_router;

COMMENT ON TABLE aias.approval_decisions IS 'Votes on a request, one a person, never changed';
COMMENT ON COLUMN aias.approval_decisions.approval_id IS 'The request';
COMMENT ON COLUMN aias.approval_decisions.approver_id IS 'Principal that decided; never the requester, never an author';
COMMENT ON COLUMN aias.approval_decisions.decision IS 'approve or reject';
COMMENT ON COLUMN aias.approval_decisions.comment IS 'Why';
COMMENT ON COLUMN aias.approval_decisions.decided_at IS 'When';
COMMENT ON COLUMN aias.approval_decisions.signature IS 'Signature over the request''s hash, where the approver signs';

CREATE FUNCTION aias.check_decision() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    v_request aias.approval_requests;
BEGIN
    SELECT * INTO v_request FROM aias.approval_requests WHERE approval_id = NEW.approval_id FOR NO KEY UPDATE;
    IF NEW.approver_id = v_request.requested_by THEN
        RAISE EXCEPTION 'the requester may not decide'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_decisions_requester_check';
    ELSIF NEW.approver_id = ANY (v_request.authors) THEN
        RAISE EXCEPTION 'an author may not decide'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_decisions_author_check';
    ELSIF v_request.status <> 'pending' THEN
        RAISE EXCEPTION 'the request is %', v_request.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_decisions_pending_check';
    ELSIF v_request.expires_at <= clock_timestamp() THEN
        RAISE EXCEPTION 'the request has expired'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_decisions_expired_check';
    END IF;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION aias.check_decision() FROM PUBLIC;
COMMENT ON FUNCTION aias.check_decision()
    IS 'Refuses a vote of the requester or an author, and one on a request that is decided or expired';

CREATE TRIGGER approval_decisions_rules_tg BEFORE INSERT ON aias.approval_decisions
    FOR EACH ROW EXECUTE FUNCTION aias.check_decision();

CREATE TABLE aias.platform_grants (
    user_id uuid NOT NULL,
    role text NOT NULL,
    granted_by uuid NOT NULL,
    approval_id uuid,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT platform_grants_pkey PRIMARY KEY (user_id, role),
    CONSTRAINT platform_grants_user_id_fkey FOREIGN KEY (user_id) REFERENCES aias.users (user_id) ON DELETE RESTRICT,
    CONSTRAINT platform_grants_granted_by_fkey
        FOREIGN KEY (granted_by) REFERENCES aias.users (user_id) ON DELETE RESTRICT,
    CONSTRAINT platform_grants_approval_id_fkey
        FOREIGN KEY (approval_id) REFERENCES aias.approval_requests (approval_id) ON DELETE RESTRICT,
    CONSTRAINT platform_grants_role_check CHECK (role IN ('system_admin', 'operator', 'auditor')),
    CONSTRAINT platform_grants_expires_at_check CHECK (expires_at > created_at)
);
CREATE INDEX platform_grants_granted_by_idx ON aias.platform_grants (granted_by);
CREATE INDEX platform_grants_approval_id_idx ON aias.platform_grants (approval_id) WHERE approval_id IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON aias.platform_grants TO aias_identity;

COMMENT ON TABLE aias.platform_grants IS 'Platform roles of people, given by one administrator and approved by another';
COMMENT ON COLUMN aias.platform_grants.user_id IS 'The person';
COMMENT ON COLUMN aias.platform_grants.role IS 'system_admin, operator or auditor';
COMMENT ON COLUMN aias.platform_grants.granted_by
    IS 'Who gave it; oneself only for the first grant of an empty database';
COMMENT ON COLUMN aias.platform_grants.approval_id IS 'The approval behind it';
COMMENT ON COLUMN aias.platform_grants.expires_at IS 'When it ends by itself';
COMMENT ON COLUMN aias.platform_grants.created_at IS 'When the row was made';

CREATE FUNCTION aias.check_platform_grant() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF NEW.granted_by = NEW.user_id AND EXISTS (SELECT FROM aias.platform_grants) THEN
        RAISE EXCEPTION 'nobody grants a platform role to themselves'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'platform_grants_granted_by_check';
    END IF;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION aias.check_platform_grant() FROM PUBLIC;
COMMENT ON FUNCTION aias.check_platform_grant()
    IS 'Refuses a platform role given to oneself, except for the first grant of an empty database';

CREATE TRIGGER platform_grants_rules_tg BEFORE INSERT OR UPDATE ON aias.platform_grants
    FOR EACH ROW EXECUTE FUNCTION aias.check_platform_grant();
