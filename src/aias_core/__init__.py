"""What the platform does. No Typer, no HTTP server, no printing.

errors      the error tree and the exit codes
settings    the only reader of the process environment; service_settings: what services read of it
clock       the current time; windows: half-open hours, days and months
money       exact amounts; secret: values that print as ***; ids: UUIDv7
process     the only place that starts other programs
contracts   wire models: the usage event and its transport
audit       the chain of audit records
approvals   signed consent of a second person; signatures: OpenSSH keys; keyring: keyed hashes and encryption
database    connections, named queries, roles
migrate     migration files, plan, runner
protection  the data policy and the keys of personal data; retention: what goes when, holds, erasure
seeds       rows to begin with
backup      copies, the archive of the write-ahead log, restores and drills
environments profiles, components, and the local target
secrets     references to secrets, sealing, delivery, rotation; network: flows and policies of a cluster
identity    organizations, API keys, access tokens, permissions
routing     registry of models, choice of a backend, spool of usage events
analytics   ingest, facts, rollups, usage, sources, reconciliation
finance     exports with their manifest, jobs, closed months
demo        the whole platform doing its job once, with proofs
"""

__version__ = "0.1.0"
