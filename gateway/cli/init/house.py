"""Writes a house: folders, a minimal configuration and a registry file, with comments in its owner's language."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gateway.cli.init.shapes import Account, Answers, Door, System
from gateway.messages import say
from gateway.platform import private_dir, write_private

CONFIG, REGISTRY, STATE = "gateway.toml", "registry.toml", "var"
PAGES = {"fr": "a-faire-demain", "en": "tomorrow"}  # what to do tomorrow
PRACTISE = "essai"  # the folder of the house to practise in
PAYER, SANDBOX = "regie", "sandbox"  # what the configuration calls them
TEST_NUMBER = "18001"
PRACTICE = Account("personal:231236", "personal", ("231236",))  # invented
OPENED = date(2016, 7, 1)  # in a house for practice everything has been in force for long
KINDS = {"agency": "commercial", "clinic": "in_practice", "developer": "in_practice"}
_BLOCK = """\
[[payer]]
name = "{name}"
formats = ["ramq-rfp", "ramq-dp"]
environment = "production"
kind = "sftp"
host = "{host}"
port = {port}
user = "{{transmission_number}}"
host_key = "{key}"
"""


@dataclass(frozen=True)
class Plan:
    """What one house holds. `payer_block`: the `[[payer]]` table of its configuration, None while nobody knows it."""

    language: str
    name: str
    kind: str
    payer: str
    payer_block: str | None
    number: str | None
    since: date
    systems: tuple[System, ...]
    accounts: tuple[Account, ...]
    settle_seconds: float

    def say(self, key: str, **values: object) -> str:
        return say(f"init.{key}", self.language, **values)


def real(answers: Answers) -> Plan:
    """The house that will talk to the payer."""
    return Plan(
        language=answers.language,
        name=answers.name,
        kind=KINDS[answers.profile],
        payer=PAYER,
        payer_block=_door(answers.payer) if answers.payer else None,
        number=answers.number,
        since=answers.since,
        systems=answers.systems,
        accounts=answers.accounts,
        settle_seconds=5,
    )


def practice(answers: Answers, payer_block: str) -> Plan:
    """A house that talks to the sandbox, with an invented account: a developer's own, or the one to practise in."""
    return Plan(
        language=answers.language,
        name=answers.name,
        kind=KINDS[answers.profile],
        payer=SANDBOX,
        payer_block=payer_block,
        number=(answers.rehearses_in_itself and answers.number) or TEST_NUMBER,
        since=OPENED,
        systems=answers.systems,
        accounts=(PRACTICE,),
        settle_seconds=1,
    )


def write(folder: Path, plan: Plan) -> None:
    """Make the folders and files of a house below `folder`, readable by their owner only."""
    private_dir(folder)
    for box in ("lots", "retours"):
        private_dir(folder / box)
        for system in plan.systems:
            private_dir(folder / box / system.folder)
    write_private(folder / CONFIG, configuration(plan).encode())
    write_private(folder / REGISTRY, registry(plan).encode())


def configuration(plan: Plan) -> str:
    """gateway.toml: only what differs from the defaults."""
    block = plan.payer_block or _outcommented(_door(Door("…", 22, "ssh-ed25519 AAAA…")))
    payer = "config_payer" if plan.payer_block else "config_no_payer"
    return f"""\
# {plan.say("config_head")}

config_version = 1

[gateway]
state_dir = "{STATE}" # {plan.say("config_state")}
language = "{plan.language}" # fr | en

# {plan.say("config_sandbox" if plan.payer == SANDBOX else payer)}
{block}"""


def registry(plan: Plan) -> str:
    """registry.toml: the agency, its number, its billing systems, its accounts."""
    return "\n".join([f"# {plan.say('registry_head')}", *_agency(plan), *_number(plan), *_sources(plan), *_held(plan)])


def _agency(plan: Plan) -> Iterator[str]:
    yield f"\n[[agency]]\nname = {_quoted(plan.name)}"
    yield f'kind = "{plan.kind}" # commercial | in_practice | solo – {plan.say("registry_kind")}'
    if plan.payer_block:
        yield f'payers = ["{plan.payer}"]'
    else:
        yield f'# payers = ["{plan.payer}"] # {plan.say("registry_payer_later")}'
    yield f"migrated_on = {plan.since} # {plan.say('registry_migrated')}"
    yield f'language = "{plan.language}" # {plan.say("registry_language")}'


def _number(plan: Plan) -> Iterator[str]:
    known = plan.payer_block and plan.number
    block = f"""
  [[agency.number]] # {plan.say("registry_number" if known else "registry_number_later")}
  payer = "{plan.payer}"
  number = "{plan.number or "…"}"
  from = {plan.since}"""
    yield block if known else _outcommented(block)


def _sources(plan: Plan) -> Iterator[str]:
    for system in plan.systems:
        version = f", version = {_quoted(system.version)}" if system.version else ""
        yield f"""
  [[agency.source]] # {plan.say("registry_source")}
  name = "{system.folder}"
  software = {{ name = {_quoted(system.name)}{version} }} # {plan.say("registry_software")}
  # {plan.say("registry_finished")}
  pickup = {{ kind = "folder", path = "lots/{system.folder}", finished = "settle", \
settle_seconds = {plan.settle_seconds:g}, after = "move" }}
  returns = {{ kind = "folder", path = "retours/{system.folder}" }}"""


def _held(plan: Plan) -> Iterator[str]:
    """The accounts; without any, how one is written."""
    yield f"\n# {plan.say('registry_accounts')}"
    for account in plan.accounts or (PRACTICE,):
        people = ", ".join(map(_quoted, account.practitioners))
        block = f"""
[[account]]
id = "{account.id}"
kind = "{account.kind}" # personal | admin_individual | admin_collective
practitioners = [{people}]

[[accreditation]]
account = "{account.id}"
agency = {_quoted(plan.name)}
from = {plan.since}
"""
        yield block if plan.accounts else _outcommented(block)


def _door(door: Door) -> str:
    return _BLOCK.format(name=PAYER, host=door.host, port=door.port, key=door.key)


def _outcommented(text: str) -> str:
    return "\n".join(f"# {line}" if line.strip() else line for line in text.splitlines()) + "\n"


def _quoted(text: str) -> str:
    """A TOML string: for printable text JSON's are the same."""
    return json.dumps(text, ensure_ascii=False)
