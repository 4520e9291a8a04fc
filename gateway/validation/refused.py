"""Values that libxml2 refused in this document: where the same value is met again, it is refused again.

What a schema says of a value depends on that value and on its declaration alone, and a declaration belongs to a spot of
an invoice that is built in a known way (`template`). So of an invoice of which all other values certainly fit libxml2
would say the same. Remembered are only a few, and only while their document is read: values are a patient's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from gateway.catalog import Part
from gateway.validation.broken import Broken
from gateway.validation.fields import below
from gateway.validation.schema import Wrong, wrongs
from gateway.validation.template import Spot
from gateway.validation.templates import Misfit
from gateway.validation.tree import descend, steps_to
from gateway.xmlsafe import Element

_MOST = 200  # values remembered
_MOST_SAID = 20_000  # characters of what libxml2 says of one


class Refused:
    """What is known of the values of one document. `line`: what its lines are."""

    def __init__(self, line: Part | None) -> None:
        self._line = line
        self._known: dict[Spot, dict[str, _Refusal]] = {}  # by the values that were refused there

    @property
    def spots(self) -> Collection[Spot]:
        """Where values were refused."""
        return self._known.keys()

    def known(self, misfits: Iterable[Misfit]) -> dict[int, Sequence[Wrong]] | None:
        """What is wrong with each invoice, by its place; None where that is not known of one of them."""
        found: dict[int, Sequence[Wrong]] = {}
        for place, line, spot, value in misfits:
            refusal = self._known.get(spot, {}).get(value)
            if refusal is None or place in found:
                return None  # not met before; or two in one invoice: which is told first is not known
            found[place] = refusal.of_invoice if line is None else refusal.of_line(line)
        return found

    def learn(
        self, misfits: Sequence[Misfit], broken: Mapping[int, Sequence[Broken]], invoice: Callable[[int], Element]
    ) -> None:
        """Remember what libxml2 said of invoices in which one value does not certainly fit."""
        alone: dict[int, Misfit | None] = {}
        for one in misfits:
            alone[one.invoice] = one if one.invoice not in alone else None
        for place, found in broken.items():
            misfit = alone.get(place)
            if misfit is not None and misfit.value not in self._known.get(misfit.spot, {}):
                self._note(misfit, found, invoice(place))

    def _note(self, misfit: Misfit, broken: Sequence[Broken], invoice: Element) -> None:
        if sum(map(len, self._known.values())) >= _MOST:
            return
        wrong, node, (_, _, bit) = wrongs(broken), broken[0].node, misfit.spot
        top = invoice if misfit.line is None or self._line is None else _line(invoice, self._line, misfit.line)
        steps = steps_to(node, top)
        attribute = bit.partition("@")[2] or None
        here = all(one.node is node for one in broken) and all(one.attribute == attribute for one in wrong)
        here = here and misfit.value == (node.text or "" if attribute is None else node.get(attribute))
        if here and steps is not None and sum(len(one.text) for one in wrong) <= _MOST_SAID:
            found = [one._replace(find=partial(descend, steps=steps)) for one in wrong]  # it holds no element
            self._known.setdefault(misfit.spot, {})[misfit.value] = _Refusal(found, steps, self._line)


@dataclass(frozen=True, slots=True)
class _Refusal:
    """What is wrong with a value, and how its element is found: child numbers from that of its invoice or line on."""

    of_invoice: Sequence[Wrong]  # where it is a value of the invoice itself
    steps: Sequence[int]
    line: Part | None

    def of_line(self, number: int) -> Sequence[Wrong]:
        """In one of its lines, from 0."""
        assert self.line is not None
        return [one._replace(find=partial(_in_line, self.line, number, self.steps)) for one in self.of_invoice]


def _line(invoice: Element, part: Part, number: int) -> Element:
    return list(below(invoice, part))[number]


def _in_line(part: Part, number: int, steps: Sequence[int], invoice: Element) -> Element:
    return descend(_line(invoice, part, number), steps)
