"""The floors of the house (docs/design.md): imports look down, rooms and functions stay small."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted([*(ROOT / "gateway").rglob("*.py"), *(ROOT / "adapters").rglob("*.py")])
# A migration is the record of one day and is never changed again: it may be as long as that day's tables.
ROOMS = [file for file in FILES if file.parent.name != "versions"]
# Each floor's rooms; on some floors a room may also import those to its left.
LEANING = (1, 2, 3, 7)
FLOORS: list[list[str]] = [
    [
        "errors",
        "platform",
        "processes",
        "clock",
        "resources",
        "messages",
        "states",
        "ports",
        "retry",
        "identifiers",
        "xmlsafe",
    ],
    [
        "models",
        "config",
        "tables",
        "limits",
        "catalog",
        "installed",
        "report",
        "sheets",
        "payer",
        "calendars",
        "lines",
        "anchors",
        "instance",
        "tombstones",
    ],
    ["sealing", "migrations", "store", "keyring", "archive"],
    [
        "registry",
        "credentials",
        "validation",
        "reading",
        "rendering",
        "synthetic",
        "salvage",
        "arrivals",
        "applications",
        "advice",
        "deadlines",
        "breakers",
        "metrics",
        "alerts",
        "channels",
        "backups",
        "incidents",
    ],
    ["stages", "schedule", "families", "slots", "monitor", "watch", "retention", "moments", "adapters"],
    ["stages.*", "sandbox"],
    ["app", "resident"],
    ["cli", "web"],
    ["__main__"],
]
ADAPTERS_MAY_SEE = {"errors", "ports", "platform", "xmlsafe"}
SANDBOX_MAY_NOT_SEE = {"stages", "store", "validation"}


def room_of(module: str) -> str:
    """`gateway.stages.collect` → `stages.*`, `gateway.store.moves` → `store`, `adapters.sftp` → `adapters`."""
    parts = module.split(".")
    if parts[0] == "adapters":
        return "adapters"
    if parts[:2] == ["gateway", "stages"] and len(parts) > 2:
        return "stages.*"
    return parts[1] if len(parts) > 1 else ""


def place(room: str) -> tuple[int, int]:
    for floor, rooms in enumerate(FLOORS, 1):
        if room in rooms:
            return floor, rooms.index(room)
    raise AssertionError(f"the room {room!r} has no floor")


def module_name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            for alias in node.names:
                below = f"{node.module}.{alias.name}"
                yield below if exists(below) else str(node.module)


def exists(module: str) -> bool:
    path = ROOT.joinpath(*module.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def complaint(importer: str, target: str) -> str | None:
    here, there = room_of(importer), room_of(target)
    if not there or not here:
        return None
    if here == "adapters":
        return None if there in ADAPTERS_MAY_SEE | {"adapters"} else "adapters see only the lowest rooms"
    if here == "sandbox" and there in SANDBOX_MAY_NOT_SEE:
        return "the sandbox judges for itself"
    if here == there == "stages.*":
        return None if same_stage(importer, target) else "no stage imports another"
    if here == there:
        return None
    (floor, left), (other_floor, other_left) = place(here), place(there)
    if there == "adapters" and here != "app":
        return "only app imports adapters"
    down = other_floor < floor or (other_floor == floor and floor in LEANING and other_left < left)
    return None if down else f"floor {floor} imports floor {other_floor}"


def same_stage(importer: str, target: str) -> bool:
    return importer.split(".")[2] == target.split(".")[2]


def test_imports_look_down() -> None:
    wrong = [
        f"{module_name(file)} → {target}: {said}"
        for file in FILES
        for target in imported(file)
        if target.split(".")[0] in ("gateway", "adapters") and (said := complaint(module_name(file), target))
    ]
    assert wrong == []


def test_no_module_is_in_an_import_cycle() -> None:
    graph = {
        module_name(f): {t for t in imported(f) if t.split(".")[0] in ("gateway", "adapters") and exists(t)}
        for f in FILES
    }
    done: set[str] = set()

    def walk(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " → ".join((*trail[trail.index(module) :], module))
        if module not in done:
            for target in graph.get(module, ()):
                if target != module:
                    walk(target, (*trail, module))
            done.add(module)

    for module in graph:
        walk(module, ())


@pytest.mark.parametrize("file", ROOMS, ids=module_name)
def test_a_file_holds_one_room(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count("\n") <= 300, "two rooms in one file?"
    assert ast.get_docstring(ast.parse(text)), "the first line says what the room is"


@pytest.mark.parametrize("file", ROOMS, ids=module_name)
def test_functions_stay_under_forty_lines(file: Path) -> None:
    long = [
        f"{node.name} ({(node.end_lineno or 0) - node.lineno + 1} lines)"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno + 1 > 40
    ]
    assert long == []


def test_no_parser_checks_a_schema_into_a_target() -> None:
    """lxml accepts invalid documents in silence there."""
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                assert not {"target", "schema"} <= {k.arg for k in node.keywords}, f"{file}:{node.lineno}"


def test_only_the_store_speaks_sql_to_the_gateway_database() -> None:
    allowed = {"gateway.store", "gateway.sandbox", "gateway.migrations", "gateway.models"}
    found = [
        f"{module_name(file)} → {target}"
        for file in FILES
        if not any(module_name(file).startswith(room) for room in allowed)
        for target in imported(file)
        if target.split(".")[0] in ("sqlalchemy", "sqlite3", "sqlmodel", "psycopg")
    ]
    assert found == []


def test_no_stage_reaches_through_the_store_to_its_session() -> None:
    found = [
        f"{module_name(file)}:{node.lineno}"
        for file in FILES
        if module_name(file).startswith("gateway.stages")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "session"
    ]
    assert found == []


def test_no_import_hides_inside_a_function() -> None:
    """Two exceptions: a module that one system lacks, and the command line's families, loaded when they are called."""
    allowed = {"gateway.processes"}
    found = [
        f"{module_name(file)}:{inner.lineno}"
        for file in FILES
        if module_name(file) not in allowed
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert found == []
