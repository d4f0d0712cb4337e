-- name: find_organization
SELECT org_id, slug FROM aias.dim_organizations WHERE slug = %(org)s OR org_id::text = lower(%(org)s)

-- name: list_organization_slugs
SELECT slug FROM aias.dim_organizations ORDER BY slug

-- name: read_organizations
SELECT org_id, slug, display_name, kind FROM aias.organizations

-- name: read_models
SELECT model_id, name FROM aias.models

-- name: read_prices
SELECT price_id, model_id, operation, currency, input_pico, cached_input_pico, output_pico, request_pico, effective_from
FROM aias.model_prices

-- name: upsert_organization
INSERT INTO aias.dim_organizations (org_id, slug, display_name, kind) VALUES (%s, %s, %s, %s)
ON CONFLICT (org_id) DO UPDATE SET display_name = excluded.display_name, kind = excluded.kind

-- name: upsert_model
INSERT INTO aias.dim_models (model_id, name) VALUES (%s, %s) ON CONFLICT (model_id) DO UPDATE SET name = excluded.name

-- name: upsert_price
INSERT INTO aias.dim_prices
    (price_id, model_id, operation, currency, input_pico, cached_input_pico, output_pico, request_pico, effective_from)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
