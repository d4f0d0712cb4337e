-- aias: phase = expand
-- aias: author = platform
-- aias: risk = New tables only; nothing exists that could wait

CREATE TABLE aias.dim_organizations (
    org_id uuid NOT NULL,
    slug text NOT NULL,
    display_name text NOT NULL,
    kind text NOT NULL,
    currency char(3) NOT NULL DEFAULT 'USD',
    CONSTRAINT dim_organizations_pkey PRIMARY KEY (org_id),
    CONSTRAINT dim_organizations_slug_key UNIQUE (slug)
);

ALTER TABLE aias.dim_organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.dim_organizations FORCE ROW LEVEL SECURITY;
CREATE POLICY dim_organizations_tenant ON aias.dim_organizations FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY dim_organizations_platform ON aias.dim_organizations TO aias_analytics, aias_owner
    USING (true) WITH CHECK (true);
CREATE POLICY dim_organizations_platform_read ON aias.dim_organizations FOR SELECT TO aias_exporter USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON aias.dim_organizations TO aias_analytics;
GRANT SELECT ON aias.dim_organizations TO aias_exporter;
GRANT SELECT ON aias.dim_organizations TO aias_reader;

COMMENT ON TABLE aias.dim_organizations IS 'Names of organizations, copied from the operational database';
COMMENT ON COLUMN aias.dim_organizations.org_id IS 'The organization';
COMMENT ON COLUMN aias.dim_organizations.slug IS 'Its slug';
COMMENT ON COLUMN aias.dim_organizations.display_name IS 'Its name';
COMMENT ON COLUMN aias.dim_organizations.kind IS 'customer, platform or test';
COMMENT ON COLUMN aias.dim_organizations.currency IS 'Its currency';

CREATE TABLE aias.dim_projects (
    project_id uuid NOT NULL,
    org_id uuid NOT NULL,
    slug text NOT NULL,
    display_name text NOT NULL,
    labels jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT dim_projects_pkey PRIMARY KEY (project_id)
);
CREATE INDEX dim_projects_org_id_idx ON aias.dim_projects (org_id);

ALTER TABLE aias.dim_projects ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.dim_projects FORCE ROW LEVEL SECURITY;
CREATE POLICY dim_projects_tenant ON aias.dim_projects FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY dim_projects_platform ON aias.dim_projects TO aias_analytics, aias_owner USING (true) WITH CHECK (true);
CREATE POLICY dim_projects_platform_read ON aias.dim_projects FOR SELECT TO aias_exporter USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON aias.dim_projects TO aias_analytics;
GRANT SELECT ON aias.dim_projects TO aias_exporter;
GRANT SELECT ON aias.dim_projects TO aias_reader;

COMMENT ON TABLE aias.dim_projects IS 'Names of projects, copied from the operational database';
COMMENT ON COLUMN aias.dim_projects.project_id IS 'The project';
COMMENT ON COLUMN aias.dim_projects.org_id IS 'Its organization';
COMMENT ON COLUMN aias.dim_projects.slug IS 'Its slug';
COMMENT ON COLUMN aias.dim_projects.display_name IS 'Its name';
COMMENT ON COLUMN aias.dim_projects.labels IS 'Its labels, tags in exports';

CREATE TABLE aias.dim_models (
    model_id uuid NOT NULL,
    name text NOT NULL,
    org_id uuid,
    CONSTRAINT dim_models_pkey PRIMARY KEY (model_id)
);
CREATE INDEX dim_models_org_id_idx ON aias.dim_models (org_id) WHERE org_id IS NOT NULL;

ALTER TABLE aias.dim_models ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.dim_models FORCE ROW LEVEL SECURITY;
CREATE POLICY dim_models_tenant ON aias.dim_models FOR SELECT TO aias_reader
    USING (org_id IS NULL OR org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY dim_models_platform ON aias.dim_models TO aias_analytics, aias_owner USING (true) WITH CHECK (true);
CREATE POLICY dim_models_platform_read ON aias.dim_models FOR SELECT TO aias_exporter USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON aias.dim_models TO aias_analytics;
GRANT SELECT ON aias.dim_models TO aias_exporter;
GRANT SELECT ON aias.dim_models TO aias_reader;

COMMENT ON TABLE aias.dim_models IS 'Names of models, copied from the operational database';
COMMENT ON COLUMN aias.dim_models.model_id IS 'The model';
COMMENT ON COLUMN aias.dim_models.name IS 'Its name';
COMMENT ON COLUMN aias.dim_models.org_id IS 'Organization it is reserved to; null is everyone';

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
    org_id uuid,
    list_price_id uuid,
    CONSTRAINT dim_prices_pkey PRIMARY KEY (price_id)
);
CREATE INDEX dim_prices_model_id_operation_currency_effective_from_idx
    ON aias.dim_prices (model_id, operation, currency, effective_from);
CREATE INDEX dim_prices_org_id_idx ON aias.dim_prices (org_id) WHERE org_id IS NOT NULL;

ALTER TABLE aias.dim_prices ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.dim_prices FORCE ROW LEVEL SECURITY;
CREATE POLICY dim_prices_tenant ON aias.dim_prices FOR SELECT TO aias_reader
    USING (org_id IS NULL OR org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY dim_prices_platform ON aias.dim_prices TO aias_analytics, aias_owner USING (true) WITH CHECK (true);
CREATE POLICY dim_prices_platform_read ON aias.dim_prices FOR SELECT TO aias_exporter USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON aias.dim_prices TO aias_analytics;
GRANT SELECT ON aias.dim_prices TO aias_exporter;
GRANT SELECT ON aias.dim_prices TO aias_reader;

COMMENT ON TABLE aias.dim_prices IS 'Price rows, copied from the operational database';
COMMENT ON COLUMN aias.dim_prices.price_id IS 'The price row';
COMMENT ON COLUMN aias.dim_prices.model_id IS 'The model';
COMMENT ON COLUMN aias.dim_prices.operation IS 'What is priced';
COMMENT ON COLUMN aias.dim_prices.currency IS 'Currency of the amounts';
COMMENT ON COLUMN aias.dim_prices.input_pico IS 'Pico-units for one prompt token that was not cached';
COMMENT ON COLUMN aias.dim_prices.cached_input_pico IS 'Pico-units for one cached prompt token';
COMMENT ON COLUMN aias.dim_prices.output_pico IS 'Pico-units for one answer token';
COMMENT ON COLUMN aias.dim_prices.request_pico IS 'Pico-units for one request';
COMMENT ON COLUMN aias.dim_prices.effective_from IS 'From when it is in force';
COMMENT ON COLUMN aias.dim_prices.org_id IS 'Organization it was negotiated with; null is the list price';
COMMENT ON COLUMN aias.dim_prices.list_price_id IS 'The list price row a negotiated one departs from';

CREATE TABLE aias.dim_keys (
    api_key_id uuid NOT NULL,
    org_id uuid NOT NULL,
    name text NOT NULL,
    project_id uuid,
    holder_id uuid,
    status text NOT NULL,
    CONSTRAINT dim_keys_pkey PRIMARY KEY (api_key_id)
);
CREATE INDEX dim_keys_org_id_idx ON aias.dim_keys (org_id);

ALTER TABLE aias.dim_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.dim_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY dim_keys_tenant ON aias.dim_keys FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY dim_keys_platform ON aias.dim_keys TO aias_analytics, aias_owner USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON aias.dim_keys TO aias_analytics;
GRANT SELECT ON aias.dim_keys TO aias_reader;

COMMENT ON TABLE aias.dim_keys IS 'Names of API keys, copied from the operational database';
COMMENT ON COLUMN aias.dim_keys.api_key_id IS 'The key';
COMMENT ON COLUMN aias.dim_keys.org_id IS 'Its organization';
COMMENT ON COLUMN aias.dim_keys.name IS 'Its name';
COMMENT ON COLUMN aias.dim_keys.project_id IS 'Its project';
COMMENT ON COLUMN aias.dim_keys.holder_id IS 'The person or service account that holds it';
COMMENT ON COLUMN aias.dim_keys.status IS 'Its state';

CREATE TABLE aias.dim_versions (
    dimension text NOT NULL,
    subject_id uuid NOT NULL,
    valid_to timestamptz NOT NULL,
    org_id uuid,
    valid_from timestamptz,
    attributes jsonb NOT NULL,
    CONSTRAINT dim_versions_pkey PRIMARY KEY (dimension, subject_id, valid_to),
    CONSTRAINT dim_versions_dimension_check
        CHECK (dimension IN ('organizations', 'projects', 'models', 'prices', 'keys'))
);
CREATE INDEX dim_versions_org_id_idx ON aias.dim_versions (org_id) WHERE org_id IS NOT NULL;

ALTER TABLE aias.dim_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.dim_versions FORCE ROW LEVEL SECURITY;
CREATE POLICY dim_versions_tenant ON aias.dim_versions FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY dim_versions_platform ON aias.dim_versions TO aias_analytics, aias_owner USING (true) WITH CHECK (true);
CREATE POLICY dim_versions_platform_read ON aias.dim_versions FOR SELECT TO aias_exporter USING (true);
GRANT SELECT, INSERT, DELETE ON aias.dim_versions TO aias_analytics;
GRANT SELECT ON aias.dim_versions TO aias_exporter;
GRANT SELECT ON aias.dim_versions TO aias_reader;

COMMENT ON TABLE aias.dim_versions IS 'Earlier rows of the dimensions, so that names are those of the line''s period';
COMMENT ON COLUMN aias.dim_versions.dimension IS 'organizations, projects, models, prices or keys';
COMMENT ON COLUMN aias.dim_versions.subject_id IS 'Which row';
COMMENT ON COLUMN aias.dim_versions.valid_to IS 'When the next version took its place';
COMMENT ON COLUMN aias.dim_versions.org_id IS 'The organization of the row';
COMMENT ON COLUMN aias.dim_versions.valid_from IS 'When it took the place of the one before; null for the first';
COMMENT ON COLUMN aias.dim_versions.attributes IS 'The row as it was';

CREATE FUNCTION aias.keep_dimension_version() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    v_old jsonb := to_jsonb(OLD);
    v_subject uuid := (v_old ->> TG_ARGV[1])::uuid;
BEGIN
    INSERT INTO aias.dim_versions (dimension, subject_id, valid_to, org_id, valid_from, attributes)
    VALUES (TG_ARGV[0], v_subject, clock_timestamp(), (v_old ->> 'org_id')::uuid,
        (SELECT max(valid_to) FROM aias.dim_versions WHERE dimension = TG_ARGV[0] AND subject_id = v_subject), v_old);
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION aias.keep_dimension_version() FROM PUBLIC;
COMMENT ON FUNCTION aias.keep_dimension_version() IS 'Keeps the earlier row of a dimension when it changes';

CREATE TRIGGER dim_organizations_version_tg AFTER UPDATE ON aias.dim_organizations
    FOR EACH ROW WHEN (OLD IS DISTINCT FROM NEW)
    EXECUTE FUNCTION aias.keep_dimension_version('organizations', 'org_id');
CREATE TRIGGER dim_projects_version_tg AFTER UPDATE ON aias.dim_projects
    FOR EACH ROW WHEN (OLD IS DISTINCT FROM NEW)
    EXECUTE FUNCTION aias.keep_dimension_version('projects', 'project_id');
CREATE TRIGGER dim_models_version_tg AFTER UPDATE ON aias.dim_models
    FOR EACH ROW WHEN (OLD IS DISTINCT FROM NEW)
    EXECUTE FUNCTION aias.keep_dimension_version('models', 'model_id');
CREATE TRIGGER dim_prices_version_tg AFTER UPDATE ON aias.dim_prices
    FOR EACH ROW WHEN (OLD IS DISTINCT FROM NEW)
    EXECUTE FUNCTION aias.keep_dimension_version('prices', 'price_id');
CREATE TRIGGER dim_keys_version_tg AFTER UPDATE ON aias.dim_keys
    FOR EACH ROW WHEN (OLD IS DISTINCT FROM NEW)
    EXECUTE FUNCTION aias.keep_dimension_version('keys', 'api_key_id');
