"""The Kubernetes API behind a kubeconfig: enough of it to prepare a cluster, strict about what it takes.

api        paths and verbs
kinds      the kinds that are served
objects    create, replace, patch, delete, with versions and conflicts
apply      server-side apply: who owns which field
schema     schemas of Kubernetes, where `kubernetes-validate` is installed
workloads  what services and claims make on the account
controllers  the sealed-secrets controller, and the roll-out of workloads
nodes      nodes, as the pools of the cluster make them
"""
