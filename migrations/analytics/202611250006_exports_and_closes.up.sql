-- aias: phase = expand
-- aias: author = platform
-- aias: risk = New tables only; nothing exists that could wait

CREATE TABLE aias.export_jobs (
    job_id uuid NOT NULL,
    org_id uuid,
    requested_by text NOT NULL,
    kind text NOT NULL,
    format text NOT NULL,
    compression text NOT NULL DEFAULT 'none',
    window_start timestamptz NOT NULL,
    window_end timestamptz NOT NULL,
    granularity text,
    filters jsonb NOT NULL DEFAULT '{}',
    statement_version int,
    delivery jsonb NOT NULL DEFAULT '{}',
    idempotency_key text,
    status text NOT NULL DEFAULT 'pending',
    attempts int NOT NULL DEFAULT 0,
    lease_holder text,
    lease_until timestamptz,
    fence bigint NOT NULL DEFAULT 0,
    object_key text,
    bytes bigint,
    row_count bigint,
    sha256 bytea,
    content_sha256 bytea,
    manifest jsonb,
    finished_at timestamptz,
    expires_at timestamptz,
    error_code text,
    error_message text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT export_jobs_pkey PRIMARY KEY (job_id),
    CONSTRAINT export_jobs_requested_by_idempotency_key_key UNIQUE (requested_by, idempotency_key),
    CONSTRAINT export_jobs_kind_check CHECK (kind IN ('usage', 'focus', 'incident')),
    CONSTRAINT export_jobs_format_check CHECK (format IN ('csv', 'jsonl', 'parquet')),
    CONSTRAINT export_jobs_compression_check CHECK (compression IN ('none', 'gzip', 'zstd')),
    CONSTRAINT export_jobs_window_end_check CHECK (window_end > window_start),
    CONSTRAINT export_jobs_granularity_check CHECK (granularity IN ('hour', 'day', 'month')),
    CONSTRAINT export_jobs_status_check
        CHECK (status IN ('pending', 'running', 'succeeded', 'failed', 'cancelled', 'expired')),
    CONSTRAINT export_jobs_lease_holder_check
        CHECK ((status = 'running') = (lease_holder IS NOT NULL AND lease_until IS NOT NULL)),
    CONSTRAINT export_jobs_object_key_check
        CHECK (status NOT IN ('succeeded', 'expired') OR num_nulls(object_key, bytes, row_count, sha256) = 0),
    CONSTRAINT export_jobs_sha256_check CHECK (octet_length(sha256) = 32),
    CONSTRAINT export_jobs_attempts_check CHECK (attempts BETWEEN 0 AND 5)
);
CREATE INDEX export_jobs_claimable_idx ON aias.export_jobs (created_at) WHERE status IN ('pending', 'running');
CREATE INDEX export_jobs_org_id_created_at_idx ON aias.export_jobs (org_id, created_at DESC);
CREATE INDEX export_jobs_expires_at_idx ON aias.export_jobs (expires_at) WHERE status = 'succeeded';
CREATE INDEX export_jobs_created_at_idx ON aias.export_jobs (created_at);
CREATE TRIGGER export_jobs_touch_tg BEFORE UPDATE ON aias.export_jobs
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

ALTER TABLE aias.export_jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.export_jobs FORCE ROW LEVEL SECURITY;
CREATE POLICY export_jobs_tenant ON aias.export_jobs FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY export_jobs_platform ON aias.export_jobs TO aias_analytics, aias_owner USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON aias.export_jobs TO aias_analytics;
GRANT SELECT ON aias.export_jobs TO aias_reader;

COMMENT ON TABLE aias.export_jobs IS 'Files that were asked for, from the request to the object';
COMMENT ON COLUMN aias.export_jobs.job_id IS 'The job; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.export_jobs.org_id IS 'The organization; null is all of them';
COMMENT ON COLUMN aias.export_jobs.requested_by IS 'Principal that asked';
COMMENT ON COLUMN aias.export_jobs.kind IS 'usage, focus or incident';
COMMENT ON COLUMN aias.export_jobs.format IS 'csv, jsonl or parquet';
COMMENT ON COLUMN aias.export_jobs.compression IS 'none, gzip or zstd';
COMMENT ON COLUMN aias.export_jobs.window_start IS 'First instant';
COMMENT ON COLUMN aias.export_jobs.window_end IS 'First instant after it';
COMMENT ON COLUMN aias.export_jobs.granularity IS 'hour, day or month; null for events';
COMMENT ON COLUMN aias.export_jobs.filters IS 'Models and projects asked for';
COMMENT ON COLUMN aias.export_jobs.statement_version IS 'Version of the closed months it reads';
COMMENT ON COLUMN aias.export_jobs.delivery IS 'Bucket it goes to, one of those the profile lists';
COMMENT ON COLUMN aias.export_jobs.idempotency_key IS 'Key of the request, so that a repeated one makes no second job';
COMMENT ON COLUMN aias.export_jobs.status IS 'Where it stands between pending and expired';
COMMENT ON COLUMN aias.export_jobs.attempts IS 'How often it was tried';
COMMENT ON COLUMN aias.export_jobs.lease_holder IS 'Worker that has it';
COMMENT ON COLUMN aias.export_jobs.lease_until IS 'Until when';
COMMENT ON COLUMN aias.export_jobs.fence IS 'Rises with each claim; a worker with an older one cannot finish';
COMMENT ON COLUMN aias.export_jobs.object_key IS 'Where the file lies';
COMMENT ON COLUMN aias.export_jobs.bytes IS 'Size of the file';
COMMENT ON COLUMN aias.export_jobs.row_count IS 'Rows in it';
COMMENT ON COLUMN aias.export_jobs.sha256 IS 'SHA-256 of the file';
COMMENT ON COLUMN aias.export_jobs.content_sha256 IS 'SHA-256 of its canonical rows, equal across formats';
COMMENT ON COLUMN aias.export_jobs.manifest IS 'The manifest as written';
COMMENT ON COLUMN aias.export_jobs.finished_at IS 'When it ended';
COMMENT ON COLUMN aias.export_jobs.expires_at IS 'When the file goes';
COMMENT ON COLUMN aias.export_jobs.error_code IS 'Why it failed, as a code';
COMMENT ON COLUMN aias.export_jobs.error_message IS 'Why it failed';
COMMENT ON COLUMN aias.export_jobs.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.export_jobs.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.export_jobs.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE TABLE aias.month_closes (
    month date NOT NULL,
    version int NOT NULL,
    status text NOT NULL,
    totals jsonb NOT NULL,
    content_sha256 bytea NOT NULL,
    complete_through timestamptz NOT NULL,
    reason text,
    diff jsonb,
    waivers jsonb NOT NULL DEFAULT '[]',
    closed_by text NOT NULL,
    approval_id uuid,
    closed_at timestamptz NOT NULL,
    CONSTRAINT month_closes_pkey PRIMARY KEY (month, version),
    CONSTRAINT month_closes_month_check CHECK (month = date_trunc('month', month::timestamp)::date),
    CONSTRAINT month_closes_version_check CHECK (version >= 1),
    CONSTRAINT month_closes_status_check CHECK (status IN ('closed', 'restated')),
    CONSTRAINT month_closes_reason_check CHECK (version = 1 OR reason IS NOT NULL),
    CONSTRAINT month_closes_content_sha256_check CHECK (octet_length(content_sha256) = 32)
);
CREATE INDEX month_closes_closed_at_idx ON aias.month_closes (closed_at);

GRANT SELECT, INSERT ON aias.month_closes TO aias_analytics;
GRANT SELECT ON aias.month_closes TO aias_exporter;

COMMENT ON TABLE aias.month_closes IS 'Closed months, each version of them: totals, content hash, consent';
COMMENT ON COLUMN aias.month_closes.month IS 'First day of the month';
COMMENT ON COLUMN aias.month_closes.version IS '1 at the close, higher after each restatement';
COMMENT ON COLUMN aias.month_closes.status IS 'closed or restated';
COMMENT ON COLUMN aias.month_closes.totals IS 'Totals per organization and currency, exact and rounded';
COMMENT ON COLUMN aias.month_closes.content_sha256 IS 'SHA-256 of the canonical lines';
COMMENT ON COLUMN aias.month_closes.complete_through IS 'Watermark at the close';
COMMENT ON COLUMN aias.month_closes.reason IS 'Why it was restated';
COMMENT ON COLUMN aias.month_closes.diff IS 'Line by line, what a restatement changed';
COMMENT ON COLUMN aias.month_closes.waivers IS 'Preconditions that were waived, and why';
COMMENT ON COLUMN aias.month_closes.closed_by IS 'Principal that closed it';
COMMENT ON COLUMN aias.month_closes.approval_id IS 'The approval behind it; null where none is needed';
COMMENT ON COLUMN aias.month_closes.closed_at IS 'When';

CREATE TABLE aias.statement_lines (
    month date NOT NULL,
    version int NOT NULL,
    line_no int NOT NULL,
    org_id uuid NOT NULL,
    period_start timestamptz NOT NULL,
    project_id uuid,
    model_id uuid,
    operation text NOT NULL,
    region text NOT NULL,
    currency char(3) NOT NULL,
    price_id uuid,
    org_slug text,
    org_name text,
    project_name text,
    model_name text,
    requests bigint NOT NULL,
    successes bigint NOT NULL,
    errors bigint NOT NULL,
    timeouts bigint NOT NULL,
    throttled bigint NOT NULL,
    cancelled bigint NOT NULL,
    rejected bigint NOT NULL,
    input_tokens bigint NOT NULL,
    cached_input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    billed_requests bigint NOT NULL,
    billed_input_tokens bigint NOT NULL,
    billed_cached_input_tokens bigint NOT NULL,
    billed_output_tokens bigint NOT NULL,
    cost_pico numeric(38,0) NOT NULL,
    adjustment_pico numeric(38,0) NOT NULL DEFAULT 0,
    amount_cents bigint NOT NULL,
    CONSTRAINT statement_lines_pkey PRIMARY KEY (month, version, line_no),
    CONSTRAINT statement_lines_month_version_fkey
        FOREIGN KEY (month, version) REFERENCES aias.month_closes (month, version) ON DELETE CASCADE,
    CONSTRAINT statement_lines_requests_check
        CHECK (requests = successes + errors + timeouts + throttled + cancelled + rejected)
);
CREATE INDEX statement_lines_org_id_month_version_idx ON aias.statement_lines (org_id, month, version);

ALTER TABLE aias.statement_lines ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.statement_lines FORCE ROW LEVEL SECURITY;
CREATE POLICY statement_lines_tenant ON aias.statement_lines FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY statement_lines_platform ON aias.statement_lines TO aias_analytics, aias_owner
    USING (true) WITH CHECK (true);
CREATE POLICY statement_lines_platform_read ON aias.statement_lines FOR SELECT TO aias_exporter USING (true);
GRANT SELECT, INSERT ON aias.statement_lines TO aias_analytics;
GRANT SELECT ON aias.statement_lines TO aias_exporter;
GRANT SELECT ON aias.statement_lines TO aias_reader;

COMMENT ON TABLE aias.statement_lines IS 'Frozen lines of closed months: one per day and rollup key, with its cents';
COMMENT ON COLUMN aias.statement_lines.month IS 'First day of the month';
COMMENT ON COLUMN aias.statement_lines.version IS 'Version of the close';
COMMENT ON COLUMN aias.statement_lines.line_no IS 'Place of the line in the file';
COMMENT ON COLUMN aias.statement_lines.org_id IS 'The organization';
COMMENT ON COLUMN aias.statement_lines.period_start IS 'First instant of the day';
COMMENT ON COLUMN aias.statement_lines.project_id IS 'The project';
COMMENT ON COLUMN aias.statement_lines.model_id IS 'The model';
COMMENT ON COLUMN aias.statement_lines.operation IS 'The operation';
COMMENT ON COLUMN aias.statement_lines.region IS 'The region';
COMMENT ON COLUMN aias.statement_lines.currency IS 'Currency of the amounts';
COMMENT ON COLUMN aias.statement_lines.price_id IS 'The price row; null on adjustments';
COMMENT ON COLUMN aias.statement_lines.org_slug IS 'Slug of the organization as of the day';
COMMENT ON COLUMN aias.statement_lines.org_name IS 'Name of the organization as of the day';
COMMENT ON COLUMN aias.statement_lines.project_name IS 'Name of the project as of the day';
COMMENT ON COLUMN aias.statement_lines.model_name IS 'Name of the model as of the day';
COMMENT ON COLUMN aias.statement_lines.requests IS 'Requests: the sum of the six ends';
COMMENT ON COLUMN aias.statement_lines.successes IS 'Ended with success';
COMMENT ON COLUMN aias.statement_lines.errors IS 'Ended with an error';
COMMENT ON COLUMN aias.statement_lines.timeouts IS 'Ended by time-out';
COMMENT ON COLUMN aias.statement_lines.throttled IS 'Refused by a rate limit or budget';
COMMENT ON COLUMN aias.statement_lines.cancelled IS 'Left by the client';
COMMENT ON COLUMN aias.statement_lines.rejected IS 'Refused as invalid or forbidden';
COMMENT ON COLUMN aias.statement_lines.input_tokens IS 'Prompt tokens, cached ones included';
COMMENT ON COLUMN aias.statement_lines.cached_input_tokens IS 'Cached prompt tokens';
COMMENT ON COLUMN aias.statement_lines.output_tokens IS 'Answer tokens, reasoning included';
COMMENT ON COLUMN aias.statement_lines.reasoning_tokens IS 'Reasoning tokens';
COMMENT ON COLUMN aias.statement_lines.billed_requests IS 'Requests that cost';
COMMENT ON COLUMN aias.statement_lines.billed_input_tokens IS 'Prompt tokens that cost, cached ones excluded';
COMMENT ON COLUMN aias.statement_lines.billed_cached_input_tokens IS 'Cached prompt tokens that cost';
COMMENT ON COLUMN aias.statement_lines.billed_output_tokens IS 'Answer tokens that cost';
COMMENT ON COLUMN aias.statement_lines.cost_pico IS 'Exact cost in pico-units of currency';
COMMENT ON COLUMN aias.statement_lines.adjustment_pico IS 'Adjustments in pico-units; may be negative';
COMMENT ON COLUMN aias.statement_lines.amount_cents IS 'Whole cents allotted to the line';

CREATE FUNCTION aias.guard_statement() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.month < now() - interval '2557 days'
        OR TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'statement_lines'
            AND to_jsonb(NEW) - ARRAY['org_id', 'org_slug', 'org_name', 'project_name']
                = to_jsonb(OLD) - ARRAY['org_id', 'org_slug', 'org_name', 'project_name']
            AND EXISTS (SELECT FROM aias.erased_subjects WHERE subject_kind = 'organization'
                AND subject_id = (to_jsonb(OLD) ->> 'org_id')::uuid)
        OR TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'month_closes'
            AND to_jsonb(NEW) - ARRAY['totals', 'diff'] = to_jsonb(OLD) - ARRAY['totals', 'diff']
            AND EXISTS (SELECT FROM aias.erased_subjects WHERE subject_kind = 'organization'
                AND strpos(to_jsonb(OLD)::text, subject_id::text) > 0)
    THEN
        RETURN coalesce(NEW, OLD);
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END
$$;
REVOKE ALL ON FUNCTION aias.guard_statement() FROM PUBLIC;
COMMENT ON FUNCTION aias.guard_statement()
    IS 'Refuses every change of a statement for seven years; names of an erased organization may be replaced';

CREATE TRIGGER month_closes_append_only_tg BEFORE UPDATE OR DELETE ON aias.month_closes
    FOR EACH ROW EXECUTE FUNCTION aias.guard_statement();
CREATE TRIGGER month_closes_kept_tg BEFORE TRUNCATE ON aias.month_closes
    FOR EACH STATEMENT EXECUTE FUNCTION aias.refuse_change();
CREATE TRIGGER statement_lines_append_only_tg BEFORE UPDATE OR DELETE ON aias.statement_lines
    FOR EACH ROW EXECUTE FUNCTION aias.guard_statement();
CREATE TRIGGER statement_lines_kept_tg BEFORE TRUNCATE ON aias.statement_lines
    FOR EACH STATEMENT EXECUTE FUNCTION aias.refuse_change();
