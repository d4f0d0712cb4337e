"""StackScripts."""

from __future__ import annotations

from aias_services.linode_simulator import events
from aias_services.linode_simulator.fields import Field, answer, boolean, integer, many, mapping, text
from aias_services.linode_simulator.resource import EVERYTHING, Resource

STACKSCRIPT: dict[str, Field] = {
    "id": answer(integer()),
    "label": text(required=True, low=3, high=128),
    "script": text(required=True, low=1, high=65_535, pattern=r"(?s)#!.*", reason="Script must begin with a shebang"),
    "images": many(text(), required=True, low=1),
    "description": text(default=""),
    "is_public": boolean(default=False),
    "rev_note": text(default=""),
    "username": answer(text(default=events.USERNAME)),
    "user_gravatar_id": answer(text(default="")),
    "mine": answer(boolean(default=True)),
    "deployments_active": answer(integer(default=0)),
    "deployments_total": answer(integer(default=0)),
    "user_defined_fields": answer(many(mapping())),
    "created": answer(text()),
    "updated": answer(text()),
}
RESOURCES = (
    Resource(
        kind="stackscript",
        path="/linode/stackscripts",
        scope="stackscripts",
        filterable=(
            "label",
            "description",
            "is_public",
            "mine",
            "rev_note",
            "deployments_total",
        ),
        verbs=EVERYTHING,
        entity="stackscript",
        action="stackscript",
        fields=STACKSCRIPT,
    ),
)
