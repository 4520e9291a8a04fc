"""X1 to X5 at every parser we make, and seen from outside the process: nothing that documents name is opened."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from gateway import xmlsafe
from hostile import documents

ROOT = Path(__file__).resolve().parents[2]
_JUDGE = """
import sys
from pathlib import Path
from hostile import documents
from support.attacks import fell
from support.family import family
bait, folder = sys.argv[1], Path(sys.argv[2])
known = family(folder)
attacks = [*documents.external(bait), *documents.expanding(), *documents.declarations(),
           *documents.pointing(bait, 9), *documents.including(bait)]
wrong = [fell(attack, known) for attack in documents.honest()]  # everything is loaded now
open(folder / "begin", "w").close()
wrong += [fell(attack, known) for attack in attacks]
open(folder / "end", "w").close()
sys.exit("\\n".join(filter(None, wrong)) or None)
"""
_OPENED = re.compile(r'open(?:at)?\(.*?"([^"]+)"')


def test_no_file_that_a_document_names_is_opened_and_no_line_is_made(tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip(
            "strace is not installed: nobody watches from outside (tests/hostile/test_x_documents.py lays traps)"
        )
    bait, seen = tmp_path / "secret.txt", tmp_path / "seen"
    bait.write_text(documents.SECRET)
    watch = ["strace", "-f", "-qq", "-s", "4096", "-o", str(seen), "-e", "trace=open,openat,connect,socket"]
    run = subprocess.run(
        [*watch, sys.executable, "-c", _JUDGE, str(bait), str(tmp_path / "schemas")],
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    if "ptrace" in run.stderr:
        pytest.skip("nobody may watch a process from outside here")
    assert run.returncode == 0, run.stderr
    lines = seen.read_text("utf-8", "replace").splitlines()
    begin, end = (next(n for n, line in enumerate(lines) if f'/{name}"' in line) for name in ("begin", "end"))
    during = lines[begin + 1 : end]
    assert [line for line in during if "socket(" in line or "connect(" in line] == []
    opened = {found[1] for line in during if (found := _OPENED.search(line))}
    ours = (str(tmp_path / "schemas"), str(ROOT / "gateway"), sys.prefix, sys.base_prefix)
    assert {path for path in opened if not path.startswith(ours)} == set()


def _pulled(data: bytes) -> str:
    parser = xmlsafe.puller(f"{{{documents.NAMESPACE}}}lot")
    parser.feed(data)
    root = parser.close()
    return "".join(root.itertext())


def _heard(data: bytes) -> str:
    heard: list[str] = []
    parser = xmlsafe.positions()
    parser.CharacterDataHandler = heard.append
    parser.Parse(data, True)
    return "".join(heard)


PARSERS: dict[str, Callable[[bytes], str]] = {
    "parse": lambda data: "".join(xmlsafe.parse(data).itertext()),
    "events": lambda data: "".join(element.text or "" for _, element in xmlsafe.events(io.BytesIO(data))),
    "puller": _pulled,
    "parts": lambda data: "".join(xmlsafe.parts()(data).itertext()),
    "positions": _heard,
}


@pytest.mark.parametrize("name", PARSERS)
def test_no_parser_of_ours_brings_in_what_another_file_holds(name: str, tmp_path: Path) -> None:
    """The guard lets none of these reach them; they would hold without it too."""
    bait = tmp_path / "secret.txt"
    bait.write_text(documents.SECRET)
    read = 0
    for attack in documents.external(str(bait)):
        try:
            text = PARSERS[name](attack.data)
        except (etree.XMLSyntaxError, xmlsafe.expat.ExpatError):
            continue
        read += 1
        assert documents.SECRET not in text, attack.name
    assert read
