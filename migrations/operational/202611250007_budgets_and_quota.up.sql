-- aias: phase = expand
-- aias: author = platform
-- aias: risk = New tables only; nothing exists that could wait

CREATE TABLE aias.budgets (
    budget_id uuid NOT NULL,
    org_id uuid NOT NULL,
    scope text NOT NULL,
    scope_id uuid,
    measure text NOT NULL,
    period text NOT NULL,
    limit_units numeric(38,0) NOT NULL,
    currency char(3),
    warn_percent smallint[] NOT NULL DEFAULT '{50,80,100}',
    mode text NOT NULL DEFAULT 'block',
    origin text NOT NULL DEFAULT 'api',
    status text NOT NULL DEFAULT 'draft',
    version int NOT NULL DEFAULT 1,
    changed_by text NOT NULL DEFAULT 'system',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT budgets_pkey PRIMARY KEY (budget_id),
    CONSTRAINT budgets_org_id_fkey FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT budgets_scope_check
        CHECK (scope IN ('organization', 'project', 'user', 'service_account', 'api_key', 'model')),
    CONSTRAINT budgets_scope_id_check CHECK ((scope = 'organization') = (scope_id IS NULL)),
    CONSTRAINT budgets_measure_check CHECK (measure IN ('cost', 'tokens', 'requests')),
    CONSTRAINT budgets_period_check CHECK (period IN ('day', 'month', 'quarter', 'year')),
    CONSTRAINT budgets_limit_units_check CHECK (limit_units >= 0),
    CONSTRAINT budgets_currency_check CHECK ((measure = 'cost') = (currency IS NOT NULL)),
    CONSTRAINT budgets_warn_percent_check CHECK (aias.is_ascending_percent(warn_percent)),
    CONSTRAINT budgets_mode_check CHECK (mode IN ('warn', 'block')),
    CONSTRAINT budgets_origin_check CHECK (origin IN ('api', 'git')),
    CONSTRAINT budgets_status_check CHECK (status IN ('draft', 'active', 'archived'))
);
CREATE UNIQUE INDEX budgets_active_idx ON aias.budgets (org_id, scope, scope_id, measure, period) NULLS NOT DISTINCT
    WHERE status = 'active';
CREATE INDEX budgets_org_id_idx ON aias.budgets (org_id);
CREATE TRIGGER budgets_touch_tg BEFORE UPDATE ON aias.budgets
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

ALTER TABLE aias.budgets ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.budgets FORCE ROW LEVEL SECURITY;
CREATE POLICY budgets_tenant ON aias.budgets FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY budgets_platform ON aias.budgets TO aias_identity, aias_owner USING (true) WITH CHECK (true);
CREATE POLICY budgets_platform_read ON aias.budgets FOR SELECT TO aias_router USING (true);
GRANT SELECT, INSERT, UPDATE ON aias.budgets TO aias_identity;
GRANT SELECT ON aias.budgets TO aias_router;
GRANT SELECT ON aias.budgets TO aias_reader;

COMMENT ON TABLE aias.budgets IS 'What may be spent or used in a period; every one that matches a request applies';
COMMENT ON COLUMN aias.budgets.budget_id IS 'The budget; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.budgets.org_id IS 'The organization';
COMMENT ON COLUMN aias.budgets.scope IS 'What it binds';
COMMENT ON COLUMN aias.budgets.scope_id IS 'Which one; null for the whole organization';
COMMENT ON COLUMN aias.budgets.measure IS 'cost, tokens or requests';
COMMENT ON COLUMN aias.budgets.period IS 'Length of its windows, in UTC';
COMMENT ON COLUMN aias.budgets.limit_units IS 'The line: pico-units for cost, else a count';
COMMENT ON COLUMN aias.budgets.currency IS 'Currency of a cost budget';
COMMENT ON COLUMN aias.budgets.warn_percent IS 'Where alerts are sent, ascending';
COMMENT ON COLUMN aias.budgets.mode IS 'warn only, or block at the line';
COMMENT ON COLUMN aias.budgets.origin IS 'Who owns it: api or git';
COMMENT ON COLUMN aias.budgets.status IS 'draft, active or archived';
COMMENT ON COLUMN aias.budgets.version IS 'Rises with each change of the definition';
COMMENT ON COLUMN aias.budgets.changed_by IS 'Principal of the last change';
COMMENT ON COLUMN aias.budgets.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.budgets.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.budgets.row_version IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE FUNCTION aias.guard_erasable() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'DELETE' AND EXISTS (
        SELECT FROM aias.erasure_tombstones WHERE subject_kind = 'organization' AND subject_id = OLD.org_id)
    THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END
$$;
REVOKE ALL ON FUNCTION aias.guard_erasable() FROM PUBLIC;
COMMENT ON FUNCTION aias.guard_erasable() IS 'Refuses every change but the removal of rows of an erased organization';

CREATE TABLE aias.budget_versions (
    budget_id uuid NOT NULL,
    version int NOT NULL,
    org_id uuid NOT NULL,
    definition jsonb NOT NULL,
    changed_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT budget_versions_pkey PRIMARY KEY (budget_id, version),
    CONSTRAINT budget_versions_budget_id_fkey
        FOREIGN KEY (budget_id) REFERENCES aias.budgets (budget_id) ON DELETE RESTRICT,
    CONSTRAINT budget_versions_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT
);
CREATE INDEX budget_versions_org_id_idx ON aias.budget_versions (org_id);
CREATE TRIGGER budget_versions_append_only_tg BEFORE UPDATE OR DELETE ON aias.budget_versions
    FOR EACH ROW EXECUTE FUNCTION aias.guard_erasable();
CREATE TRIGGER budget_versions_kept_tg BEFORE TRUNCATE ON aias.budget_versions
    FOR EACH STATEMENT EXECUTE FUNCTION aias.refuse_change();

ALTER TABLE aias.budget_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.budget_versions FORCE ROW LEVEL SECURITY;
CREATE POLICY budget_versions_tenant ON aias.budget_versions FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY budget_versions_platform ON aias.budget_versions TO aias_identity, aias_owner
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON aias.budget_versions TO aias_identity;
GRANT SELECT ON aias.budget_versions TO aias_reader;

COMMENT ON TABLE aias.budget_versions IS 'Earlier and present definitions of budgets, each with its author';
COMMENT ON COLUMN aias.budget_versions.budget_id IS 'The budget';
COMMENT ON COLUMN aias.budget_versions.version IS 'Which definition';
COMMENT ON COLUMN aias.budget_versions.org_id IS 'The organization';
COMMENT ON COLUMN aias.budget_versions.definition IS 'The definition as it was set';
COMMENT ON COLUMN aias.budget_versions.changed_by IS 'Principal that set it';
COMMENT ON COLUMN aias.budget_versions.created_at IS 'When the row was made';

CREATE TABLE aias.budget_overrides (
    override_id uuid NOT NULL,
    org_id uuid NOT NULL,
    budget_id uuid NOT NULL,
    extra_units numeric(38,0) NOT NULL,
    reason text NOT NULL,
    evidence text[] NOT NULL DEFAULT '{}',
    starts_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    requested_by text NOT NULL,
    status text NOT NULL DEFAULT 'pending',
    approval_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT budget_overrides_pkey PRIMARY KEY (override_id),
    CONSTRAINT budget_overrides_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT budget_overrides_budget_id_fkey
        FOREIGN KEY (budget_id) REFERENCES aias.budgets (budget_id) ON DELETE RESTRICT,
    CONSTRAINT budget_overrides_approval_id_fkey
        FOREIGN KEY (approval_id) REFERENCES aias.approval_requests (approval_id) ON DELETE RESTRICT,
    CONSTRAINT budget_overrides_extra_units_check CHECK (extra_units > 0),
    CONSTRAINT budget_overrides_reason_check CHECK (length(reason) BETWEEN 1 AND 2000),
    CONSTRAINT budget_overrides_expires_at_check CHECK (expires_at > starts_at),
    CONSTRAINT budget_overrides_status_check
        CHECK (status IN ('pending', 'approved', 'rejected', 'expired', 'revoked')),
    CONSTRAINT budget_overrides_approval_id_check CHECK (status <> 'approved' OR approval_id IS NOT NULL)
);
CREATE INDEX budget_overrides_org_id_idx ON aias.budget_overrides (org_id);
CREATE INDEX budget_overrides_approval_id_idx ON aias.budget_overrides (approval_id) WHERE approval_id IS NOT NULL;
CREATE INDEX budget_overrides_approved_idx ON aias.budget_overrides (budget_id, expires_at) WHERE status = 'approved';
CREATE INDEX budget_overrides_budget_id_idx ON aias.budget_overrides (budget_id);
CREATE TRIGGER budget_overrides_touch_tg BEFORE UPDATE ON aias.budget_overrides
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

ALTER TABLE aias.budget_overrides ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.budget_overrides FORCE ROW LEVEL SECURITY;
CREATE POLICY budget_overrides_tenant ON aias.budget_overrides FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY budget_overrides_platform ON aias.budget_overrides TO aias_identity, aias_owner
    USING (true) WITH CHECK (true);
CREATE POLICY budget_overrides_platform_read ON aias.budget_overrides FOR SELECT TO aias_router USING (true);
GRANT SELECT, INSERT, UPDATE ON aias.budget_overrides TO aias_identity;
GRANT SELECT ON aias.budget_overrides TO aias_router;
GRANT SELECT ON aias.budget_overrides TO aias_reader;

COMMENT ON TABLE aias.budget_overrides IS 'Exceptions to a budget, given by two people, ending by themselves';
COMMENT ON COLUMN aias.budget_overrides.override_id IS 'The exception; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.budget_overrides.org_id IS 'The organization';
COMMENT ON COLUMN aias.budget_overrides.budget_id IS 'The budget it widens';
COMMENT ON COLUMN aias.budget_overrides.extra_units IS 'How much more, in the budget''s unit';
COMMENT ON COLUMN aias.budget_overrides.reason IS 'Why';
COMMENT ON COLUMN aias.budget_overrides.evidence IS 'Links the approvers saw';
COMMENT ON COLUMN aias.budget_overrides.starts_at IS 'From when it counts';
COMMENT ON COLUMN aias.budget_overrides.expires_at IS 'When it ends';
COMMENT ON COLUMN aias.budget_overrides.requested_by IS 'Principal that asked';
COMMENT ON COLUMN aias.budget_overrides.status IS 'pending, approved, rejected, expired or revoked';
COMMENT ON COLUMN aias.budget_overrides.approval_id IS 'The approval behind it';
COMMENT ON COLUMN aias.budget_overrides.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.budget_overrides.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.budget_overrides.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE TABLE aias.quota_windows (
    budget_id uuid NOT NULL,
    window_start timestamptz NOT NULL,
    window_end timestamptz NOT NULL,
    org_id uuid NOT NULL,
    limit_units numeric(38,0) NOT NULL,
    leased_units numeric(38,0) NOT NULL DEFAULT 0,
    settled_units numeric(38,0) NOT NULL DEFAULT 0,
    alerted smallint[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT quota_windows_pkey PRIMARY KEY (budget_id, window_start),
    CONSTRAINT quota_windows_budget_id_fkey
        FOREIGN KEY (budget_id) REFERENCES aias.budgets (budget_id) ON DELETE RESTRICT,
    CONSTRAINT quota_windows_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT quota_windows_window_end_check CHECK (window_end > window_start),
    CONSTRAINT quota_windows_limit_units_check CHECK (limit_units >= 0),
    CONSTRAINT quota_windows_leased_units_check CHECK (leased_units >= 0),
    CONSTRAINT quota_windows_settled_units_check CHECK (settled_units >= 0)
) WITH (fillfactor = 70);
CREATE INDEX quota_windows_org_id_idx ON aias.quota_windows (org_id);
CREATE INDEX quota_windows_window_end_idx ON aias.quota_windows (window_end);
CREATE TRIGGER quota_windows_touch_tg BEFORE UPDATE ON aias.quota_windows
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

ALTER TABLE aias.quota_windows ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.quota_windows FORCE ROW LEVEL SECURITY;
CREATE POLICY quota_windows_tenant ON aias.quota_windows FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY quota_windows_platform ON aias.quota_windows TO aias_identity, aias_router, aias_owner
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON aias.quota_windows TO aias_identity;
GRANT SELECT, INSERT, UPDATE ON aias.quota_windows TO aias_router;
GRANT SELECT ON aias.quota_windows TO aias_reader;

COMMENT ON TABLE aias.quota_windows IS 'The ledger: what of a budget''s window is leased and settled';
COMMENT ON COLUMN aias.quota_windows.budget_id IS 'The budget';
COMMENT ON COLUMN aias.quota_windows.window_start IS 'First instant of the window, UTC';
COMMENT ON COLUMN aias.quota_windows.window_end IS 'First instant after it';
COMMENT ON COLUMN aias.quota_windows.org_id IS 'The organization';
COMMENT ON COLUMN aias.quota_windows.limit_units IS 'The line of this window, without exceptions';
COMMENT ON COLUMN aias.quota_windows.leased_units IS 'Granted to holders and not yet settled or returned';
COMMENT ON COLUMN aias.quota_windows.settled_units
    IS 'Spent; may pass the line, because finished work is always settled';
COMMENT ON COLUMN aias.quota_windows.alerted IS 'Percentages an alert was sent for';
COMMENT ON COLUMN aias.quota_windows.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.quota_windows.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.quota_windows.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE TABLE aias.quota_leases (
    lease_id uuid NOT NULL,
    budget_id uuid NOT NULL,
    window_start timestamptz NOT NULL,
    org_id uuid NOT NULL,
    holder text NOT NULL,
    fence bigint NOT NULL,
    granted_units numeric(38,0) NOT NULL,
    used_units numeric(38,0) NOT NULL DEFAULT 0,
    status text NOT NULL DEFAULT 'active',
    granted_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT quota_leases_pkey PRIMARY KEY (lease_id),
    CONSTRAINT quota_leases_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT quota_leases_budget_id_window_start_fkey
        FOREIGN KEY (budget_id, window_start) REFERENCES aias.quota_windows (budget_id, window_start) ON DELETE CASCADE,
    CONSTRAINT quota_leases_granted_units_check CHECK (granted_units > 0),
    CONSTRAINT quota_leases_used_units_check CHECK (used_units >= 0),
    CONSTRAINT quota_leases_status_check CHECK (status IN ('active', 'returned', 'expired', 'reclaimed')),
    CONSTRAINT quota_leases_expires_at_check CHECK (expires_at > granted_at)
) WITH (fillfactor = 70);
CREATE INDEX quota_leases_org_id_idx ON aias.quota_leases (org_id);
CREATE INDEX quota_leases_budget_id_window_start_idx ON aias.quota_leases (budget_id, window_start);
CREATE INDEX quota_leases_active_idx ON aias.quota_leases (budget_id, window_start) WHERE status = 'active';
CREATE INDEX quota_leases_expires_at_idx ON aias.quota_leases (expires_at) WHERE status = 'active';
CREATE INDEX quota_leases_holder_idx ON aias.quota_leases (holder) WHERE status = 'active';
CREATE TRIGGER quota_leases_touch_tg BEFORE UPDATE ON aias.quota_leases
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

ALTER TABLE aias.quota_leases ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.quota_leases FORCE ROW LEVEL SECURITY;
CREATE POLICY quota_leases_tenant ON aias.quota_leases FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY quota_leases_platform ON aias.quota_leases TO aias_identity, aias_router, aias_owner
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON aias.quota_leases TO aias_identity;
GRANT SELECT, INSERT, UPDATE ON aias.quota_leases TO aias_router;
GRANT SELECT ON aias.quota_leases TO aias_reader;

COMMENT ON TABLE aias.quota_leases IS 'Parts of a window that one worker may spend without asking';
COMMENT ON COLUMN aias.quota_leases.lease_id IS 'The lease; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.quota_leases.budget_id IS 'The budget';
COMMENT ON COLUMN aias.quota_leases.window_start IS 'The window it is part of';
COMMENT ON COLUMN aias.quota_leases.org_id IS 'The organization';
COMMENT ON COLUMN aias.quota_leases.holder IS 'The worker, named like the source of its events';
COMMENT ON COLUMN aias.quota_leases.fence IS 'Rises with each grant to the holder; an older one is refused';
COMMENT ON COLUMN aias.quota_leases.granted_units IS 'How much was granted';
COMMENT ON COLUMN aias.quota_leases.used_units IS 'How much of it is known to be spent';
COMMENT ON COLUMN aias.quota_leases.status IS 'active, returned, expired (still counted) or reclaimed';
COMMENT ON COLUMN aias.quota_leases.granted_at IS 'When it was granted';
COMMENT ON COLUMN aias.quota_leases.expires_at IS 'When the holder must stop spending';
COMMENT ON COLUMN aias.quota_leases.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.quota_leases.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.quota_leases.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE TABLE aias.quota_reports (
    lease_id uuid NOT NULL,
    report_seq bigint NOT NULL,
    used_units numeric(38,0) NOT NULL,
    reported_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT quota_reports_pkey PRIMARY KEY (lease_id, report_seq),
    CONSTRAINT quota_reports_lease_id_fkey
        FOREIGN KEY (lease_id) REFERENCES aias.quota_leases (lease_id) ON DELETE CASCADE,
    CONSTRAINT quota_reports_report_seq_check CHECK (report_seq >= 1),
    CONSTRAINT quota_reports_used_units_check CHECK (used_units >= 0)
);
CREATE INDEX quota_reports_reported_at_idx ON aias.quota_reports (reported_at);

GRANT SELECT, INSERT ON aias.quota_reports TO aias_identity;
GRANT SELECT, INSERT ON aias.quota_reports TO aias_router;

COMMENT ON TABLE aias.quota_reports IS 'What holders reported; a repeated report changes nothing';
COMMENT ON COLUMN aias.quota_reports.lease_id IS 'The lease';
COMMENT ON COLUMN aias.quota_reports.report_seq IS 'Number of the report, rising within the lease';
COMMENT ON COLUMN aias.quota_reports.used_units IS 'Spent of the lease so far';
COMMENT ON COLUMN aias.quota_reports.reported_at IS 'When it arrived';

CREATE TABLE aias.rate_limits (
    limit_id uuid NOT NULL,
    org_id uuid NOT NULL,
    scope text NOT NULL,
    scope_id uuid,
    measure text NOT NULL,
    per_seconds int NOT NULL DEFAULT 60,
    limit_units bigint NOT NULL,
    burst bigint NOT NULL DEFAULT 0,
    origin text NOT NULL DEFAULT 'api',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT rate_limits_pkey PRIMARY KEY (limit_id),
    CONSTRAINT rate_limits_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT rate_limits_org_id_scope_scope_id_measure_key
        UNIQUE NULLS NOT DISTINCT (org_id, scope, scope_id, measure),
    CONSTRAINT rate_limits_scope_check CHECK (scope IN ('organization', 'project', 'api_key', 'model')),
    CONSTRAINT rate_limits_scope_id_check CHECK ((scope = 'organization') = (scope_id IS NULL)),
    CONSTRAINT rate_limits_measure_check CHECK (measure IN ('requests', 'tokens', 'concurrency')),
    CONSTRAINT rate_limits_per_seconds_check CHECK (per_seconds IN (1, 60)),
    CONSTRAINT rate_limits_limit_units_check CHECK (limit_units >= 0),
    CONSTRAINT rate_limits_burst_check CHECK (burst >= 0),
    CONSTRAINT rate_limits_origin_check CHECK (origin IN ('api', 'git'))
);
CREATE TRIGGER rate_limits_touch_tg BEFORE UPDATE ON aias.rate_limits
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

ALTER TABLE aias.rate_limits ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.rate_limits FORCE ROW LEVEL SECURITY;
CREATE POLICY rate_limits_tenant ON aias.rate_limits FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY rate_limits_platform ON aias.rate_limits TO aias_identity, aias_owner USING (true) WITH CHECK (true);
CREATE POLICY rate_limits_platform_read ON aias.rate_limits FOR SELECT TO aias_router USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON aias.rate_limits TO aias_identity;
GRANT SELECT ON aias.rate_limits TO aias_router;
GRANT SELECT ON aias.rate_limits TO aias_reader;

COMMENT ON TABLE aias.rate_limits IS 'Speed limits of organizations, projects, keys and models';
COMMENT ON COLUMN aias.rate_limits.limit_id IS 'The limit; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.rate_limits.org_id IS 'The organization';
COMMENT ON COLUMN aias.rate_limits.scope IS 'What it binds';
COMMENT ON COLUMN aias.rate_limits.scope_id IS 'Which one; null for the whole organization';
COMMENT ON COLUMN aias.rate_limits.measure IS 'requests, tokens or concurrency';
COMMENT ON COLUMN aias.rate_limits.per_seconds IS 'Length of the measure, a second or a minute';
COMMENT ON COLUMN aias.rate_limits.limit_units IS 'How many';
COMMENT ON COLUMN aias.rate_limits.burst IS 'How many may come at once on top';
COMMENT ON COLUMN aias.rate_limits.origin IS 'Who owns it: api or git';
COMMENT ON COLUMN aias.rate_limits.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.rate_limits.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.rate_limits.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE TABLE aias.rate_shares (
    limit_id uuid NOT NULL,
    holder text NOT NULL,
    org_id uuid NOT NULL,
    share bigint NOT NULL,
    burst_share bigint NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL,
    CONSTRAINT rate_shares_pkey PRIMARY KEY (limit_id, holder),
    CONSTRAINT rate_shares_limit_id_fkey
        FOREIGN KEY (limit_id) REFERENCES aias.rate_limits (limit_id) ON DELETE CASCADE,
    CONSTRAINT rate_shares_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT rate_shares_share_check CHECK (share >= 0),
    CONSTRAINT rate_shares_burst_share_check CHECK (burst_share >= 0)
) WITH (fillfactor = 70);
CREATE INDEX rate_shares_org_id_idx ON aias.rate_shares (org_id);
CREATE INDEX rate_shares_expires_at_idx ON aias.rate_shares (expires_at);

ALTER TABLE aias.rate_shares ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.rate_shares FORCE ROW LEVEL SECURITY;
CREATE POLICY rate_shares_tenant ON aias.rate_shares FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY rate_shares_platform ON aias.rate_shares TO aias_identity, aias_router, aias_owner
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON aias.rate_shares TO aias_identity;
GRANT SELECT, INSERT, UPDATE, DELETE ON aias.rate_shares TO aias_router;
GRANT SELECT ON aias.rate_shares TO aias_reader;

COMMENT ON TABLE aias.rate_shares IS 'Parts of a speed limit that one worker may use on its own';
COMMENT ON COLUMN aias.rate_shares.limit_id IS 'The limit';
COMMENT ON COLUMN aias.rate_shares.holder IS 'The worker';
COMMENT ON COLUMN aias.rate_shares.org_id IS 'The organization';
COMMENT ON COLUMN aias.rate_shares.share IS 'Its part of the limit';
COMMENT ON COLUMN aias.rate_shares.burst_share IS 'Its part of the burst';
COMMENT ON COLUMN aias.rate_shares.expires_at IS 'When it may use it no longer';

CREATE FUNCTION aias.hold_quota_limit() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    v_extra numeric;
BEGIN
    IF NEW.leased_units + NEW.settled_units > NEW.limit_units
        AND EXISTS (SELECT FROM aias.budgets WHERE budget_id = NEW.budget_id AND mode = 'block')
    THEN
        SELECT coalesce(sum(extra_units), 0) INTO v_extra FROM aias.budget_overrides
        WHERE budget_id = NEW.budget_id AND status = 'approved'
            AND starts_at <= clock_timestamp() AND expires_at > clock_timestamp();
        IF NEW.leased_units + NEW.settled_units > NEW.limit_units + v_extra THEN
            RAISE EXCEPTION 'the window would be leased beyond its limit'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'quota_windows_limit_check';
        END IF;
    END IF;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION aias.hold_quota_limit() FROM PUBLIC;
COMMENT ON FUNCTION aias.hold_quota_limit()
    IS 'Refuses a grant beyond limit and approved exceptions, however it is written; settling always passes';

CREATE TRIGGER quota_windows_limit_tg BEFORE UPDATE ON aias.quota_windows
    FOR EACH ROW WHEN (NEW.leased_units > OLD.leased_units) EXECUTE FUNCTION aias.hold_quota_limit();

CREATE TRIGGER quota_windows_limit_new_tg BEFORE INSERT ON aias.quota_windows
    FOR EACH ROW WHEN (NEW.leased_units > 0) EXECUTE FUNCTION aias.hold_quota_limit();

CREATE FUNCTION aias.hold_rate_limit() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    v_limit aias.rate_limits;
    v_share numeric;
    v_burst numeric;
BEGIN
    SELECT * INTO v_limit FROM aias.rate_limits WHERE limit_id = NEW.limit_id FOR NO KEY UPDATE;
    SELECT coalesce(sum(share), 0), coalesce(sum(burst_share), 0) INTO v_share, v_burst FROM aias.rate_shares
    WHERE limit_id = NEW.limit_id AND holder <> NEW.holder AND expires_at > clock_timestamp();
    IF v_share + NEW.share > v_limit.limit_units OR v_burst + NEW.burst_share > v_limit.burst THEN
        RAISE EXCEPTION 'the shares of live holders would exceed the limit'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'rate_shares_limit_check';
    END IF;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION aias.hold_rate_limit() FROM PUBLIC;
COMMENT ON FUNCTION aias.hold_rate_limit()
    IS 'Refuses a share that would take the sum over live holders beyond the limit';

CREATE TRIGGER rate_shares_limit_tg BEFORE INSERT OR UPDATE ON aias.rate_shares
    FOR EACH ROW EXECUTE FUNCTION aias.hold_rate_limit();
