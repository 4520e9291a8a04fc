"""Invoices judged by their schema, a few at a time, under a copy of their own document's root, header and list.

One broken invoice hides nothing of the next: when a group fails, each of its invoices is judged alone. A broken
header hides nothing either: the copy is repaired until the schema looks at what stands in the list.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Iterable, Sequence

from lxml import etree

from gateway.validation.broken import Broken, judge
from gateway.validation.pieces import Chunk, InvoiceList, Piece
from gateway.validation.tree import descend, shelf, steps_to
from gateway.xmlsafe import Element

_PROBE = "{urn:agency-gateway:probe}probe"
_EXPECTED = re.compile(r"Expected is (?:one of )?\( (?P<first>[^\s,#*]+),? .*\)\.$")
_REPAIRS = 50
_STRAY_TEXT = "SCHEMAV_CVC_COMPLEX_TYPE_2_3"


class Frame:
    """The copy. `judges` says whether the schema looks at invoices under it at all."""

    def __init__(self, schema: etree.XMLSchema, root: Element, invoices: InvoiceList) -> None:
        self.schema = schema
        self._root = copy.deepcopy(root)
        self._list = descend(self._root, _trail(invoices.element, root))
        del self._list[invoices.slot :]
        self._last: list[Element] = []
        self._repeated = set[str]()  # names of which many in a row are right
        self.stray_text = False
        self.judges = self._repair()
        self._trail = _trail(self._list, self._root)  # as the copy is now
        self._slot = len(self._list)  # other children may stand before the invoices

    def judge(self, pieces: Sequence[Piece]) -> dict[int, list[Broken]]:
        """What is wrong with each piece, by its ordinal; the pieces that are not there are right. The last right one
        stays, so that what two invoices break only together is seen across groups too."""
        found: dict[int, list[Broken]] = {}
        before, own = self._last, [p.element for p in pieces]
        together = self._together([*before, *own])
        if not self._touches(together):
            self._note_repeat([*before, *own])
        elif self._settled(together, self._list):
            self._note_repeat([*before, *own])
            found = self._of_each(pieces, together)
        else:
            found = {p.ordinal: b for p in pieces if (b := self._within(p.element, self._together([p.element])))}
            if not found:  # right alone, wrong together: a repeat, an order or a count that the schema forbids
                found = self._of_each(pieces, self._together([*before, *own]))
        self._last = [p.element for p in pieces if p.ordinal not in found][-1:] or before
        return found

    # -- for whole chunks --

    @property
    def stands_alone(self) -> bool:
        """Whether invoices are judged under the copy, and nothing else stands in their list."""
        return self.judges and self._slot == 0

    def written(self, encoding: str) -> tuple[bytes, bytes, Sequence[int]]:
        """The copy as bytes before its invoices and after them, and the child numbers that lead to their list."""
        self._fill([])
        mark = etree.Comment("invoices")  # no other comment is in the copy
        self._list.append(mark)
        text: bytes = etree.tostring(self._root, encoding=encoding)  # type: ignore[assignment]  # it is bytes
        before, _, after = text.partition(b"<!--invoices-->")
        self._list.remove(mark)
        return before, after, self._trail

    def goes_on(self, tags: Collection[str]) -> bool:
        """Whether more invoices of these names, right by themselves, are right after those before."""
        return len(tags) == 1 and self._repeated.issuperset(tags) and all(one.tag in tags for one in self._last)

    def wrong(self, holder: Element) -> dict[int, list[Broken]] | None:
        """What is wrong with the invoices of a block that stands below the copy as it is `written`, by their places in
        the list; None where they are to be judged as pieces."""
        broken = judge(self.schema, holder.getroottree().getroot())
        if any(b.node is holder and b.kind == _STRAY_TEXT for b in broken) or not self._settled(broken, holder):
            return None
        below = _by_child(broken, holder)
        return {place: below[one] for place, one in enumerate(holder) if one in below} if below else {}

    def passed(self, chunk: Chunk, last: int) -> None:
        """Hear of a chunk and of the last one in it that was right. One of its name is as good as another: none is made
        for this."""
        if not any(one.tag == chunk.tag for one in self._last):
            self._last = [chunk.holder[last]]

    def _note_repeat(self, invoices: Sequence[Element]) -> None:
        if len({one.tag for one in invoices}) == 1 and len(invoices) > 1:
            self._repeated.add(invoices[0].tag)

    # -- one group --

    def _settled(self, together: Sequence[Broken], holder: Element) -> bool:
        """Whether the schema looked at each invoice as it would at each alone: it stops at an unexpected one, and what
        must differ may differ only alone."""
        return not any(b.compares or (b.unexpected and b.node.getparent() is holder) for b in together)

    def _of_each(self, pieces: Sequence[Piece], broken: Sequence[Broken]) -> dict[int, list[Broken]]:
        below = _by_child(broken, self._list)
        return {p.ordinal: below[p.element] for p in pieces if p.element in below}

    def _together(self, invoices: Sequence[Element]) -> list[Broken]:
        self._fill(invoices)
        broken = judge(self.schema, self._root)
        self.stray_text |= any(b.kind == _STRAY_TEXT and b.node is self._list for b in broken)
        return broken

    def _fill(self, invoices: Sequence[Element]) -> None:
        del self._list[self._slot :]
        self._list.extend(invoices)

    def _within(self, invoice: Element, broken: Sequence[Broken]) -> list[Broken]:
        return [b for b in broken if b.node is invoice or invoice in b.node.iterancestors()]

    def _touches(self, broken: Sequence[Broken]) -> bool:
        return any(self._list in b.node.iterancestors() for b in broken)

    def _repair(self) -> bool:
        """Make a broken header look right enough that the schema goes on to the list: it stops at the first element
        that it did not expect."""
        for _ in range(_REPAIRS):
            probe = self._list.makeelement(_PROBE)
            self._list.append(probe)
            broken = judge(self.schema, self._root)
            self._list.remove(probe)
            if any(entry.node is probe for entry in broken):
                return True
            trail = [self._list, *self._list.iterancestors()]
            stop = next((b for b in broken if b.unexpected and b.node.getparent() in trail), None)
            if stop is None or not self._mend(stop.node, stop.node in trail, stop.text):
                return False
        return False

    def _mend(self, node: Element, leads: bool, text: str) -> bool:
        """Take the unexpected element away; put an empty expected one before it when the list is in it."""
        parent, expected = node.getparent(), _EXPECTED.search(text)
        if parent is None or (leads and expected is None):
            return False
        if leads and expected is not None:
            parent.insert(parent.index(node), parent.makeelement(expected["first"]))
        else:
            shelf(parent).append(node)
        return True


def _trail(holder: Element, root: Element) -> Sequence[int]:
    trail = steps_to(holder, root)
    assert trail is not None  # it is in that tree
    return trail


def _by_child(broken: Iterable[Broken], holder: Element) -> dict[Element, list[Broken]]:
    """What is wrong at or below each child of an element."""
    below: dict[Element, list[Broken]] = {}
    for entry in broken:
        trail = [entry.node, *entry.node.iterancestors()]
        if holder in trail[1:]:
            below.setdefault(trail[trail.index(holder) - 1], []).append(entry)
    return below
