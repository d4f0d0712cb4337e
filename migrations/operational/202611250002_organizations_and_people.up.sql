-- aias: phase = expand
-- aias: author = platform
-- aias: risk = New tables only; nothing exists that could wait

CREATE TABLE aias.organizations (
    org_id uuid NOT NULL,
    slug text NOT NULL,
    display_name text NOT NULL,
    kind text NOT NULL DEFAULT 'customer',
    plan_tier text NOT NULL DEFAULT 'growth',
    status text NOT NULL DEFAULT 'active',
    status_reason text,
    currency char(3) NOT NULL DEFAULT 'USD',
    quota_outage_policy text NOT NULL DEFAULT 'deny',
    grace_pico bigint NOT NULL DEFAULT 0,
    mfa_required_roles text[] NOT NULL DEFAULT '{}',
    settings jsonb NOT NULL DEFAULT '{}',
    legal_hold bool NOT NULL DEFAULT false,
    suspended_at timestamptz,
    deleted_at timestamptz,
    purge_after timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT organizations_pkey PRIMARY KEY (org_id),
    CONSTRAINT organizations_slug_key UNIQUE (slug),
    CONSTRAINT organizations_slug_check
        CHECK (slug ~ '^[a-z][a-z0-9]*(-[a-z0-9]+)*$' AND length(slug) BETWEEN 2 AND 63),
    CONSTRAINT organizations_display_name_check CHECK (length(display_name) BETWEEN 1 AND 200),
    CONSTRAINT organizations_kind_check CHECK (kind IN ('customer', 'platform', 'test')),
    CONSTRAINT organizations_plan_tier_check CHECK (plan_tier IN ('starter', 'growth', 'enterprise')),
    CONSTRAINT organizations_status_check
        CHECK (status IN ('pending', 'active', 'suspended', 'pending_delete', 'deleted')),
    CONSTRAINT organizations_status_reason_check CHECK (status <> 'suspended' OR status_reason IS NOT NULL),
    CONSTRAINT organizations_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT organizations_quota_outage_policy_check CHECK (quota_outage_policy IN ('deny', 'allow_grace')),
    CONSTRAINT organizations_grace_pico_check CHECK (grace_pico >= 0),
    CONSTRAINT organizations_mfa_required_roles_check
        CHECK (mfa_required_roles <@ ARRAY['owner', 'admin', 'developer', 'billing', 'viewer']),
    CONSTRAINT organizations_settings_check CHECK (jsonb_typeof(settings) = 'object'),
    CONSTRAINT organizations_purge_after_check CHECK (purge_after IS NULL OR deleted_at IS NOT NULL)
);
CREATE INDEX organizations_status_idx ON aias.organizations (status);
CREATE INDEX organizations_purge_after_idx ON aias.organizations (purge_after) WHERE purge_after IS NOT NULL;
CREATE TRIGGER organizations_touch_tg BEFORE UPDATE ON aias.organizations
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();
CREATE TRIGGER organizations_slug_fixed_tg BEFORE UPDATE ON aias.organizations
    FOR EACH ROW WHEN (OLD.slug IS DISTINCT FROM NEW.slug) EXECUTE FUNCTION aias.refuse_rewrite();
CREATE TRIGGER organizations_currency_fixed_tg BEFORE UPDATE ON aias.organizations
    FOR EACH ROW WHEN (OLD.currency IS DISTINCT FROM NEW.currency) EXECUTE FUNCTION aias.refuse_rewrite();

ALTER TABLE aias.organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.organizations FORCE ROW LEVEL SECURITY;
CREATE POLICY organizations_tenant ON aias.organizations FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY organizations_platform ON aias.organizations TO aias_identity, aias_owner USING (true) WITH CHECK (true);
CREATE POLICY organizations_platform_read ON aias.organizations FOR SELECT TO aias_analytics, aias_router USING (true);
GRANT SELECT, INSERT, UPDATE ON aias.organizations TO aias_identity;
GRANT SELECT ON aias.organizations TO aias_analytics;
GRANT SELECT ON aias.organizations TO aias_router;
GRANT SELECT ON aias.organizations TO aias_reader;

COMMENT ON TABLE aias.organizations IS 'Tenants: who owns keys, usage and cost';
COMMENT ON COLUMN aias.organizations.org_id IS 'The organization; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.organizations.slug IS 'Its name in addresses and commands; unique for ever, never changed';
COMMENT ON COLUMN aias.organizations.display_name IS 'Its name for people';
COMMENT ON COLUMN aias.organizations.kind IS 'customer, platform (our own) or test (left out of finance files)';
COMMENT ON COLUMN aias.organizations.plan_tier IS 'Plan: decides default limits';
COMMENT ON COLUMN aias.organizations.status IS 'Where it stands between pending and deleted';
COMMENT ON COLUMN aias.organizations.status_reason IS 'Why it is suspended, as a reason code';
COMMENT ON COLUMN aias.organizations.currency IS 'The one currency of its budgets and statements, fixed at creation';
COMMENT ON COLUMN aias.organizations.quota_outage_policy
    IS 'What happens while the quota ledger is away: deny, or go on up to grace_pico';
COMMENT ON COLUMN aias.organizations.grace_pico
    IS 'Most that may be spent during one outage of the ledger, in pico-units of currency';
COMMENT ON COLUMN aias.organizations.mfa_required_roles IS 'Roles of members that need a second factor';
COMMENT ON COLUMN aias.organizations.settings
    IS 'Default role, invite domains, networks, regions, key policy, approvals, retention';
COMMENT ON COLUMN aias.organizations.legal_hold IS 'Whether deletion and erasure are stopped';
COMMENT ON COLUMN aias.organizations.suspended_at IS 'When it was suspended';
COMMENT ON COLUMN aias.organizations.deleted_at IS 'When its deletion was asked for';
COMMENT ON COLUMN aias.organizations.purge_after IS 'When the days of grace are over and erasure may begin';
COMMENT ON COLUMN aias.organizations.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.organizations.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.organizations.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE FUNCTION aias.require_active_organization() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    v_status text;
BEGIN
    SELECT o.status INTO v_status FROM aias.organizations o WHERE o.org_id = NEW.org_id FOR KEY SHARE;
    IF v_status IS NULL OR v_status = ANY (TG_ARGV) THEN
        RAISE EXCEPTION 'the organization of this % row is %', TG_TABLE_NAME, coalesce(v_status, 'unknown')
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION aias.require_active_organization() FROM PUBLIC;
COMMENT ON FUNCTION aias.require_active_organization()
    IS 'Refuses a new row for an organization whose state is among the arguments of the trigger';

CREATE TABLE aias.projects (
    project_id uuid NOT NULL,
    org_id uuid NOT NULL,
    slug text NOT NULL,
    display_name text NOT NULL,
    labels jsonb NOT NULL DEFAULT '{}',
    archived_at timestamptz,
    deleted_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT projects_pkey PRIMARY KEY (project_id),
    CONSTRAINT projects_org_id_fkey FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT projects_org_id_slug_key UNIQUE (org_id, slug),
    CONSTRAINT projects_slug_check CHECK (slug ~ '^[a-z][a-z0-9]*(-[a-z0-9]+)*$' AND length(slug) BETWEEN 2 AND 63),
    CONSTRAINT projects_display_name_check CHECK (length(display_name) BETWEEN 1 AND 200),
    CONSTRAINT projects_labels_check CHECK (aias.is_label_map(labels))
);
CREATE TRIGGER projects_touch_tg BEFORE UPDATE ON aias.projects
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();
CREATE TRIGGER projects_slug_fixed_tg BEFORE UPDATE ON aias.projects
    FOR EACH ROW WHEN (OLD.slug IS DISTINCT FROM NEW.slug OR OLD.org_id IS DISTINCT FROM NEW.org_id)
    EXECUTE FUNCTION aias.refuse_rewrite();
CREATE TRIGGER projects_organization_tg BEFORE INSERT ON aias.projects
    FOR EACH ROW EXECUTE FUNCTION aias.require_active_organization('pending_delete', 'deleted');

ALTER TABLE aias.projects ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.projects FORCE ROW LEVEL SECURITY;
CREATE POLICY projects_tenant ON aias.projects FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY projects_platform ON aias.projects TO aias_identity, aias_owner USING (true) WITH CHECK (true);
CREATE POLICY projects_platform_read ON aias.projects FOR SELECT TO aias_analytics, aias_router USING (true);
GRANT SELECT, INSERT, UPDATE ON aias.projects TO aias_identity;
GRANT SELECT ON aias.projects TO aias_analytics;
GRANT SELECT ON aias.projects TO aias_router;
GRANT SELECT ON aias.projects TO aias_reader;

COMMENT ON TABLE aias.projects
    IS 'Optional grouping of keys, service accounts, budgets and usage inside one organization';
COMMENT ON COLUMN aias.projects.project_id IS 'The project; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.projects.org_id IS 'The organization it belongs to';
COMMENT ON COLUMN aias.projects.slug IS 'Its name in addresses and commands';
COMMENT ON COLUMN aias.projects.display_name IS 'Its name for people';
COMMENT ON COLUMN aias.projects.labels IS 'Up to 16 pairs of text, shown as tags in exports';
COMMENT ON COLUMN aias.projects.archived_at IS 'When it was archived: its keys stop';
COMMENT ON COLUMN aias.projects.deleted_at IS 'When it was deleted';
COMMENT ON COLUMN aias.projects.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.projects.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.projects.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE TABLE aias.users (
    user_id uuid NOT NULL,
    email_ciphertext bytea,
    email_enc_kid text,
    display_name text,
    locale text,
    status text NOT NULL DEFAULT 'invited',
    epoch int NOT NULL DEFAULT 0,
    deleted_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT users_pkey PRIMARY KEY (user_id),
    CONSTRAINT users_status_check CHECK (status IN ('invited', 'active', 'suspended', 'erased')),
    CONSTRAINT users_email_enc_kid_check CHECK ((email_ciphertext IS NULL) = (email_enc_kid IS NULL)),
    CONSTRAINT users_display_name_check CHECK (length(display_name) BETWEEN 1 AND 200),
    CONSTRAINT users_locale_check CHECK (length(locale) <= 35),
    CONSTRAINT users_erased_check
        CHECK (status <> 'erased' OR num_nonnulls(email_ciphertext, email_enc_kid, display_name, locale) = 0)
);
CREATE INDEX users_deleted_at_idx ON aias.users (deleted_at) WHERE deleted_at IS NOT NULL AND status <> 'erased';
CREATE TRIGGER users_touch_tg BEFORE UPDATE ON aias.users
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

GRANT SELECT, INSERT, UPDATE ON aias.users TO aias_identity;

COMMENT ON TABLE aias.users IS 'People: each exists once and may belong to many organizations';
COMMENT ON COLUMN aias.users.user_id IS 'The person; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.users.email_ciphertext IS 'Address, AES-256-GCM with the row''s id as associated data';
COMMENT ON COLUMN aias.users.email_enc_kid IS 'Encryption key of email_ciphertext';
COMMENT ON COLUMN aias.users.display_name IS 'Name for people';
COMMENT ON COLUMN aias.users.locale IS 'Language of pages and mails';
COMMENT ON COLUMN aias.users.status IS 'Where the person stands between invited and erased';
COMMENT ON COLUMN aias.users.epoch
    IS 'Rises with role change, suspension, factor reset and recovery; older tokens are refused';
COMMENT ON COLUMN aias.users.deleted_at IS 'When deletion was asked for';
COMMENT ON COLUMN aias.users.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.users.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.users.row_version IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE TABLE aias.user_email_hashes (
    kid text NOT NULL,
    email_hash bytea NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT user_email_hashes_pkey PRIMARY KEY (kid, email_hash),
    CONSTRAINT user_email_hashes_user_id_fkey
        FOREIGN KEY (user_id) REFERENCES aias.users (user_id) ON DELETE CASCADE,
    CONSTRAINT user_email_hashes_email_hash_check CHECK (octet_length(email_hash) = 32)
);
CREATE INDEX user_email_hashes_user_id_idx ON aias.user_email_hashes (user_id);

GRANT SELECT, INSERT, DELETE ON aias.user_email_hashes TO aias_identity;

COMMENT ON TABLE aias.user_email_hashes
    IS 'Digests of addresses, one row per live hashing key, so that uniqueness holds while keys rotate';
COMMENT ON COLUMN aias.user_email_hashes.kid IS 'Hashing key of email_hash';
COMMENT ON COLUMN aias.user_email_hashes.email_hash IS 'HMAC-SHA-256 of the normalised address under the key kid';
COMMENT ON COLUMN aias.user_email_hashes.user_id IS 'Whose address it is';
COMMENT ON COLUMN aias.user_email_hashes.created_at IS 'When the row was made';

CREATE TABLE aias.memberships (
    org_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL,
    status text NOT NULL DEFAULT 'active',
    granted_by uuid,
    justification text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT memberships_pkey PRIMARY KEY (org_id, user_id),
    CONSTRAINT memberships_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT memberships_user_id_fkey FOREIGN KEY (user_id) REFERENCES aias.users (user_id) ON DELETE RESTRICT,
    CONSTRAINT memberships_granted_by_fkey
        FOREIGN KEY (granted_by) REFERENCES aias.users (user_id) ON DELETE RESTRICT,
    CONSTRAINT memberships_role_check CHECK (role IN ('owner', 'admin', 'developer', 'billing', 'viewer')),
    CONSTRAINT memberships_status_check CHECK (status IN ('active', 'suspended', 'removed')),
    CONSTRAINT memberships_justification_check CHECK (length(justification) <= 1000)
);
CREATE INDEX memberships_user_id_idx ON aias.memberships (user_id);
CREATE INDEX memberships_granted_by_idx ON aias.memberships (granted_by) WHERE granted_by IS NOT NULL;
CREATE TRIGGER memberships_touch_tg BEFORE UPDATE ON aias.memberships
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();
CREATE TRIGGER memberships_organization_tg BEFORE INSERT ON aias.memberships
    FOR EACH ROW EXECUTE FUNCTION aias.require_active_organization('pending_delete', 'deleted');

ALTER TABLE aias.memberships ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.memberships FORCE ROW LEVEL SECURITY;
CREATE POLICY memberships_tenant ON aias.memberships FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY memberships_platform ON aias.memberships TO aias_identity, aias_owner USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON aias.memberships TO aias_identity;
GRANT SELECT ON aias.memberships TO aias_reader;

COMMENT ON TABLE aias.memberships IS 'Who belongs to which organization, in which role; removal keeps the row';
COMMENT ON COLUMN aias.memberships.org_id IS 'The organization';
COMMENT ON COLUMN aias.memberships.user_id IS 'The person';
COMMENT ON COLUMN aias.memberships.role IS 'What the person may do in it';
COMMENT ON COLUMN aias.memberships.status IS 'active, suspended or removed';
COMMENT ON COLUMN aias.memberships.granted_by IS 'Who gave the role';
COMMENT ON COLUMN aias.memberships.justification IS 'Why the role was given or changed';
COMMENT ON COLUMN aias.memberships.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.memberships.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.memberships.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE FUNCTION aias.keep_last_owner() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    PERFORM FROM aias.organizations WHERE org_id = OLD.org_id AND status = 'active' FOR NO KEY UPDATE;
    IF FOUND AND NOT EXISTS (
        SELECT FROM aias.memberships WHERE org_id = OLD.org_id AND role = 'owner' AND status = 'active'
    ) THEN
        RAISE EXCEPTION 'an active organization keeps at least one active owner'
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION aias.keep_last_owner() FROM PUBLIC;
COMMENT ON FUNCTION aias.keep_last_owner()
    IS 'Refuses, at commit, to leave an active organization without an active owner; two at once wait for each other';

CREATE CONSTRAINT TRIGGER memberships_last_owner_tg AFTER UPDATE OR DELETE ON aias.memberships
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.role = 'owner' AND OLD.status = 'active')
    EXECUTE FUNCTION aias.keep_last_owner();

CREATE TABLE aias.invites (
    invite_id uuid NOT NULL,
    org_id uuid NOT NULL,
    email_hash bytea NOT NULL,
    hash_kid text NOT NULL,
    email_ciphertext bytea NOT NULL,
    email_enc_kid text NOT NULL,
    role text NOT NULL,
    token_hash bytea NOT NULL,
    status text NOT NULL DEFAULT 'pending',
    expires_at timestamptz NOT NULL,
    invited_by uuid NOT NULL,
    accepted_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT invites_pkey PRIMARY KEY (invite_id),
    CONSTRAINT invites_org_id_fkey FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT invites_invited_by_fkey FOREIGN KEY (invited_by) REFERENCES aias.users (user_id) ON DELETE RESTRICT,
    CONSTRAINT invites_token_hash_key UNIQUE (token_hash),
    CONSTRAINT invites_email_hash_check CHECK (octet_length(email_hash) = 32),
    CONSTRAINT invites_token_hash_check CHECK (octet_length(token_hash) = 32),
    CONSTRAINT invites_role_check CHECK (role IN ('owner', 'admin', 'developer', 'billing', 'viewer')),
    CONSTRAINT invites_status_check CHECK (status IN ('pending', 'accepted', 'expired', 'revoked')),
    CONSTRAINT invites_expires_at_check
        CHECK (expires_at BETWEEN created_at + interval '1 hour' AND created_at + interval '720 hours'),
    CONSTRAINT invites_accepted_at_check CHECK ((status = 'accepted') = (accepted_at IS NOT NULL))
);
CREATE INDEX invites_org_id_idx ON aias.invites (org_id);
CREATE INDEX invites_invited_by_idx ON aias.invites (invited_by);
CREATE UNIQUE INDEX invites_pending_idx ON aias.invites (org_id, hash_kid, email_hash) WHERE status = 'pending';
CREATE TRIGGER invites_touch_tg BEFORE UPDATE ON aias.invites
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();
CREATE TRIGGER invites_organization_tg BEFORE INSERT ON aias.invites
    FOR EACH ROW EXECUTE FUNCTION aias.require_active_organization('pending_delete', 'deleted');

ALTER TABLE aias.invites ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.invites FORCE ROW LEVEL SECURITY;
CREATE POLICY invites_tenant ON aias.invites FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY invites_platform ON aias.invites TO aias_identity, aias_owner USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON aias.invites TO aias_identity;
GRANT SELECT (
    invite_id, org_id, hash_kid, email_enc_kid, role, status, expires_at, invited_by, accepted_at, created_at,
    updated_at, row_version
) ON aias.invites TO aias_reader;

COMMENT ON TABLE aias.invites IS 'Invitations by mail; single use, the token is stored as a digest only';
COMMENT ON COLUMN aias.invites.invite_id IS 'The invitation; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.invites.org_id IS 'The organization it leads into';
COMMENT ON COLUMN aias.invites.email_hash IS 'HMAC-SHA-256 of the normalised address under hash_kid';
COMMENT ON COLUMN aias.invites.hash_kid IS 'Hashing key of email_hash';
COMMENT ON COLUMN aias.invites.email_ciphertext IS 'Address, AES-256-GCM with the row''s id as associated data';
COMMENT ON COLUMN aias.invites.email_enc_kid IS 'Encryption key of email_ciphertext';
COMMENT ON COLUMN aias.invites.role IS 'Role that accepting gives';
COMMENT ON COLUMN aias.invites.token_hash IS 'Digest of the mailed token';
COMMENT ON COLUMN aias.invites.status IS 'pending, accepted, expired or revoked';
COMMENT ON COLUMN aias.invites.expires_at IS 'When it can no longer be accepted, 1 to 720 hours after it was made';
COMMENT ON COLUMN aias.invites.invited_by IS 'Who invited';
COMMENT ON COLUMN aias.invites.accepted_at IS 'When it was accepted';
COMMENT ON COLUMN aias.invites.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.invites.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.invites.row_version IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE TABLE aias.service_accounts (
    service_account_id uuid NOT NULL,
    org_id uuid NOT NULL,
    project_id uuid,
    name text NOT NULL,
    description text,
    role text NOT NULL,
    status text NOT NULL DEFAULT 'active',
    epoch int NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT service_accounts_pkey PRIMARY KEY (service_account_id),
    CONSTRAINT service_accounts_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT service_accounts_project_id_fkey
        FOREIGN KEY (project_id) REFERENCES aias.projects (project_id) ON DELETE RESTRICT,
    CONSTRAINT service_accounts_name_check CHECK (length(name) BETWEEN 1 AND 64),
    CONSTRAINT service_accounts_description_check CHECK (length(description) <= 1000),
    CONSTRAINT service_accounts_role_check CHECK (role IN ('admin', 'developer', 'billing', 'viewer')),
    CONSTRAINT service_accounts_status_check CHECK (status IN ('active', 'disabled', 'deleted'))
);
CREATE INDEX service_accounts_org_id_idx ON aias.service_accounts (org_id);
CREATE INDEX service_accounts_project_id_idx ON aias.service_accounts (project_id) WHERE project_id IS NOT NULL;
CREATE UNIQUE INDEX service_accounts_org_id_name_idx ON aias.service_accounts (org_id, name) WHERE status <> 'deleted';
CREATE TRIGGER service_accounts_touch_tg BEFORE UPDATE ON aias.service_accounts
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();
CREATE TRIGGER service_accounts_name_fixed_tg BEFORE UPDATE ON aias.service_accounts
    FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION aias.refuse_rewrite();
CREATE TRIGGER service_accounts_organization_tg BEFORE INSERT ON aias.service_accounts
    FOR EACH ROW EXECUTE FUNCTION aias.require_active_organization('pending_delete', 'deleted');

ALTER TABLE aias.service_accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.service_accounts FORCE ROW LEVEL SECURITY;
CREATE POLICY service_accounts_tenant ON aias.service_accounts FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY service_accounts_platform ON aias.service_accounts TO aias_identity, aias_owner
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON aias.service_accounts TO aias_identity;
GRANT SELECT ON aias.service_accounts TO aias_reader;

COMMENT ON TABLE aias.service_accounts IS 'Machines that act for an organization; never owner, never a platform role';
COMMENT ON COLUMN aias.service_accounts.service_account_id IS 'The service account; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.service_accounts.org_id IS 'The organization it acts for';
COMMENT ON COLUMN aias.service_accounts.project_id IS 'The project its usage counts to';
COMMENT ON COLUMN aias.service_accounts.name IS 'Its name, never changed';
COMMENT ON COLUMN aias.service_accounts.description IS 'What it is for';
COMMENT ON COLUMN aias.service_accounts.role IS 'What it may do';
COMMENT ON COLUMN aias.service_accounts.status IS 'active, disabled or deleted';
COMMENT ON COLUMN aias.service_accounts.epoch IS 'Rises when its tokens must end; older ones are refused';
COMMENT ON COLUMN aias.service_accounts.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.service_accounts.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.service_accounts.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';
