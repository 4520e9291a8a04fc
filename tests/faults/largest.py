"""One life of the gateway that says what it needed at most: `python -m faults.largest CONFIG MINUTES`."""

from __future__ import annotations

import json
import re
import resource
import sys
from pathlib import Path

import structlog

from faults.house import Later
from gateway.config import load
from gateway.resident import working


def main(config: str, minutes: float) -> None:
    """Everything that is due, judged in slots as in production."""
    with working(load(Path(config)), clock=Later(minutes)) as app:
        app.loop.once()
        app.loop.close()
    print(json.dumps({"gateway": _own(), "slots": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024}))


def _own() -> float:
    """Peak resident memory of this process, MiB: the kernel's word for `ru_maxrss` that begins anew with the program,
    where that of a child begins with the size of whoever started it."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    main(sys.argv[1], float(sys.argv[2]))
