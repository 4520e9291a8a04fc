"""A worker that a document took over: `python -m tests.support.liar …` answers with what the document's text says."""

from __future__ import annotations

import json
import sys

from gateway.processes import detach_pipes
from gateway.slots.frames import frame, receive


def main() -> None:
    incoming, outgoing = detach_pipes()
    outgoing.write(frame({"ready": True}))
    outgoing.flush()
    while (question := receive(incoming)) is not None:
        said = json.loads(incoming.read(question["size"]))
        for one in said if isinstance(said, list) else [said]:
            outgoing.write(one.encode("latin-1") if isinstance(one, str) else frame(one))
        outgoing.flush()
        if isinstance(said, list):
            sys.exit(0)


main()
