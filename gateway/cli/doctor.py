"""`gateway doctor`: examine the installation part by part; each part says whether it is well and what to do."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from gateway import families
from gateway.app import masters
from gateway.archive import ALL_SEALED
from gateway.cli.common import Call, show_json
from gateway.cli.house import configuration
from gateway.cli.safety import safety, sentence, why_held
from gateway.clock import SystemClock, local
from gateway.config import Config
from gateway.errors import ConfigError, GatewayError
from gateway.keyring import Keyring
from gateway.messages import room
from gateway.platform import WINDOWS
from gateway.registry import Book
from gateway.store import LINKED_SQLITE, Store, credentials, journal_mode, watching

OLDEST_PLAUSIBLE = 2026  # a machine whose clock is behind this program's own making cannot date anything


@dataclass(frozen=True)
class Part:
    """What the doctor found of one part. `said` is a sentence already."""

    name: str
    well: bool
    said: str


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.command("doctor", help="doctor.help")(doctor)


def doctor(ctx: typer.Context, as_json: bool = typer.Option(False, "--json", help="option.json")) -> int:
    call: Call = ctx.obj
    parts = list(examine(call))
    if as_json:
        show_json([{"part": part.name, "ok": part.well, "said": part.said} for part in parts])
    else:
        console = Console(soft_wrap=True)
        for part in parts:
            mark = "[green]✓[/green]" if part.well else "[red]✗[/red]"
            console.print(f"{mark} {call.say(f'doctor.part_{part.name}')} – {escape(part.said)}", highlight=False)
    return 0 if all(part.well for part in parts) else 1


def examine(call: Call) -> Iterator[Part]:
    """Every part, in the order in which one leans on the other."""
    try:
        config = configuration(call)
    except ConfigError as error:
        yield Part("configuration", False, error.both[call.lang])
        return
    where = call.say("doctor.configuration_found", file=config.path) if config.path else call.say("doctor.built_in")
    yield Part("configuration", True, where)
    for name, look in EXAMINATIONS.items():
        try:
            yield Part(name, *look(call, config))
        except ConfigError as error:
            yield Part(name, False, error.both[call.lang])
        except (GatewayError, OSError) as error:
            yield Part(name, False, str(error))


def _permissions(call: Call, config: Config) -> tuple[bool, str]:
    state = config.paths.state
    if not state.exists():
        return True, call.say("doctor.not_started", folder=state)
    open_to_others = [p for p in (state, config.paths.key_file, config.paths.database) if _readable_by_others(p)]
    if open_to_others:
        return False, call.say("doctor.too_open", file=open_to_others[0])
    return True, call.say("doctor.private", folder=state)


def _readable_by_others(path: Path) -> bool:
    return path.exists() and not WINDOWS and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _key(call: Call, config: Config) -> tuple[bool, str]:
    """Its source, and whether it is the one that everything is sealed under."""
    if not config.paths.database.exists():
        return True, call.say("doctor.key_later")
    with _store(call, config) as store:
        assert store is not None
        ring = Keyring.open(store, masters(config))
        standing, sealed = ring.standing(), ring.has(ALL_SEALED)
    values = {"where": ring.masters.source.where(), "fingerprint": standing.fingerprint, "count": standing.live}
    if standing.retiring:
        return False, call.say("doctor.key_unfinished", **values)
    kit = call.say("key.kit_there" if standing.kit else "key.kit_missing")
    return True, f"{call.say('doctor.key_well' if sealed else 'doctor.key_old', **values)} {kit}"


@contextmanager
def _store(call: Call, config: Config) -> Iterator[Store | None]:
    """The database, without the keys; None before the first start."""
    if not config.paths.database.exists():
        yield None
        return
    store = Store.open(config.paths.database, SystemClock(), actor=call.who)
    try:
        yield store
    finally:
        store.close()


def _database(call: Call, config: Config) -> tuple[bool, str]:
    with _store(call, config):
        pass
    return True, call.say("doctor.sqlite", version=LINKED_SQLITE, journal=journal_mode())


def _clock(call: Call, _config: Config) -> tuple[bool, str]:
    moment = local(SystemClock().now())
    well = moment.year >= OLDEST_PLAUSIBLE
    return well, call.say("doctor.clock" if well else "doctor.clock_wrong", now=f"{moment:%Y-%m-%d %H:%M %Z}")


def _schemas(call: Call, config: Config) -> tuple[bool, str]:
    """Both engines must take every schema that counts: one judges documents, the other is the second opinion."""
    counting = [one for one in families.families(config.paths.schemas) if not one.hidden]
    for one in counting:
        for problem in families.unusable(one.family):
            return False, f"{one.folder}/{problem.said(call.lang)}"
    count = len({document.schema for one in counting for document in one.family.documents if document.schema})
    names = ", ".join(_family(call, one) for one in counting)
    return True, call.say("doctor.schemas", count=count, names=names)


def _family(call: Call, one: families.Installed) -> str:
    return call.say(f"doctor.family_{'own' if one.own else 'shipped'}", name=one.folder, version=one.family.version)


def _payers(call: Call, config: Config) -> tuple[bool, str]:
    """A server without a pinned host key is never spoken to."""
    unpinned = [payer.name for payer in config.payers if payer.kind == "sftp" and len(payer.host_key.split()) < 2]
    if unpinned:
        return False, call.say("doctor.host_key_missing", file=config.path, payer=unpinned[0])
    return True, call.say("doctor.payers", names=", ".join(config.payer_names) or "–")


def _passwords(call: Call, config: Config) -> tuple[bool, str]:
    """None waits for a person."""
    with _store(call, config) as store:
        if store is None:
            return True, call.say("doctor.mailboxes_later")
        with store.read() as tx:
            stuck, count = [*watching.barred(tx), *watching.unread(tx)], len(credentials.every(tx))
    if not stuck:
        return True, call.say("doctor.passwords", count=count)
    row = stuck[0]
    values = {"payer": row.payer, "number": row.number, "code": row.reason or row.state}
    known = row.reason in room("credentials")
    return False, call.say(f"credentials.{row.reason}" if known else "doctor.password_other", **values)


def _mailboxes(call: Call, config: Config) -> tuple[bool, str]:
    """The agencies' folders are there, and hold nothing that is passed over in silence."""
    with _store(call, config) as store:
        if store is None:
            return True, call.say("doctor.mailboxes_later")
        with store.read() as tx:
            book = Book.load(tx)
    folders = 0
    for source in (s for agency in book.agencies() for s in book.sources(agency.id) if s.active):
        for box in (source.pickup, source.returns):
            if box["kind"] != "folder":
                continue
            folders += 1
            if wrong := _wrong_folder(Path(box["path"]), deposits=box is source.pickup):
                return False, call.say(wrong[0], source=source.name, file=wrong[1])
    return True, call.say("doctor.mailboxes", count=folders)


def _wrong_folder(folder: Path, *, deposits: bool) -> tuple[str, Path] | None:
    """The key of what is wrong with a folder, and what it is about."""
    if not folder.is_dir():
        return "doctor.folder_missing", folder
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return "doctor.folder_closed", folder
    refused = next((entry for entry in sorted(folder.iterdir()) if deposits and _is_refused(entry)), None)
    return ("doctor.refused", refused) if refused else None


def _is_refused(entry: Path) -> bool:
    """What no mailbox takes: links, pipes, devices, folders other than its own recus/."""
    facts = entry.lstat()
    own = entry.name == "recus" and stat.S_ISDIR(facts.st_mode)
    return not own and not (stat.S_ISREG(facts.st_mode) and facts.st_nlink == 1)


def _watching(call: Call, config: Config) -> tuple[bool, str]:
    """Somebody must learn of it when the service stops or the disk fills up."""
    said = config.monitor
    free, folder = shutil.disk_usage(_there(config.paths.state)).free, config.paths.state
    if free < said.disk_low_bytes:
        return False, call.say("doctor.disk_low", folder=folder, free=free // 1_000_000)
    which = "closed" if not said.port else "loopback" if said.loopback else "open"
    return True, call.say(f"doctor.monitor_{which}", address=said.address, port=said.port, free=free // 1_000_000)


def _alerts(call: Call, config: Config) -> tuple[bool, str]:
    """Somebody is told when something is wrong, and what it takes is there and private."""
    if not config.recipients:
        return True, call.say("doctor.alerts_nobody")
    files = {config.mail.password_file, *(one.secret_file for one in config.recipients)} - {""}
    for file in sorted(files):
        if not os.access(file, os.R_OK):
            return False, call.say("doctor.alerts_file", file=file)
        if _readable_by_others(Path(file)):
            return False, call.say("doctor.too_open", file=file)
    for recipient, agency in _strangers(call, config):
        return False, call.say("doctor.alerts_agency", recipient=recipient, agency=agency)
    return True, call.say("doctor.alerts_well", names=", ".join(one.name for one in config.recipients))


def _strangers(call: Call, config: Config) -> Iterator[tuple[str, str]]:
    """Recipients that name an agency nobody bears: they would never be told."""
    with _store(call, config) as store:
        if store is None:
            return
        with store.read() as tx:
            known = {name for agency in Book.load(tx).all_agencies() for name in (agency.id, agency.name)}
    yield from ((one.name, name) for one in config.recipients for name in one.agencies if name not in known)


def _backup(call: Call, config: Config) -> tuple[bool, str]:
    """A second copy is made in time, and nothing holds this place."""
    if held := why_held(call, config):
        return False, held
    with _store(call, config) as store:
        if store is None:
            return True, call.say("backups.never_configured")
        with store.read() as tx:
            found = safety(tx, config)
    return not found["late"], sentence(call, found)


def _there(folder: Path) -> Path:
    """The folder, or the nearest above it that exists."""
    return next(place for place in (folder, *folder.absolute().parents) if place.exists())


EXAMINATIONS: dict[str, Callable[[Call, Config], tuple[bool, str]]] = {
    "permissions": _permissions,
    "key": _key,
    "database": _database,
    "clock": _clock,
    "schemas": _schemas,
    "payers": _payers,
    "passwords": _passwords,
    "mailboxes": _mailboxes,
    "watching": _watching,
    "alerts": _alerts,
    "backup": _backup,
}
