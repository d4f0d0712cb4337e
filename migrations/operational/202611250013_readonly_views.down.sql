-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP VIEW aias.readable_alert_subscriptions;
DROP VIEW aias.readable_audit_exports;
DROP VIEW aias.readable_audit_log;
DROP VIEW aias.readable_declarative_objects;
DROP VIEW aias.readable_declarative_runs;
DROP VIEW aias.readable_declarative_revisions;
DROP VIEW aias.readable_declarative_sources;
DROP VIEW aias.readable_rate_shares;
DROP VIEW aias.readable_rate_limits;
DROP VIEW aias.readable_quota_leases;
DROP VIEW aias.readable_quota_windows;
DROP VIEW aias.readable_budget_overrides;
DROP VIEW aias.readable_budget_versions;
DROP VIEW aias.readable_budgets;
DROP VIEW aias.readable_routing_policies;
DROP VIEW aias.readable_model_prices;
DROP VIEW aias.readable_model_grants;
DROP VIEW aias.readable_model_aliases;
DROP VIEW aias.readable_model_revisions;
DROP VIEW aias.readable_models;
DROP VIEW aias.readable_policy_bundles;
DROP VIEW aias.readable_organization_domains;
DROP VIEW aias.readable_identity_providers;
DROP VIEW aias.readable_oauth_clients;
DROP VIEW aias.readable_api_keys;
DROP VIEW aias.readable_approval_requests;
DROP VIEW aias.readable_service_accounts;
DROP VIEW aias.readable_invites;
DROP VIEW aias.readable_memberships;
DROP VIEW aias.readable_projects;
DROP VIEW aias.readable_organizations;
