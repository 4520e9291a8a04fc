"""`gateway check`: many files, beside each other, watched; written for people, programs and build servers."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree
from support.jsonschema import complaints
from support.junit import strangers
from support.sarif import LOG

from gateway.cli import main
from gateway.cli.check import Run
from gateway.cli.common import Call
from gateway.cli.judged import catalog_folders
from gateway.cli.many import judge_files
from gateway.cli.progress import Progress, wants_colour
from gateway.cli.watch import watch
from gateway.clock import SystemClock
from gateway.resources import data_dir
from gateway.validation import check

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = data_dir("schemas") / "ramq-rfp" / "samples"
VALID, INVALID = SAMPLES / "valid_dem_paimt_dentist.xml", SAMPLES / "invalid_dem_annu_token_of_letters.xml"
HEAVY = ("pydantic", "sqlmodel", "sqlalchemy", "rich", "structlog", "jinja2", "babel", "paramiko")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def called(*words: str | Path) -> int:
    with pytest.raises(SystemExit) as end:
        main([*map(str, words), "--lang", "en"])
    return int(end.value.code or 0)


def test_a_folder_is_judged_to_its_depth_and_summed_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "a.XML").write_bytes(VALID.read_bytes())
    (tmp_path / "notes.txt").write_text("not a document")
    with zipfile.ZipFile(tmp_path / "lot.zip", "w") as lot:
        lot.write(INVALID, "b.xml")
        lot.write(VALID, "c.xml")
    assert called("check", tmp_path) == 1
    said = capsys.readouterr()
    assert said.err == ""
    assert "3 document(s): 2 valid, 1 invalid, 0 not judged." in said.out
    assert "notes.txt" not in said.out


def test_a_folder_without_documents_is_not_valid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert called("check", tmp_path) == 2
    assert str(tmp_path) in capsys.readouterr().err


def test_the_worst_document_decides_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert called("check", VALID, INVALID) == 1
    assert called("check", VALID, INVALID, tmp_path / "gone.xml") == 2
    assert "gone.xml: the file was not judged (does not exist)" in capsys.readouterr().err


def test_processes_beside_each_other_find_the_same(tmp_path: Path) -> None:
    files = sorted(SAMPLES.glob("*_dem_annu_*.xml"))[:6]
    folders = [data_dir("schemas")]
    alone, beside = (list(judge_files(files, folders, jobs=jobs, look=True)) for jobs in (1, 2))
    assert alone == beside
    assert any(outcome.excerpts for outcome in beside)


def test_a_process_that_dies_makes_its_files_not_judged(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"{number:03}.xml").write_bytes(VALID.read_bytes())
    outcomes = judge_files(sorted(tmp_path.iterdir()), [data_dir("schemas")], jobs=2)
    seen = [next(outcomes)]
    for child in multiprocessing.active_children():
        child.kill()
    seen += outcomes
    assert len(seen) == 200
    verdicts = {outcome.reports[0].verdict for outcome in seen}
    assert verdicts <= {"valid", "not_judged"}
    assert all((outcome.why is None) == (outcome.reports[0].verdict == "valid") for outcome in seen)


_BESIDE = """
import multiprocessing, os, signal, sys, threading
from gateway.cli.beside import judge_files
from gateway.resources import data_dir
from pathlib import Path

way, folder, whom = sys.argv[1:]
if way == "spawn":
    threading.Thread(target=threading.Event().wait, daemon=True).start()
print("unwritten", end=" ")  # a forked process has this too, and must not write it
outcomes = judge_files(sorted(Path(folder).iterdir()), [data_dir("schemas")], jobs=2)
seen = [next(outcomes)]
children = multiprocessing.active_children()
os.kill(os.getpid() if whom == "parent" else children[0].pid, signal.SIGKILL)
seen += outcomes
print(type(children[0]).__name__, len(seen), *{outcome.reports[0].verdict for outcome in seen})
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all processes are new ones")
@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_judging_processes_are_forked_where_there_is_but_one_thread_and_end_with_their_parent(
    way: str, tmp_path: Path
) -> None:
    for number in range(200):
        (tmp_path / f"{number:03}.xml").write_bytes(VALID.read_bytes())
    called = [sys.executable, "-c", _BESIDE, way, str(tmp_path), "child"]
    done = subprocess.run(called, capture_output=True, text=True, cwd=ROOT, check=True, timeout=60)
    said = done.stdout.split()
    assert said[:3] == ["unwritten", f"{way.capitalize()}Process", "200"]
    assert {"valid"} <= set(said[3:]) <= {"valid", "not_judged"}
    called[-1] = "parent"  # who is killed; what it printed to stays open until the last of its processes has ended
    assert subprocess.run(called, capture_output=True, cwd=ROOT, timeout=60).returncode == -signal.SIGKILL


@pytest.mark.parametrize("words", [("--jobs", "many"), ("--jobs", "-1"), ("--format", "jsno")])
def test_a_bad_value_is_said_in_one_sentence(words: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert called("check", VALID, *words) == 2
    said = capsys.readouterr().err
    assert words[0] in said
    assert "Traceback" not in said
    assert "json" in said or words[0] == "--jobs"


def test_a_progress_bar_is_drawn_only_where_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        bar = Progress(4, stream)
        bar.step()
        bar.clear()
    assert "1/4" in terminal.getvalue()
    assert pipe.getvalue() == ""


def test_colours_are_for_terminals_whose_owner_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert wants_colour(Terminal())
    assert not wants_colour(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colour(Terminal())


def test_a_small_document_is_judged_without_loading_what_it_does_not_need() -> None:
    loaded = f"sorted(m for m in {HEAVY!r} if m in sys.modules)"
    code = (
        "import sys\nfrom gateway.cli import main\ntry:\n"
        f"    main(['check', {str(VALID)!r}])\n"
        f"except SystemExit as end:\n    print(end.code, {loaded}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stderr.strip() == "0 []"


class Patient(SystemClock):
    """Waits by doing what happens meanwhile; then somebody presses Ctrl-C."""

    def __init__(self, *happens: Callable[[], object]) -> None:
        self._happens = list(happens)

    def sleep(self, seconds: float) -> None:
        if not self._happens:
            raise KeyboardInterrupt
        self._happens.pop(0)()


def test_what_changes_is_judged_again_once_it_is_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = tmp_path / "one.xml", tmp_path / "two.xml"
    one.write_bytes(VALID.read_bytes())
    two.write_bytes(VALID.read_bytes())
    nothing = lambda: None  # noqa: E731
    clock = Patient(nothing, lambda: two.write_bytes(INVALID.read_bytes()), nothing, nothing)
    call = Call(None, tmp_path / "var", "en", None)
    assert watch(Run(call, "text"), [tmp_path], clock) == 1
    said = capsys.readouterr().out
    assert said.count("one.xml") == 1
    assert said.count("two.xml: valid") == said.count("two.xml: invalid") == 1
    clock = Patient(nothing, two.unlink, nothing)
    assert watch(Run(call, "text"), [tmp_path], clock) == 0


def test_a_page_that_is_watched_always_holds_every_document(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    one, two, page = tmp_path / "in" / "one.xml", tmp_path / "in" / "two.xml", tmp_path / "page.html"
    one.write_bytes(VALID.read_bytes())
    two.write_bytes(VALID.read_bytes())
    nothing = lambda: None  # noqa: E731
    clock = Patient(nothing, lambda: two.write_bytes(INVALID.read_bytes()), nothing, nothing)
    assert watch(Run(Call(None, tmp_path / "var", "en", None), "html", str(page)), [tmp_path / "in"], clock) == 1
    assert all(name in page.read_text("utf-8") for name in ("one.xml", "two.xml", "SCHEMA_VALUE"))


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is another thing there")
def test_ctrl_c_ends_watching_without_a_traceback(tmp_path: Path) -> None:
    watching = subprocess.Popen(
        [sys.executable, "-m", "gateway", "check", "--watch", str(VALID), "--lang", "en"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    assert watching.stderr is not None
    assert "1 file(s) watched" in watching.stderr.readline()
    watching.send_signal(signal.SIGINT)
    out, err = watching.communicate(timeout=30)
    assert (watching.returncode, err.strip()) == (0, "")
    assert "valid" in out


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is another thing there")
def test_ctrl_c_ends_files_judged_beside_each_other_without_a_traceback(tmp_path: Path) -> None:
    for number in range(60):
        (tmp_path / f"{number:02}.xml").write_bytes(VALID.read_bytes())
    judging = subprocess.Popen(
        [sys.executable, "-u", "-m", "gateway", "check", str(tmp_path), "--jobs", "2", "--lang", "en"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        text=True,
        start_new_session=True,
    )
    assert judging.stdout is not None
    assert "00.xml: valid" in judging.stdout.readline()
    os.killpg(judging.pid, signal.SIGINT)  # as a terminal does: everybody hears it
    out, err = judging.communicate(timeout=30)
    assert (judging.returncode, err) == (130, "") or (judging.returncode == 0 and "60 valid" in out)


def test_json_is_what_the_published_schema_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema = json.loads((ROOT / "docs" / "report.schema.json").read_text("utf-8"))
    (tmp_path / "x.xml").write_bytes(b'<?xml version="1.0"?><!DOCTYPE a><a/>')
    (tmp_path / "y.xml").write_bytes(VALID.read_bytes()[:700])
    called("check", *sorted(SAMPLES.glob("*.xml")), tmp_path, tmp_path / "gone.xml", "--format", "json")
    reports = json.loads(capsys.readouterr().out)
    assert complaints(reports, schema) == []
    assert {report["verdict"] for report in reports} == {"valid", "invalid", "not_judged"}
    reports[0]["verdict"] = "fine"
    del reports[1]["findings"]
    assert len(complaints(reports, schema)) == 2


def test_junit_counts_what_failed_and_never_passes_what_was_not_judged(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    called("check", VALID, INVALID, "gone.xml", "--format", "junit")
    root = etree.fromstring(capsysbinary.readouterr().out)
    assert root.tag == "testsuites"
    assert list(strangers(root)) == []
    for element in (root, *root):
        cases = list(element.iter("testcase"))
        assert int(element.get("tests")) == len(cases)
        for what, tag in (("failures", "failure"), ("errors", "error")):
            assert int(element.get(what)) == sum(1 for case in cases if case.find(tag) is not None)
    assert [(suite.get("failures"), suite.get("errors")) for suite in root] == [("0", "0"), ("1", "0"), ("0", "1")]
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.get("type") == "SCHEMA_VALUE"


def test_sarif_has_what_its_standard_requires(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd = tmp_path / "été & co [1].xml"
    odd.write_bytes(INVALID.read_bytes())
    called("check", *sorted(SAMPLES.glob("[ir]*.xml")), odd, "--format", "sarif")
    log = json.loads(capsys.readouterr().out)
    assert complaints(log, LOG) == []
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert log["version"] == "2.1.0"
    assert run["tool"]["driver"]["name"]
    assert len({rule["id"] for rule in rules}) == len(rules) > 3
    assert run["results"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"none", "note", "warning", "error"}
        assert result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert (
            run["artifacts"][place["artifactLocation"]["index"]]["location"]["uri"] == place["artifactLocation"]["uri"]
        )
        assert min(place.get("region", {"startLine": 1}).values()) >= 1
    assert run["invocations"] == [{"executionSuccessful": True}]


@pytest.mark.parametrize("form", ["text", "html", "json", "junit", "sarif"])
def test_a_report_is_written_into_a_file_or_a_folder(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called("check", VALID, INVALID, "--format", form, "--output", tmp_path / "all") == 1
    assert (tmp_path / "all").stat().st_size > 100
    assert called("check", VALID, INVALID, "--format", form, "--output", f"{tmp_path}/each/") == 1
    assert len(list((tmp_path / "each").iterdir())) == (3 if form == "html" else 2)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("2 document(s): 1 valid, 1 invalid") == 2


def test_a_program_checks_bytes_and_files_with_one_function() -> None:
    (report,) = check(VALID.read_bytes(), name="mine.xml")
    assert (report.file, report.verdict) == ("mine.xml", "valid")
    assert check(str(INVALID))[0].verdict == "invalid"
    assert check(b"")[0].findings[0].code == "EMPTY_DOCUMENT"
    with pytest.raises(OSError, match="gone"):
        check("gone.xml")


def test_a_configuration_that_is_no_table_does_not_stop_a_check(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text("gateway = 3\n")
    assert catalog_folders(Call(config, None, "en", None))[0] == Path("var") / "schemas"


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are text there")
@pytest.mark.parametrize("form", ["text", "html", "json", "junit", "sarif"])
def test_a_name_that_is_no_text_is_shown_as_well_as_can_be(
    form: str, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    file = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.xml")
    Path(file).write_bytes(INVALID.read_bytes())
    assert called("check", file, os.fsdecode(b"gone\xff.xml"), "--format", form) == 2
    said = capsysbinary.readouterr()
    assert b"SCHEMA_VALUE" in said.out
    assert b"Traceback" not in said.err


def test_a_terminal_that_lacks_a_letter_shows_another() -> None:
    command = [sys.executable, "-m", "gateway", "check", str(INVALID), "--lang", "fr"]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "")
    assert "SCHEMA_VALUE" in done.stdout
