CREATE TABLE aias.usage_hours (
    bucket_start timestamptz NOT NULL,
    org_id uuid NOT NULL,
    project_id uuid,
    model_id uuid,
    operation text NOT NULL,
    region text NOT NULL,
    currency char(3) NOT NULL,
    price_id uuid,
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
    cost_pico numeric(38, 0) NOT NULL,
    latency_idx smallint[] NOT NULL,
    latency_n bigint[] NOT NULL,
    ttft_idx smallint[] NOT NULL,
    ttft_n bigint[] NOT NULL,
    run_id uuid NOT NULL,
    CONSTRAINT usage_hours_bucket_key
        UNIQUE NULLS NOT DISTINCT (org_id, bucket_start, project_id, model_id, operation, region, currency, price_id),
    CONSTRAINT usage_hours_requests_check
        CHECK (requests = successes + errors + timeouts + throttled + cancelled + rejected),
    CONSTRAINT usage_hours_latency_check CHECK (cardinality(latency_idx) = cardinality(latency_n)),
    CONSTRAINT usage_hours_ttft_check CHECK (cardinality(ttft_idx) = cardinality(ttft_n))
);
ALTER TABLE aias.usage_hours ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.usage_hours FORCE ROW LEVEL SECURITY;
CREATE POLICY usage_hours_tenant ON aias.usage_hours FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY usage_hours_platform ON aias.usage_hours TO aias_analytics USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, DELETE ON aias.usage_hours TO aias_analytics;
GRANT SELECT ON aias.usage_hours TO aias_reader;
COMMENT ON TABLE aias.usage_hours IS 'Usage by UTC hour and key; each bucket is recomputed whole from the facts';
COMMENT ON COLUMN aias.usage_hours.latency_idx IS 'Buckets of the latency histogram of successes, ascending; counts stand in latency_n';

CREATE TABLE aias.usage_days (
    bucket_start timestamptz NOT NULL,
    org_id uuid NOT NULL,
    project_id uuid,
    model_id uuid,
    operation text NOT NULL,
    region text NOT NULL,
    currency char(3) NOT NULL,
    price_id uuid,
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
    cost_pico numeric(38, 0) NOT NULL,
    latency_idx smallint[] NOT NULL,
    latency_n bigint[] NOT NULL,
    ttft_idx smallint[] NOT NULL,
    ttft_n bigint[] NOT NULL,
    run_id uuid NOT NULL,
    CONSTRAINT usage_days_bucket_key
        UNIQUE NULLS NOT DISTINCT (org_id, bucket_start, project_id, model_id, operation, region, currency, price_id),
    CONSTRAINT usage_days_requests_check
        CHECK (requests = successes + errors + timeouts + throttled + cancelled + rejected),
    CONSTRAINT usage_days_latency_check CHECK (cardinality(latency_idx) = cardinality(latency_n)),
    CONSTRAINT usage_days_ttft_check CHECK (cardinality(ttft_idx) = cardinality(ttft_n))
);
ALTER TABLE aias.usage_days ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.usage_days FORCE ROW LEVEL SECURITY;
CREATE POLICY usage_days_tenant ON aias.usage_days FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY usage_days_platform ON aias.usage_days TO aias_analytics USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, DELETE ON aias.usage_days TO aias_analytics;
GRANT SELECT ON aias.usage_days TO aias_reader;
COMMENT ON TABLE aias.usage_days IS 'Usage by UTC day and key: the merge of its 24 hours';
COMMENT ON COLUMN aias.usage_days.latency_idx IS 'Buckets of the latency histogram of successes, ascending; counts stand in latency_n';

CREATE TABLE aias.dirty_days (
    bucket_start timestamptz NOT NULL,
    org_id uuid NOT NULL,
    cause uuid NOT NULL,
    enqueued_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX dirty_days_bucket_start_org_id_idx ON aias.dirty_days (bucket_start, org_id);
GRANT SELECT, INSERT, DELETE ON aias.dirty_days TO aias_analytics;

CREATE TABLE aias.rollup_runs (
    run_id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    hours int NOT NULL,
    days int NOT NULL,
    written int NOT NULL,
    removed int NOT NULL,
    CONSTRAINT rollup_runs_pkey PRIMARY KEY (run_id)
);
GRANT SELECT, INSERT ON aias.rollup_runs TO aias_analytics;

CREATE TABLE aias.reconcile_runs (
    run_id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    window_start timestamptz NOT NULL,
    window_end timestamptz NOT NULL,
    compared int NOT NULL,
    open_buckets int NOT NULL,
    differences int NOT NULL,
    CONSTRAINT reconcile_runs_pkey PRIMARY KEY (run_id)
);
GRANT SELECT, INSERT ON aias.reconcile_runs TO aias_analytics;

CREATE TABLE aias.dim_organizations (
    org_id uuid NOT NULL,
    slug text NOT NULL,
    display_name text NOT NULL,
    kind text NOT NULL,
    CONSTRAINT dim_organizations_pkey PRIMARY KEY (org_id)
);
CREATE TABLE aias.dim_models (
    model_id uuid NOT NULL,
    name text NOT NULL,
    CONSTRAINT dim_models_pkey PRIMARY KEY (model_id)
);
CREATE TABLE aias.dim_prices (
    price_id uuid NOT NULL,
    model_id uuid NOT NULL,
    operation text NOT NULL,
    currency char(3) NOT NULL,
    input_pico bigint NOT NULL,
    cached_input_pico bigint NOT NULL,
    output_pico bigint NOT NULL,
    request_pico bigint NOT NULL,
    effective_from timestamptz NOT NULL,
    CONSTRAINT dim_prices_pkey PRIMARY KEY (price_id)
);
ALTER TABLE aias.dim_organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.dim_organizations FORCE ROW LEVEL SECURITY;
CREATE POLICY dim_organizations_tenant ON aias.dim_organizations FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY dim_organizations_platform ON aias.dim_organizations TO aias_analytics USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON aias.dim_organizations, aias.dim_models, aias.dim_prices TO aias_analytics;
GRANT SELECT ON aias.dim_organizations, aias.dim_models, aias.dim_prices TO aias_reader;

COMMENT ON TABLE aias.dirty_days IS 'Queue of (day, organization) buckets to recompute from their hours';
COMMENT ON TABLE aias.rollup_runs IS 'History of rollup passes that did something';
COMMENT ON TABLE aias.reconcile_runs IS 'History of reconciliations';
COMMENT ON TABLE aias.dim_organizations IS 'Names of organizations, copied from the operational database';
COMMENT ON TABLE aias.dim_models IS 'Names of models, copied from the operational database';
COMMENT ON TABLE aias.dim_prices IS 'Price rows, copied from the operational database';
