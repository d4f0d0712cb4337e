CREATE SCHEMA aias;
REVOKE ALL ON SCHEMA aias FROM PUBLIC;
GRANT USAGE ON SCHEMA aias TO aias_identity, aias_router, aias_analytics, aias_reader;

CREATE FUNCTION aias.touch_row() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    NEW.updated_at := now();
    NEW.row_version := OLD.row_version + 1;
    RETURN NEW;
END
$$;

CREATE FUNCTION aias.refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TABLE aias.organizations (
    org_id uuid NOT NULL,
    slug text NOT NULL,
    display_name text NOT NULL,
    kind text NOT NULL DEFAULT 'customer',
    status text NOT NULL DEFAULT 'active',
    status_reason text,
    currency char(3) NOT NULL DEFAULT 'USD',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT organizations_pkey PRIMARY KEY (org_id),
    CONSTRAINT organizations_slug_key UNIQUE (slug),
    CONSTRAINT organizations_slug_check CHECK (slug ~ '^[a-z][a-z0-9]*(-[a-z0-9]+)*$' AND length(slug) BETWEEN 2 AND 63),
    CONSTRAINT organizations_display_name_check CHECK (length(display_name) BETWEEN 1 AND 200),
    CONSTRAINT organizations_kind_check CHECK (kind IN ('customer', 'platform', 'test')),
    CONSTRAINT organizations_status_check
        CHECK (status IN ('pending', 'active', 'suspended', 'pending_delete', 'deleted')),
    CONSTRAINT organizations_status_reason_check CHECK (status <> 'suspended' OR status_reason IS NOT NULL),
    CONSTRAINT organizations_currency_check CHECK (currency ~ '^[A-Z]{3}$')
);
CREATE TRIGGER organizations_touch_tg BEFORE UPDATE ON aias.organizations
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

CREATE TABLE aias.api_keys (
    api_key_id uuid NOT NULL,
    org_id uuid NOT NULL,
    name text NOT NULL,
    prefix text NOT NULL,
    last4 char(4) NOT NULL,
    secret_hash bytea NOT NULL,
    hash_kid text NOT NULL,
    scopes text[] NOT NULL,
    allowed_models uuid[],
    status text NOT NULL DEFAULT 'active',
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT api_keys_pkey PRIMARY KEY (api_key_id),
    CONSTRAINT api_keys_org_id_fkey FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT api_keys_hash_kid_secret_hash_key UNIQUE (hash_kid, secret_hash),
    CONSTRAINT api_keys_name_check CHECK (length(name) BETWEEN 1 AND 64),
    CONSTRAINT api_keys_secret_hash_check CHECK (octet_length(secret_hash) = 32),
    CONSTRAINT api_keys_scopes_check CHECK (scopes <@ ARRAY['inference.call', 'model.read', 'usage.read']),
    CONSTRAINT api_keys_status_check CHECK (status IN ('active', 'rotating', 'quarantined', 'revoked'))
);
CREATE UNIQUE INDEX api_keys_org_id_name_idx ON aias.api_keys (org_id, name) WHERE status IN ('active', 'quarantined');
CREATE TRIGGER api_keys_touch_tg BEFORE UPDATE ON aias.api_keys FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

ALTER TABLE aias.organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.organizations FORCE ROW LEVEL SECURITY;
CREATE POLICY organizations_tenant ON aias.organizations FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY organizations_platform ON aias.organizations TO aias_identity USING (true) WITH CHECK (true);
CREATE POLICY organizations_analytics ON aias.organizations FOR SELECT TO aias_analytics USING (true);
CREATE POLICY organizations_owner ON aias.organizations TO aias_owner USING (true) WITH CHECK (true);
ALTER TABLE aias.api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.api_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY api_keys_tenant ON aias.api_keys FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY api_keys_platform ON aias.api_keys TO aias_identity USING (true) WITH CHECK (true);
CREATE POLICY api_keys_owner ON aias.api_keys TO aias_owner USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE ON aias.organizations, aias.api_keys TO aias_identity;
GRANT SELECT ON aias.organizations TO aias_analytics, aias_reader;
GRANT SELECT (api_key_id, org_id, name, prefix, last4, scopes, status, expires_at, created_at) ON aias.api_keys TO aias_reader;

COMMENT ON TABLE aias.organizations IS 'Tenants: who owns keys, usage and cost';
COMMENT ON TABLE aias.api_keys IS 'API keys: only a keyed hash of the text is stored';
COMMENT ON COLUMN aias.api_keys.secret_hash IS 'HMAC-SHA-256 of the whole key text under the key hash_kid';
COMMENT ON COLUMN aias.api_keys.allowed_models IS 'Models the key may call; null is every model of the organization';
