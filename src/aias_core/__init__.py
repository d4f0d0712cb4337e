"""What the platform does. No Typer, no HTTP server, no printing.

errors      the error tree and the exit codes
settings    the only reader of the process environment; service_settings: what services read of it
clock       the current time; windows: half-open hours, days and months
money       exact amounts; secret: values that print as ***; ids: UUIDv7
process     the only place that starts other programs
contracts   wire models: the usage event and its transport
audit       the chain of audit records
database    connections, named queries, roles
migrate     migration files, plan, runner
backup      copies, the archive of the write-ahead log, restores and drills
environments profiles, components, and the local target
identity    organizations and API keys
routing     registry of models, choice of a backend, spool of usage events
analytics   ingest, facts, rollups, usage, reconciliation
finance     month export and its manifest
demo        the whole platform doing its job once, with proofs
"""

__version__ = "0.1.0"
