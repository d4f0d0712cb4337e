-- name: find_organization
SELECT org_id, slug FROM aias.dim_organizations WHERE slug = %(org)s OR org_id::text = lower(%(org)s)

-- name: read_organizations
SELECT org_id, slug, display_name, kind, currency FROM aias.organizations

-- name: read_models
SELECT model_id, name, org_id FROM aias.models

-- name: read_prices
SELECT price_id, model_id, operation, currency, input_pico, cached_input_pico, output_pico, request_pico,
    effective_from, org_id, list_price_id
FROM aias.model_prices

-- name: read_projects
SELECT project_id, org_id, slug, display_name, labels::text FROM aias.projects

-- name: read_keys
SELECT api_key_id, org_id, name, project_id, coalesce(user_id, service_account_id), status FROM aias.api_keys

-- name: count_organizations
SELECT count(*) FROM aias.dim_organizations

-- name: count_projects
SELECT count(*) FROM aias.dim_projects

-- name: count_models
SELECT count(*) FROM aias.dim_models

-- name: count_prices
SELECT count(*) FROM aias.dim_prices

-- name: count_keys
SELECT count(*) FROM aias.dim_keys

-- name: upsert_organizations
-- Here and below: who was erased may still have names where they come from, and does not get them back.
INSERT INTO aias.dim_organizations AS d (org_id, slug, display_name, kind, currency)
SELECT n.* FROM (VALUES (%s::uuid, %s::text, %s::text, %s::text, %s::char(3))) AS n (org_id, slug, name, kind, currency)
WHERE NOT EXISTS (SELECT FROM aias.erased_subjects WHERE (subject_kind, subject_id) = ('organization', n.org_id))
ON CONFLICT (org_id) DO UPDATE
SET display_name = excluded.display_name, kind = excluded.kind, currency = excluded.currency
WHERE (d.display_name, d.kind, d.currency) IS DISTINCT FROM (excluded.display_name, excluded.kind, excluded.currency)

-- name: upsert_projects
INSERT INTO aias.dim_projects AS d (project_id, org_id, slug, display_name, labels)
SELECT n.* FROM (VALUES (%s::uuid, %s::uuid, %s::text, %s::text, %s::jsonb)) AS n (project_id, org_id, slug, name, labels)
WHERE NOT EXISTS (SELECT FROM aias.erased_subjects WHERE (subject_kind, subject_id) = ('organization', n.org_id))
ON CONFLICT (project_id) DO UPDATE
SET slug = excluded.slug, display_name = excluded.display_name, labels = excluded.labels
WHERE (d.slug, d.display_name, d.labels) IS DISTINCT FROM (excluded.slug, excluded.display_name, excluded.labels)

-- name: upsert_models
INSERT INTO aias.dim_models AS d (model_id, name, org_id) VALUES (%s, %s, %s)
ON CONFLICT (model_id) DO UPDATE SET name = excluded.name, org_id = excluded.org_id
WHERE (d.name, d.org_id) IS DISTINCT FROM (excluded.name, excluded.org_id)

-- name: upsert_prices
-- A price row never changes; a copy that was made without its organization gets it.
INSERT INTO aias.dim_prices AS d (price_id, model_id, operation, currency, input_pico, cached_input_pico, output_pico,
    request_pico, effective_from, org_id, list_price_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (price_id) DO UPDATE SET org_id = excluded.org_id, list_price_id = excluded.list_price_id
WHERE (d.org_id, d.list_price_id) IS DISTINCT FROM (excluded.org_id, excluded.list_price_id)

-- name: upsert_keys
INSERT INTO aias.dim_keys AS d (api_key_id, org_id, name, project_id, holder_id, status)
SELECT n.* FROM (VALUES (%s::uuid, %s::uuid, %s::text, %s::uuid, %s::uuid, %s::text))
    AS n (api_key_id, org_id, name, project_id, holder_id, status)
WHERE NOT EXISTS (
    SELECT FROM aias.erased_subjects
    WHERE (subject_kind, subject_id) IN (('organization', n.org_id), ('api_key', n.api_key_id), ('user', n.holder_id)))
ON CONFLICT (api_key_id) DO UPDATE
SET name = excluded.name, project_id = excluded.project_id, holder_id = excluded.holder_id, status = excluded.status
WHERE (d.name, d.project_id, d.holder_id, d.status)
    IS DISTINCT FROM (excluded.name, excluded.project_id, excluded.holder_id, excluded.status)

-- name: recheck_costs
-- Only the verdict is written: what was sent is never corrected in silence. A batch that is stored while its price
-- comes may miss it, so every pending fact whose price is known now is looked at.
UPDATE aias.usage_facts f
SET cost_check = CASE WHEN f.cost_pico = (f.input_tokens - f.cached_input_tokens) * p.input_pico
        + f.cached_input_tokens * p.cached_input_pico + f.output_tokens * p.output_pico + p.request_pico
    THEN 'ok' ELSE 'mismatch' END
FROM aias.dim_prices p
WHERE f.price_id = p.price_id AND f.cost_check = 'pending'
