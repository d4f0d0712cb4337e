-- aias: phase = expand
-- aias: author = platform
-- aias: risk = New views only; nothing exists that could wait

CREATE VIEW aias.readable_organizations WITH (security_barrier) AS
SELECT org_id, slug, display_name, kind, plan_tier, status, status_reason, currency, quota_outage_policy,
    grace_pico, mfa_required_roles, settings, legal_hold, suspended_at, deleted_at, purge_after, created_at,
    updated_at, row_version
FROM aias.organizations
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_organizations TO aias_readonly;
COMMENT ON VIEW aias.readable_organizations
    IS 'What people who only look may see of organizations, of the organization in aias.org_id';

CREATE VIEW aias.readable_projects WITH (security_barrier) AS
SELECT project_id, org_id, slug, display_name, labels, archived_at, deleted_at, created_at, updated_at,
    row_version
FROM aias.projects
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_projects TO aias_readonly;
COMMENT ON VIEW aias.readable_projects
    IS 'What people who only look may see of projects, of the organization in aias.org_id';

CREATE VIEW aias.readable_memberships WITH (security_barrier) AS
SELECT org_id, user_id, role, status, granted_by, justification, created_at, updated_at, row_version
FROM aias.memberships
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_memberships TO aias_readonly;
COMMENT ON VIEW aias.readable_memberships
    IS 'What people who only look may see of memberships, of the organization in aias.org_id';

CREATE VIEW aias.readable_invites WITH (security_barrier) AS
SELECT invite_id, org_id, hash_kid, email_enc_kid, role, status, expires_at, invited_by, accepted_at,
    created_at, updated_at, row_version
FROM aias.invites
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_invites TO aias_readonly;
COMMENT ON VIEW aias.readable_invites
    IS 'What people who only look may see of invites, of the organization in aias.org_id';

CREATE VIEW aias.readable_service_accounts WITH (security_barrier) AS
SELECT service_account_id, org_id, project_id, name, description, role, status, epoch, created_at, updated_at,
    row_version
FROM aias.service_accounts
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_service_accounts TO aias_readonly;
COMMENT ON VIEW aias.readable_service_accounts
    IS 'What people who only look may see of service_accounts, of the organization in aias.org_id';

CREATE VIEW aias.readable_approval_requests WITH (security_barrier) AS
SELECT approval_id, kind, environment, org_id, subject_sha256, summary, risk, risk_note, requested_by, authors,
    required, status, expires_at, change_ref, consumed_by_run, created_at, updated_at, row_version
FROM aias.approval_requests
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_approval_requests TO aias_readonly;
COMMENT ON VIEW aias.readable_approval_requests
    IS 'What people who only look may see of approval_requests, of the organization in aias.org_id';

CREATE VIEW aias.readable_api_keys WITH (security_barrier) AS
SELECT api_key_id, org_id, project_id, user_id, service_account_id, name, prefix, last4, hash_kid, scopes,
    allowed_models, allowed_networks, status, expires_at, rotated_from, revoked_at, revoked_by,
    revoke_reason, created_at, updated_at, row_version
FROM aias.api_keys
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_api_keys TO aias_readonly;
COMMENT ON VIEW aias.readable_api_keys
    IS 'What people who only look may see of api_keys, of the organization in aias.org_id';

CREATE VIEW aias.readable_oauth_clients WITH (security_barrier) AS
SELECT client_id, org_id, kind, name, hash_kid, public_jwk, redirect_uris, grant_types, scopes, audiences,
    pkce_required, status, created_at, updated_at, row_version
FROM aias.oauth_clients
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_oauth_clients TO aias_readonly;
COMMENT ON VIEW aias.readable_oauth_clients
    IS 'What people who only look may see of oauth_clients, of the organization in aias.org_id';

CREATE VIEW aias.readable_identity_providers WITH (security_barrier) AS
SELECT provider_id, org_id, name, issuer, client_id, enc_kid, allowed_domains, joining, default_role,
    role_claim, role_map, trusts_mfa, sso_required, status, created_at, updated_at, row_version
FROM aias.identity_providers
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_identity_providers TO aias_readonly;
COMMENT ON VIEW aias.readable_identity_providers
    IS 'What people who only look may see of identity_providers, of the organization in aias.org_id';

CREATE VIEW aias.readable_organization_domains WITH (security_barrier) AS
SELECT domain_id, org_id, domain, challenge, verified_at, created_at
FROM aias.organization_domains
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_organization_domains TO aias_readonly;
COMMENT ON VIEW aias.readable_organization_domains
    IS 'What people who only look may see of organization_domains, of the organization in aias.org_id';

CREATE VIEW aias.readable_policy_bundles WITH (security_barrier) AS
SELECT bundle_id, org_id, version, sha256, content, report, signature, signing_kid, status, created_by,
    published_at, approval_id, created_at, updated_at, row_version
FROM aias.policy_bundles
WHERE org_id IS NULL OR org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_policy_bundles TO aias_readonly;
COMMENT ON VIEW aias.readable_policy_bundles
    IS 'What people who only look may see of policy_bundles, of the organization in aias.org_id';

CREATE VIEW aias.readable_models WITH (security_barrier) AS
SELECT model_id, org_id, name, display_name, operations, context_tokens, image_tokens, template_tokens,
    capabilities, card_url, status, deprecated_at, replacement_model_id, created_at, updated_at, row_version
FROM aias.models
WHERE org_id IS NULL OR org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_models TO aias_readonly;
COMMENT ON VIEW aias.readable_models
    IS 'What people who only look may see of models, of the organization in aias.org_id';

CREATE VIEW aias.readable_model_revisions WITH (security_barrier) AS
SELECT revision_id, model_id, revision, artifact_digest, served_name, licence, parameters, created_at
FROM aias.model_revisions;
GRANT SELECT ON aias.readable_model_revisions TO aias_readonly;
COMMENT ON VIEW aias.readable_model_revisions
    IS 'What people who only look may see of model_revisions';

CREATE VIEW aias.readable_model_aliases WITH (security_barrier) AS
SELECT alias_id, org_id, alias, model_id, created_at, updated_at, row_version
FROM aias.model_aliases
WHERE org_id IS NULL OR org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_model_aliases TO aias_readonly;
COMMENT ON VIEW aias.readable_model_aliases
    IS 'What people who only look may see of model_aliases, of the organization in aias.org_id';

CREATE VIEW aias.readable_model_grants WITH (security_barrier) AS
SELECT org_id, model_id, effect, created_at, updated_at, row_version
FROM aias.model_grants
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_model_grants TO aias_readonly;
COMMENT ON VIEW aias.readable_model_grants
    IS 'What people who only look may see of model_grants, of the organization in aias.org_id';

CREATE VIEW aias.readable_model_prices WITH (security_barrier) AS
SELECT price_id, model_id, org_id, operation, currency, input_pico, cached_input_pico, output_pico,
    request_pico, effective_from, list_price_id, created_by, approval_id, created_at
FROM aias.model_prices
WHERE org_id IS NULL OR org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_model_prices TO aias_readonly;
COMMENT ON VIEW aias.readable_model_prices
    IS 'What people who only look may see of model_prices, of the organization in aias.org_id';

CREATE VIEW aias.readable_routing_policies WITH (security_barrier) AS
SELECT policy_id, org_id, model_id, document, version, status, created_by, created_at, updated_at, row_version
FROM aias.routing_policies
WHERE org_id IS NULL OR org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_routing_policies TO aias_readonly;
COMMENT ON VIEW aias.readable_routing_policies
    IS 'What people who only look may see of routing_policies, of the organization in aias.org_id';

CREATE VIEW aias.readable_budgets WITH (security_barrier) AS
SELECT budget_id, org_id, scope, scope_id, measure, period, limit_units, currency, warn_percent, mode, origin,
    status, version, changed_by, created_at, updated_at, row_version
FROM aias.budgets
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_budgets TO aias_readonly;
COMMENT ON VIEW aias.readable_budgets
    IS 'What people who only look may see of budgets, of the organization in aias.org_id';

CREATE VIEW aias.readable_budget_versions WITH (security_barrier) AS
SELECT budget_id, version, org_id, definition, changed_by, created_at
FROM aias.budget_versions
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_budget_versions TO aias_readonly;
COMMENT ON VIEW aias.readable_budget_versions
    IS 'What people who only look may see of budget_versions, of the organization in aias.org_id';

CREATE VIEW aias.readable_budget_overrides WITH (security_barrier) AS
SELECT override_id, org_id, budget_id, extra_units, reason, evidence, starts_at, expires_at, requested_by,
    status, approval_id, created_at, updated_at, row_version
FROM aias.budget_overrides
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_budget_overrides TO aias_readonly;
COMMENT ON VIEW aias.readable_budget_overrides
    IS 'What people who only look may see of budget_overrides, of the organization in aias.org_id';

CREATE VIEW aias.readable_quota_windows WITH (security_barrier) AS
SELECT budget_id, window_start, window_end, org_id, limit_units, leased_units, settled_units, alerted,
    created_at, updated_at, row_version
FROM aias.quota_windows
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_quota_windows TO aias_readonly;
COMMENT ON VIEW aias.readable_quota_windows
    IS 'What people who only look may see of quota_windows, of the organization in aias.org_id';

CREATE VIEW aias.readable_quota_leases WITH (security_barrier) AS
SELECT lease_id, budget_id, window_start, org_id, holder, fence, granted_units, used_units, status, granted_at,
    expires_at, created_at, updated_at, row_version
FROM aias.quota_leases
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_quota_leases TO aias_readonly;
COMMENT ON VIEW aias.readable_quota_leases
    IS 'What people who only look may see of quota_leases, of the organization in aias.org_id';

CREATE VIEW aias.readable_rate_limits WITH (security_barrier) AS
SELECT limit_id, org_id, scope, scope_id, measure, per_seconds, limit_units, burst, origin, created_at,
    updated_at, row_version
FROM aias.rate_limits
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_rate_limits TO aias_readonly;
COMMENT ON VIEW aias.readable_rate_limits
    IS 'What people who only look may see of rate_limits, of the organization in aias.org_id';

CREATE VIEW aias.readable_rate_shares WITH (security_barrier) AS
SELECT limit_id, holder, org_id, share, burst_share, expires_at
FROM aias.rate_shares
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_rate_shares TO aias_readonly;
COMMENT ON VIEW aias.readable_rate_shares
    IS 'What people who only look may see of rate_shares, of the organization in aias.org_id';

CREATE VIEW aias.readable_declarative_sources WITH (security_barrier) AS
SELECT org_id, mode, repository_url, branch, path, verify_signatures, signers, enc_kid, on_drift,
    paused_sections, last_revision_id, created_at, updated_at, row_version
FROM aias.declarative_sources
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_declarative_sources TO aias_readonly;
COMMENT ON VIEW aias.readable_declarative_sources
    IS 'What people who only look may see of declarative_sources, of the organization in aias.org_id';

CREATE VIEW aias.readable_declarative_revisions WITH (security_barrier) AS
SELECT revision_id, org_id, commit_id, commit_time, signer, status, document_sha256, document, diff, error,
    created_at, updated_at, row_version
FROM aias.declarative_revisions
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_declarative_revisions TO aias_readonly;
COMMENT ON VIEW aias.readable_declarative_revisions
    IS 'What people who only look may see of declarative_revisions, of the organization in aias.org_id';

CREATE VIEW aias.readable_declarative_runs WITH (security_barrier) AS
SELECT run_id, org_id, revision_id, status, attempt, started_at, finished_at, errors
FROM aias.declarative_runs
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_declarative_runs TO aias_readonly;
COMMENT ON VIEW aias.readable_declarative_runs
    IS 'What people who only look may see of declarative_runs, of the organization in aias.org_id';

CREATE VIEW aias.readable_declarative_objects WITH (security_barrier) AS
SELECT org_id, kind, key, owner, applied_sha256, source_file, source_line, created_at, updated_at, row_version
FROM aias.declarative_objects
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_declarative_objects TO aias_readonly;
COMMENT ON VIEW aias.readable_declarative_objects
    IS 'What people who only look may see of declarative_objects, of the organization in aias.org_id';

CREATE VIEW aias.readable_audit_log WITH (security_barrier) AS
SELECT chain, seq, audit_id, occurred_at, recorded_at, actor_type, actor_id, actor_role, org_id, action,
    target_type, target_id, outcome, reason, request_id, approval_id, details, prev_hash, hash
FROM aias.audit_log
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_audit_log TO aias_readonly;
COMMENT ON VIEW aias.readable_audit_log
    IS 'What people who only look may see of audit_log, of the organization in aias.org_id';

CREATE VIEW aias.readable_audit_exports WITH (security_barrier) AS
SELECT export_id, chain, org_id, requested_by, starts_at, ends_at, filter, status, object_key, manifest, error,
    expires_at, created_at, updated_at, row_version
FROM aias.audit_exports
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_audit_exports TO aias_readonly;
COMMENT ON VIEW aias.readable_audit_exports
    IS 'What people who only look may see of audit_exports, of the organization in aias.org_id';

CREATE VIEW aias.readable_alert_subscriptions WITH (security_barrier) AS
SELECT subscription_id, org_id, url, enc_kid, events, status, created_at, updated_at, row_version
FROM aias.alert_subscriptions
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_alert_subscriptions TO aias_readonly;
COMMENT ON VIEW aias.readable_alert_subscriptions
    IS 'What people who only look may see of alert_subscriptions, of the organization in aias.org_id';
