"""Commands whose words stay as they are typed: Typer would load pydantic to convert them, which takes longer than
judging a small document."""

from __future__ import annotations

from functools import partial
from typing import Any

from typer.core import TyperCommand, TyperGroup


class MissingWord(Exception):
    """A command was called without something it needs."""

    def __init__(self, parameter: Any, context: Any) -> None:
        super().__init__(parameter.name)
        self.param, self.ctx = parameter, context


class LightCommand(TyperCommand):
    """A command that gets text (or a flag) for every parameter and converts it itself."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its parameters, --help among them."""
        return [_as_typed(parameter) for parameter in super().get_params(ctx)]


class LightGroup(TyperGroup):
    """The commands themselves: a group with no parameters but --help."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Only --help."""
        return [_as_typed(parameter) for parameter in super().get_params(ctx)]


def _as_typed(parameter: Any) -> Any:
    """`process_value` is Click's seam between what was typed and what the command gets."""
    vars(parameter)["process_value"] = partial(_process, parameter)
    return parameter


def _process(parameter: Any, context: Any, value: Any) -> Any:
    if parameter.callback is not None:
        return parameter.callback(context, parameter, value)
    if parameter.required and parameter.value_is_missing(value):
        raise MissingWord(parameter, context)
    return value
