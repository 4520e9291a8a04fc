"""The command line: both languages everywhere, exit codes that mean something, sentences instead of tracebacks."""

from __future__ import annotations

import io
import json
import re
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command import call

from gateway.cli import FAMILIES, build, take_common
from gateway.messages import LANGUAGES
from gateway.resources import data_dir

SAMPLES = data_dir("schemas") / "ramq-rfp" / "samples"


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*path, name))


def all_commands() -> list[str]:
    return [" ".join(path) for path, _ in commands(build("en"))]


@pytest.mark.parametrize("path", all_commands())
def test_every_command_and_option_explains_itself_in_both_languages(path: str) -> None:
    said: dict[str, list[str]] = {}
    for lang in LANGUAGES:
        command = next(c for p, c in commands(build(lang)) if " ".join(p) == path)
        said[lang] = [command.help or "", *(getattr(p, "help", None) or "" for p in command.params)]
        assert all(said[lang]), f"{path}: something has no help in {lang}"
    assert said["fr"] != said["en"]


@pytest.mark.parametrize("path", all_commands())
def test_help_is_printed(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*path.split(), "--help", "--lang", "fr") == 0
    assert "--lang" in capsys.readouterr().out or path


def test_every_command_has_a_family() -> None:
    assert set(build("en").commands) == set(FAMILIES)


def test_common_options_may_stand_anywhere() -> None:
    words, common = take_common(["--lang", "fr", "status", "--config=x.toml", "--json", "--as", "Ève"])
    assert words == ["status", "--json"]
    assert common == {"lang": "fr", "config": "x.toml", "actor": "Ève"}


def test_a_valid_document_exits_with_0_and_an_invalid_one_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    valid = next(SAMPLES.glob("valid_dem_paimt*.xml"))
    invalid = next(SAMPLES.glob("invalid_dem_paimt*.xml"))
    assert call("check", str(valid)) == 0
    assert call("check", str(invalid), "--lang", "fr") == 1
    assert invalid.name in capsys.readouterr().out


def test_check_prints_one_json_object_per_document_with_the_documented_keys(
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = [next(SAMPLES.glob("valid_dem_paimt*.xml")), next(SAMPLES.glob("invalid_dem_paimt*.xml"))]
    assert call("check", *map(str, files), "--format", "json") == 1
    first, second = json.loads(capsys.readouterr().out)
    keys = {"file", "sha256", "format", "version", "document", "authority", "verdict", "invoices", "invalid_invoices"}
    assert keys | {"findings", "not_checked"} <= set(first)
    assert (first["verdict"], second["verdict"]) == ("valid", "invalid")
    finding = second["findings"][0]
    keys = {"code", "severity", "authority", "line", "column", "path", "invoice", "message", "next", "letter"}
    assert set(finding) == keys
    assert set(finding["message"]) == set(finding["next"]) == {"fr", "en"}


def test_a_file_that_is_not_there_is_not_judged(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("check", "no-such-file.xml", "--lang", "en") == 2
    captured = capsys.readouterr()
    assert "no-such-file.xml" in captured.err
    assert "Traceback" not in captured.err


def test_generate_never_replaces_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lot.xml"
    assert call("generate", "--seed", "5", "--invoices", "3", "--output", str(file)) == 0
    before = file.read_bytes()
    assert call("generate", "--seed", "6", "--output", str(file), "--lang", "en") == 2
    assert file.read_bytes() == before
    assert "lot.xml" in capsys.readouterr().err


def test_an_unknown_fault_names_the_known_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("generate", "--faults", "nonsense", "--output", str(tmp_path / "x.xml")) == 2
    assert "not_well_formed" in capsys.readouterr().err
    assert not (tmp_path / "x.xml").exists()


def test_an_unknown_configuration_key_names_the_nearest_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text('config_version = 1\n[gateway]\nstate_dirr = "x"\n')
    assert call("status", "--config", str(config)) == 2
    said = capsys.readouterr().err
    assert "state_dirr" in said
    assert "state_dir" in re.sub("state_dirr", "", said)
    assert not (tmp_path / "var").exists()


def test_the_first_start_makes_a_private_state_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("status", "--json", "--state-dir", str(tmp_path / "var")) == 0
    picture = json.loads(capsys.readouterr().out)
    assert picture["held"] == picture["deliveries"] == []
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700


def test_a_password_comes_from_standard_input_and_is_shown_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at = _house(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO("Tempo-rary-1234\n"))
    assert call("credential", "set", "18001", "--payer", "sandbox", *at) == 0
    assert call("credential", "status", "--json", *at) == 0
    said = capsys.readouterr()
    assert "Tempo-rary" not in said.out + said.err
    assert json.loads(said.out[said.out.index("[\n") :])[0]["state"] == "TEMPORARY"
    assert not any(b"Tempo-rary" in file.read_bytes() for file in (tmp_path / "var").rglob("*") if file.is_file())


def test_a_credential_of_a_payer_nobody_configured_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at = _house(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO("x\n"))
    assert call("credential", "set", "18001", "--payer", "nobody", *at) == 2
    assert "nobody" in capsys.readouterr().err


def test_showing_what_nobody_knows_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("show", "DEM-none", "--state-dir", str(tmp_path / "var"), "--lang", "en") == 2
    assert "DEM-none" in capsys.readouterr().err


def test_doctor_finds_nothing_wrong_in_a_new_house(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = _house(tmp_path)
    for box in ("lots", "retours"):
        (tmp_path / box).mkdir()
    capsys.readouterr()
    assert call("doctor", "--json", *at) == 0
    parts = {part["part"] for part in json.loads(capsys.readouterr().out)}
    first = {"configuration", "permissions", "key", "database", "clock"}
    assert parts == first | {"schemas", "payers", "passwords", "mailboxes", "watching", "alerts", "backup"}


def test_doctor_names_a_folder_that_is_missing_and_a_deposit_nobody_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = (*_house(tmp_path), "--lang", "en")
    (tmp_path / "lots").mkdir()
    assert call("doctor", *at) == 1
    assert f"{tmp_path / 'retours'} does not exist" in capsys.readouterr().out
    (tmp_path / "retours").mkdir()
    (tmp_path / "lots" / "link.xml").symlink_to(tmp_path / "gateway.toml")
    assert call("doctor", *at) == 1
    assert "link.xml is never taken" in capsys.readouterr().out


def test_doctor_names_a_database_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = _house(tmp_path)
    (tmp_path / "var" / "gateway.db").write_text("garbage")
    capsys.readouterr()
    assert call("doctor", "--json", *at) == 1
    parts = {part["part"]: part for part in json.loads(capsys.readouterr().out)}
    assert not parts["database"]["ok"]
    assert "gateway.db" in parts["database"]["said"]


def test_doctor_names_a_payer_without_a_host_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = _house(tmp_path)
    file = Path(at[1])
    file.write_text(file.read_text("utf-8").replace("ssh-ed25519 AAAA", ""), encoding="utf-8")
    assert call("doctor", *at, "--lang", "en") == 1
    assert "payer[sandbox].host_key" in capsys.readouterr().out


def test_doctor_names_a_key_that_others_can_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = _house(tmp_path)
    key = next((tmp_path / "var" / "keys").iterdir())
    key.chmod(0o644)
    assert call("doctor", *at, "--lang", "en") == 1
    assert key.name in capsys.readouterr().out.replace("\n", "")


def test_the_sandbox_prints_a_payer_block_that_the_configuration_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("sandbox", "add", "18001", "--account", "personal:231236", "--state-dir", str(tmp_path / "var")) == 0
    password = capsys.readouterr().out.strip().splitlines()[-1]
    assert len(password) >= 8
    assert tomllib.loads((data_dir("config") / "gateway.toml").read_text("utf-8"))["config_version"] == 1


def _house(folder: Path) -> tuple[str, ...]:
    """A configuration with one test payer, and one agency in the registry."""
    config = folder / "gateway.toml"
    config.write_text(
        'config_version = 1\n[gateway]\nstate_dir = "var"\n'
        '[[payer]]\nname = "sandbox"\nformats = ["ramq-rfp"]\nkind = "sftp"\nenvironment = "test"\n'
        'host = "127.0.0.1"\nport = 9\nhost_key = "ssh-ed25519 AAAA"\n'
    )
    registry = folder / "registry.toml"
    registry.write_text(
        '[[agency]]\nname = "A"\nkind = "commercial"\npayers = ["sandbox"]\n'
        '[[agency.number]]\npayer = "sandbox"\nnumber = "18001"\nfrom = 2016-07-01\n'
        '[[agency.source]]\nname = "s"\npickup = { kind = "folder", path = "lots", finished = "rename" }\n'
        'returns = { kind = "folder", path = "retours" }\n'
    )
    assert call("registry", "apply", str(registry), "--config", str(config)) == 0
    return ("--config", str(config))
