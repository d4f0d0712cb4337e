"""What is found of the unsafe statements, and what is said about the safe ones."""

from __future__ import annotations

from collections import defaultdict

import pglast
import pytest

from support.corpus import Example, read_examples
from support.safe_statements import iter_safe_examples

UNSAFE = read_examples("unsafe.sql")
EXTRA = read_examples("extra.sql")
SAFE = list(iter_safe_examples())


@pytest.mark.parametrize("example", [*UNSAFE, *EXTRA], ids=[f"{e.kind}-{i}" for i, e in enumerate([*UNSAFE, *EXTRA])])
def test_an_unsafe_statement_is_reported_by_its_own_rule(example: Example) -> None:
    found = example.lint()
    assert example.rule in {finding.rule for finding in found}
    assert "file-unreadable" not in {finding.rule for finding in found}


def test_the_corpus_is_whole() -> None:
    kinds: defaultdict[str, list[Example]] = defaultdict(list)
    for example in UNSAFE:
        kinds[example.kind].append(example)
    assert list(kinds) == [str(number) for number in range(1, 51)]
    assert all(len(examples) >= 3 for examples in kinds.values())
    assert len({example.rule for example in UNSAFE}) == 50
    assert list(dict.fromkeys(example.kind for example in EXTRA)) == [f"X{number}" for number in range(1, 29)]
    assert list(dict.fromkeys(e.kind for e in SAFE if e.kind != "safe")) == [f"S{number}" for number in range(1, 21)]


def test_nothing_is_said_about_a_safe_statement() -> None:
    flagged = {example.text: example.lint() for example in SAFE}
    assert {text: found for text, found in flagged.items() if found} == {}


def test_the_safe_statements_are_many_and_of_many_shapes() -> None:
    assert len(SAFE) >= 500
    assert len({" ".join(example.text.split()) for example in SAFE}) == len(SAFE)
    assert len({pglast.fingerprint(example.text) for example in SAFE}) >= 500
