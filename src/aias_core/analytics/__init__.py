"""From a usage event to figures: ingest, facts, rollups, usage, reconciliation."""
