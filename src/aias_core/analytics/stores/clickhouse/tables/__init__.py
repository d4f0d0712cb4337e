"""The tables of facts and rollups in ClickHouse."""
