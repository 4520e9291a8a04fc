"""Where the demonstration plays: folders, an agency's own file server, the payer, the configuration, the registry."""

from __future__ import annotations

import secrets
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.app import shipped_and_own
from gateway.clock import SystemClock
from gateway.platform import private_dir
from gateway.sandbox import Sandbox
from gateway.sandbox.sftp_server import SftpServer, StaticUsers

LAURIER, FLEUVE, SOLO = "18001", "18002", "18003"
# Invented practitioners and accounts; dental practice numbers begin with 2.
COLLECTIVE = "admin:12345"
LAURIER_ACCOUNTS = (COLLECTIVE, "personal:231236", "personal:231237")
FLEUVE_ACCOUNTS = ("personal:245001", "personal:245002")
SOLO_ACCOUNTS = ("personal:251111",)
UNKNOWN_ACCOUNT = "personal:249999"
MOVING_ACCOUNT = "personal:245002"  # from the clinic to the commercial agency, in the middle of a period

REGISTRY = """
[[agency]]
name = "Agence Commerciale Laurier"
kind = "commercial"
payers = ["{payer}"]
migrated_on = 2016-07-01
language = "fr"
  [[agency.number]]
  payer = "{payer}"
  number = "18001"
  from = 2016-07-01
  [[agency.source]]
  name = "factsoft"
  software = {{ developer = "18001", name = "FactSoft", version = "4.2" }}
  pickup = {{ kind = "sftp", host = "127.0.0.1", port = {port}, user = "passerelle", host_key = "{host_key}", \
password_file = "laurier.password", path = "lots", finished = "rename", after = "move" }}
  returns = {{ kind = "sftp", host = "127.0.0.1", port = {port}, user = "passerelle", host_key = "{host_key}", \
password_file = "laurier.password", path = "retours" }}

[[agency]]
name = "Clinique dentaire du Fleuve"
kind = "in_practice"
payers = ["{payer}"]
migrated_on = 2017-11-15
language = "fr"
  [[agency.number]]
  payer = "{payer}"
  number = "18002"
  from = 2017-11-15
  [[agency.source]]
  name = "dentiplus"
  software = {{ developer = "18001", name = "FactSoft", version = "4.2" }}
  pickup = {{ kind = "folder", path = "agences/fleuve/lots", finished = "settle", settle_seconds = 0.2, \
after = "move" }}
  returns = {{ kind = "folder", path = "agences/fleuve/retours" }}

[[agency]]
name = "Cabinet de la Rive"
kind = "solo"
payers = ["{payer}"]
language = "en"
  [[agency.number]]
  payer = "{payer}"
  number = "18003"
  from = 2012-01-01
  [[agency.source]]
  name = "ancien"
  software = {{ developer = "18001", name = "FactSoft", version = "1.9" }}
  pickup = {{ kind = "folder", path = "agences/rive/lots", finished = "rename", after = "remove" }}
  returns = {{ kind = "folder", path = "agences/rive/retours" }}
"""


@dataclass(frozen=True)
class Scene:
    """The demonstration's places and people."""

    folder: Path
    payer: Sandbox
    payer_name: str
    config_file: Path
    registry_file: Path
    temporary_passwords: dict[str, str]

    def box(self, number: str, which: str) -> Path:
        """An agency's `lots` or `retours` folder as its own software sees it."""
        name = {LAURIER: "laurier", FLEUVE: "fleuve", SOLO: "rive"}[number]
        return self.folder / "agences" / name / which

    @property
    def print_queue(self) -> Path:
        """Where what goes on paper is laid."""
        return self.folder / "impression"

    def payer_has_mail(self) -> bool:
        """Whether a reply lies uncollected in a return box, once the payer has answered everything it got."""
        self.payer.process()
        return any(any(self.payer.returns(number).iterdir()) for number in self.temporary_passwords)

    def addressed(self, parcel: Path) -> list[str]:
        """The transmission number of each statement in a parcel that lies in the payer's return box."""
        number = next(n for n in self.temporary_passwords if self.payer.returns(n) == parcel.parent)
        with zipfile.ZipFile(parcel) as members:
            return [number for _ in members.namelist()]


@contextmanager
def built(folder: Path) -> Iterator[Scene]:
    """Set the scene, serve it, and take the servers down at the end."""
    payer = Sandbox(private_dir(folder / "payeur"), shipped_and_own(folder), SystemClock())
    for name in ("laurier", "fleuve", "rive"):
        for box in ("lots", "retours"):
            private_dir(folder / "agences" / name / box)
    password = secrets.token_urlsafe(12)
    server = SftpServer(StaticUsers({"passerelle": (password, folder / "agences" / "laurier")}))
    port, payer_port = server.start(), payer.start()
    try:
        yield _written(folder, payer, payer_port, server, port, password)
    finally:
        payer.stop()
        server.stop()


def _written(folder: Path, payer: Sandbox, payer_port: int, server: SftpServer, port: int, password: str) -> Scene:
    """Write what an operator would: configuration, registry, the password file of an agency's server."""
    accounts = {LAURIER: LAURIER_ACCOUNTS, FLEUVE: FLEUVE_ACCOUNTS, SOLO: SOLO_ACCOUNTS}
    temporary = {number: payer.add(number, list(held)) for number, held in accounts.items() if number != LAURIER}
    temporary[LAURIER] = payer.add(LAURIER, [*LAURIER_ACCOUNTS, MOVING_ACCOUNT])
    secret = folder / "laurier.password"
    secret.touch(mode=0o600)
    secret.write_text(password + "\n", encoding="utf-8")
    config = folder / "gateway.toml"
    head = 'config_version = 1\n[gateway]\nstate_dir = "var"\nlanguage = "fr"\nprint_queue = "impression"\n'
    config.write_text(head + payer.payer_block(payer_port, name="sandbox"), encoding="utf-8")
    registry = folder / "registry.toml"
    text = REGISTRY.format(payer="sandbox", port=port, host_key=server.host_key_line) + _accounts(accounts)
    registry.write_text(text, encoding="utf-8")
    return Scene(folder, payer, "sandbox", config, registry, temporary)


def _accounts(accounts: dict[str, tuple[str, ...]]) -> str:
    """Accounts and accreditations of the registry."""
    lines: list[str] = []
    for number, held in accounts.items():
        for account in held:
            kind = "admin_collective" if account == COLLECTIVE else "personal"
            people = '["231234", "231235"]' if account == COLLECTIVE else f'["{account.partition(":")[2]}"]'
            lines.append(f'[[account]]\nid = "{account}"\nkind = "{kind}"\npractitioners = {people}\n')
            lines.append(f'[[accreditation]]\naccount = "{account}"\nagency = "{number}"\nfrom = 2012-01-01\n')
    return "\n" + "\n".join(lines)
