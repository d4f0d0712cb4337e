"""A rule is a function of a part and its scene, entered in the table of rules by its decorator."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from aias_core.migrate.lint.finding import Severity
from aias_core.migrate.lint.parts import Part
from aias_core.migrate.lint.scene import Scene

Judge = Callable[[Part, Scene], bool]
Reach = Literal["live", "expand", "any", "bodies"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing a migration should not do.

    `reach` says where it holds: `live` for objects that were there before the file; `expand` for those too, but not in
    files of the phase `contract` and not on the way down; `any` for new objects too; `bodies` also inside functions.
    """

    id: str
    why: str
    safer: str
    reach: Reach = "live"
    severity: Severity = "error"
    judge: Judge = field(default=lambda _part, _scene: True, compare=False, repr=False)

    def holds(self, part: Part, scene: Scene) -> bool:
        """Whether the rule is broken by a part."""
        if self.reach in ("live", "expand") and not scene.is_live(part.target):
            return False
        if self.reach == "expand" and (scene.directives.phase == "contract" or scene.direction == "down"):
            return False
        return self.judge(part, scene)


RULES: dict[str, Rule] = {}
RULES_BY_KIND: defaultdict[str, list[Rule]] = defaultdict(list)


def rule(
    rule_id: str, *kinds: str, why: str, safer: str, reach: Reach = "live", severity: Severity = "error"
) -> Callable[[Judge], Judge]:
    """Enters a function in the table of rules, for parts of the kinds given."""

    def enter(judge: Judge) -> Judge:
        entered = Rule(rule_id, why, safer, reach, severity, judge)
        RULES[rule_id] = entered
        for kind in kinds:
            RULES_BY_KIND[kind].append(entered)
        return judge

    return enter


def named_rule(rule_id: str, why: str, safer: str, severity: Severity = "error") -> Rule:
    """Enters a rule that is judged over a whole file or directory, not over a part."""
    RULES[rule_id] = Rule(rule_id, why, safer, "any", severity)
    return RULES[rule_id]
