"""SQL lives in `queries.sql` beside the module that uses it: blocks that begin with `-- name: verb_noun`."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import LiteralString, cast

_HEADER = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def load_queries(module_file: str) -> dict[str, LiteralString]:
    """The named statements of the `queries.sql` beside a module; call it with `__file__`."""
    text = Path(module_file).with_name("queries.sql").read_text(encoding="utf-8")
    parts = _HEADER.split(text)[1:]
    return {name: cast(LiteralString, sql.strip()) for name, sql in zip(parts[::2], parts[1::2], strict=True)}
