"""What every service starts from: settings, logs, request ids, errors, health, metrics, two listeners, shutdown.

service   run(name, settings, build): the entry of `python -m aias_services.<name>`
http      request ids, access lines and request metrics, as one ASGI layer
problems  errors as problem documents (RFC 9457)
guard     who may call a route; a route that does not say is refused at the start
health    named probes behind /readyz
logs      one JSON object a line on stderr, redacted
"""
