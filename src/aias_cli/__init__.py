"""The `aias` command: reads arguments, calls one thing, prints one result."""

import gc

# Modules and parse trees live as long as the command: looking through them for garbage is a tenth of a short one.
GARBAGE_OBJECTS = 100_000

gc.set_threshold(GARBAGE_OBJECTS)
