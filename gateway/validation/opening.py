"""Blocks of one document opened: what is certainly right at once, the rest by libxml2.

Where some invoices of a block are certain, libxml2 sees only the others. A document in which little is certain is no
longer asked, at first for one block, then for twice as many.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from functools import partial

from gateway.catalog import Part
from gateway.validation.certain import Certain, Fitting
from gateway.validation.encoding import Encoding
from gateway.validation.frame import Frame
from gateway.validation.limits import Limits
from gateway.validation.pieces import Chunk
from gateway.validation.plan import Plan
from gateway.validation.quick import Quick
from gateway.validation.refused import Refused
from gateway.validation.runs import Run, apart, written_tag
from gateway.validation.shapes import Row
from gateway.validation.split import Opener, Splitter
from gateway.xmlsafe import Element

_FIRST = 3  # blocks in which nothing is learned yet: it only pays in a lot
_LONGEST_REST = 64  # blocks
_FEW = 4  # wrong invoices of a block: to look for each of them alone is quicker
_PATIENCE = 8  # blocks with values of which it is not known what is wrong with them, more than such as have none


class Opening:
    """Opens the blocks of one document. What libxml2 found right in it is `trusted`: how invoices are built, and what
    tags as they are written mean."""

    def __init__(self, quick: Quick, certain: Certain, line: Part | None) -> None:
        self._quick, self._certain, self._refused = quick, certain, Refused(line)
        self._line = quick.lines_above + 1
        self._trusted = set[Hashable]()
        self._tags: dict[str, str] = {}  # as written → Clark notation
        self._blocks = self._resting = 0
        self._rest = 1
        self._mixed = False  # whether some invoices of the block before were not certain
        self._patience = _PATIENCE

    def open(self, data: bytes) -> Chunk | None:
        """The invoices of a block; None when it holds anything else."""
        self._blocks += 1
        asked = not self._resting and self._quick.is_plain(data)
        self._resting = max(0, self._resting - 1)
        text = _decoded(data) if asked else ""
        chunk = self._known(data, text) if text else None
        if chunk is None:
            chunk = self._quick.open(data)
            self._trust(text, chunk)
        return chunk

    def _known(self, data: bytes, text: str) -> Chunk | None:
        """The invoices, where most of them are certain."""
        written = written_tag(text)
        tag = self._tags.get(written, "")
        if not tag or not self._quick.goes_on(data, tag):
            return None
        chunk = self._right(data, text, tag) if self._certain.by_columns and not self._mixed else None
        if chunk is None:
            chunk = self._likewise(data, text, written, tag)
        if chunk is None:
            runs = self._certain.runs(text, self._line, written, self._trusted)
            chunk = self._of_runs(data, text, tag, runs) if runs else None
        if chunk is None:
            self._resting, self._rest, self._mixed = self._rest, min(2 * self._rest, _LONGEST_REST), False
        else:
            self._rest = 1
        return chunk

    def _right(self, data: bytes, text: str, tag: str) -> Chunk | None:
        """The invoices, where all of them are certain."""
        fitting = self._certain.read(text, self._line)
        if fitting is None or not fitting.built <= self._trusted:
            return None
        return self._chunk(data, tag, fitting.rows)

    def _likewise(self, data: bytes, text: str, written: str, tag: str) -> Chunk | None:
        """The invoices, where of each value that is not certain it is known what is wrong with it."""
        spots = self._refused.spots if self._patience > 0 else ()
        if not spots:
            return None
        wide = self._certain.read_widely(text, self._line, spots)
        known = self._refused.known(wide.misfits) if wide is not None and wide.built <= self._trusted else None
        self._patience = min(self._patience + 1, _PATIENCE) if known is not None else self._patience - 1
        if wide is None or known is None:
            return None
        chunk, self._mixed = self._chunk(data, tag, wide.rows), bool(known)
        chunk.likewise = known
        if 0 < len(known) <= _FEW:
            self._set_apart(chunk, apart(text, written, len(chunk), known), text)
        return chunk

    def _set_apart(self, chunk: Chunk, runs: Sequence[Run], text: str) -> None:
        """Let each of the wrong invoices be looked for alone, where it is known which part of the text it is."""
        if runs:
            chunk.runs = _sizes(text, runs)
            chunk.apart = {p: partial(self._alone, text, run) for run, p in _placed(runs) if not run.certain}

    def _alone(self, text: str, run: Run) -> Element:
        """An invoice that is well-formed, on the line where it stands in its block."""
        one = "\n" * text.count("\n", 0, run.begin) + text[run.begin : run.end]
        return self._quick.parsed(one.encode())[0]

    def _of_runs(self, data: bytes, text: str, tag: str, runs: Sequence[Run]) -> Chunk | None:
        """The invoices, where most of them are certain: of the others libxml2 says which of their values are wrong."""
        invoices, doubtful = sum(run.invoices for run in runs), [run for run in runs if not run.certain]
        by_columns, self._mixed = not any(run.rows for run in runs), bool(doubtful)
        if 2 * len(doubtful) > invoices:
            return None
        if not doubtful:
            return self._right(data, text, tag) if by_columns else self._chunk(data, tag, runs[0].rows)
        only = "".join(_only_doubtful(text, runs))
        judged = self._quick.open(only.encode())
        if judged is None or judged.taken is None or len(judged) != len(doubtful) or judged.tag != tag:
            return None
        if not judged.only_values_are_wrong:
            return None
        rows = self._quick.alike(text, invoices) if by_columns else list(_rows(runs, judged.taken))
        if rows is None:
            return None
        places = [place for run, place in _placed(runs) if not run.certain]
        self._trust(only, judged)
        chunk = self._chunk(data, tag, rows)
        chunk.broken = {places[n]: found for n, found in judged.broken.items()}
        chunk.apart = {places[n]: judged.holder[n] for n in judged.broken}
        chunk.runs = _sizes(text, runs)
        return chunk

    def _chunk(self, data: bytes, tag: str, rows: Sequence[Row | None]) -> Chunk:
        return Chunk(partial(self._quick.parsed, data), rows, self._quick.lines_above, plain=True, known_tag=tag)

    def _trust(self, text: str, chunk: Chunk | None) -> None:
        """Remember how the invoices are built of a block in which libxml2 found nothing wrong but values."""
        if not text or chunk is None or chunk.taken is None:
            return
        learn = self._blocks > _FIRST
        fitting = (
            self._certain.read(text, self._line, learn=learn) if not chunk.broken else self._misfitting(text, chunk)
        )
        if fitting is None or len(fitting.rows) != len(chunk):
            return
        self._tags[written_tag(text)] = chunk.tag
        if not fitting.built <= self._trusted:
            self._trusted |= fitting.built
            self._resting, self._rest = 0, 1

    def _misfitting(self, text: str, chunk: Chunk) -> Fitting | None:
        """The invoices of a block in which nothing but values is wrong: what libxml2 said of these is remembered."""
        if self._patience <= 0 or not chunk.only_values_are_wrong:
            return None
        wide = self._certain.read_widely(text, self._line, learn=self._blocks > _FIRST)
        if (
            wide is None
            or len(wide.rows) != len(chunk)
            or not chunk.broken.keys() <= {one.invoice for one in wide.misfits}
        ):
            return None
        self._refused.learn(wide.misfits, chunk.broken, chunk.element)
        return wide


def _decoded(data: bytes) -> str:
    """The text of a block in UTF-8; empty where it is not."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return ""


def _only_doubtful(text: str, runs: Sequence[Run]) -> Iterator[str]:
    """The text of the invoices that are not certain, on the lines where they stand."""
    yield text[: runs[0].begin]
    for run in runs:
        yield "\n" * text.count("\n", run.begin, run.end) if run.certain else text[run.begin : run.end]


def _rows(runs: Sequence[Run], doubtful: Sequence[Row | None]) -> Iterator[Row | None]:
    """The fields of all: those that the runs hold, and those of the doubtful ones."""
    others = iter(doubtful)
    for run in runs:
        yield from run.rows if run.certain else [next(others)]


def _placed(runs: Sequence[Run]) -> Iterator[tuple[Run, int]]:
    """Each run, and the place of its first invoice in the block."""
    place = 0
    for run in runs:
        yield run, place
        place += run.invoices


def _sizes(text: str, runs: Sequence[Run]) -> list[tuple[int, int]]:
    """The bytes of each run, and how many invoices it has."""
    begins = [0, *[run.begin for run in runs[1:]], len(text)]
    return [
        (len(text[begin:end].encode()), run.invoices)
        for run, begin, end in zip(runs, begins[:-1], begins[1:], strict=True)
    ]


def opener(plan: Plan, frame: Frame, split: Splitter, encoding: Encoding, limits: Limits) -> Opener | None:
    """The quick way through one document, where it is sound: nothing but invoices in one list, judged by libxml2, by a
    schema that says what they hold and keeps them within the limits."""
    document = plan.document
    if not split.may_open or len(split.lists) != 1 or document.invoice is None or document.xsd != "1.0":
        return None
    if not frame.stands_alone or (flat := plan.flat()) is None:
        return None
    steps = document.invoice.path.split("/")
    if flat.outline.depth + len(steps) > limits.depth or flat.outline.attributes > limits.attributes:
        return None
    quick = Quick(frame, flat, steps[-1], encoding, limits)
    if flat.certain is None or encoding.name != "utf-8" or encoding.override:
        return quick
    return Opening(quick, flat.certain, document.line)
