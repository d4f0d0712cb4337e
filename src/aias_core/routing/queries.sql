-- name: read_models
SELECT m.model_id, m.name, m.operations, m.context_tokens, m.created_at, r.revision, r.served_name
FROM aias.models m
JOIN LATERAL (SELECT * FROM aias.model_revisions WHERE model_id = m.model_id ORDER BY revision DESC LIMIT 1) r ON true
WHERE m.org_id IS NULL AND m.status = 'enabled'

-- name: read_backends
SELECT r.model_id, d.name, d.endpoint, d.weight
FROM aias.model_deployments d JOIN aias.model_revisions r USING (revision_id)
WHERE d.environment = %s AND d.status IN ('ready', 'degraded') AND d.weight > 0
ORDER BY r.model_id, d.name

-- name: read_prices
SELECT price_id, model_id, operation, currency, input_pico, cached_input_pico, output_pico, request_pico, effective_from
FROM aias.model_prices WHERE org_id IS NULL ORDER BY effective_from DESC

-- name: list_models
SELECT m.name, m.operations, m.status,
    count(d.*) FILTER (WHERE d.status = 'ready') AS backends_ready, count(d.*) AS backends,
    p.input_pico, p.cached_input_pico, p.output_pico, p.currency, p.effective_from AS price_from
FROM aias.models m
LEFT JOIN aias.model_revisions r USING (model_id)
LEFT JOIN aias.model_deployments d ON d.revision_id = r.revision_id AND d.environment = %(environment)s
LEFT JOIN LATERAL (
    SELECT * FROM aias.model_prices
    WHERE model_id = m.model_id AND org_id IS NULL AND operation = m.operations[1] AND effective_from <= %(at)s
    ORDER BY effective_from DESC LIMIT 1
) p ON true
GROUP BY m.model_id, p.input_pico, p.cached_input_pico, p.output_pico, p.currency, p.effective_from
ORDER BY m.name

-- name: upsert_model
INSERT INTO aias.models (model_id, name, display_name, operations, context_tokens)
VALUES (%(model_id)s, %(name)s, %(name)s, %(operations)s, %(context_tokens)s)
ON CONFLICT (org_id, name) DO NOTHING

-- name: upsert_revision
INSERT INTO aias.model_revisions (revision_id, model_id, revision, served_name)
SELECT %(revision_id)s, model_id, 1, name FROM aias.models WHERE org_id IS NULL AND name = %(name)s
ON CONFLICT DO NOTHING

-- name: upsert_deployment
-- An address that did not change leaves the row and its version as they are.
INSERT INTO aias.model_deployments (deployment_id, name, revision_id, environment, region, endpoint, status)
SELECT %(deployment_id)s, %(backend)s, r.revision_id, %(environment)s, 'local', %(endpoint)s, 'ready'
FROM aias.model_revisions r JOIN aias.models m USING (model_id)
WHERE m.org_id IS NULL AND m.name = %(name)s AND r.revision = 1
ON CONFLICT (revision_id, environment, name) DO UPDATE SET endpoint = excluded.endpoint, status = 'ready'
WHERE (model_deployments.endpoint, model_deployments.status) IS DISTINCT FROM (excluded.endpoint, 'ready')

-- name: ensure_price
-- A price starts now, never earlier; a model that has one keeps it.
INSERT INTO aias.model_prices
    (price_id, model_id, operation, currency, input_pico, cached_input_pico, output_pico, effective_from)
SELECT %(price_id)s, model_id, %(operation)s, 'USD', %(input_pico)s, %(cached_input_pico)s, %(output_pico)s, now()
FROM aias.models m WHERE org_id IS NULL AND name = %(name)s AND NOT EXISTS (
    SELECT FROM aias.model_prices p
    WHERE p.model_id = m.model_id AND p.org_id IS NULL AND p.operation = %(operation)s AND p.currency = 'USD')
ON CONFLICT DO NOTHING
