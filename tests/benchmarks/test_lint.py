"""The linter beside squawk: time on the same files, and what each finds of the corpus."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aias_core.migrate.lint.directory import lint_directory
from support.corpus import Example, read_examples
from support.safe_statements import iter_safe_examples

if TYPE_CHECKING:
    from benchmarks.conftest import Figures

SQUAWK = Path(sys.executable).with_name("squawk")
# Reminders that squawk gives for nearly every statement, whatever it does, and matters of taste.
NO_DANGER = {
    *("require-lock-timeout", "require-statement-timeout", "prefer-robust-stmts", "prefer-identity"),
    "prefer-text-field",
}
RUNS = 20
UP = """-- aias: risk = New table only
CREATE TABLE aias.things_{n} (
    thing_id uuid NOT NULL,
    org_id uuid NOT NULL,
    name text NOT NULL,
    amount_pico bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT things_{n}_pkey PRIMARY KEY (thing_id),
    CONSTRAINT things_{n}_name_check CHECK (length(name) BETWEEN 1 AND 200)
);
CREATE INDEX things_{n}_org_id_idx ON aias.things_{n} (org_id);
CREATE TRIGGER things_{n}_touch_tg BEFORE UPDATE ON aias.things_{n} FOR EACH ROW EXECUTE FUNCTION aias.touch_row();
ALTER TABLE aias.things_{n} ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.things_{n} FORCE ROW LEVEL SECURITY;
CREATE POLICY things_{n}_tenant ON aias.things_{n} USING (org_id = current_setting('aias.org_id')::uuid);
GRANT SELECT, INSERT ON aias.things_{n} TO aias_identity;
COMMENT ON TABLE aias.things_{n} IS 'Things';
ALTER TABLE aias.organizations ADD COLUMN things_{n} int;
"""
DOWN = "-- aias: risk = Removes what the file made\nDROP TABLE aias.things_{n};\n"


def seconds_of(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def squawk(*files: Path) -> dict[Path, set[str]]:
    argv = [str(SQUAWK), "--reporter", "json", *map(str, files)]
    said = json.loads(subprocess.run(argv, capture_output=True, text=True, check=False).stdout)
    found: defaultdict[Path, set[str]] = defaultdict(set)
    for item in said:
        found[Path(item["file"])].add(item["rule_name"])
    return found


def write(directory: Path, examples: list[Example]) -> dict[Path, Example]:
    directory.mkdir()
    files = {directory / f"{number:03}.sql": example for number, example in enumerate(examples)}
    for path, example in files.items():
        path.write_text(example.text)
    return files


def smallest(name: str) -> list[Example]:
    """The first example of each kind."""
    kinds: dict[str, Example] = {}
    for example in read_examples(name):
        kinds.setdefault(example.kind, example)
    return list(kinds.values())


def test_the_time_of_100_files(figures: Figures, tmp_path: Path) -> None:
    for number in range(50):
        stem = tmp_path / f"2026010100{number:02}_things"
        stem.with_suffix(".up.sql").write_text(UP.format(n=number))
        stem.with_suffix(".down.sql").write_text(DOWN.format(n=number))
    files = sorted(tmp_path.glob("*.sql"))
    assert len(files) == 100
    assert {finding.rule for finding in lint_directory(tmp_path)} == {"column-without-comment"}
    ours = statistics.median(seconds_of(lambda: lint_directory(tmp_path)) for _ in range(RUNS))
    theirs = statistics.median(seconds_of(lambda: squawk(*files)) for _ in range(RUNS))
    figures.add_time(f"lint of 100 files (median of {RUNS})", ours, 0.200)
    figures.add_ratio("squawk on the same 100 files, its start included", f"{theirs * 1000:.0f} ms", "-", theirs / ours)


def test_what_is_found_of_the_50_kinds(figures: Figures, tmp_path: Path) -> None:
    examples = smallest("unsafe.sql")
    theirs = squawk(*(files := write(tmp_path / "kinds", examples)))
    hits = [0, 0]
    for path, example in files.items():
        found = example.rule in {finding.rule for finding in example.lint()}, bool(theirs[path] - NO_DANGER)
        hits = [hits[0] + found[0], hits[1] + found[1]]
        print(f"{example.kind:>2} {example.rule:34} {'aias' if found[0] else '-':5} {'squawk' if found[1] else '-'}")
    figures.add_ratio("unsafe kinds found", f"{hits[0]} of 50", "≥ 49 of 50", hits[0] / 49)
    figures.add_ratio("unsafe kinds found by squawk", f"{hits[1]} of 50", "-", hits[1] / hits[0])
    assert hits[0] >= 49


def test_false_alarms(figures: Figures, tmp_path: Path) -> None:
    examples = [example for example in iter_safe_examples() if not example.before]
    ours = sum(bool(example.lint()) for example in examples)
    said = squawk(*write(tmp_path / "safe", examples))
    theirs = sum(bool(rules - NO_DANGER) for rules in said.values())
    most = len(examples) // 100
    figures.add_ratio("false alarms", f"{ours} of {len(examples)}", f"≤ {most}", ours / most)
    figures.add_ratio("false alarms of squawk", f"{theirs} of {len(examples)}", "-", theirs / most)
    assert ours <= most
