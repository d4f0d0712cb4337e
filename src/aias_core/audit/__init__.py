"""The audit chain: append-only records, each bound to the one before it, verifiable offline."""
