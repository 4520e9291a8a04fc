"""`gateway credential …`: hand over passwords, see how they fare, have them proved, changed or withdrawn."""

from __future__ import annotations

import typer

from gateway.cli.credential.act import machine, prove, retire, rotate
from gateway.cli.credential.look import status
from gateway.cli.credential.tell import alone, others, set_

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="credential.help")
group.command("set", help="credential.set_help")(set_)
group.command("status", help="credential.status_help")(status)
group.command("test", help="credential.test_help")(prove)
group.command("rotate", help="credential.rotate_help")(rotate)
group.command("machine", help="credential.machine_help")(machine)
group.command("alone", help="credential.alone_help")(alone)
group.command("others", help="credential.others_help")(others)
group.command("retire", help="credential.retire_help")(retire)


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.add_typer(group, name="credential")
