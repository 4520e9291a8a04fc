"""`make bench`: what sealing costs, beside hashing the same bytes; and keeping many small documents, sealed and plain.

    python bench/sealing.py [--rounds 5]

Nothing here is a test: it prints, people judge.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.keys import Loose, keyring  # noqa: E402 - shared with the tests

from gateway.archive import Archive  # noqa: E402
from gateway.clock import SystemClock  # noqa: E402
from gateway.platform import open_private, private_dir, publish, sync_file  # noqa: E402
from gateway.store import Store  # noqa: E402

BIG, SMALL, MANY = 120_000_000, 6_000, 200  # bytes, bytes, documents


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as place:
        _big(Path(place), rounds)
        _many(Path(place), rounds)


def _big(place: Path, rounds: int) -> None:
    data, archive = os.urandom(BIG), Archive(place / "big", Loose())
    ref = archive.put("LOT-0", io.BytesIO(data)).ref

    def opened() -> None:
        with archive.open(ref) as file:
            while file.read(1 << 18):
                pass

    hashed = _seconds(lambda: hashlib.sha256(data), rounds)
    put = _seconds(lambda: archive.put("LOT-0", io.BytesIO(data)), rounds)
    read = _seconds(opened, rounds)
    plain = _seconds(lambda: _plain(place / "plain", data), rounds)
    print(
        f"120 MB: sha256 {hashed:.2f} s; kept sealed {put:.2f} s, plain {plain:.2f} s; opened {read:.2f} s  (processor)"
    )


def _many(place: Path, rounds: int) -> None:
    """Each a lot of its own, with a data key of its own: what is dearest."""
    store = Store.open(place / "gateway.db", SystemClock())
    archive, data = Archive(place / "many", keyring(store)), os.urandom(SMALL)
    turn = iter(range(10_000))

    def sealed() -> None:
        here = next(turn)
        for number in range(MANY):
            archive.put(f"LOT-{here}-{number}", io.BytesIO(data))

    def plain() -> None:
        here = next(turn)
        for number in range(MANY):
            _plain(place / f"plain-{here}" / str(number), data)

    one, other = _seconds(sealed, rounds, time.perf_counter), _seconds(plain, rounds, time.perf_counter)
    print(f"{MANY} lots of 6 KB: {one / MANY * 1000:.1f} ms each sealed, {other / MANY * 1000:.1f} ms plain  (clock)")
    store.close()


def _plain(folder: Path, data: bytes) -> None:
    """What keeping took before: hash, write, make durable, give the name."""
    private_dir(folder)
    name = os.urandom(8).hex()
    with open_private(folder / f".{name}") as file:
        digest = hashlib.sha256()
        for at in range(0, len(data), 1 << 16):
            digest.update(data[at : at + (1 << 16)])
            file.write(data[at : at + (1 << 16)])
        sync_file(file)
    publish(folder / f".{name}", folder / name)


def _seconds(act: Callable[[], object], rounds: int, clock: Callable[[], float] = time.process_time) -> float:
    taken = []
    for _ in range(rounds):
        begun = clock()
        act()
        taken.append(clock() - begun)
    return median(taken)


if __name__ == "__main__":
    main()
