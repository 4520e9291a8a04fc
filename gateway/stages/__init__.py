"""What a stage of the flow is, what it may use, and what it tells of a run. `loop` runs them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import BinaryIO, Protocol

from gateway.archive import Archive
from gateway.catalog import Catalog
from gateway.clock import Clock, today
from gateway.config import Config
from gateway.identifiers import lane
from gateway.models import Source
from gateway.ports import Delivery, Door, Maker, Pickup
from gateway.registry import Book
from gateway.report import InvoiceIndex, Report
from gateway.store import Store, Tx
from gateway.validation import ArchiveLimits, Limits


class Mailboxes(Protocol):
    """Opens mailboxes for stages, which never see an adapter. Each context closes its connection at the end."""

    def pickup(self, source: Source) -> AbstractContextManager[Pickup]:
        """Where a source deposits its lots."""

    def returns(self, source: Source) -> AbstractContextManager[Delivery]:
        """Where a source wants its replies."""

    def print_queue(self) -> AbstractContextManager[Delivery]:
        """Where what goes on paper is laid to be printed; only where the configuration names such a folder."""

    def payer_deposit(self, payer: str, number: str) -> AbstractContextManager[Delivery]:
        """Where requests of this transmission number go. Raises Denied when its credential cannot be used."""

    def payer_returns(self, payer: str, number: str) -> AbstractContextManager[Pickup]:
        """Where the payer leaves its replies for this transmission number. Raises Denied likewise."""

    def payer_login(self, payer: str, number: str, machine: str | None = None) -> None:
        """Log in, look at the returns and leave: that proves a password, or settles a change of it. Raises as looking
        there does."""

    def payer_door(self, payer: str, number: str, machine: str = "") -> Door:
        """Where this password is changed unasked. Raises ConfigError where the payer has no such way."""

    def machine_maker(self, payer: str, number: str) -> Maker:
        """Where the payer makes machine identifiers of this number."""


class Judge(Protocol):
    """`validation.judge` by the installed families, for documents nobody trusts (`slots.Slots.judge`)."""

    def __call__(
        self,
        owner: str,
        source: BinaryIO,
        name: str,
        *,
        on: date | None = None,
        tolerances: Collection[str] = (),
        sink: Callable[[InvoiceIndex], None] | None = None,
        limits: Limits | None = None,
        severities: Mapping[str, str] = MappingProxyType({}),
    ) -> Report:
        """`owner` (an agency's id): what one owner's documents do to a process reaches no other's."""


@dataclass(frozen=True)
class Rooms:
    """Everything a stage may use, wired once by `app`."""

    config: Config
    store: Store
    archive: Archive
    catalog: Catalog
    clock: Clock
    mailboxes: Mailboxes
    worker: str  # this process: the owner of every lease it takes
    judge: Judge

    @property
    def lot_limits(self) -> ArchiveLimits:
        """What a lot that is a ZIP may cost."""
        config = self.config.gateway
        return ArchiveLimits(
            members=config.max_members,
            member_bytes=config.max_document_bytes,
            total_bytes=config.max_unpacked_bytes,
            ratio=config.max_ratio,
        )


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing a stage looks at, and how often it looks without being woken."""

    name: str
    every: float  # seconds


def payer_endpoints(rooms: Rooms, more: Callable[[Tx], Iterable[tuple[str, str]]] = lambda _: ()) -> list[Endpoint]:
    """An endpoint for each transmission number held today, and for each (payer, number) of `more`, whose payer is
    configured; looked at as often as that payer's table says."""
    with rooms.store.read() as tx:
        held = {(payer, number) for payer, number, _ in Book.load(tx).live_numbers(today(rooms.clock))}
        wanted = held.union(more(tx))
    every = {payer.name: payer.poll for payer in rooms.config.payers}
    return [Endpoint(lane(payer, number), every[payer]) for payer, number in sorted(wanted) if payer in every]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did. Times are seconds, and make the next run sooner than its interval would.

    `again_in`: something is about to be finished (a file still being written), and `once` stays for it. `retry_in`: a
    failed record is tried again then; `once` does not stay for that.
    """

    worked: int = 0
    again_in: float | None = None
    retry_in: float | None = None

    @property
    def next_in(self) -> float | None:
        """The sooner of the two."""
        return min((s for s in (self.again_in, self.retry_in) if s is not None), default=None)


class Stage(Protocol):
    """One verb of the flow."""

    name: str

    def endpoints(self, rooms: Rooms) -> list[Endpoint]:
        """What there is to look at now, from the registry and the configuration."""

    def run(self, rooms: Rooms, endpoint: str) -> Outcome:
        """Look once. May be killed anywhere and run again."""
