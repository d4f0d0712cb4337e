-- aias: phase = expand
-- aias: author = platform
-- aias: risk = New tables only; nothing exists that could wait

CREATE TABLE aias.api_keys (
    api_key_id uuid NOT NULL,
    org_id uuid NOT NULL,
    project_id uuid,
    user_id uuid,
    service_account_id uuid,
    name text NOT NULL,
    prefix text NOT NULL,
    last4 char(4) NOT NULL,
    secret_hash bytea NOT NULL,
    hash_kid text NOT NULL,
    scopes text[] NOT NULL,
    allowed_models uuid[],
    allowed_networks cidr[],
    status text NOT NULL DEFAULT 'active',
    expires_at timestamptz,
    rotated_from uuid,
    revoked_at timestamptz,
    revoked_by text,
    revoke_reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT api_keys_pkey PRIMARY KEY (api_key_id),
    CONSTRAINT api_keys_org_id_fkey FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT api_keys_project_id_fkey
        FOREIGN KEY (project_id) REFERENCES aias.projects (project_id) ON DELETE RESTRICT,
    CONSTRAINT api_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES aias.users (user_id) ON DELETE RESTRICT,
    CONSTRAINT api_keys_service_account_id_fkey
        FOREIGN KEY (service_account_id) REFERENCES aias.service_accounts (service_account_id) ON DELETE RESTRICT,
    CONSTRAINT api_keys_rotated_from_fkey
        FOREIGN KEY (rotated_from) REFERENCES aias.api_keys (api_key_id) ON DELETE RESTRICT,
    CONSTRAINT api_keys_hash_kid_secret_hash_key UNIQUE (hash_kid, secret_hash),
    CONSTRAINT api_keys_holder_check CHECK (num_nonnulls(user_id, service_account_id) <= 1),
    CONSTRAINT api_keys_name_check CHECK (length(name) BETWEEN 1 AND 64),
    CONSTRAINT api_keys_prefix_check CHECK (length(prefix) BETWEEN 1 AND 16),
    CONSTRAINT api_keys_secret_hash_check CHECK (octet_length(secret_hash) = 32),
    CONSTRAINT api_keys_scopes_check CHECK (scopes <@ ARRAY['inference.call', 'model.read', 'usage.read']),
    CONSTRAINT api_keys_status_check CHECK (status IN ('active', 'rotating', 'quarantined', 'revoked')),
    CONSTRAINT api_keys_rotated_from_check CHECK (rotated_from <> api_key_id)
);
CREATE INDEX api_keys_project_id_idx ON aias.api_keys (project_id) WHERE project_id IS NOT NULL;
CREATE INDEX api_keys_user_id_idx ON aias.api_keys (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX api_keys_service_account_id_idx ON aias.api_keys (service_account_id) WHERE service_account_id IS NOT NULL;
CREATE INDEX api_keys_rotated_from_idx ON aias.api_keys (rotated_from) WHERE rotated_from IS NOT NULL;
CREATE UNIQUE INDEX api_keys_org_id_name_idx ON aias.api_keys (org_id, name) WHERE status IN ('active', 'quarantined');
CREATE INDEX api_keys_org_id_idx ON aias.api_keys (org_id);
CREATE INDEX api_keys_expires_at_idx ON aias.api_keys (expires_at) WHERE expires_at IS NOT NULL AND status <> 'revoked';
CREATE TRIGGER api_keys_touch_tg BEFORE UPDATE ON aias.api_keys
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();
CREATE TRIGGER api_keys_organization_tg BEFORE INSERT ON aias.api_keys
    FOR EACH ROW EXECUTE FUNCTION aias.require_active_organization('pending', 'suspended', 'pending_delete', 'deleted');

ALTER TABLE aias.api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.api_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY api_keys_tenant ON aias.api_keys FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY api_keys_platform ON aias.api_keys TO aias_identity, aias_owner USING (true) WITH CHECK (true);
CREATE POLICY api_keys_platform_read ON aias.api_keys FOR SELECT TO aias_analytics USING (true);
GRANT SELECT, INSERT, UPDATE ON aias.api_keys TO aias_identity;
GRANT SELECT (api_key_id, org_id, project_id, user_id, service_account_id, name, status) ON aias.api_keys
    TO aias_analytics;
GRANT SELECT (
    api_key_id, org_id, project_id, user_id, service_account_id, name, prefix, last4, hash_kid, scopes,
    allowed_models, allowed_networks, status, expires_at, rotated_from, revoked_at, revoked_by, revoke_reason,
    created_at, updated_at, row_version
) ON aias.api_keys TO aias_reader;

COMMENT ON TABLE aias.api_keys IS 'API keys: only a keyed hash of the text is stored';
COMMENT ON COLUMN aias.api_keys.api_key_id IS 'The key; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.api_keys.org_id IS 'The organization it spends for';
COMMENT ON COLUMN aias.api_keys.project_id IS 'The project its usage counts to';
COMMENT ON COLUMN aias.api_keys.user_id IS 'The person that holds it';
COMMENT ON COLUMN aias.api_keys.service_account_id IS 'The service account that holds it';
COMMENT ON COLUMN aias.api_keys.name IS 'Its name, unique among the organization''s live keys';
COMMENT ON COLUMN aias.api_keys.prefix IS 'First 16 characters of the text, to recognise it by';
COMMENT ON COLUMN aias.api_keys.last4 IS 'Last four characters of the text, to recognise it by';
COMMENT ON COLUMN aias.api_keys.secret_hash IS 'HMAC-SHA-256 of the whole key text under the key hash_kid';
COMMENT ON COLUMN aias.api_keys.hash_kid IS 'Hashing key of secret_hash';
COMMENT ON COLUMN aias.api_keys.scopes IS 'What it may be used for';
COMMENT ON COLUMN aias.api_keys.allowed_models IS 'Models it may call; null is every model of the organization';
COMMENT ON COLUMN aias.api_keys.allowed_networks IS 'Networks it may be used from; null is every one';
COMMENT ON COLUMN aias.api_keys.status IS 'active, rotating, quarantined or revoked; expired follows from time';
COMMENT ON COLUMN aias.api_keys.expires_at IS 'When it ends by itself';
COMMENT ON COLUMN aias.api_keys.rotated_from IS 'The key it succeeds';
COMMENT ON COLUMN aias.api_keys.revoked_at IS 'When it was revoked';
COMMENT ON COLUMN aias.api_keys.revoked_by IS 'Principal that revoked it';
COMMENT ON COLUMN aias.api_keys.revoke_reason IS 'Why it was revoked';
COMMENT ON COLUMN aias.api_keys.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.api_keys.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.api_keys.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE TABLE aias.api_key_activity (
    api_key_id uuid NOT NULL,
    last_used_at timestamptz NOT NULL,
    last_network inet,
    last_model_id uuid,
    CONSTRAINT api_key_activity_pkey PRIMARY KEY (api_key_id),
    CONSTRAINT api_key_activity_api_key_id_fkey
        FOREIGN KEY (api_key_id) REFERENCES aias.api_keys (api_key_id) ON DELETE CASCADE
) WITH (fillfactor = 70);

GRANT SELECT, INSERT, UPDATE ON aias.api_key_activity TO aias_identity;

COMMENT ON TABLE aias.api_key_activity
    IS 'Last use of a key, in a table of its own, so that traffic never conflicts with an edit';
COMMENT ON COLUMN aias.api_key_activity.api_key_id IS 'The key';
COMMENT ON COLUMN aias.api_key_activity.last_used_at IS 'When it was last used; written at most once a minute';
COMMENT ON COLUMN aias.api_key_activity.last_network IS 'Address it was last used from';
COMMENT ON COLUMN aias.api_key_activity.last_model_id IS 'Model it last called';
