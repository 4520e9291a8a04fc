"""What applying a registry file would do, readable like a diff; and doing it, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.catalog import Catalog
from gateway.clock import local
from gateway.config import Config
from gateway.config.strict import read
from gateway.messages import Both, both, say
from gateway.registry.book import Book
from gateway.registry.contradictions import find_contradictions
from gateway.registry.diff import Diff
from gateway.registry.file import RegistryFile
from gateway.registry.steps import ADD, CHANGE, CLOSE, Step
from gateway.store import Store, Tx, credentials, due
from gateway.store import registry as rows


@dataclass(frozen=True)
class Plan:
    """The steps of one file against the registry of one moment. With refusals nothing is applied."""

    steps: tuple[Step, ...] = ()
    warnings: tuple[Both, ...] = ()
    refusals: tuple[Both, ...] = ()
    applied: bool = False

    @property
    def adds(self) -> list[Both]:
        """What is new."""
        return self._signed(ADD)

    @property
    def changes(self) -> list[Both]:
        """What becomes different."""
        return self._signed(CHANGE)

    @property
    def closings(self) -> list[Both]:
        """What ends, or is withdrawn."""
        return self._signed(CLOSE)

    def text(self, lang: str) -> str:
        """One line a step: `+` new, `~` changed, `-` ended; `?` a warning, `!` a refusal; then what became of it."""
        lines = [f"{step.sign} {step.sentence[lang]}" for step in self.steps]
        lines += [f"? {warning[lang]}" for warning in self.warnings]
        lines += [f"! {refusal[lang]}" for refusal in self.refusals]
        return "\n".join([*lines, say(f"registry.{self._fate()}", lang)])

    def _signed(self, sign: str) -> list[Both]:
        return [step.sentence for step in self.steps if step.sign == sign]

    def _fate(self) -> str:
        if self.refusals:
            return "nothing_applied"
        if not self.steps:
            return "nothing_to_do"
        return "applied" if self.applied else "only_planned"


def apply(store: Store, file: Path, config: Config, catalog: Catalog, *, dry_run: bool = False) -> Plan:
    """Bring the registry in line with the file, all of it or nothing; with `dry_run` only say how. `catalog`
    knows the rules whose severity an agency may change.

    Raises ConfigError when the file cannot be read as a registry; what contradicts itself or what is known is a
    refusal in the plan.
    """
    said = read(file, RegistryFile)
    if dry_run:
        with store.read() as tx:
            return _planned(tx, file, said, config, catalog)
    with store.write() as tx:
        plan = _planned(tx, file, said, config, catalog)
        if plan.refusals:
            return plan
        _carry_out(tx, plan)
    return Plan(plan.steps, plan.warnings, applied=True)


def _planned(tx: Tx, file: Path, said: RegistryFile, config: Config, catalog: Catalog) -> Plan:
    tables = rows.load(tx)
    work = Diff(file, said, tables, tx.now).run(local(tx.now).date())
    find_contradictions(work, said, tables, config, catalog)
    return Plan(tuple(work.steps), tuple(_warnings(file, said)), tuple(work.refusals))


def _warnings(file: Path, said: RegistryFile) -> list[Both]:
    told = []
    for agency in said.agencies:
        for number in agency.numbers:
            if number.payer not in agency.payers and agency.payers:
                values = {"name": agency.name, "number": number.number, "payer": number.payer}
                told.append(both("registry.payer_not_used", file=file, **values))
        for source in agency.sources:
            folder = source.pickup.settings(file.absolute().parent)["path"]
            if source.pickup.kind == "folder" and not Path(folder).is_dir():
                values = {"name": agency.name, "source": source.name, "folder": folder}
                told.append(both("registry.folder_missing", file=file, **values))
    return told


def _carry_out(tx: Tx, plan: Plan) -> None:
    for step in plan.steps:
        step.do(tx)
    tables = rows.load(tx)
    today = local(tx.now).date()
    have = {(row.payer, row.number) for row in credentials.every(tx)}
    lasting = {(n.payer, n.number) for n in tables.numbers if n.valid_to is None or n.valid_to >= today}
    for payer, number in sorted(lasting - have):
        credentials.expect(tx, payer, number)
    if plan.steps:
        for agency in Book(tables).agencies():
            due.wake(tx, "validate", agency.id)  # what was held for want of a fact is asked again
