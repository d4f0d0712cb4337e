"""aias db"""

from aias_cli.commands.db.approve import approve
from aias_cli.commands.db.audit import audit
from aias_cli.commands.db.backup import group as backup
from aias_cli.commands.db.classify import group as classify
from aias_cli.commands.db.diff import diff
from aias_cli.commands.db.docs import group as docs
from aias_cli.commands.db.erase import group as erase
from aias_cli.commands.db.hold import group as hold
from aias_cli.commands.db.lint import lint
from aias_cli.commands.db.migrate import migrate
from aias_cli.commands.db.partitions import group as partitions
from aias_cli.commands.db.plan import plan
from aias_cli.commands.db.rehearse import rehearse
from aias_cli.commands.db.repair import repair
from aias_cli.commands.db.restore import restore
from aias_cli.commands.db.restore_drill import restore_drill
from aias_cli.commands.db.retention import group as retention
from aias_cli.commands.db.rollback import rollback
from aias_cli.commands.db.status import status
from aias_cli.commands.db.verify import verify
from aias_cli.options import command_group

group = command_group(
    "Schema migrations of both databases.",
    approve=approve,
    audit=audit,
    backup=backup,
    classify=classify,
    diff=diff,
    docs=docs,
    erase=erase,
    hold=hold,
    lint=lint,
    migrate=migrate,
    partitions=partitions,
    plan=plan,
    rehearse=rehearse,
    repair=repair,
    restore=restore,
    restore_drill=restore_drill,
    retention=retention,
    rollback=rollback,
    status=status,
    verify=verify,
)
