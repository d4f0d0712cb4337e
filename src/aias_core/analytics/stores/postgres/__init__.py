"""PostgreSQL as the store of facts and rollups."""
