"""What build servers take as JUnit XML: there is no standard, this is what the readers of several have in common."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

# element → attributes it must have, attributes it may have, children it may have
KNOWN = {
    "testsuites": (set(), {"name", "tests", "failures", "errors", "time"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors"}, {"time", "skipped", "timestamp"}, {"testcase"}),
    "testcase": ({"name"}, {"classname", "time"}, {"failure", "error", "skipped", "system-out", "system-err"}),
    "failure": (set(), {"type", "message"}, set()),
    "error": (set(), {"type", "message"}, set()),
    "system-out": (set(), set(), set()),
}


def strangers(root: etree._Element) -> Iterator[str]:
    """What a build server would not know, or would miss."""
    for element in root.iter("*"):
        must, may, below = KNOWN[str(element.tag)]
        attributes = {str(name) for name in element.attrib}
        if not must <= attributes <= must | may or not {str(child.tag) for child in element} <= below:
            yield f"{element.tag} {sorted(attributes)}"
