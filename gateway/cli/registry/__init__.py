"""`gateway registry …`: bring the registry in line with a file, read it on any day, and as it was known on any day."""

from __future__ import annotations

import typer

from gateway.cli.registry.bring import apply_, import_
from gateway.cli.registry.drift import drift
from gateway.cli.registry.look import history, show
from gateway.cli.registry.proposals import proposals
from gateway.cli.registry.recall import recall

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="registry.help")
group.command("apply", help="registry.apply.help")(apply_)
group.command("import", help="registry.import.help")(import_)
group.command("show", help="registry.show.help")(show)
group.command("history", help="registry.history.help")(history)
group.command("drift", help="registry.drift.help")(drift)
group.command("recall", help="registry.recall_help")(recall)
group.add_typer(proposals, name="proposals")


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.add_typer(group, name="registry")
