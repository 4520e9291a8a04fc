"""What applying a registry file would do, readable like a diff; and doing it, all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from gateway.catalog import Catalog
from gateway.clock import local
from gateway.config import Config
from gateway.config.strict import read
from gateway.errors import StaleState
from gateway.messages import Both, say, side_by_side
from gateway.platform import passing
from gateway.registry import carrying
from gateway.registry.contradictions import find_contradictions
from gateway.registry.desk import Desk
from gateway.registry.diff import compare
from gateway.registry.file import RegistryFile
from gateway.registry.oddities import find_oddities
from gateway.registry.recall import Correction, correction
from gateway.registry.steps import ADD, CHANGE, CLOSE, Step
from gateway.registry.switching import find_switches
from gateway.store import Store, Tx
from gateway.store import registry as rows

TRIES = 5  # how often a plan is made anew because somebody else changed the registry meanwhile


@dataclass(frozen=True)
class Plan:
    """The steps of one file against the registry of one moment. With refusals nothing is applied."""

    steps: tuple[Step, ...] = ()
    warnings: tuple[Both, ...] = ()
    refusals: tuple[Both, ...] = ()
    recalled: tuple[Both, ...] = ()  # what happened under the facts it corrects, and should not have
    applied: bool = False
    token: str = ""  # the registry it was made for

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
        """One line a step: `+` new, `~` changed, `-` ended; `<` recalled, `?` a warning, `!` a refusal; what became."""
        lines = [f"{step.sign} {step.sentence[lang]}" for step in self.steps]
        lines += [f"< {recalled[lang]}" for recalled in self.recalled]
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
    refusal in the plan. Raises StaleState when others keep changing the registry meanwhile.
    """
    return bring(store, file, read(file, RegistryFile), config, catalog, dry_run=dry_run)


def bring(
    store: Store,
    file: Path,
    said: RegistryFile,
    config: Config,
    catalog: Catalog,
    *,
    dry_run: bool = False,
    lines: Sequence[int] = (),
    also: Callable[[Tx], None] | None = None,
) -> Plan:
    """The same for what was read already. `file` is what sentences call it, and where its paths begin; `lines` says on
    which lines its accreditations stand, where it is a spreadsheet; `also` is done in the transaction that makes the
    plan count."""
    for _ in range(TRIES):
        with store.read() as tx:
            token, tables = rows.token(tx), rows.load(tx)
            desk = Desk(file, said, tables, local(tx.now).date(), lines)
            plan = _planned(desk, config, catalog, token)
            corrected = None if plan.refusals else correction(desk)
            plan = replace(plan, recalled=_recalled(tx, corrected))
        if dry_run or plan.refusals:
            return plan
        passing("registry.planned")
        doings = [also] if also else []
        if corrected is not None:
            doings.append(partial(_keep, corrected=corrected, lang=config.gateway.language))
        if carrying.carry_out(store, plan.steps, plan.token, doings):
            return replace(plan, applied=True)
    raise StaleState(side_by_side("registry.others_change_it", file=file))


def _recalled(tx: Tx, corrected: Correction | None) -> tuple[Both, ...]:
    return tuple(corrected.say(row) for row in corrected.found(tx)[0]) if corrected else ()


def _keep(tx: Tx, corrected: Correction, lang: str) -> None:
    """Looked for once more, where nobody else can write: something may have gone since the plan was made."""
    corrected.keep(tx, lang)


def _planned(desk: Desk, config: Config, catalog: Catalog, token: str) -> Plan:
    """Planned on one consistent look; nothing is locked, however long it takes."""
    compare(desk)
    find_contradictions(desk, config, catalog)
    find_oddities(desk)
    find_switches(desk, timedelta(days=config.gateway.switch_days))
    work = desk.work
    return Plan(tuple(work.steps), tuple(work.warnings), tuple(work.refusals), token=token)
