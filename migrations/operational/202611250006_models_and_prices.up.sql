-- aias: phase = expand
-- aias: author = platform
-- aias: risk = New tables only; nothing exists that could wait

CREATE TABLE aias.models (
    model_id uuid NOT NULL,
    org_id uuid,
    name text NOT NULL,
    display_name text NOT NULL,
    operations text[] NOT NULL,
    context_tokens int,
    image_tokens int,
    template_tokens int NOT NULL DEFAULT 256,
    capabilities text[] NOT NULL DEFAULT '{}',
    card_url text,
    status text NOT NULL DEFAULT 'enabled',
    deprecated_at timestamptz,
    replacement_model_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT models_pkey PRIMARY KEY (model_id),
    CONSTRAINT models_org_id_fkey FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT models_replacement_model_id_fkey
        FOREIGN KEY (replacement_model_id) REFERENCES aias.models (model_id) ON DELETE RESTRICT,
    CONSTRAINT models_org_id_name_key UNIQUE NULLS NOT DISTINCT (org_id, name),
    CONSTRAINT models_name_check CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$'),
    CONSTRAINT models_display_name_check CHECK (length(display_name) BETWEEN 1 AND 200),
    CONSTRAINT models_operations_check
        CHECK (operations <> '{}' AND operations <@ ARRAY['chat', 'completion', 'embedding', 'other']),
    CONSTRAINT models_context_tokens_check CHECK (context_tokens > 0),
    CONSTRAINT models_image_tokens_check CHECK (image_tokens > 0),
    CONSTRAINT models_template_tokens_check CHECK (template_tokens >= 0),
    CONSTRAINT models_status_check CHECK (status IN ('enabled', 'disabled')),
    CONSTRAINT models_status_context_tokens_check CHECK (status <> 'enabled' OR context_tokens IS NOT NULL),
    CONSTRAINT models_replacement_model_id_check CHECK (replacement_model_id <> model_id)
);
CREATE INDEX models_replacement_model_id_idx ON aias.models (replacement_model_id)
    WHERE replacement_model_id IS NOT NULL;
CREATE TRIGGER models_touch_tg BEFORE UPDATE ON aias.models
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

ALTER TABLE aias.models ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.models FORCE ROW LEVEL SECURITY;
CREATE POLICY models_tenant ON aias.models FOR SELECT TO aias_reader
    USING (org_id IS NULL OR org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY models_platform ON aias.models TO aias_router, aias_owner USING (true) WITH CHECK (true);
CREATE POLICY models_platform_read ON aias.models FOR SELECT TO aias_analytics, aias_identity USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON aias.models TO aias_router;
GRANT SELECT ON aias.models TO aias_analytics;
GRANT SELECT ON aias.models TO aias_identity;
GRANT SELECT ON aias.models TO aias_reader;

COMMENT ON TABLE aias.models IS 'Names that clients call; org_id null is for everyone';
COMMENT ON COLUMN aias.models.model_id IS 'The model; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.models.org_id IS 'Organization it is reserved to; null is everyone';
COMMENT ON COLUMN aias.models.name IS 'What clients send; unique for everyone and within each organization';
COMMENT ON COLUMN aias.models.display_name IS 'Its name for people';
COMMENT ON COLUMN aias.models.operations IS 'What it can be asked for';
COMMENT ON COLUMN aias.models.context_tokens IS 'Most tokens of prompt and output together';
COMMENT ON COLUMN aias.models.image_tokens IS 'Tokens an image counts for, at most';
COMMENT ON COLUMN aias.models.template_tokens IS 'Tokens its prompt template may add, for the upper bound of a request';
COMMENT ON COLUMN aias.models.capabilities IS 'tools, json_mode, vision, responses, logprobs and the like';
COMMENT ON COLUMN aias.models.card_url IS 'Address of its model card';
COMMENT ON COLUMN aias.models.status IS 'enabled, or disabled for everyone at once';
COMMENT ON COLUMN aias.models.deprecated_at IS 'When it will be or was deprecated';
COMMENT ON COLUMN aias.models.replacement_model_id IS 'What to call instead';
COMMENT ON COLUMN aias.models.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.models.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.models.row_version IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE TABLE aias.model_revisions (
    revision_id uuid NOT NULL,
    model_id uuid NOT NULL,
    revision int NOT NULL,
    artifact_digest text,
    served_name text NOT NULL,
    licence text,
    parameters jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT model_revisions_pkey PRIMARY KEY (revision_id),
    CONSTRAINT model_revisions_model_id_fkey
        FOREIGN KEY (model_id) REFERENCES aias.models (model_id) ON DELETE RESTRICT,
    CONSTRAINT model_revisions_model_id_revision_key UNIQUE (model_id, revision),
    CONSTRAINT model_revisions_revision_check CHECK (revision >= 1),
    CONSTRAINT model_revisions_served_name_check CHECK (length(served_name) BETWEEN 1 AND 200)
);
CREATE TRIGGER model_revisions_append_only_tg BEFORE UPDATE OR TRUNCATE ON aias.model_revisions
    FOR EACH STATEMENT EXECUTE FUNCTION aias.refuse_change();
CREATE TRIGGER model_revisions_kept_tg BEFORE DELETE ON aias.model_revisions
    FOR EACH ROW WHEN (NOT aias.is_seed_id(OLD.revision_id)) EXECUTE FUNCTION aias.refuse_change();

GRANT SELECT, INSERT ON aias.model_revisions TO aias_router;
GRANT SELECT ON aias.model_revisions TO aias_identity;

COMMENT ON TABLE aias.model_revisions IS 'What a model name serves, numbered; history is never rewritten';
COMMENT ON COLUMN aias.model_revisions.revision_id IS 'The revision; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.model_revisions.model_id IS 'The model';
COMMENT ON COLUMN aias.model_revisions.revision IS 'Its number, from 1';
COMMENT ON COLUMN aias.model_revisions.artifact_digest IS 'Digest of the weights';
COMMENT ON COLUMN aias.model_revisions.served_name IS 'The name its backends know it by';
COMMENT ON COLUMN aias.model_revisions.licence IS 'Licence of the weights';
COMMENT ON COLUMN aias.model_revisions.parameters IS 'How it is served: size, precision, engine arguments';
COMMENT ON COLUMN aias.model_revisions.created_at IS 'When the row was made';

CREATE TABLE aias.model_aliases (
    alias_id uuid NOT NULL,
    org_id uuid,
    alias text NOT NULL,
    model_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT model_aliases_pkey PRIMARY KEY (alias_id),
    CONSTRAINT model_aliases_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT model_aliases_model_id_fkey
        FOREIGN KEY (model_id) REFERENCES aias.models (model_id) ON DELETE RESTRICT,
    CONSTRAINT model_aliases_org_id_alias_key UNIQUE NULLS NOT DISTINCT (org_id, alias),
    CONSTRAINT model_aliases_alias_check CHECK (alias ~ '^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$')
);
CREATE INDEX model_aliases_model_id_idx ON aias.model_aliases (model_id);
CREATE TRIGGER model_aliases_touch_tg BEFORE UPDATE ON aias.model_aliases
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

ALTER TABLE aias.model_aliases ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.model_aliases FORCE ROW LEVEL SECURITY;
CREATE POLICY model_aliases_tenant ON aias.model_aliases FOR SELECT TO aias_reader
    USING (org_id IS NULL OR org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY model_aliases_platform ON aias.model_aliases TO aias_router, aias_owner USING (true) WITH CHECK (true);
CREATE POLICY model_aliases_platform_read ON aias.model_aliases FOR SELECT TO aias_identity USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON aias.model_aliases TO aias_router;
GRANT SELECT ON aias.model_aliases TO aias_identity;
GRANT SELECT ON aias.model_aliases TO aias_reader;

COMMENT ON TABLE aias.model_aliases IS 'Other names of models, such as default or latest';
COMMENT ON COLUMN aias.model_aliases.alias_id IS 'The alias; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.model_aliases.org_id IS 'Organization it is reserved to; null is everyone';
COMMENT ON COLUMN aias.model_aliases.alias IS 'What clients send';
COMMENT ON COLUMN aias.model_aliases.model_id IS 'The model it stands for';
COMMENT ON COLUMN aias.model_aliases.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.model_aliases.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.model_aliases.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE TABLE aias.model_deployments (
    deployment_id uuid NOT NULL,
    name text NOT NULL,
    revision_id uuid NOT NULL,
    environment text NOT NULL,
    region text NOT NULL,
    target text NOT NULL DEFAULT 'managed',
    endpoint text,
    credential_secret text,
    namespace text,
    status text NOT NULL DEFAULT 'pending',
    weight int NOT NULL DEFAULT 100,
    capabilities text[] NOT NULL DEFAULT '{}',
    max_concurrency int,
    last_healthy_at timestamptz,
    failures int NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT model_deployments_pkey PRIMARY KEY (deployment_id),
    CONSTRAINT model_deployments_revision_id_fkey
        FOREIGN KEY (revision_id) REFERENCES aias.model_revisions (revision_id) ON DELETE RESTRICT,
    CONSTRAINT model_deployments_revision_id_environment_name_key UNIQUE (revision_id, environment, name),
    CONSTRAINT model_deployments_revision_id_environment_endpoint_key
        UNIQUE (revision_id, environment, endpoint) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT model_deployments_name_check CHECK (length(name) BETWEEN 1 AND 64),
    CONSTRAINT model_deployments_target_check CHECK (target IN ('managed', 'self_hosted')),
    CONSTRAINT model_deployments_status_check
        CHECK (status IN ('pending', 'deploying', 'ready', 'degraded', 'failed', 'disabled')),
    CONSTRAINT model_deployments_endpoint_check CHECK (status <> 'ready' OR endpoint IS NOT NULL),
    CONSTRAINT model_deployments_weight_check CHECK (weight BETWEEN 0 AND 1000),
    CONSTRAINT model_deployments_max_concurrency_check CHECK (max_concurrency > 0),
    CONSTRAINT model_deployments_failures_check CHECK (failures >= 0)
);
CREATE INDEX model_deployments_environment_status_idx ON aias.model_deployments (environment, status);
CREATE INDEX model_deployments_ready_idx ON aias.model_deployments (revision_id) WHERE status = 'ready';
CREATE TRIGGER model_deployments_touch_tg BEFORE UPDATE ON aias.model_deployments
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

GRANT SELECT, INSERT, UPDATE, DELETE ON aias.model_deployments TO aias_router;

COMMENT ON TABLE aias.model_deployments IS 'Backends that serve a revision in an environment';
COMMENT ON COLUMN aias.model_deployments.deployment_id IS 'The deployment; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.model_deployments.name IS 'The backend''s name, shown in headers and metrics';
COMMENT ON COLUMN aias.model_deployments.revision_id IS 'What it serves';
COMMENT ON COLUMN aias.model_deployments.environment IS 'Where it serves';
COMMENT ON COLUMN aias.model_deployments.region IS 'Region it runs in';
COMMENT ON COLUMN aias.model_deployments.target IS 'managed by us in a cluster, or self_hosted elsewhere';
COMMENT ON COLUMN aias.model_deployments.endpoint IS 'Base address without a path';
COMMENT ON COLUMN aias.model_deployments.credential_secret
    IS 'Name of the secret with the backend''s own credential; never the credential';
COMMENT ON COLUMN aias.model_deployments.namespace IS 'Kubernetes namespace it runs in';
COMMENT ON COLUMN aias.model_deployments.status IS 'Where it stands between pending and disabled';
COMMENT ON COLUMN aias.model_deployments.weight IS 'Its share of the traffic, 0 to 1000';
COMMENT ON COLUMN aias.model_deployments.capabilities IS 'What it can do beyond its model, such as continuous_usage';
COMMENT ON COLUMN aias.model_deployments.max_concurrency IS 'Most requests at once';
COMMENT ON COLUMN aias.model_deployments.last_healthy_at IS 'When its health was last seen';
COMMENT ON COLUMN aias.model_deployments.failures IS 'Failed checks in a row';
COMMENT ON COLUMN aias.model_deployments.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.model_deployments.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.model_deployments.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE TABLE aias.backend_flags (
    deployment_id uuid NOT NULL,
    flag text NOT NULL,
    reason text NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL DEFAULT now(),
    until timestamptz,
    CONSTRAINT backend_flags_pkey PRIMARY KEY (deployment_id),
    CONSTRAINT backend_flags_deployment_id_fkey
        FOREIGN KEY (deployment_id) REFERENCES aias.model_deployments (deployment_id) ON DELETE CASCADE,
    CONSTRAINT backend_flags_flag_check CHECK (flag IN ('drain', 'degrade', 'kill')),
    CONSTRAINT backend_flags_reason_check CHECK (length(reason) BETWEEN 1 AND 1000),
    CONSTRAINT backend_flags_until_check CHECK (until > set_at)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON aias.backend_flags TO aias_router;

COMMENT ON TABLE aias.backend_flags IS 'What operators told routers about a backend; removing the row restores it';
COMMENT ON COLUMN aias.backend_flags.deployment_id IS 'The backend';
COMMENT ON COLUMN aias.backend_flags.flag IS 'drain (finish what runs), degrade (use last) or kill (cancel what runs)';
COMMENT ON COLUMN aias.backend_flags.reason IS 'Why';
COMMENT ON COLUMN aias.backend_flags.set_by IS 'Principal that set it';
COMMENT ON COLUMN aias.backend_flags.set_at IS 'When it was set';
COMMENT ON COLUMN aias.backend_flags.until IS 'When it lapses by itself';

CREATE TABLE aias.model_grants (
    org_id uuid NOT NULL,
    model_id uuid NOT NULL,
    effect text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT model_grants_pkey PRIMARY KEY (org_id, model_id),
    CONSTRAINT model_grants_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT model_grants_model_id_fkey
        FOREIGN KEY (model_id) REFERENCES aias.models (model_id) ON DELETE RESTRICT,
    CONSTRAINT model_grants_effect_check CHECK (effect IN ('allow', 'deny'))
);
CREATE INDEX model_grants_model_id_idx ON aias.model_grants (model_id);
CREATE TRIGGER model_grants_touch_tg BEFORE UPDATE ON aias.model_grants
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

ALTER TABLE aias.model_grants ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.model_grants FORCE ROW LEVEL SECURITY;
CREATE POLICY model_grants_tenant ON aias.model_grants FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY model_grants_platform ON aias.model_grants TO aias_router, aias_identity, aias_owner
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON aias.model_grants TO aias_router;
GRANT SELECT, INSERT, UPDATE, DELETE ON aias.model_grants TO aias_identity;
GRANT SELECT ON aias.model_grants TO aias_reader;

COMMENT ON TABLE aias.model_grants IS 'Which models an organization may call; no row is the default of its plan';
COMMENT ON COLUMN aias.model_grants.org_id IS 'The organization';
COMMENT ON COLUMN aias.model_grants.model_id IS 'The model';
COMMENT ON COLUMN aias.model_grants.effect IS 'allow or deny';
COMMENT ON COLUMN aias.model_grants.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.model_grants.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.model_grants.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

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
    list_price_id uuid,
    created_by text NOT NULL DEFAULT 'system',
    approval_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT model_prices_pkey PRIMARY KEY (price_id),
    CONSTRAINT model_prices_model_id_fkey
        FOREIGN KEY (model_id) REFERENCES aias.models (model_id) ON DELETE RESTRICT,
    CONSTRAINT model_prices_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT model_prices_list_price_id_fkey
        FOREIGN KEY (list_price_id) REFERENCES aias.model_prices (price_id) ON DELETE RESTRICT,
    CONSTRAINT model_prices_approval_id_fkey
        FOREIGN KEY (approval_id) REFERENCES aias.approval_requests (approval_id) ON DELETE RESTRICT,
    CONSTRAINT model_prices_effective_from_key
        UNIQUE NULLS NOT DISTINCT (model_id, org_id, operation, currency, effective_from),
    CONSTRAINT model_prices_operation_check CHECK (operation IN ('chat', 'completion', 'embedding', 'other')),
    CONSTRAINT model_prices_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT model_prices_input_pico_check CHECK (input_pico >= 0),
    CONSTRAINT model_prices_cached_input_pico_check CHECK (cached_input_pico >= 0),
    CONSTRAINT model_prices_output_pico_check CHECK (output_pico >= 0),
    CONSTRAINT model_prices_request_pico_check CHECK (request_pico >= 0),
    CONSTRAINT model_prices_list_price_id_check CHECK ((org_id IS NULL) = (list_price_id IS NULL))
);
CREATE INDEX model_prices_org_id_idx ON aias.model_prices (org_id) WHERE org_id IS NOT NULL;
CREATE INDEX model_prices_list_price_id_idx ON aias.model_prices (list_price_id) WHERE list_price_id IS NOT NULL;
CREATE INDEX model_prices_approval_id_idx ON aias.model_prices (approval_id) WHERE approval_id IS NOT NULL;
CREATE INDEX model_prices_model_id_idx ON aias.model_prices (model_id);
CREATE TRIGGER model_prices_append_only_tg BEFORE UPDATE OR TRUNCATE ON aias.model_prices
    FOR EACH STATEMENT EXECUTE FUNCTION aias.refuse_change();
CREATE TRIGGER model_prices_kept_tg BEFORE DELETE ON aias.model_prices
    FOR EACH ROW WHEN (NOT aias.is_seed_id(OLD.price_id)) EXECUTE FUNCTION aias.refuse_change();

ALTER TABLE aias.model_prices ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.model_prices FORCE ROW LEVEL SECURITY;
CREATE POLICY model_prices_tenant ON aias.model_prices FOR SELECT TO aias_reader
    USING (org_id IS NULL OR org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY model_prices_platform ON aias.model_prices TO aias_router, aias_owner USING (true) WITH CHECK (true);
CREATE POLICY model_prices_platform_read ON aias.model_prices FOR SELECT TO aias_analytics, aias_identity USING (true);
GRANT SELECT, INSERT ON aias.model_prices TO aias_router;
GRANT SELECT ON aias.model_prices TO aias_analytics;
GRANT SELECT ON aias.model_prices TO aias_identity;
GRANT SELECT ON aias.model_prices TO aias_reader;

COMMENT ON TABLE aias.model_prices IS 'Price rows, append-only; one is in force until the next one starts';
COMMENT ON COLUMN aias.model_prices.price_id IS 'The price row; it stands on every event it priced';
COMMENT ON COLUMN aias.model_prices.model_id IS 'The model';
COMMENT ON COLUMN aias.model_prices.org_id IS 'Organization it was negotiated with; null is the list price';
COMMENT ON COLUMN aias.model_prices.operation IS 'What is priced';
COMMENT ON COLUMN aias.model_prices.currency IS 'Currency of the amounts';
COMMENT ON COLUMN aias.model_prices.input_pico IS 'Pico-units of the currency for one input token that was not cached';
COMMENT ON COLUMN aias.model_prices.cached_input_pico IS 'Pico-units for one cached input token';
COMMENT ON COLUMN aias.model_prices.output_pico IS 'Pico-units for one output token';
COMMENT ON COLUMN aias.model_prices.request_pico IS 'Pico-units for one request';
COMMENT ON COLUMN aias.model_prices.effective_from
    IS 'From when it is in force; never in the past when the row is made';
COMMENT ON COLUMN aias.model_prices.list_price_id IS 'The list price row a negotiated one departs from';
COMMENT ON COLUMN aias.model_prices.created_by IS 'Principal that made it';
COMMENT ON COLUMN aias.model_prices.approval_id IS 'The approval behind it';
COMMENT ON COLUMN aias.model_prices.created_at IS 'When the row was made';

CREATE FUNCTION aias.refuse_past_price() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF NEW.effective_from < now()
        AND NOT (aias.is_seed_id(NEW.price_id) AND pg_has_role(current_user, 'aias_owner', 'MEMBER'))
    THEN
        RAISE EXCEPTION 'a price cannot start in the past'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'model_prices_effective_from_check';
    END IF;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION aias.refuse_past_price() FROM PUBLIC;
COMMENT ON FUNCTION aias.refuse_past_price()
    IS 'Refuses a price that starts before the transaction, so that no event is ever priced anew; the owner may seed one';

CREATE TRIGGER model_prices_not_past_tg BEFORE INSERT ON aias.model_prices
    FOR EACH ROW EXECUTE FUNCTION aias.refuse_past_price();

CREATE FUNCTION aias.require_price() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM aias.model_prices WHERE model_id = NEW.model_id AND effective_from <= now())
        AND EXISTS (SELECT FROM aias.models WHERE model_id = NEW.model_id AND status = 'enabled')
    THEN
        RAISE EXCEPTION 'an enabled model needs a price in force'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'models_price_check';
    END IF;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION aias.require_price() FROM PUBLIC;
COMMENT ON FUNCTION aias.require_price() IS 'Refuses, at commit, a model that was enabled without a price in force';

CREATE CONSTRAINT TRIGGER models_price_tg AFTER INSERT OR UPDATE OF status ON aias.models
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.status = 'enabled') EXECUTE FUNCTION aias.require_price();

CREATE TABLE aias.routing_policies (
    policy_id uuid NOT NULL,
    org_id uuid,
    model_id uuid NOT NULL,
    document jsonb NOT NULL,
    version int NOT NULL,
    status text NOT NULL DEFAULT 'draft',
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT routing_policies_pkey PRIMARY KEY (policy_id),
    CONSTRAINT routing_policies_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT routing_policies_model_id_fkey
        FOREIGN KEY (model_id) REFERENCES aias.models (model_id) ON DELETE RESTRICT,
    CONSTRAINT routing_policies_org_id_model_id_version_key UNIQUE NULLS NOT DISTINCT (org_id, model_id, version),
    CONSTRAINT routing_policies_document_check CHECK (jsonb_typeof(document) = 'object'),
    CONSTRAINT routing_policies_version_check CHECK (version >= 1),
    CONSTRAINT routing_policies_status_check CHECK (status IN ('draft', 'active', 'retired'))
);
CREATE INDEX routing_policies_model_id_idx ON aias.routing_policies (model_id);
CREATE UNIQUE INDEX routing_policies_active_idx ON aias.routing_policies (org_id, model_id) NULLS NOT DISTINCT
    WHERE status = 'active';
CREATE TRIGGER routing_policies_touch_tg BEFORE UPDATE ON aias.routing_policies
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

ALTER TABLE aias.routing_policies ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.routing_policies FORCE ROW LEVEL SECURITY;
CREATE POLICY routing_policies_tenant ON aias.routing_policies FOR SELECT TO aias_reader
    USING (org_id IS NULL OR org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY routing_policies_platform ON aias.routing_policies TO aias_router, aias_owner
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON aias.routing_policies TO aias_router;
GRANT SELECT ON aias.routing_policies TO aias_reader;

COMMENT ON TABLE aias.routing_policies
    IS 'How requests for a model are spread: weights, lists, canary, affinity, regions';
COMMENT ON COLUMN aias.routing_policies.policy_id IS 'The policy; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.routing_policies.org_id IS 'Organization it binds; null is everyone';
COMMENT ON COLUMN aias.routing_policies.model_id IS 'The model';
COMMENT ON COLUMN aias.routing_policies.document IS 'The policy itself';
COMMENT ON COLUMN aias.routing_policies.version IS 'Number within its scope';
COMMENT ON COLUMN aias.routing_policies.status IS 'draft, active or retired';
COMMENT ON COLUMN aias.routing_policies.created_by IS 'Principal that wrote it';
COMMENT ON COLUMN aias.routing_policies.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.routing_policies.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.routing_policies.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';
