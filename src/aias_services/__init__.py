"""The HTTP services that `aias` deploys: routes and wiring over `aias_core`."""
