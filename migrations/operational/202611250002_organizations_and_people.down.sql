-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP TABLE aias.service_accounts;
DROP TABLE aias.invites;
DROP TRIGGER memberships_last_owner_tg ON aias.memberships;
DROP FUNCTION aias.keep_last_owner();
DROP TABLE aias.memberships;
DROP TABLE aias.user_email_hashes;
DROP TABLE aias.users;
DROP TABLE aias.projects;
DROP FUNCTION aias.require_active_organization();
DROP TABLE aias.organizations;
