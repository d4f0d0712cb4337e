CREATE TABLE aias.models (
    model_id uuid NOT NULL,
    org_id uuid,
    name text NOT NULL,
    display_name text NOT NULL,
    operations text[] NOT NULL,
    context_tokens int,
    status text NOT NULL DEFAULT 'enabled',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT models_pkey PRIMARY KEY (model_id),
    CONSTRAINT models_org_id_fkey FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT models_org_id_name_key UNIQUE NULLS NOT DISTINCT (org_id, name),
    CONSTRAINT models_name_check CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$'),
    CONSTRAINT models_operations_check
        CHECK (operations <> '{}' AND operations <@ ARRAY['chat', 'completion', 'embedding', 'other']),
    CONSTRAINT models_context_tokens_check CHECK (context_tokens > 0),
    CONSTRAINT models_status_check CHECK (status IN ('enabled', 'disabled'))
);
CREATE TRIGGER models_touch_tg BEFORE UPDATE ON aias.models FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

CREATE TABLE aias.model_revisions (
    revision_id uuid NOT NULL,
    model_id uuid NOT NULL,
    revision int NOT NULL,
    served_name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT model_revisions_pkey PRIMARY KEY (revision_id),
    CONSTRAINT model_revisions_model_id_fkey FOREIGN KEY (model_id) REFERENCES aias.models (model_id) ON DELETE RESTRICT,
    CONSTRAINT model_revisions_model_id_revision_key UNIQUE (model_id, revision),
    CONSTRAINT model_revisions_revision_check CHECK (revision >= 1)
);
CREATE TRIGGER model_revisions_append_only_tg BEFORE UPDATE OR DELETE OR TRUNCATE ON aias.model_revisions
    FOR EACH STATEMENT EXECUTE FUNCTION aias.refuse_change();

CREATE TABLE aias.model_deployments (
    deployment_id uuid NOT NULL,
    name text NOT NULL,
    revision_id uuid NOT NULL,
    environment text NOT NULL,
    region text NOT NULL,
    endpoint text,
    status text NOT NULL DEFAULT 'pending',
    weight int NOT NULL DEFAULT 100,
    max_concurrency int,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT model_deployments_pkey PRIMARY KEY (deployment_id),
    CONSTRAINT model_deployments_revision_id_fkey
        FOREIGN KEY (revision_id) REFERENCES aias.model_revisions (revision_id) ON DELETE RESTRICT,
    CONSTRAINT model_deployments_revision_id_environment_name_key UNIQUE (revision_id, environment, name),
    CONSTRAINT model_deployments_name_check CHECK (length(name) BETWEEN 1 AND 64),
    CONSTRAINT model_deployments_status_check
        CHECK (status IN ('pending', 'deploying', 'ready', 'degraded', 'failed', 'disabled')),
    CONSTRAINT model_deployments_endpoint_check CHECK (status <> 'ready' OR endpoint IS NOT NULL),
    CONSTRAINT model_deployments_weight_check CHECK (weight BETWEEN 0 AND 1000),
    CONSTRAINT model_deployments_max_concurrency_check CHECK (max_concurrency > 0)
);
CREATE INDEX model_deployments_environment_status_idx ON aias.model_deployments (environment, status);
CREATE TRIGGER model_deployments_touch_tg BEFORE UPDATE ON aias.model_deployments
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

CREATE TABLE aias.model_prices (
    price_id uuid NOT NULL,
    model_id uuid NOT NULL,
    org_id uuid,
    operation text NOT NULL,
    currency char(3) NOT NULL DEFAULT 'USD',
    input_pico bigint NOT NULL,
    cached_input_pico bigint NOT NULL,
    output_pico bigint NOT NULL,
    request_pico bigint NOT NULL DEFAULT 0,
    effective_from timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT model_prices_pkey PRIMARY KEY (price_id),
    CONSTRAINT model_prices_model_id_fkey FOREIGN KEY (model_id) REFERENCES aias.models (model_id) ON DELETE RESTRICT,
    CONSTRAINT model_prices_org_id_fkey FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT model_prices_model_id_org_id_operation_currency_effective_from_key
        UNIQUE NULLS NOT DISTINCT (model_id, org_id, operation, currency, effective_from),
    CONSTRAINT model_prices_operation_check CHECK (operation IN ('chat', 'completion', 'embedding', 'other')),
    CONSTRAINT model_prices_input_pico_check CHECK (input_pico >= 0),
    CONSTRAINT model_prices_cached_input_pico_check CHECK (cached_input_pico >= 0),
    CONSTRAINT model_prices_output_pico_check CHECK (output_pico >= 0),
    CONSTRAINT model_prices_request_pico_check CHECK (request_pico >= 0)
);
CREATE INDEX model_prices_org_id_idx ON aias.model_prices (org_id) WHERE org_id IS NOT NULL;
CREATE TRIGGER model_prices_append_only_tg BEFORE UPDATE OR DELETE OR TRUNCATE ON aias.model_prices
    FOR EACH STATEMENT EXECUTE FUNCTION aias.refuse_change();

ALTER TABLE aias.models ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.models FORCE ROW LEVEL SECURITY;
CREATE POLICY models_tenant ON aias.models FOR SELECT TO aias_reader
    USING (org_id IS NULL OR org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY models_analytics ON aias.models FOR SELECT TO aias_analytics USING (true);
CREATE POLICY models_platform ON aias.models TO aias_router, aias_owner USING (true) WITH CHECK (true);
ALTER TABLE aias.model_prices ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.model_prices FORCE ROW LEVEL SECURITY;
CREATE POLICY model_prices_tenant ON aias.model_prices FOR SELECT TO aias_reader
    USING (org_id IS NULL OR org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY model_prices_analytics ON aias.model_prices FOR SELECT TO aias_analytics USING (true);
CREATE POLICY model_prices_platform ON aias.model_prices TO aias_router, aias_owner USING (true) WITH CHECK (true);

GRANT SELECT ON aias.models, aias.model_revisions, aias.model_deployments, aias.model_prices TO aias_router;
GRANT SELECT ON aias.models, aias.model_prices TO aias_analytics, aias_reader;

COMMENT ON TABLE aias.models IS 'Names that clients call; org_id null is for everyone';
COMMENT ON TABLE aias.model_revisions IS 'What a model name serves, numbered; history is never rewritten';
COMMENT ON TABLE aias.model_deployments IS 'Backends that serve a revision in an environment';
COMMENT ON TABLE aias.model_prices IS 'Price rows, append-only; one is in force until the next one starts';
COMMENT ON COLUMN aias.model_prices.input_pico IS 'Pico-units of the currency for one input token that was not cached';
