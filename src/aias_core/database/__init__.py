"""PostgreSQL: connections, named queries, roles and databases of a server."""
