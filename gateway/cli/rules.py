"""`gateway rules`: what the rules are."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from gateway import catalog as catalogs
from gateway.cli.common import Call
from gateway.cli.findings import document as findings
from gateway.cli.judged import catalog_folders
from gateway.cli.rule_counts import show as counts
from gateway.cli.rule_diff import diff

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="rules.help")
group.command("counts", help="rules.counts_help")(counts)
group.command("diff", help="rules.diff_help")(diff)


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.add_typer(group, name="rules")


@group.command("document", help="rules.document_help")
def document(
    ctx: typer.Context, output: Path | None = typer.Option(None, "--output", metavar="FILE", help="rules.output")
) -> None:
    call: Call = ctx.obj
    page = findings(catalogs.load(catalog_folders(call)))
    if output is None:
        sys.stdout.write(page)
    else:
        output.write_text(page, encoding="utf-8", newline="\n")
