"""What the command line says when it is called wrongly, and the frame around its help: Typer knows only English."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any

from typer._click.formatting import HelpFormatter

from gateway.messages import say

_QUOTED = re.compile(r"'([^']*)'")


def sentence(error: Exception, lang: str) -> str | None:
    """What is wrong with the words that were typed, and where help is; None when `error` is no such complaint."""
    kind = next((k for k in type(error).__mro__ if k.__name__ in _KINDS), None)
    if kind is None:
        return None
    said = _KINDS[kind.__name__](error, lang)
    command = getattr(getattr(error, "ctx", None), "command_path", None)
    return said + ("\n" + _say(lang, "help", command=command) if command else "")


def nearest(word: str, known: Sequence[str], lang: str) -> str:
    """A hint at what was probably meant; else what there is; nothing when there is nothing to choose from."""
    if close := get_close_matches(word, known, n=1, cutoff=0.5):
        return " " + _say(lang, "nearest", word=close[0])
    return " " + _say(lang, "known", words=", ".join(known)) if known else ""


def _no_option(error: Any, lang: str) -> str:
    known = [name for parameter in _parameters(error) for name in parameter.opts if name.startswith("--")]
    return _say(lang, "no_such_option", option=_safe(error.option_name)) + nearest(error.option_name, known, lang)


def _option_use(error: Any, lang: str) -> str:
    key = "takes_no_value" if "does not take" in error.message else "needs_value"
    return _say(lang, key, option=_safe(error.option_name))


def _missing(error: Any, lang: str) -> str:
    return _say(lang, "missing", what=_name(error.param))


def _bad_value(error: Any, lang: str) -> str:
    what = _say(lang, "bad_value", what=_name(error.param))
    kind = getattr(error.param, "type_descriptor", None)
    if choices := getattr(kind, "choices", None):
        return what + " " + _say(lang, "known", words=", ".join(str(getattr(c, "value", c)) for c in choices))
    number = getattr(kind, "annotation", None)
    return what + (" " + _say(lang, "whole_number") if "int" in str(number) else "")


def _other(error: Any, lang: str) -> str:
    """Complaints that have no class of their own: Typer's English sentence is what tells them apart."""
    if "No such command" in error.message:
        word = (_QUOTED.search(error.message) or ["", ""])[1]
        return _say(lang, "no_such_command", command=_safe(word)) + nearest(word, _commands(error), lang)
    if "unexpected extra" in error.message:
        return _say(lang, "too_many", words=_safe(error.message.rpartition(" (")[2].removesuffix(")")))
    if "Missing command" in error.message:
        return _say(lang, "missing_command") + " " + _say(lang, "known", words=", ".join(_commands(error)))
    return _say(lang, "other")


# By the name of the exception: the classes themselves are Typer's own affair.
_KINDS: dict[str, Callable[[Any, str], str]] = {
    "NoSuchOption": _no_option,
    "BadOptionUsage": _option_use,
    "MissingParameter": _missing,
    "MissingWord": _missing,
    "BadParameter": _bad_value,
    "UsageError": _other,
}


def _say(lang: str, key: str, **values: object) -> str:
    return say(f"usage.{key}", lang, **values)


def _name(parameter: Any) -> str:
    """An option by its longest name, an argument as the help shows it."""
    if parameter is None:
        return "?"
    names = [name for name in getattr(parameter, "opts", ()) if name.startswith("-")]
    return max(names, key=len) if names else str(parameter.metavar or parameter.name.upper())


def _parameters(error: Any) -> list[Any]:
    return list(getattr(getattr(error.ctx, "command", None), "params", ()))


def _commands(error: Any) -> list[str]:
    return list(getattr(getattr(error.ctx, "command", None), "commands", ()))


def _safe(word: str) -> str:
    return "".join(c if c.isprintable() else "�" for c in word)


_TYPE = re.compile(r" <list\[\w+\]>$")  # Python's name of what several words make
_HEADINGS = {"Options": "heading_options", "Arguments": "heading_arguments", "Commands": "heading_commands"}


def spoken(lang: str) -> type[HelpFormatter]:
    """How help is laid out, with the words around it in one language."""

    class Spoken(HelpFormatter):
        def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
            super().write_usage(prog, args, prefix or _say(lang, "usage") + " ")

        def write_heading(self, heading: str) -> None:
            super().write_heading(_say(lang, _HEADINGS[heading]) if heading in _HEADINGS else heading)

        def write_dl(self, rows: Sequence[tuple[str, str]], *words: Any, **options: Any) -> None:
            marked = [(_TYPE.sub("", first), _marks(second, lang)) for first, second in rows]
            super().write_dl(marked, *words, **options)

    return Spoken


def _marks(text: str, lang: str) -> str:
    """The remarks Typer puts beside an option."""
    if text == "Show this message and exit.":
        return say("cli.option_help", lang)
    required, default = _say(lang, "required"), _say(lang, "default")
    return text.replace("required]", f"{required}]").replace("[default: ", f"[{default} ")
