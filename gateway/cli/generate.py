"""`gateway generate`: write synthetic lots, the same ones for the same seed."""

from __future__ import annotations

from pathlib import Path

import typer

from gateway.cli.bar import bar
from gateway.cli.common import Call
from gateway.errors import ConfigError
from gateway.synthetic import FAULTS, LotFacts, LotSpec, documents, generate


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.command("generate", help="generate.help")(generate_)


def generate_(
    ctx: typer.Context,
    agency: str = typer.Option("18001", "--agency", help="generate.agency"),
    family: str = typer.Option("ramq-rfp", "--format", help="generate.format"),
    document: str | None = typer.Option(None, "--document", help="generate.document"),
    invoices: int = typer.Option(10, "--invoices", min=1, help="generate.invoices"),
    seed: int = typer.Option(1, "--seed", help="generate.seed"),
    account: str | None = typer.Option(None, "--account", help="generate.account"),
    practice: str | None = typer.Option(None, "--practice", help="generate.practice"),
    faults: str = typer.Option("", "--faults", help="generate.faults"),
    output: Path = typer.Option(..., "--output", help="generate.output"),
) -> None:
    call: Call = ctx.obj
    wanted = tuple(name for name in faults.replace(",", " ").split() if name)
    if unknown := [name for name in wanted if name not in FAULTS]:
        raise ConfigError(call.say("cli.generate_unknown_fault", fault=unknown[0], known=", ".join(sorted(FAULTS))))
    spec = LotSpec(
        format=family,
        document=document or documents().get(family, ("",))[0],
        agency=agency,
        invoices=invoices,
        seed=seed,
        account=account,
        practice=practice,
        faults=wanted,
    )
    facts = _written(call, spec, output)
    call.tell("cli.generate_done", file=output, invoices=facts.invoices, size=output.stat().st_size)


def _written(call: Call, spec: LotSpec, output: Path) -> LotFacts:
    """Write the lot under its name; a lot that cannot be written to its end leaves nothing for a gateway to take."""
    try:
        sink = output.open("xb")
    except FileExistsError:
        raise ConfigError(call.say("cli.generate_exists", file=output)) from None
    try:
        with sink, bar(call.say("cli.generate_working", file=output)):
            return generate(spec, sink)
    except BaseException:
        output.unlink(missing_ok=True)
        raise
