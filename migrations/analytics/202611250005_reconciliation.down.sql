-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP TABLE aias.reconcile_findings;
DROP TABLE aias.reconcile_runs;
