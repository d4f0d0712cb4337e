"""A strict fake of Linode's API v4 and of the Kubernetes API behind its clusters, for rehearsals and tests.

server       the process: one listener whose connections can be cut
application  one call: log, fault, token, rate, route, answer
routing      operations by method and path; what a call is given
resource     what a type of resource is made of; `resources/` declares each, `engine` serves them all
fields       what a body may hold, and what an answer holds
addresses    addresses and networks in bodies
filters      X-Filter and pages
world        everything that exists, in simulated time, in one file
lifecycle    states that follow one another by time alone
ledger       what has been billed, to the second
events       the events of the account
access       tokens and scopes
rates        published ceilings of calls
faults       scripted failures of any call
control      `/v4/__simulator`: ledger, faults, clock, settings, calls
catalog/     regions, plan types, prices and versions, as published
kubernetes/  the API behind a kubeconfig
"""
