-- aias: phase = expand
-- aias: author = platform
-- aias: risk = New tables only; nothing exists that could wait

CREATE TABLE aias.reconcile_runs (
    run_id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    window_start timestamptz NOT NULL,
    window_end timestamptz NOT NULL,
    compared int NOT NULL,
    open_buckets int NOT NULL,
    differences int NOT NULL,
    finished_at timestamptz,
    scope text NOT NULL DEFAULT 'all',
    tolerance numeric NOT NULL DEFAULT 0,
    verdict text,
    trigger text NOT NULL DEFAULT 'command',
    CONSTRAINT reconcile_runs_pkey PRIMARY KEY (run_id),
    CONSTRAINT reconcile_runs_window_end_check CHECK (window_end > window_start),
    CONSTRAINT reconcile_runs_scope_check CHECK (scope IN ('sources', 'rollups', 'statements', 'all')),
    CONSTRAINT reconcile_runs_verdict_check CHECK (verdict IN ('equal', 'different', 'open')),
    CONSTRAINT reconcile_runs_trigger_check CHECK (trigger IN ('command', 'hourly', 'daily', 'close'))
);
CREATE INDEX reconcile_runs_started_at_idx ON aias.reconcile_runs (started_at);

GRANT SELECT, INSERT ON aias.reconcile_runs TO aias_analytics;

COMMENT ON TABLE aias.reconcile_runs IS 'History of reconciliations';
COMMENT ON COLUMN aias.reconcile_runs.run_id IS 'The run; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.reconcile_runs.started_at IS 'When it began';
COMMENT ON COLUMN aias.reconcile_runs.window_start IS 'First instant compared';
COMMENT ON COLUMN aias.reconcile_runs.window_end IS 'First instant after it';
COMMENT ON COLUMN aias.reconcile_runs.compared IS 'Keys compared';
COMMENT ON COLUMN aias.reconcile_runs.open_buckets IS 'Buckets that were still open';
COMMENT ON COLUMN aias.reconcile_runs.differences IS 'Differences found';
COMMENT ON COLUMN aias.reconcile_runs.finished_at IS 'When it ended';
COMMENT ON COLUMN aias.reconcile_runs.scope IS 'sources, rollups, statements or all';
COMMENT ON COLUMN aias.reconcile_runs.tolerance IS 'Difference that was asked to be let through';
COMMENT ON COLUMN aias.reconcile_runs.verdict IS 'equal, different or open';
COMMENT ON COLUMN aias.reconcile_runs.trigger IS 'command, hourly, daily or close';

CREATE TABLE aias.reconcile_findings (
    finding_id uuid NOT NULL,
    run_id uuid NOT NULL,
    comparison text NOT NULL,
    bucket_start timestamptz,
    org_id uuid,
    key jsonb NOT NULL,
    metric text NOT NULL,
    kind text NOT NULL,
    expected numeric,
    found numeric,
    CONSTRAINT reconcile_findings_pkey PRIMARY KEY (finding_id),
    CONSTRAINT reconcile_findings_run_id_fkey
        FOREIGN KEY (run_id) REFERENCES aias.reconcile_runs (run_id) ON DELETE CASCADE,
    CONSTRAINT reconcile_findings_kind_check CHECK (kind IN ('missing', 'extra', 'different'))
);
CREATE INDEX reconcile_findings_run_id_idx ON aias.reconcile_findings (run_id);
CREATE INDEX reconcile_findings_org_id_bucket_start_idx ON aias.reconcile_findings (org_id, bucket_start);

ALTER TABLE aias.reconcile_findings ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.reconcile_findings FORCE ROW LEVEL SECURITY;
CREATE POLICY reconcile_findings_tenant ON aias.reconcile_findings FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY reconcile_findings_platform ON aias.reconcile_findings TO aias_analytics, aias_owner
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON aias.reconcile_findings TO aias_analytics;
GRANT SELECT ON aias.reconcile_findings TO aias_reader;

COMMENT ON TABLE aias.reconcile_findings IS 'Each difference a reconciliation found, with both sides';
COMMENT ON COLUMN aias.reconcile_findings.finding_id IS 'The finding; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.reconcile_findings.run_id IS 'The run';
COMMENT ON COLUMN aias.reconcile_findings.comparison IS 'What was compared with what';
COMMENT ON COLUMN aias.reconcile_findings.bucket_start IS 'The bucket';
COMMENT ON COLUMN aias.reconcile_findings.org_id IS 'The organization; null where a gap belongs to none';
COMMENT ON COLUMN aias.reconcile_findings.key IS 'The rest of the key';
COMMENT ON COLUMN aias.reconcile_findings.metric IS 'What differs';
COMMENT ON COLUMN aias.reconcile_findings.kind IS 'missing, extra or different';
COMMENT ON COLUMN aias.reconcile_findings.expected IS 'What it should be';
COMMENT ON COLUMN aias.reconcile_findings.found IS 'What it is';
