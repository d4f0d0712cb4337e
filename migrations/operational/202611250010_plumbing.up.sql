-- aias: phase = expand
-- aias: author = platform
-- aias: risk = New tables only; nothing exists that could wait

CREATE TABLE aias.outbox (
    outbox_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    topic text NOT NULL,
    key text NOT NULL,
    payload jsonb NOT NULL,
    published_at timestamptz,
    attempts int NOT NULL DEFAULT 0,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT outbox_pkey PRIMARY KEY (outbox_id),
    CONSTRAINT outbox_attempts_check CHECK (attempts >= 0)
);
CREATE INDEX outbox_unpublished_idx ON aias.outbox (outbox_id) WHERE published_at IS NULL;
CREATE INDEX outbox_published_at_idx ON aias.outbox (published_at) WHERE published_at IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON aias.outbox TO aias_identity;
GRANT SELECT, INSERT ON aias.outbox TO aias_router;

COMMENT ON TABLE aias.outbox
    IS 'Messages that leave with the transaction of their change: revocations, dimensions, audit copies, mail';
COMMENT ON COLUMN aias.outbox.outbox_id IS 'Order of the messages';
COMMENT ON COLUMN aias.outbox.topic IS 'Where it goes';
COMMENT ON COLUMN aias.outbox.key IS 'What it is about; messages of one key keep their order';
COMMENT ON COLUMN aias.outbox.payload IS 'The message; addresses of mail only as ids';
COMMENT ON COLUMN aias.outbox.published_at IS 'When it was acknowledged';
COMMENT ON COLUMN aias.outbox.attempts IS 'How often it was tried';
COMMENT ON COLUMN aias.outbox.last_error IS 'Why the last try failed';
COMMENT ON COLUMN aias.outbox.created_at IS 'When the row was made';

CREATE TABLE aias.idempotency_keys (
    principal text NOT NULL,
    key text NOT NULL,
    request_sha256 bytea NOT NULL,
    status int,
    response jsonb,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (principal, key),
    CONSTRAINT idempotency_keys_key_check CHECK (length(key) BETWEEN 1 AND 255),
    CONSTRAINT idempotency_keys_request_sha256_check CHECK (octet_length(request_sha256) = 32)
);
CREATE INDEX idempotency_keys_expires_at_idx ON aias.idempotency_keys (expires_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON aias.idempotency_keys TO aias_identity;
GRANT SELECT, INSERT, UPDATE, DELETE ON aias.idempotency_keys TO aias_router;

COMMENT ON TABLE aias.idempotency_keys IS 'Answers to requests that may be repeated';
COMMENT ON COLUMN aias.idempotency_keys.principal IS 'Who sent it';
COMMENT ON COLUMN aias.idempotency_keys.key IS 'The Idempotency-Key';
COMMENT ON COLUMN aias.idempotency_keys.request_sha256
    IS 'SHA-256 of the request; another one under the key is a conflict';
COMMENT ON COLUMN aias.idempotency_keys.status IS 'Status of the answer; null while it runs';
COMMENT ON COLUMN aias.idempotency_keys.response IS 'Body of the answer, secrets left out';
COMMENT ON COLUMN aias.idempotency_keys.expires_at IS 'When it is forgotten';
COMMENT ON COLUMN aias.idempotency_keys.created_at IS 'When the row was made';

CREATE TABLE aias.revocations (
    sequence bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL,
    subject_id text NOT NULL,
    org_id uuid,
    reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT revocations_pkey PRIMARY KEY (sequence),
    CONSTRAINT revocations_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT revocations_kind_check
        CHECK (kind IN ('api_key', 'user', 'service_account', 'project', 'organization', 'session', 'client',
            'grant', 'policy', 'signing_key'))
);
CREATE INDEX revocations_org_id_idx ON aias.revocations (org_id) WHERE org_id IS NOT NULL;
CREATE INDEX revocations_created_at_idx ON aias.revocations (created_at);

ALTER TABLE aias.revocations ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.revocations FORCE ROW LEVEL SECURITY;
CREATE POLICY revocations_platform ON aias.revocations TO aias_identity, aias_owner USING (true) WITH CHECK (true);
CREATE POLICY revocations_platform_read ON aias.revocations FOR SELECT TO aias_router USING (true);
GRANT SELECT, INSERT ON aias.revocations TO aias_identity;
GRANT SELECT ON aias.revocations TO aias_router;

COMMENT ON TABLE aias.revocations
    IS 'What must be refused everywhere, in order; services that lost the stream read it from here';
COMMENT ON COLUMN aias.revocations.sequence IS 'Order; services acknowledge the highest they applied';
COMMENT ON COLUMN aias.revocations.kind
    IS 'api_key, user, service_account, project, organization, session, client, grant, policy or signing_key';
COMMENT ON COLUMN aias.revocations.subject_id IS 'Which one';
COMMENT ON COLUMN aias.revocations.org_id IS 'The organization it is about';
COMMENT ON COLUMN aias.revocations.reason IS 'Why';
COMMENT ON COLUMN aias.revocations.created_at IS 'When the row was made';

CREATE TABLE aias.revocation_acks (
    holder text NOT NULL,
    applied_sequence bigint NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT revocation_acks_pkey PRIMARY KEY (holder)
) WITH (fillfactor = 70);
CREATE INDEX revocation_acks_applied_at_idx ON aias.revocation_acks (applied_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON aias.revocation_acks TO aias_identity;
GRANT SELECT, INSERT, UPDATE, DELETE ON aias.revocation_acks TO aias_router;

COMMENT ON TABLE aias.revocation_acks IS 'How far each live service has applied the revocations';
COMMENT ON COLUMN aias.revocation_acks.holder IS 'The service instance';
COMMENT ON COLUMN aias.revocation_acks.applied_sequence IS 'Highest sequence it refuses';
COMMENT ON COLUMN aias.revocation_acks.applied_at IS 'When it said so';

CREATE TABLE aias.alert_subscriptions (
    subscription_id uuid NOT NULL,
    org_id uuid NOT NULL,
    url text NOT NULL,
    secret_ciphertext bytea NOT NULL,
    enc_kid text NOT NULL,
    events text[] NOT NULL,
    status text NOT NULL DEFAULT 'active',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT alert_subscriptions_pkey PRIMARY KEY (subscription_id),
    CONSTRAINT alert_subscriptions_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT alert_subscriptions_url_check CHECK (url LIKE 'https://%'),
    CONSTRAINT alert_subscriptions_status_check CHECK (status IN ('active', 'disabled'))
);
CREATE INDEX alert_subscriptions_org_id_idx ON aias.alert_subscriptions (org_id);
CREATE TRIGGER alert_subscriptions_touch_tg BEFORE UPDATE ON aias.alert_subscriptions
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

ALTER TABLE aias.alert_subscriptions ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.alert_subscriptions FORCE ROW LEVEL SECURITY;
CREATE POLICY alert_subscriptions_tenant ON aias.alert_subscriptions FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY alert_subscriptions_platform ON aias.alert_subscriptions TO aias_identity, aias_owner
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON aias.alert_subscriptions TO aias_identity;
GRANT SELECT (
    subscription_id, org_id, url, enc_kid, events, status, created_at, updated_at, row_version
) ON aias.alert_subscriptions TO aias_reader;

COMMENT ON TABLE aias.alert_subscriptions IS 'Where budget and key warnings go besides mail: signed webhooks';
COMMENT ON COLUMN aias.alert_subscriptions.subscription_id IS 'The subscription; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.alert_subscriptions.org_id IS 'The organization';
COMMENT ON COLUMN aias.alert_subscriptions.url IS 'HTTPS address that is called';
COMMENT ON COLUMN aias.alert_subscriptions.secret_ciphertext IS 'Signing secret, AES-256-GCM under enc_kid';
COMMENT ON COLUMN aias.alert_subscriptions.enc_kid IS 'Encryption key of secret_ciphertext';
COMMENT ON COLUMN aias.alert_subscriptions.events IS 'Which warnings it gets';
COMMENT ON COLUMN aias.alert_subscriptions.status IS 'active or disabled';
COMMENT ON COLUMN aias.alert_subscriptions.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.alert_subscriptions.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.alert_subscriptions.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE TABLE aias.seed_runs (
    package text NOT NULL,
    database text NOT NULL,
    content_sha256 bytea NOT NULL,
    applied_at timestamptz NOT NULL,
    row_counts jsonb NOT NULL,
    anchored_at timestamptz NOT NULL,
    figures jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT seed_runs_pkey PRIMARY KEY (package, database),
    CONSTRAINT seed_runs_database_check CHECK (database IN ('operational', 'analytics')),
    CONSTRAINT seed_runs_content_sha256_check CHECK (octet_length(content_sha256) = 32)
);

GRANT SELECT ON aias.seed_runs TO aias_identity;

COMMENT ON TABLE aias.seed_runs IS 'Which seed packages were applied, and what they hold';
COMMENT ON COLUMN aias.seed_runs.package IS 'The package';
COMMENT ON COLUMN aias.seed_runs.database IS 'Database it was applied to';
COMMENT ON COLUMN aias.seed_runs.content_sha256 IS 'SHA-256 of its content';
COMMENT ON COLUMN aias.seed_runs.applied_at IS 'When it was last applied';
COMMENT ON COLUMN aias.seed_runs.row_counts IS 'Rows per table';
COMMENT ON COLUMN aias.seed_runs.anchored_at IS 'Where its history ends; stays what it was at first';
COMMENT ON COLUMN aias.seed_runs.figures IS 'What was asked of a package whose size can be chosen';
