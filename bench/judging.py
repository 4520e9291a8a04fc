"""`make bench`: judging beside `xmllint --noout --stream --schema` on the same bytes, whole processes in turn.

    python bench/judging.py [--rounds 5] [--sizes 1000 10000 100000] [--marginal 7]

Lanes: the schema's verdict alone; with guard, hash and index fields (no rules); with all rules; the same with one
invoice in a hundred spoiled, and with all of them. Then what one more invoice costs in the largest size and in the one
below it (start-up, the cost of a document of one, subtracted; rounds of its own). Nothing here is a test: it prints,
people judge.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import lxml.etree
from measure import Lane, ratio, rounds, table

from gateway import catalog as catalogs
from gateway.catalog import Catalog
from gateway.validation import judge

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = ROOT / "schemas"
XSD = {"rfp": SCHEMAS / "ramq-rfp" / "rfp.xsd", "dp": SCHEMAS / "ramq-dp" / "dp_racin.xsd"}
FAMILY = {"rfp": "ramq-rfp", "dp": "ramq-dp"}
SPOIL = {  # a value that the schema refuses, in place of a right one; once in each invoice
    "rfp": (re.compile(rb"<ind_fact_assoc_dr>[a-z]+"), b"<ind_fact_assoc_dr>x"),
    "dp": (re.compile(rb'(?<=<DP )CHN="06"'), b'CHN="66"'),
}


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    options.add_argument("--marginal", type=int, default=7, help="rounds; 0: not at all")
    options.add_argument("--formats", nargs="+", default=["rfp", "dp"])
    options.add_argument("--judge", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.judge:
        WAYS[chosen.judge[0]](Path(chosen.judge[1]))
        return
    print(f"Python {sys.version.split()[0]}, lxml {lxml.etree.LXML_VERSION}, libxml2 {lxml.etree.LIBXML_VERSION}\n")
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name:
        for form in chosen.formats:
            for size in chosen.sizes:
                compare(form, size, chosen.rounds, Path(name))
            if chosen.marginal and len(chosen.sizes) > 1:
                marginal(form, sorted(chosen.sizes)[-2:], chosen.marginal, Path(name))


def marginal(form: str, sizes: Sequence[int], count: int, folder: Path) -> None:
    """What an invoice costs in each size, beside one another."""
    lanes = [lane(f"{size}", "rules", document(form, size, folder)) for size in (1, *sizes)]
    seen = rounds(lanes, count)
    costs = [
        [(judged.cpu - started.cpu) / (size - 1) for judged, started in zip(seen[f"{size}"], seen["1"], strict=True)]
        for size in sizes
    ]
    few, many = costs
    ratios = sorted(b / a for a, b in zip(few, many, strict=True))
    middle, said = median(ratios), " ".join(f"{one:.2f}" for one in ratios)
    print(f"- {form}, CPU of one invoice, start-up subtracted: {median(few) * 1e6:.1f} us among {sizes[0]:,}, ", end="")
    print(f"{median(many) * 1e6:.1f} us among {sizes[1]:,}: {middle:.2f} × ({said})\n", flush=True)


def compare(form: str, size: int, count: int, folder: Path) -> None:
    """One table: every lane on documents of one format and size."""
    valid = document(form, size, folder)
    hundredth, every = spoiled(form, valid, 100), spoiled(form, valid, 1)
    xmllint = shutil.which("xmllint") or sys.exit("xmllint is not installed")
    lanes = [
        Lane("xmllint", [xmllint, "--noout", "--stream", "--schema", str(XSD[form]), str(valid)]),
        lane("schema alone", "schema", valid),
        lane("schema, guard, hash, index fields", "fields", valid),
        lane("with all rules", "rules", valid),
        lane("with all rules, 1 % invalid", "rules", hundredth),
        lane("with all rules, all invalid", "rules", every),
    ]
    seen = rounds(lanes, count)
    print(table(f"{form}, {size:,} invoices, {valid.stat().st_size / 1e6:.1f} MB", seen, ["xmllint"]))
    for name in list(seen)[1:]:
        print(f"- CPU of {name}: {ratio(seen, name, 'xmllint', 'cpu'):.2f} × xmllint")
    for name in list(seen)[4:]:
        print(f"- CPU of {name}: {ratio(seen, name, 'with all rules', 'cpu'):.2f} × the valid document")
    print(flush=True)


def lane(name: str, way: str, file: Path) -> Lane:
    return Lane(name, [sys.executable, __file__, "--judge", way, str(file)])


def document(form: str, size: int, folder: Path) -> Path:
    file = folder / f"{form}-{size}.xml"
    if file.exists():
        return file
    words = ["generate", "--format", FAMILY[form], "--invoices", str(size), "--output", str(file)]
    subject = ["--account", "personal:231236", "--practice", "231236"] if form == "rfp" else []
    rounds([Lane("generate", [sys.executable, "-m", "gateway", *words, *subject])], 1)
    return file


def spoiled(form: str, valid: Path, nth: int) -> Path:
    """A copy in which every nth invoice has one wrong value."""
    pattern, wrong = SPOIL[form]
    file = valid.with_name(f"{valid.stem}-{nth}.xml")
    seen = 0
    before = b""

    def put(found: re.Match[bytes]) -> bytes:
        nonlocal seen
        seen += 1
        return wrong if seen % nth == 0 else found[0]

    with valid.open("rb") as source, file.open("wb") as target:
        while block := source.read(1 << 24):
            text = before + block
            cut = text.rfind(b"\n") + 1
            target.write(pattern.sub(put, text[:cut]))
            before = text[cut:]
        target.write(before)
    return file


# -- one process judges one document --


def by_schema(file: Path) -> None:
    """The verdict of each invoice by the schema, and nothing else: no fields, no rules."""
    _judge(file, lambda d: replace(d, rules=(), line=None, invoice=d.invoice and replace(d.invoice, fields={})))


def with_fields(file: Path) -> None:
    _judge(file, lambda d: replace(d, rules=()))


def with_rules(file: Path) -> None:
    _judge(file, lambda d: d)


def _judge(file: Path, change: Callable[[catalogs.DocumentType], catalogs.DocumentType]) -> None:
    families = catalogs.load([SCHEMAS]).families.values()
    known = Catalog([replace(f, documents=tuple(change(d) for d in f.documents)) for f in families])
    heard = 0

    def sink(_invoice: object) -> None:
        nonlocal heard
        heard += 1

    with file.open("rb") as source:
        report = judge(source, file.name, known, sink=sink)
    print(report.verdict, heard, report.invalid_invoices)


WAYS = {"schema": by_schema, "fields": with_fields, "rules": with_rules}

if __name__ == "__main__":
    main()
