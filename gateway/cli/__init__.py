"""The command line: finds the language, loads the family of commands that was called, says errors in one sentence.

Help texts in the command families are keys of locales/cli.toml; they become sentences here, once the language is known.
"""

from __future__ import annotations

import io
import os
import sys
from collections import namedtuple
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import typer
from typer.main import get_command

from gateway.cli.common import Call, configured_language
from gateway.cli.light import LightGroup
from gateway.cli.usage import sentence, spoken
from gateway.errors import ConfigError, GatewayError
from gateway.messages import LANGUAGES, resolve_language, room, say, why_not

# Command → the family that holds it: only the one that was called is loaded.
FAMILIES = {
    "init": "init",
    "check": "check",
    "trial": "trial",
    "demo": "demo",
    "run": "service",
    "once": "flow",
    "status": "look",
    "show": "show",
    "find": "seek",
    "hold": "acts",
    "release": "acts",
    "cancel": "acts",
    "resend": "again",
    "mark-delivered": "again",
    "recheck": "again",
    "shadow": "shadow",
    "feed": "shadow",
    "registry": "registry",
    "tables": "tables",
    "calendar": "calendar",
    "advise": "advise",
    "deadlines": "deadlines",
    "alerts": "alerts",
    "credential": "credential",
    "key": "key",
    "sandbox": "sandbox",
    "generate": "generate",
    "doctor": "doctor",
    "rules": "rules",
    "schema": "schema",
    "contacts": "contacts",
    "letters": "letters",
    "application": "application",
    "audit": "audit",
    "backup": "backup",
    "restore": "restore",
    "rehearse": "backup",
    "statement": "paper",
    "purge": "purge",
}
COMMON = {
    "--config": "config",
    "--state-dir": "state_dir",
    "--lang": "lang",
    "--actor": "actor",
    "--as": "actor",  # the same, shorter
}


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point of `gateway`. Exit codes: 0 done, 1 something is invalid or held, 2 cannot start or not judged."""
    _write_anything()
    words = list(sys.argv[1:] if argv is None else argv)
    words, common = take_common(words)
    lang = resolve_language(common.get("lang"), configured_language(common.get("config")))
    if wrong := _wrong_common(common, lang):
        sys.stderr.write(f"gateway: {wrong}\n")
        sys.exit(2)
    command = build(lang, words[0] if words else None)
    call = Call(
        config_file=_path(common.get("config")),
        state_dir=_path(common.get("state_dir")),
        lang=lang,
        actor=common.get("actor"),
    )
    code = _run(command, words, call)
    _let_exit_code_count()
    sys.exit(code)


def _let_exit_code_count() -> None:
    """CPython ends `python -m gateway` by SIGINT, whatever its exit code, when an interruption came while it ran a text
    of Python, as it does to make a dataclass or a named tuple. The next text that runs undoes that."""
    namedtuple("_Made", ())  # noqa: PYI024 - for what it does beside


def _write_anything() -> None:
    """A terminal that lacks a letter shows another in its place: no sentence ends in a traceback for that."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _run(command: Any, words: list[str], call: Call) -> int:
    try:
        result = command.main(args=words, prog_name="gateway", standalone_mode=False, obj=call)
        return int(result or 0)
    except GatewayError as error:
        call.complain(error.both[call.lang] if isinstance(error, ConfigError) else str(error))
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        call.complain(call.say("usage.system", file=error.filename or "?", why=why_not(error)[call.lang]))
        return 2
    except Exception as error:
        return _usage(error, call)


def _wrong_common(common: dict[str, str], lang: str) -> str | None:
    """What is wrong with the options every command has."""
    for option, name in COMMON.items():
        value = common.get(name)
        if value is not None and (not value or value.startswith("--")):
            return say("usage.needs_value", lang, option=option)
        if value and name == "lang" and value not in LANGUAGES:
            return f"{say('usage.bad_value', lang, what=option)} {say('usage.known', lang, words=', '.join(LANGUAGES))}"
    return None


def _usage(error: Exception, call: Call) -> int:
    """The words that were typed cannot be followed: one sentence. An abort, or help for want of words, is no defect;
    anything else is one and is raised."""
    if type(error).__name__ in ("Abort", "Exit"):
        return int(getattr(error, "exit_code", 1))
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(f"{error}\n")
        return 2
    said = sentence(error, call.lang)
    if said is None:
        raise error
    call.complain(said)
    return 2


def take_common(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """The options every command has may stand anywhere: take them out, with their values."""
    rest: list[str] = []
    common: dict[str, str] = {}
    waiting = iter(words)
    for word in waiting:
        name, equals, value = word.partition("=")
        if word == "--":
            rest += [word, *waiting]
        elif name in COMMON:
            common[COMMON[name]] = value if equals else next(waiting, "")
        else:
            rest.append(word)
    return rest, common


def build(lang: str, wanted: str | None = None) -> Any:
    """The command tree in one language: whole for help, else only the family that holds `wanted`."""
    root = typer.Typer(
        cls=LightGroup, add_completion=False, no_args_is_help=True, rich_markup_mode=None, help="gateway.help"
    )
    names = {FAMILIES[wanted]} if wanted in FAMILIES else dict.fromkeys(FAMILIES.values())
    for name in names:
        import_module(f"gateway.cli.{name}").register(root)
    root.callback(epilog="gateway.epilog")(_root)
    command = get_command(root)
    translate(command, lang)
    return command


def _root() -> None:
    """The options every command has are taken out before (see `take_common`)."""


def translate(command: Any, lang: str) -> None:
    """Turn help keys into sentences, in the whole tree below `command`."""
    command.context_class = type("Context", (command.context_class,), {"formatter_class": spoken(lang)})
    for attribute in ("help", "short_help", "epilog"):
        key = getattr(command, attribute, None)
        if isinstance(key, str) and key:
            setattr(command, attribute, _sentence(key, lang))
    for parameter in getattr(command, "params", ()):
        if parameter.name == "help":
            parameter.help = say("cli.option_help", lang)
        elif getattr(parameter, "help", None):
            parameter.help = _sentence(parameter.help, lang)
    for below in getattr(command, "commands", {}).values():
        translate(below, lang)


def _sentence(key: str, lang: str) -> str:
    """Of a key `family.what`: the family's own file of sentences, or `family_what` of the one they share."""
    shared = key.replace(".", "_")
    return say(f"cli.{shared}" if shared in room("cli") else key, lang)


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
