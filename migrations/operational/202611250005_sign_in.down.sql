-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP TABLE aias.policy_bundles;
DROP TABLE aias.login_throttles;
DROP TABLE aias.federation_requests;
DROP TABLE aias.federated_identities;
DROP TABLE aias.organization_domains;
DROP TABLE aias.identity_providers;
DROP TABLE aias.recovery_keys;
DROP TABLE aias.recovery_tokens;
DROP TABLE aias.recovery_codes;
DROP TABLE aias.mfa_factors;
DROP TABLE aias.signing_keys;
DROP TABLE aias.oauth_tokens;
DROP TABLE aias.oauth_grants;
DROP TABLE aias.service_account_credentials;
DROP TABLE aias.oauth_clients;
DROP TABLE aias.sessions;
DROP TABLE aias.user_credentials;
