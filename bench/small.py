"""What a small document costs in a warm process, beside lxml's bare parse and validation of the same bytes.

    python bench/small.py [--times 1000]

The goal: at most 3 times, with guard, rules and index fields. Each way in turn, the least of many: what a busy machine
disturbs least.
"""

from __future__ import annotations

import argparse
import io
import math
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from judging import FAMILY, SCHEMAS, XSD, document
from lxml import etree

from gateway import catalog as catalogs
from gateway.validation import judge


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--times", type=int, default=1000)
    chosen = options.parse_args()
    known = catalogs.load([SCHEMAS])
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name:
        for form in FAMILY:
            data = document(form, 3, Path(name)).read_bytes()
            schema = etree.XMLSchema(etree.parse(XSD[form]))
            parser = etree.XMLParser(resolve_entities=False, no_network=True)
            calls = [
                lambda d=data, s=schema, p=parser: s.validate(etree.fromstring(d, p)),  # type: ignore[misc]
                lambda d=data: judge(io.BytesIO(d), "a.xml", known, sink=[].append),  # type: ignore[misc]
            ]
            bare, ours = least(calls, chosen.times)
            times = f"{ours / bare:.1f} × lxml ({ours * 1e6:.0f} / {bare * 1e6:.0f} us)"
            print(f"{form}, 3 invoices, {len(data)} bytes: {times}")


def least(calls: Sequence[Callable[[], object]], times: int) -> list[float]:
    """CPU seconds of the quickest call of each, in turn."""
    costs = [math.inf] * len(calls)
    for _ in range(times):
        for place, call in enumerate(calls):
            begun = time.process_time_ns()
            call()
            costs[place] = min(costs[place], (time.process_time_ns() - begun) / 1e9)
    return costs


if __name__ == "__main__":
    main()
