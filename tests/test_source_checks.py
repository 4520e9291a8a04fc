"""What no file of the house may do, read from its source; each check is shown to bite on a bad line."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted([*(ROOT / "gateway").rglob("*.py"), *(ROOT / "adapters").rglob("*.py")])
SPEAKS_SQL = {"execute", "executemany", "executescript", "exec_driver_sql", "text", "DDL", "literal_column"}
Check = Callable[[ast.AST], Iterator[tuple[int, str]]]


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


@cache
def written(node: ast.expr) -> str:
    return ast.unparse(node)


def imports(tree: ast.AST, *modules: str) -> Iterator[tuple[int, str]]:
    """Imports of these modules, or of what is in them."""
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from ((node.lineno, n) for n in names if any(f"{n}.".startswith(f"{m}.") for m in modules))


def calls(tree: ast.AST, pattern: str) -> Iterator[tuple[int, str]]:
    """Calls whose written name matches the whole pattern."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and re.fullmatch(pattern, name := written(node.func)):
            yield node.lineno, name


def shell(tree: ast.AST) -> Iterator[tuple[int, str]]:
    yield from calls(tree, r"os\.(system|popen|exec\w+|spawn\w+|posix_spawn\w*)|pty\.spawn")
    yield from imports(tree, "subprocess", "commands", "pexpect", "asyncio.subprocess")
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "shell":
            yield node.lineno, "shell="


def code_from_text(tree: ast.AST) -> Iterator[tuple[int, str]]:
    yield from calls(tree, r"(builtins\.)?(eval|exec|compile|__import__)")


def objects_from_bytes(tree: ast.AST) -> Iterator[tuple[int, str]]:
    yield from imports(tree, "pickle", "cPickle", "dill", "marshal", "shelve", "jsonpickle", "joblib", "cloudpickle")


def unsafe_yaml(tree: ast.AST) -> Iterator[tuple[int, str]]:
    yield from calls(tree, r"yaml\.(load|load_all|unsafe_load\w*|full_load\w*)|yaml\.YAML")
    yield from imports(tree, "yaml.load", "yaml.unsafe_load", "yaml.full_load", "yaml.Loader", "yaml.UnsafeLoader")


def built_sql(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """A statement put together from pieces: f"…{x}…", "…" + x, "…" % x, "…".format(x)."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = written(node.func).rpartition(".")[2]
        if name in SPEAKS_SQL and pieces(node.args[0]):
            yield node.lineno, name


def pieces(node: ast.expr) -> bool:
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(value, ast.FormattedValue) and not constant(value.value) for value in node.values)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Mod) or (
            isinstance(node.op, ast.Add) and not all(isinstance(x, ast.Constant) for x in (node.left, node.right))
        )
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format"


def constant(node: ast.expr) -> bool:
    """A choice between words of ours (ON, OFF), one of our own functions without an argument, or a CONSTANT."""
    if isinstance(node, ast.IfExp):
        return constant(node.body) and constant(node.orelse)
    if isinstance(node, ast.BinOp):
        return constant(node.left) and constant(node.right)
    return (
        isinstance(node, ast.Constant)
        or (isinstance(node, ast.Name) and node.id.isupper())
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args and not node.keywords)
    )


def unpacked_by_name(tree: ast.AST) -> Iterator[tuple[int, str]]:
    yield from calls(tree, r".+\.(extract|extractall)|(shutil\.)?unpack_archive")


def unknown_hosts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        word = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        if word in ("AutoAddPolicy", "WarningPolicy"):
            yield getattr(node, "lineno", 0), word
        if isinstance(node, ast.keyword) and node.arg == "known_hosts" and ast.unparse(node.value) == "None":
            yield node.lineno, "known_hosts=None"
    yield from imports(tree, "paramiko.AutoAddPolicy", "paramiko.client.AutoAddPolicy")


def guessable(tree: ast.AST) -> Iterator[tuple[int, str]]:
    yield from imports(tree, "random", "numpy.random")
    yield from calls(tree, r"(tempfile\.)?mktemp|uuid\.uuid1")


def files_in_the_clear(tree: ast.AST) -> Iterator[tuple[int, str]]:
    yield from calls(tree, r"(tempfile\.)?(Named|Spooled)?TemporaryFile|(tempfile\.)?mkstemp")


def parsers(tree: ast.AST) -> Iterator[tuple[int, str]]:
    made = r"XMLParser|XMLPullParser|HTMLParser|iterparse|fromstring\w*|XML|HTML|parse|ParserCreate|XMLSchema|XSLT"
    yield from calls(tree, rf"(lxml\.)?(etree|expat|html|ElementTree|ET|minidom|sax)\.({made})")
    yield from imports(tree, "xml.etree", "xml.dom", "xml.sax.make_parser", "xml.sax.parse", "xml.sax.expatreader")
    for line, name in imports(tree, "lxml.etree", "xml.parsers.expat"):
        if re.fullmatch(made, name.rpartition(".")[2]):
            yield line, name


def clocks(tree: ast.AST) -> Iterator[tuple[int, str]]:
    yield from calls(tree, r"(datetime\.)?(datetime|date)\.(now|utcnow|today)")
    yield from calls(tree, r"time\.(time|time_ns|monotonic|monotonic_ns|perf_counter\w*|sleep|localtime|gmtime)")
    yield from imports(tree, "time")


# Each check: what it is, where it does not hold, and lines it must bite on.
CHECKS: dict[str, tuple[Check, frozenset[str], tuple[str, ...]]] = {
    "shell": (
        shell,
        frozenset({"gateway/processes.py"}),  # the one place that starts a process: our own Python, our own module
        ("import os\nos.system('ls')", "import subprocess", "from subprocess import run", "start(x, shell=True)"),
    ),
    "code from text": (code_from_text, frozenset(), ("eval('1')", "exec(text)", "__import__(name)")),
    "objects from bytes": (objects_from_bytes, frozenset(), ("import pickle", "from marshal import loads")),
    "unsafe YAML": (unsafe_yaml, frozenset(), ("yaml.load(x)", "from yaml import unsafe_load", "yaml.full_load(x)")),
    "SQL from pieces": (
        built_sql,
        frozenset(),
        (
            "s.execute(f'SELECT {x}')",
            "text('SELECT ' + x)",
            "c.exec_driver_sql('SELECT %s' % x)",
            "text('SELECT {}'.format(x))",
        ),
    ),
    "archives unpacked by name": (
        unpacked_by_name,
        frozenset(),
        ("z.extractall('.')", "z.extract(m)", "shutil.unpack_archive(f)"),
    ),
    "unknown hosts": (
        unknown_hosts,
        frozenset(),
        (
            "c.set_missing_host_key_policy(paramiko.AutoAddPolicy())",
            "from paramiko import AutoAddPolicy",
            "c.set_missing_host_key_policy(paramiko.WarningPolicy)",
            "connect(h, known_hosts=None)",
        ),
    ),
    "guessable secrets": (
        guessable,
        frozenset(  # invented people and documents, told by a seed
            {f"gateway/synthetic/{name}.py" for name in ("plan", "answers", "people")}
        ),
        ("import random", "from random import choice", "tempfile.mktemp()"),
    ),
    "temporary files in the clear": (
        files_in_the_clear,
        frozenset(
            {
                "gateway/sealing/spool.py",  # enciphers what goes into it
                "gateway/validation/archive.py",  # for whoever judges a file of their own, which is in the clear
            }
        ),
        ("tempfile.TemporaryFile()", "with SpooledTemporaryFile(4) as f: pass", "tempfile.mkstemp()"),
    ),
    "XML parsers": (
        parsers,
        frozenset({"gateway/xmlsafe.py"}),
        (
            "etree.fromstring(b)",
            "from lxml.etree import XMLParser",
            "import xml.etree.ElementTree as ET",
            "expat.ParserCreate()",
            "from xml.dom import minidom",
            "etree.parse(f)",
        ),
    ),
    "clocks": (
        clocks,
        frozenset({"gateway/clock.py"}),
        (
            "datetime.now(UTC)",
            "datetime.datetime.utcnow()",
            "date.today()",
            "import time",
            "from time import monotonic",
            "time.sleep(1)",
        ),
    ),
}
FINE = """
from datetime import datetime
datetime.fromisoformat(x)
session.execute(select(t).where(c == x))
connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY * 1000}")
etree.tostring(root)
yaml.safe_load(x)
re.compile(p)
"""


@pytest.mark.parametrize("what", CHECKS)
def test_no_source_of_ours_has(what: str) -> None:
    check, allowed, _ = CHECKS[what]
    found = [
        f"{where}:{line} {name}"
        for file in FILES
        if (where := file.relative_to(ROOT).as_posix()) not in allowed
        for line, name in check(parsed(file))
    ]
    assert found == []


@pytest.mark.parametrize(("what", "bad"), [(what, bad) for what, (*_, lines) in CHECKS.items() for bad in lines])
def test_the_check_bites(what: str, bad: str) -> None:
    assert list(CHECKS[what][0](ast.parse(bad)))


@pytest.mark.parametrize("what", CHECKS)
def test_the_check_lets_what_is_fine_be(what: str) -> None:
    assert list(CHECKS[what][0](ast.parse(FINE))) == []


def test_what_is_excepted_still_needs_it() -> None:
    """An exception nobody needs any more would hide the next mistake."""
    idle = [
        f"{what}: {where}"
        for what, (check, allowed, _) in CHECKS.items()
        for where in allowed
        if not list(check(ast.parse((ROOT / where).read_text("utf-8"))))
    ]
    assert idle == []
