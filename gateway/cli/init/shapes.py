"""What `gateway init` is told, and how each answer is read from what a person types."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from gateway.identifiers import ACCOUNT, PRACTICE_NUMBER, TRANSMISSION_NUMBER, is_device_name, is_test_number
from gateway.messages import LANGUAGES, Both, both

PROFILES = ("agency", "clinic", "developer")
_DOOR = re.compile(
    r"(?P<host>[A-Za-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?\s+(?P<key>[a-z0-9@.-]+ [A-Za-z0-9+/]{40,}={0,2})"
)
_VERSION = re.compile(r"(?P<name>.*\S)\s+(?P<version>[0-9][\w.-]*)")
_LONGEST = 100  # characters of a name


class Wrong(Exception):
    """An answer that cannot be used; `both` says what belongs there."""

    def __init__(self, said: Both) -> None:
        super().__init__(said["en"])
        self.both = said


@dataclass(frozen=True, slots=True)
class System:
    """One billing system: its software's name, its version when it was said, and what its folders are called."""

    name: str
    version: str | None
    folder: str


@dataclass(frozen=True, slots=True)
class Account:
    """A billing account and the practice numbers of who bills through it."""

    id: str
    kind: str
    practitioners: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Door:
    """Where the payer's server is, and the host key to pin."""

    host: str
    port: int
    key: str


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything `gateway init` wants to know. `number` and `payer` are None while the payer has not given them."""

    language: str
    profile: str
    name: str
    number: str | None
    payer: Door | None
    accounts: tuple[Account, ...]
    since: date
    systems: tuple[System, ...]

    @property
    def rehearses_in_itself(self) -> bool:
        """A developer's house talks to the sandbox for good; the others get a house of their own to practise in."""
        return self.profile == "developer"


def language(text: str) -> str:
    return _one_of(text, LANGUAGES)


def profile(text: str) -> str:
    return _one_of(text, PROFILES)


def name(text: str) -> str:
    if not text or not text.isprintable() or "\ufffd" in text or len(text) > _LONGEST:
        raise Wrong(both("init.wrong_name", longest=_LONGEST))
    return text


def real_number(text: str) -> str | None:
    """The number the payer gave; nothing while it has given none."""
    if text and (not TRANSMISSION_NUMBER.fullmatch(text) or is_test_number(text)):
        raise Wrong(both("init.wrong_number", text=text))
    return text or None


def test_number(text: str) -> str:
    if not is_test_number(text):
        raise Wrong(both("init.wrong_test_number", text=text))
    return text


def door(text: str) -> Door | None:
    """A line like those of known_hosts: `host[:port] ssh-ed25519 AAAA…`; nothing while it is not known."""
    if not text:
        return None
    found = _DOOR.fullmatch(text)
    if found is None or not 1 <= int(found["port"] or 22) <= 65535:
        raise Wrong(both("init.wrong_payer"))
    return Door(found["host"], int(found["port"] or 22), found["key"])


def accounts(text: str) -> tuple[Account, ...]:
    """`231236, 12345=231234+231235`: a practice number is a personal account; five digits an administrative one,
    with the practice numbers of who bills through it."""
    found = tuple(_account(part) for part in _parts(text))
    _all_different([account.id for account in found])
    return found


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Wrong(both("init.wrong_day", text=text)) from None


def systems(text: str) -> tuple[System, ...]:
    """`Dentix 2.1, FactSoft`: one or more, each with its version when it is known."""
    found = tuple(_system(part) for part in _parts(text))
    if not found:
        raise Wrong(both("init.wrong_systems"))
    _all_different([system.folder for system in found])
    return found


def _one_of(text: str, known: tuple[str, ...]) -> str:
    """One of the words, or its first letters."""
    close = [word for word in known if text and word.startswith(text.lower())]
    if len(close) != 1:
        raise Wrong(both("init.wrong_choice", text=text, known=", ".join(known)))
    return close[0]


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _account(text: str) -> Account:
    number, _, people = text.partition("=")
    number = number.strip().removeprefix("personal:").removeprefix("admin:")
    users = tuple(dict.fromkeys(person.strip() for person in people.split("+") if person.strip()))
    personal = PRACTICE_NUMBER.fullmatch(number) is not None and not people
    id_ = f"{'personal' if personal else 'admin'}:{number}"
    users = (number,) if personal else users
    if not ACCOUNT.fullmatch(id_) or not users or not all(map(PRACTICE_NUMBER.fullmatch, users)):
        raise Wrong(both("init.wrong_account", text=text))
    if personal:
        return Account(id_, "personal", users)
    return Account(id_, "admin_individual" if len(users) == 1 else "admin_collective", users)


def _system(text: str) -> System:
    found = _VERSION.fullmatch(text)
    called, version = (found["name"], found["version"]) if found else (text, None)
    bare = unicodedata.normalize("NFKD", name(called)).encode("ascii", "ignore").decode().lower()
    folder = re.sub("[^a-z0-9]+", "-", bare).strip("-")
    if not folder or is_device_name(folder):
        raise Wrong(both("init.wrong_system", text=text))
    return System(called, version, folder)


def _all_different(names: list[str]) -> None:
    if twice := next((one for one in names if names.count(one) > 1), None):
        raise Wrong(both("init.wrong_twice", text=twice))


Read = Callable[[str], object]
