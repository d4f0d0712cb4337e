-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP TABLE aias.seed_runs;
DROP TABLE aias.alert_subscriptions;
DROP TABLE aias.revocation_acks;
DROP TABLE aias.revocations;
DROP TABLE aias.idempotency_keys;
DROP TABLE aias.outbox;
