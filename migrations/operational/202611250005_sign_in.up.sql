-- aias: phase = expand
-- aias: author = platform
-- aias: risk = New tables only; nothing exists that could wait

CREATE TABLE aias.user_credentials (
    user_id uuid NOT NULL,
    password_hash text NOT NULL,
    changed_at timestamptz NOT NULL,
    must_change bool NOT NULL DEFAULT false,
    CONSTRAINT user_credentials_pkey PRIMARY KEY (user_id),
    CONSTRAINT user_credentials_user_id_fkey FOREIGN KEY (user_id) REFERENCES aias.users (user_id) ON DELETE CASCADE,
    CONSTRAINT user_credentials_password_hash_check CHECK (password_hash LIKE '$argon2id$%')
);

GRANT SELECT, INSERT, UPDATE, DELETE ON aias.user_credentials TO aias_identity;

COMMENT ON TABLE aias.user_credentials IS 'Passwords of people';
COMMENT ON COLUMN aias.user_credentials.user_id IS 'The person';
COMMENT ON COLUMN aias.user_credentials.password_hash IS 'Argon2id with its parameters';
COMMENT ON COLUMN aias.user_credentials.changed_at IS 'When the password was set';
COMMENT ON COLUMN aias.user_credentials.must_change IS 'Whether the next sign-in asks for a new one';

CREATE TABLE aias.sessions (
    session_id uuid NOT NULL,
    secret_hash bytea NOT NULL,
    user_id uuid NOT NULL,
    org_id uuid,
    methods text[] NOT NULL,
    mfa_at timestamptz,
    network inet NOT NULL,
    client_digest bytea,
    idle_expires_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoke_reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT sessions_pkey PRIMARY KEY (session_id),
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES aias.users (user_id) ON DELETE CASCADE,
    CONSTRAINT sessions_org_id_fkey FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT sessions_secret_hash_key UNIQUE (secret_hash),
    CONSTRAINT sessions_secret_hash_check CHECK (octet_length(secret_hash) = 32),
    CONSTRAINT sessions_idle_expires_at_check CHECK (idle_expires_at <= expires_at)
);
CREATE INDEX sessions_org_id_idx ON aias.sessions (org_id) WHERE org_id IS NOT NULL;
CREATE INDEX sessions_live_idx ON aias.sessions (user_id) WHERE revoked_at IS NULL;
CREATE INDEX sessions_user_id_idx ON aias.sessions (user_id);
CREATE INDEX sessions_expires_at_idx ON aias.sessions (expires_at);

ALTER TABLE aias.sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY sessions_platform ON aias.sessions TO aias_identity, aias_owner USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON aias.sessions TO aias_identity;

COMMENT ON TABLE aias.sessions IS 'Browser sessions';
COMMENT ON COLUMN aias.sessions.session_id IS 'The session; its cookie holds another secret';
COMMENT ON COLUMN aias.sessions.secret_hash IS 'Digest of the cookie''s secret';
COMMENT ON COLUMN aias.sessions.user_id IS 'The person';
COMMENT ON COLUMN aias.sessions.org_id IS 'The organization the session acts for';
COMMENT ON COLUMN aias.sessions.methods IS 'How the person proved who they are';
COMMENT ON COLUMN aias.sessions.mfa_at IS 'When the second factor was last shown';
COMMENT ON COLUMN aias.sessions.network IS 'Address it was opened from';
COMMENT ON COLUMN aias.sessions.client_digest IS 'Digest of the client string';
COMMENT ON COLUMN aias.sessions.idle_expires_at IS 'When it ends without use';
COMMENT ON COLUMN aias.sessions.expires_at IS 'When it ends in any case';
COMMENT ON COLUMN aias.sessions.revoked_at IS 'When it was ended';
COMMENT ON COLUMN aias.sessions.revoke_reason IS 'Why it was ended';
COMMENT ON COLUMN aias.sessions.created_at IS 'When the row was made';

CREATE TABLE aias.oauth_clients (
    client_id text NOT NULL,
    org_id uuid,
    kind text NOT NULL,
    name text NOT NULL,
    secret_hash bytea,
    hash_kid text,
    public_jwk jsonb,
    redirect_uris text[] NOT NULL DEFAULT '{}',
    grant_types text[] NOT NULL,
    scopes text[] NOT NULL,
    audiences text[] NOT NULL DEFAULT '{}',
    pkce_required bool NOT NULL DEFAULT true,
    status text NOT NULL DEFAULT 'active',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT oauth_clients_pkey PRIMARY KEY (client_id),
    CONSTRAINT oauth_clients_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT oauth_clients_kind_check CHECK (kind IN ('public', 'confidential')),
    CONSTRAINT oauth_clients_name_check CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT oauth_clients_hash_kid_check CHECK ((secret_hash IS NULL) = (hash_kid IS NULL)),
    CONSTRAINT oauth_clients_credential_check
        CHECK (kind <> 'public' OR (secret_hash IS NULL AND public_jwk IS NULL)),
    CONSTRAINT oauth_clients_pkce_required_check CHECK (kind <> 'public' OR pkce_required),
    CONSTRAINT oauth_clients_grant_types_check
        CHECK (grant_types <@ ARRAY['authorization_code', 'refresh_token', 'client_credentials', 'device_code']),
    CONSTRAINT oauth_clients_status_check CHECK (status IN ('active', 'disabled', 'deleted'))
);
CREATE INDEX oauth_clients_org_id_idx ON aias.oauth_clients (org_id) WHERE org_id IS NOT NULL;
CREATE TRIGGER oauth_clients_touch_tg BEFORE UPDATE ON aias.oauth_clients
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

ALTER TABLE aias.oauth_clients ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.oauth_clients FORCE ROW LEVEL SECURITY;
CREATE POLICY oauth_clients_tenant ON aias.oauth_clients FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY oauth_clients_platform ON aias.oauth_clients TO aias_identity, aias_owner USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON aias.oauth_clients TO aias_identity;
GRANT SELECT (
    client_id, org_id, kind, name, hash_kid, public_jwk, redirect_uris, grant_types, scopes, audiences,
    pkce_required, status, created_at, updated_at, row_version
) ON aias.oauth_clients TO aias_reader;

COMMENT ON TABLE aias.oauth_clients IS 'Registered OAuth 2.1 clients';
COMMENT ON COLUMN aias.oauth_clients.client_id IS 'The client''s public name';
COMMENT ON COLUMN aias.oauth_clients.org_id IS 'Organization that registered it; null for the platform''s own';
COMMENT ON COLUMN aias.oauth_clients.kind IS 'public or confidential';
COMMENT ON COLUMN aias.oauth_clients.name IS 'Its name on the consent page';
COMMENT ON COLUMN aias.oauth_clients.secret_hash IS 'Keyed digest of its secret';
COMMENT ON COLUMN aias.oauth_clients.hash_kid IS 'Hashing key of secret_hash';
COMMENT ON COLUMN aias.oauth_clients.public_jwk IS 'Key of a client that authenticates by private_key_jwt';
COMMENT ON COLUMN aias.oauth_clients.redirect_uris IS 'Addresses it may be sent back to, matched exactly';
COMMENT ON COLUMN aias.oauth_clients.grant_types IS 'Grants it may use';
COMMENT ON COLUMN aias.oauth_clients.scopes IS 'Scopes it may ask for';
COMMENT ON COLUMN aias.oauth_clients.audiences IS 'Services its tokens are for';
COMMENT ON COLUMN aias.oauth_clients.pkce_required IS 'Whether a code needs a challenge; always for public clients';
COMMENT ON COLUMN aias.oauth_clients.status IS 'active, disabled or deleted';
COMMENT ON COLUMN aias.oauth_clients.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.oauth_clients.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.oauth_clients.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE TABLE aias.service_account_credentials (
    credential_id uuid NOT NULL,
    service_account_id uuid NOT NULL,
    kind text NOT NULL,
    secret_hash bytea,
    hash_kid text,
    public_jwk jsonb,
    expires_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT service_account_credentials_pkey PRIMARY KEY (credential_id),
    CONSTRAINT service_account_credentials_service_account_id_fkey
        FOREIGN KEY (service_account_id) REFERENCES aias.service_accounts (service_account_id) ON DELETE RESTRICT,
    CONSTRAINT service_account_credentials_hash_kid_secret_hash_key UNIQUE (hash_kid, secret_hash),
    CONSTRAINT service_account_credentials_kind_check CHECK (kind IN ('secret', 'public_key')),
    CONSTRAINT service_account_credentials_material_check
        CHECK (CASE kind WHEN 'secret' THEN num_nonnulls(secret_hash, hash_kid) = 2 AND public_jwk IS NULL ELSE
            num_nonnulls(secret_hash, hash_kid) = 0 AND public_jwk IS NOT NULL END)
);
CREATE INDEX service_account_credentials_service_account_id_idx
    ON aias.service_account_credentials (service_account_id);

GRANT SELECT, INSERT, UPDATE ON aias.service_account_credentials TO aias_identity;

COMMENT ON TABLE aias.service_account_credentials
    IS 'Secrets and public keys a service account signs in with; two may live during rotation';
COMMENT ON COLUMN aias.service_account_credentials.credential_id
    IS 'The credential; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.service_account_credentials.service_account_id IS 'Whose it is';
COMMENT ON COLUMN aias.service_account_credentials.kind IS 'secret or public_key';
COMMENT ON COLUMN aias.service_account_credentials.secret_hash IS 'Keyed digest of the secret';
COMMENT ON COLUMN aias.service_account_credentials.hash_kid IS 'Hashing key of secret_hash';
COMMENT ON COLUMN aias.service_account_credentials.public_jwk IS 'The public key';
COMMENT ON COLUMN aias.service_account_credentials.expires_at IS 'When it ends by itself';
COMMENT ON COLUMN aias.service_account_credentials.revoked_at IS 'When it was removed';
COMMENT ON COLUMN aias.service_account_credentials.created_at IS 'When the row was made';

CREATE TABLE aias.oauth_grants (
    grant_id uuid NOT NULL,
    kind text NOT NULL,
    client_id text NOT NULL,
    session_id uuid,
    user_id uuid,
    org_id uuid,
    code_hash bytea NOT NULL,
    user_code_hash bytea,
    challenge text,
    nonce text,
    scopes text[] NOT NULL,
    redirect_uri text,
    expires_at timestamptz NOT NULL,
    consumed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT oauth_grants_pkey PRIMARY KEY (grant_id),
    CONSTRAINT oauth_grants_client_id_fkey
        FOREIGN KEY (client_id) REFERENCES aias.oauth_clients (client_id) ON DELETE RESTRICT,
    CONSTRAINT oauth_grants_session_id_fkey
        FOREIGN KEY (session_id) REFERENCES aias.sessions (session_id) ON DELETE CASCADE,
    CONSTRAINT oauth_grants_user_id_fkey FOREIGN KEY (user_id) REFERENCES aias.users (user_id) ON DELETE CASCADE,
    CONSTRAINT oauth_grants_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT oauth_grants_code_hash_key UNIQUE (code_hash),
    CONSTRAINT oauth_grants_user_code_hash_key UNIQUE (user_code_hash),
    CONSTRAINT oauth_grants_kind_check CHECK (kind IN ('code', 'device')),
    CONSTRAINT oauth_grants_challenge_check CHECK (kind <> 'code' OR challenge IS NOT NULL),
    CONSTRAINT oauth_grants_expires_at_check CHECK (expires_at <= created_at + interval '10 minutes')
);
CREATE INDEX oauth_grants_client_id_idx ON aias.oauth_grants (client_id);
CREATE INDEX oauth_grants_session_id_idx ON aias.oauth_grants (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX oauth_grants_user_id_idx ON aias.oauth_grants (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX oauth_grants_org_id_idx ON aias.oauth_grants (org_id) WHERE org_id IS NOT NULL;
CREATE INDEX oauth_grants_expires_at_idx ON aias.oauth_grants (expires_at);

ALTER TABLE aias.oauth_grants ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.oauth_grants FORCE ROW LEVEL SECURITY;
CREATE POLICY oauth_grants_platform ON aias.oauth_grants TO aias_identity, aias_owner USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON aias.oauth_grants TO aias_identity;

COMMENT ON TABLE aias.oauth_grants IS 'Authorization and device codes, used once';
COMMENT ON COLUMN aias.oauth_grants.grant_id IS 'The grant; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.oauth_grants.kind IS 'code or device';
COMMENT ON COLUMN aias.oauth_grants.client_id IS 'The client that asked';
COMMENT ON COLUMN aias.oauth_grants.session_id IS 'The browser session that allowed it';
COMMENT ON COLUMN aias.oauth_grants.user_id IS 'The person that allowed it';
COMMENT ON COLUMN aias.oauth_grants.org_id IS 'The organization it is for';
COMMENT ON COLUMN aias.oauth_grants.code_hash IS 'Digest of the code';
COMMENT ON COLUMN aias.oauth_grants.user_code_hash IS 'Digest of what the person types on the device page';
COMMENT ON COLUMN aias.oauth_grants.challenge IS 'PKCE S256 challenge';
COMMENT ON COLUMN aias.oauth_grants.nonce IS 'Nonce of the ID token';
COMMENT ON COLUMN aias.oauth_grants.scopes IS 'Scopes that were allowed';
COMMENT ON COLUMN aias.oauth_grants.redirect_uri IS 'Address it is bound to';
COMMENT ON COLUMN aias.oauth_grants.expires_at IS 'When it can no longer be used, at most 10 minutes after it was made';
COMMENT ON COLUMN aias.oauth_grants.consumed_at IS 'When it was used; set by conditional update';
COMMENT ON COLUMN aias.oauth_grants.created_at IS 'When the row was made';

CREATE TABLE aias.oauth_tokens (
    token_id uuid NOT NULL,
    family_id uuid NOT NULL,
    kind text NOT NULL,
    token_hash bytea NOT NULL,
    client_id text NOT NULL,
    session_id uuid,
    subject_kind text NOT NULL,
    subject_id uuid NOT NULL,
    org_id uuid,
    scopes text[] NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    replaced_by uuid,
    revoked_at timestamptz,
    CONSTRAINT oauth_tokens_pkey PRIMARY KEY (token_id),
    CONSTRAINT oauth_tokens_client_id_fkey
        FOREIGN KEY (client_id) REFERENCES aias.oauth_clients (client_id) ON DELETE RESTRICT,
    CONSTRAINT oauth_tokens_session_id_fkey
        FOREIGN KEY (session_id) REFERENCES aias.sessions (session_id) ON DELETE CASCADE,
    CONSTRAINT oauth_tokens_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT oauth_tokens_replaced_by_fkey
        FOREIGN KEY (replaced_by) REFERENCES aias.oauth_tokens (token_id) ON DELETE CASCADE,
    CONSTRAINT oauth_tokens_token_hash_key UNIQUE (token_hash),
    CONSTRAINT oauth_tokens_kind_check CHECK (kind IN ('refresh', 'access')),
    CONSTRAINT oauth_tokens_subject_kind_check CHECK (subject_kind IN ('user', 'service_account')),
    CONSTRAINT oauth_tokens_expires_at_check CHECK (expires_at > issued_at)
);
CREATE INDEX oauth_tokens_client_id_idx ON aias.oauth_tokens (client_id);
CREATE INDEX oauth_tokens_session_id_idx ON aias.oauth_tokens (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX oauth_tokens_org_id_idx ON aias.oauth_tokens (org_id) WHERE org_id IS NOT NULL;
CREATE INDEX oauth_tokens_replaced_by_idx ON aias.oauth_tokens (replaced_by) WHERE replaced_by IS NOT NULL;
CREATE INDEX oauth_tokens_family_id_idx ON aias.oauth_tokens (family_id);
CREATE INDEX oauth_tokens_subject_id_idx ON aias.oauth_tokens (subject_id);
CREATE INDEX oauth_tokens_expires_at_idx ON aias.oauth_tokens (expires_at);

ALTER TABLE aias.oauth_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.oauth_tokens FORCE ROW LEVEL SECURITY;
CREATE POLICY oauth_tokens_platform ON aias.oauth_tokens TO aias_identity, aias_owner USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON aias.oauth_tokens TO aias_identity;

COMMENT ON TABLE aias.oauth_tokens
    IS 'Refresh tokens and revocable access tokens; reuse of a spent refresh token ends its family';
COMMENT ON COLUMN aias.oauth_tokens.token_id IS 'The token; the jti of an access token';
COMMENT ON COLUMN aias.oauth_tokens.family_id IS 'Tokens that descend from one sign-in';
COMMENT ON COLUMN aias.oauth_tokens.kind IS 'refresh or access';
COMMENT ON COLUMN aias.oauth_tokens.token_hash IS 'Digest of the token';
COMMENT ON COLUMN aias.oauth_tokens.client_id IS 'The client it was given to';
COMMENT ON COLUMN aias.oauth_tokens.session_id IS 'The session it ends with';
COMMENT ON COLUMN aias.oauth_tokens.subject_kind IS 'user or service_account';
COMMENT ON COLUMN aias.oauth_tokens.subject_id IS 'Who it speaks for';
COMMENT ON COLUMN aias.oauth_tokens.org_id IS 'The organization it is bound to';
COMMENT ON COLUMN aias.oauth_tokens.scopes IS 'What it may be used for';
COMMENT ON COLUMN aias.oauth_tokens.issued_at IS 'When it was given';
COMMENT ON COLUMN aias.oauth_tokens.expires_at IS 'When it ends';
COMMENT ON COLUMN aias.oauth_tokens.used_at IS 'When a refresh token was spent';
COMMENT ON COLUMN aias.oauth_tokens.replaced_by IS 'Its successor';
COMMENT ON COLUMN aias.oauth_tokens.revoked_at IS 'When it was ended';

CREATE TABLE aias.signing_keys (
    kid text NOT NULL,
    algorithm text NOT NULL,
    public_jwk jsonb NOT NULL,
    private_ciphertext bytea,
    enc_kid text,
    status text NOT NULL DEFAULT 'next',
    activated_at timestamptz,
    retired_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT signing_keys_pkey PRIMARY KEY (kid),
    CONSTRAINT signing_keys_algorithm_check CHECK (algorithm IN ('ES256', 'RS256', 'EdDSA')),
    CONSTRAINT signing_keys_status_check CHECK (status IN ('next', 'active', 'retired')),
    CONSTRAINT signing_keys_enc_kid_check CHECK ((private_ciphertext IS NULL) = (enc_kid IS NULL)),
    CONSTRAINT signing_keys_private_ciphertext_check CHECK (status = 'retired' OR private_ciphertext IS NOT NULL)
);
CREATE UNIQUE INDEX signing_keys_active_idx ON aias.signing_keys (algorithm) WHERE status = 'active';

GRANT SELECT, INSERT, UPDATE ON aias.signing_keys TO aias_identity;

COMMENT ON TABLE aias.signing_keys IS 'Keys that sign tokens and audit checkpoints; the private half only encrypted';
COMMENT ON COLUMN aias.signing_keys.kid IS 'The key''s name in tokens';
COMMENT ON COLUMN aias.signing_keys.algorithm IS 'ES256, RS256 or EdDSA';
COMMENT ON COLUMN aias.signing_keys.public_jwk IS 'The public half';
COMMENT ON COLUMN aias.signing_keys.private_ciphertext
    IS 'The private half, AES-256-GCM under enc_kid; null once retired';
COMMENT ON COLUMN aias.signing_keys.enc_kid IS 'Encryption key of private_ciphertext';
COMMENT ON COLUMN aias.signing_keys.status
    IS 'next (published), active (signs) or retired (verifies until its tokens are gone)';
COMMENT ON COLUMN aias.signing_keys.activated_at IS 'When it began to sign';
COMMENT ON COLUMN aias.signing_keys.retired_at IS 'When it stopped signing';
COMMENT ON COLUMN aias.signing_keys.created_at IS 'When the row was made';

CREATE TABLE aias.mfa_factors (
    factor_id uuid NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    label text,
    secret_ciphertext bytea,
    enc_kid text,
    last_step bigint,
    credential_id bytea,
    public_key bytea,
    counter bigint,
    confirmed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT mfa_factors_pkey PRIMARY KEY (factor_id),
    CONSTRAINT mfa_factors_user_id_fkey FOREIGN KEY (user_id) REFERENCES aias.users (user_id) ON DELETE CASCADE,
    CONSTRAINT mfa_factors_kind_check CHECK (kind IN ('totp', 'webauthn')),
    CONSTRAINT mfa_factors_enc_kid_check CHECK ((secret_ciphertext IS NULL) = (enc_kid IS NULL)),
    CONSTRAINT mfa_factors_material_check
        CHECK (CASE kind WHEN 'totp' THEN secret_ciphertext IS NOT NULL ELSE num_nonnulls(credential_id, public_key,
            counter) = 3 END),
    CONSTRAINT mfa_factors_credential_id_key UNIQUE (credential_id)
);
CREATE INDEX mfa_factors_user_id_idx ON aias.mfa_factors (user_id);
CREATE TRIGGER mfa_factors_touch_tg BEFORE UPDATE ON aias.mfa_factors
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

GRANT SELECT, INSERT, UPDATE, DELETE ON aias.mfa_factors TO aias_identity;

COMMENT ON TABLE aias.mfa_factors IS 'Second factors: TOTP now, WebAuthn by the same model';
COMMENT ON COLUMN aias.mfa_factors.factor_id IS 'The factor; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.mfa_factors.user_id IS 'Whose it is';
COMMENT ON COLUMN aias.mfa_factors.kind IS 'totp or webauthn';
COMMENT ON COLUMN aias.mfa_factors.label IS 'What the person calls it';
COMMENT ON COLUMN aias.mfa_factors.secret_ciphertext IS 'TOTP secret, AES-256-GCM under enc_kid';
COMMENT ON COLUMN aias.mfa_factors.enc_kid IS 'Encryption key of secret_ciphertext';
COMMENT ON COLUMN aias.mfa_factors.last_step IS 'Last TOTP step that was used; it never works again';
COMMENT ON COLUMN aias.mfa_factors.credential_id IS 'WebAuthn credential';
COMMENT ON COLUMN aias.mfa_factors.public_key IS 'WebAuthn public key';
COMMENT ON COLUMN aias.mfa_factors.counter IS 'WebAuthn signature counter';
COMMENT ON COLUMN aias.mfa_factors.confirmed_at IS 'When a first code proved it';
COMMENT ON COLUMN aias.mfa_factors.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.mfa_factors.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.mfa_factors.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE TABLE aias.recovery_codes (
    code_id uuid NOT NULL,
    user_id uuid NOT NULL,
    set_id uuid NOT NULL,
    code_hash text NOT NULL,
    used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT recovery_codes_pkey PRIMARY KEY (code_id),
    CONSTRAINT recovery_codes_user_id_fkey FOREIGN KEY (user_id) REFERENCES aias.users (user_id) ON DELETE CASCADE,
    CONSTRAINT recovery_codes_code_hash_check CHECK (code_hash LIKE '$argon2id$%')
);
CREATE INDEX recovery_codes_user_id_idx ON aias.recovery_codes (user_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON aias.recovery_codes TO aias_identity;

COMMENT ON TABLE aias.recovery_codes IS 'Codes that stand in for a lost second factor, used once, replaced as a set';
COMMENT ON COLUMN aias.recovery_codes.code_id IS 'The code; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.recovery_codes.user_id IS 'Whose it is';
COMMENT ON COLUMN aias.recovery_codes.set_id IS 'The set it was shown in';
COMMENT ON COLUMN aias.recovery_codes.code_hash IS 'Argon2id of the code';
COMMENT ON COLUMN aias.recovery_codes.used_at IS 'When it was used; set by conditional update';
COMMENT ON COLUMN aias.recovery_codes.created_at IS 'When the row was made';

CREATE TABLE aias.recovery_tokens (
    token_id uuid NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL DEFAULT 'recovery',
    token_hash bytea NOT NULL,
    approved_by text,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT recovery_tokens_pkey PRIMARY KEY (token_id),
    CONSTRAINT recovery_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES aias.users (user_id) ON DELETE CASCADE,
    CONSTRAINT recovery_tokens_token_hash_key UNIQUE (token_hash),
    CONSTRAINT recovery_tokens_kind_check CHECK (kind IN ('recovery', 'bootstrap', 'break_glass')),
    CONSTRAINT recovery_tokens_expires_at_check CHECK (expires_at <= created_at + interval '24 hours')
);
CREATE INDEX recovery_tokens_user_id_idx ON aias.recovery_tokens (user_id);
CREATE INDEX recovery_tokens_expires_at_idx ON aias.recovery_tokens (expires_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON aias.recovery_tokens TO aias_identity;

COMMENT ON TABLE aias.recovery_tokens IS 'Mailed tokens that set a new password, used once';
COMMENT ON COLUMN aias.recovery_tokens.token_id IS 'The token; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.recovery_tokens.user_id IS 'Whose password it sets';
COMMENT ON COLUMN aias.recovery_tokens.kind IS 'recovery, bootstrap or break_glass';
COMMENT ON COLUMN aias.recovery_tokens.token_hash IS 'Digest of the mailed token';
COMMENT ON COLUMN aias.recovery_tokens.approved_by IS 'Who let it be mailed, where the organization requires approval';
COMMENT ON COLUMN aias.recovery_tokens.expires_at IS 'When it ends, at most 24 hours after it was made';
COMMENT ON COLUMN aias.recovery_tokens.used_at IS 'When it was used; set by conditional update';
COMMENT ON COLUMN aias.recovery_tokens.created_at IS 'When the row was made';

CREATE TABLE aias.recovery_keys (
    key_id uuid NOT NULL,
    public_key bytea NOT NULL,
    revoked_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT recovery_keys_pkey PRIMARY KEY (key_id),
    CONSTRAINT recovery_keys_public_key_check CHECK (octet_length(public_key) = 32)
);

GRANT SELECT, INSERT, UPDATE ON aias.recovery_keys TO aias_identity;

COMMENT ON TABLE aias.recovery_keys IS 'Public halves of the three keys of which two open a break-glass sign-in';
COMMENT ON COLUMN aias.recovery_keys.key_id IS 'The key; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.recovery_keys.public_key IS 'Ed25519 public key';
COMMENT ON COLUMN aias.recovery_keys.revoked_at IS 'When it was replaced';
COMMENT ON COLUMN aias.recovery_keys.created_at IS 'When the row was made';

CREATE TABLE aias.identity_providers (
    provider_id uuid NOT NULL,
    org_id uuid NOT NULL,
    name text NOT NULL,
    issuer text NOT NULL,
    client_id text NOT NULL,
    secret_ciphertext bytea NOT NULL,
    enc_kid text NOT NULL,
    allowed_domains text[] NOT NULL DEFAULT '{}',
    joining text NOT NULL DEFAULT 'invited',
    default_role text,
    role_claim text,
    role_map jsonb NOT NULL DEFAULT '{}',
    trusts_mfa bool NOT NULL DEFAULT false,
    sso_required bool NOT NULL DEFAULT false,
    status text NOT NULL DEFAULT 'active',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT identity_providers_pkey PRIMARY KEY (provider_id),
    CONSTRAINT identity_providers_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT identity_providers_org_id_name_key UNIQUE (org_id, name),
    CONSTRAINT identity_providers_name_check CHECK (length(name) BETWEEN 1 AND 64),
    CONSTRAINT identity_providers_issuer_check CHECK (issuer LIKE 'https://%'),
    CONSTRAINT identity_providers_joining_check CHECK (joining IN ('off', 'invited', 'create')),
    CONSTRAINT identity_providers_default_role_check
        CHECK (default_role IN ('admin', 'developer', 'billing', 'viewer')),
    CONSTRAINT identity_providers_joining_role_check CHECK (joining <> 'create' OR default_role IS NOT NULL),
    CONSTRAINT identity_providers_status_check CHECK (status IN ('active', 'disabled'))
);
CREATE TRIGGER identity_providers_touch_tg BEFORE UPDATE ON aias.identity_providers
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

ALTER TABLE aias.identity_providers ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.identity_providers FORCE ROW LEVEL SECURITY;
CREATE POLICY identity_providers_tenant ON aias.identity_providers FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY identity_providers_platform ON aias.identity_providers TO aias_identity, aias_owner
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON aias.identity_providers TO aias_identity;
GRANT SELECT (
    provider_id, org_id, name, issuer, client_id, enc_kid, allowed_domains, joining, default_role, role_claim,
    role_map, trusts_mfa, sso_required, status, created_at, updated_at, row_version
) ON aias.identity_providers TO aias_reader;

COMMENT ON TABLE aias.identity_providers IS 'OpenID Connect providers of organizations';
COMMENT ON COLUMN aias.identity_providers.provider_id IS 'The provider; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.identity_providers.org_id IS 'The organization that trusts it';
COMMENT ON COLUMN aias.identity_providers.name IS 'Its name on the sign-in page';
COMMENT ON COLUMN aias.identity_providers.issuer IS 'HTTPS address of its discovery';
COMMENT ON COLUMN aias.identity_providers.client_id IS 'Our client there';
COMMENT ON COLUMN aias.identity_providers.secret_ciphertext IS 'Our secret there, AES-256-GCM under enc_kid';
COMMENT ON COLUMN aias.identity_providers.enc_kid IS 'Encryption key of secret_ciphertext';
COMMENT ON COLUMN aias.identity_providers.allowed_domains IS 'Mail domains it may speak for';
COMMENT ON COLUMN aias.identity_providers.joining IS 'Who may join through it: off, invited or create';
COMMENT ON COLUMN aias.identity_providers.default_role IS 'Role of people it creates';
COMMENT ON COLUMN aias.identity_providers.role_claim IS 'Claim that role_map reads';
COMMENT ON COLUMN aias.identity_providers.role_map IS 'Values of the claim and the roles they give; never owner';
COMMENT ON COLUMN aias.identity_providers.trusts_mfa IS 'Whether its second factor counts as ours';
COMMENT ON COLUMN aias.identity_providers.sso_required IS 'Whether passwords are off for proven domains';
COMMENT ON COLUMN aias.identity_providers.status IS 'active or disabled';
COMMENT ON COLUMN aias.identity_providers.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.identity_providers.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.identity_providers.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE TABLE aias.organization_domains (
    domain_id uuid NOT NULL,
    org_id uuid NOT NULL,
    domain text NOT NULL,
    challenge text NOT NULL,
    verified_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT organization_domains_pkey PRIMARY KEY (domain_id),
    CONSTRAINT organization_domains_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT organization_domains_org_id_domain_key UNIQUE (org_id, domain),
    CONSTRAINT organization_domains_domain_check CHECK (domain = lower(domain) AND length(domain) <= 253)
);
CREATE UNIQUE INDEX organization_domains_domain_idx ON aias.organization_domains (domain) WHERE verified_at IS NOT NULL;

ALTER TABLE aias.organization_domains ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.organization_domains FORCE ROW LEVEL SECURITY;
CREATE POLICY organization_domains_tenant ON aias.organization_domains FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY organization_domains_platform ON aias.organization_domains TO aias_identity, aias_owner
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON aias.organization_domains TO aias_identity;
GRANT SELECT ON aias.organization_domains TO aias_reader;

COMMENT ON TABLE aias.organization_domains IS 'Mail domains an organization proved by a DNS record';
COMMENT ON COLUMN aias.organization_domains.domain_id IS 'The claim; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.organization_domains.org_id IS 'The organization that claims it';
COMMENT ON COLUMN aias.organization_domains.domain IS 'The domain in ASCII form';
COMMENT ON COLUMN aias.organization_domains.challenge IS 'Text of the DNS record that proves it';
COMMENT ON COLUMN aias.organization_domains.verified_at IS 'When the record was seen';
COMMENT ON COLUMN aias.organization_domains.created_at IS 'When the row was made';

CREATE TABLE aias.federated_identities (
    provider_id uuid NOT NULL,
    subject text NOT NULL,
    user_id uuid NOT NULL,
    email_verified bool NOT NULL,
    last_used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT federated_identities_pkey PRIMARY KEY (provider_id, subject),
    CONSTRAINT federated_identities_provider_id_fkey
        FOREIGN KEY (provider_id) REFERENCES aias.identity_providers (provider_id) ON DELETE CASCADE,
    CONSTRAINT federated_identities_user_id_fkey
        FOREIGN KEY (user_id) REFERENCES aias.users (user_id) ON DELETE CASCADE
);
CREATE INDEX federated_identities_user_id_idx ON aias.federated_identities (user_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON aias.federated_identities TO aias_identity;

COMMENT ON TABLE aias.federated_identities IS 'Which account of a provider is which person';
COMMENT ON COLUMN aias.federated_identities.provider_id IS 'The provider';
COMMENT ON COLUMN aias.federated_identities.subject IS 'The person''s identifier there';
COMMENT ON COLUMN aias.federated_identities.user_id IS 'The person here';
COMMENT ON COLUMN aias.federated_identities.email_verified IS 'Whether the provider says the address is verified';
COMMENT ON COLUMN aias.federated_identities.last_used_at IS 'When it was last used to sign in';
COMMENT ON COLUMN aias.federated_identities.created_at IS 'When the row was made';

CREATE TABLE aias.federation_requests (
    state_hash bytea NOT NULL,
    provider_id uuid NOT NULL,
    nonce text NOT NULL,
    verifier_ciphertext bytea NOT NULL,
    enc_kid text NOT NULL,
    return_to text,
    expires_at timestamptz NOT NULL,
    consumed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT federation_requests_pkey PRIMARY KEY (state_hash),
    CONSTRAINT federation_requests_provider_id_fkey
        FOREIGN KEY (provider_id) REFERENCES aias.identity_providers (provider_id) ON DELETE CASCADE,
    CONSTRAINT federation_requests_expires_at_check CHECK (expires_at <= created_at + interval '10 minutes')
);
CREATE INDEX federation_requests_provider_id_idx ON aias.federation_requests (provider_id);
CREATE INDEX federation_requests_expires_at_idx ON aias.federation_requests (expires_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON aias.federation_requests TO aias_identity;

COMMENT ON TABLE aias.federation_requests
    IS 'Sign-ins on their way to a provider and back: state, nonce and verifier, used once';
COMMENT ON COLUMN aias.federation_requests.state_hash IS 'Digest of the state bound to the browser';
COMMENT ON COLUMN aias.federation_requests.provider_id IS 'The provider; the organization follows from it alone';
COMMENT ON COLUMN aias.federation_requests.nonce IS 'Nonce the ID token must carry';
COMMENT ON COLUMN aias.federation_requests.verifier_ciphertext IS 'PKCE verifier, AES-256-GCM under enc_kid';
COMMENT ON COLUMN aias.federation_requests.enc_kid IS 'Encryption key of verifier_ciphertext';
COMMENT ON COLUMN aias.federation_requests.return_to IS 'Where the browser goes afterwards';
COMMENT ON COLUMN aias.federation_requests.expires_at IS 'When it ends, at most 10 minutes after it was made';
COMMENT ON COLUMN aias.federation_requests.consumed_at IS 'When it came back; set by conditional update';
COMMENT ON COLUMN aias.federation_requests.created_at IS 'When the row was made';

CREATE TABLE aias.login_throttles (
    kind text NOT NULL,
    subject_hash bytea NOT NULL,
    window_start timestamptz NOT NULL,
    failures int NOT NULL DEFAULT 0,
    locked_until timestamptz,
    CONSTRAINT login_throttles_pkey PRIMARY KEY (kind, subject_hash),
    CONSTRAINT login_throttles_kind_check CHECK (kind IN ('email', 'network', 'client', 'device', 'session')),
    CONSTRAINT login_throttles_failures_check CHECK (failures >= 0)
);
CREATE INDEX login_throttles_window_start_idx ON aias.login_throttles (window_start);

GRANT SELECT, INSERT, UPDATE, DELETE ON aias.login_throttles TO aias_identity;

COMMENT ON TABLE aias.login_throttles IS 'Failed sign-ins per address or network, shared by all replicas';
COMMENT ON COLUMN aias.login_throttles.kind IS 'email, network, client, device or session';
COMMENT ON COLUMN aias.login_throttles.subject_hash IS 'Keyed digest of what is throttled';
COMMENT ON COLUMN aias.login_throttles.window_start IS 'Start of the window that is counted';
COMMENT ON COLUMN aias.login_throttles.failures IS 'Failures in the window';
COMMENT ON COLUMN aias.login_throttles.locked_until IS 'Until when it is locked';

CREATE TABLE aias.policy_bundles (
    bundle_id uuid NOT NULL,
    org_id uuid,
    version int NOT NULL,
    sha256 bytea NOT NULL,
    content bytea NOT NULL,
    report jsonb NOT NULL DEFAULT '{}',
    signature bytea,
    signing_kid text,
    status text NOT NULL DEFAULT 'draft',
    created_by text NOT NULL,
    published_at timestamptz,
    approval_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT policy_bundles_pkey PRIMARY KEY (bundle_id),
    CONSTRAINT policy_bundles_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT policy_bundles_signing_kid_fkey
        FOREIGN KEY (signing_kid) REFERENCES aias.signing_keys (kid) ON DELETE RESTRICT,
    CONSTRAINT policy_bundles_approval_id_fkey
        FOREIGN KEY (approval_id) REFERENCES aias.approval_requests (approval_id) ON DELETE RESTRICT,
    CONSTRAINT policy_bundles_org_id_version_key UNIQUE NULLS NOT DISTINCT (org_id, version),
    CONSTRAINT policy_bundles_sha256_key UNIQUE (sha256),
    CONSTRAINT policy_bundles_version_check CHECK (version >= 1),
    CONSTRAINT policy_bundles_sha256_check CHECK (octet_length(sha256) = 32),
    CONSTRAINT policy_bundles_content_check CHECK (octet_length(content) <= 262144),
    CONSTRAINT policy_bundles_status_check CHECK (status IN ('draft', 'published', 'retired')),
    CONSTRAINT policy_bundles_signature_check
        CHECK (status = 'draft' OR (signature IS NOT NULL AND signing_kid IS NOT NULL))
);
CREATE INDEX policy_bundles_signing_kid_idx ON aias.policy_bundles (signing_kid) WHERE signing_kid IS NOT NULL;
CREATE INDEX policy_bundles_approval_id_idx ON aias.policy_bundles (approval_id) WHERE approval_id IS NOT NULL;
CREATE UNIQUE INDEX policy_bundles_published_idx ON aias.policy_bundles (org_id) NULLS NOT DISTINCT
    WHERE status = 'published';
CREATE TRIGGER policy_bundles_touch_tg BEFORE UPDATE ON aias.policy_bundles
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

ALTER TABLE aias.policy_bundles ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.policy_bundles FORCE ROW LEVEL SECURITY;
CREATE POLICY policy_bundles_tenant ON aias.policy_bundles FOR SELECT TO aias_reader
    USING (org_id IS NULL OR org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY policy_bundles_platform ON aias.policy_bundles TO aias_identity, aias_owner
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON aias.policy_bundles TO aias_identity;
GRANT SELECT ON aias.policy_bundles TO aias_reader;

COMMENT ON TABLE aias.policy_bundles IS 'Rego bundles of the platform and of organizations, signed at publication';
COMMENT ON COLUMN aias.policy_bundles.bundle_id IS 'The bundle; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.policy_bundles.org_id IS 'Organization it binds; null for the platform';
COMMENT ON COLUMN aias.policy_bundles.version IS 'Number within its scope';
COMMENT ON COLUMN aias.policy_bundles.sha256 IS 'SHA-256 of the bundle';
COMMENT ON COLUMN aias.policy_bundles.content IS 'The bundle itself, a tar archive';
COMMENT ON COLUMN aias.policy_bundles.report IS 'What the checks before publication said';
COMMENT ON COLUMN aias.policy_bundles.signature IS 'Ed25519 signature made at publication';
COMMENT ON COLUMN aias.policy_bundles.signing_kid IS 'Key of the signature';
COMMENT ON COLUMN aias.policy_bundles.status IS 'draft, published or retired';
COMMENT ON COLUMN aias.policy_bundles.created_by IS 'Principal that uploaded it';
COMMENT ON COLUMN aias.policy_bundles.published_at IS 'When it came into force';
COMMENT ON COLUMN aias.policy_bundles.approval_id IS 'The approval behind a platform bundle';
COMMENT ON COLUMN aias.policy_bundles.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.policy_bundles.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.policy_bundles.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';
