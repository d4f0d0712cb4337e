"""ClickHouse as the store of facts and rollups: a server over the network, or chDB in this process."""
