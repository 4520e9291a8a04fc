"""X1 to X10: hostile documents at the judge. Each is refused with its own code; what they imitate is let in."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.attacks import Attack, fell, of
from support.family import family
from support.tally import MINIMUM, Count

from gateway.catalog import Catalog
from hostile import documents, shapes

FAMILIES = tuple(f"X{number}" for number in range(1, 11))


@dataclass
class Trap:
    """A file and a port that nobody may touch."""

    file: Path
    door: socket.socket

    @property
    def port(self) -> int:
        port: int = self.door.getsockname()[1]
        return port

    def visited(self) -> bool:
        """Whether anybody ever knocked."""
        self.door.setblocking(False)
        try:
            self.door.accept()
        except BlockingIOError:
            return False
        return True


@pytest.fixture(scope="module")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trap]:
    file = tmp_path_factory.mktemp("trap") / "secret.txt"
    file.write_text(documents.SECRET)
    with socket.create_server(("127.0.0.1", 0)) as door:
        yield Trap(file, door)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return family(tmp_path_factory.mktemp("schemas"))


def attacks(bait: str, port: int) -> list[Attack]:
    """Every attack of X1 to X10."""
    return [
        *documents.external(bait),
        *documents.expanding(),
        *documents.declarations(),
        *documents.pointing(bait, port),
        *documents.including(bait),
        *shapes.shapes(),
        *shapes.encodings(),
        *shapes.cuts(),
        *shapes.strangers(),
        *shapes.spellings(),
    ]


TWINS = [*documents.honest(), *shapes.honest()]


@pytest.mark.parametrize("name", FAMILIES)
def test_every_hostile_document_is_refused_with_its_code_and_its_honest_twin_is_not(
    name: str, trap: Trap, known: Catalog, tally: Count
) -> None:
    tried, twins = of(attacks(str(trap.file), trap.port), name), of(TWINS, name)
    assert len(tried) >= MINIMUM[name]
    assert twins
    assert [said for attack in (*tried, *twins) if (said := fell(attack, known))] == []
    assert not trap.visited()
    harmless = sum(attack.code is None for attack in tried)
    tally(name, refused=len(tried) - harmless, harmless=harmless, twins=len(twins))
