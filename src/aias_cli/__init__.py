"""The `aias` command: reads arguments, calls one thing, prints one result."""
