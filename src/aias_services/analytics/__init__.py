"""Analytics: usage events from JetStream into facts, facts into rollups."""
