"""The configuration: every option is written down, and every mistake is named."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from gateway.config import (
    AlertsConfig,
    BackupConfig,
    Config,
    GatewayConfig,
    KeyConfig,
    MailConfig,
    MonitorConfig,
    PasswordConfig,
    PayerConfig,
    RecipientConfig,
    RetentionConfig,
    load,
)
from gateway.errors import ConfigError
from gateway.resources import data_dir

PAYER = """
[[payer]]
name = "sandbox"
formats = ["ramq-rfp"]
environment = "test"
host = "127.0.0.1"
"""

TABLES: dict[str, type[BaseModel]] = {
    "gateway": GatewayConfig,
    "monitor": MonitorConfig,
    "key": KeyConfig,
    "backup": BackupConfig,
    "retention": RetentionConfig,
    "mail": MailConfig,
    "alerts": AlertsConfig,
    "alert": RecipientConfig,
    "payer": PayerConfig,
}


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine, and a current folder of our own."""
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)


def written(tmp_path: Path, text: str, name: str = "gateway.toml") -> Path:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return file


def refused(tmp_path: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text))
    return caught.value


def shipped() -> dict[str, Any]:
    """The shipped file with its commented blocks switched on."""
    text = (data_dir("config") / "gateway.toml").read_text(encoding="utf-8")
    return tomllib.loads(re.sub(r"^# (?=\[\[[a-z]+\]\]|\[payer\.password\]|[a-z_]+ = )", "", text, flags=re.MULTILINE))


def test_the_shipped_file_names_every_option_with_its_default() -> None:
    data = shipped()
    assert set(data) == {"config_version", *TABLES}
    needed: dict[str, dict[str, str]] = {"alert": {"to": "garde@example.org"}}  # no block would be whole without
    said = {name: data[name] if isinstance(data[name], dict) else data[name][0] for name in TABLES}
    models = TABLES | {"payer.password": PasswordConfig}
    for name, table in (said | {"payer.password": said["payer"]["password"]}).items():
        model = models[name]
        assert list(table) == list(model.model_fields)
        filled = model.model_validate(table | needed.get(name, {}))
        for name, field in model.model_fields.items():
            if not field.is_required() and name not in ("host", "to"):
                assert getattr(filled, name) == field.get_default(call_default_factory=True), name


def test_every_option_of_the_shipped_file_has_a_comment() -> None:
    text = (data_dir("config") / "gateway.toml").read_text(encoding="utf-8")
    options = [line for line in text.splitlines() if re.match(r"(# )?[a-z_]+ = ", line)]
    models = (*TABLES.values(), PasswordConfig)  # the last one is a table of the one before
    assert len(options) == sum(len(model.model_fields) for model in models)
    assert [line for line in options if not re.search(r" # \S", line)] == []


def test_the_shipped_file_loads_and_has_no_payer() -> None:
    assert load(data_dir("config") / "gateway.toml").payers == ()


def test_without_a_file_the_state_is_in_var_and_there_is_no_payer(tmp_path: Path) -> None:
    config = load()
    assert config == Config(GatewayConfig(state_dir=tmp_path / "var"), (), None)
    assert config.paths.database == tmp_path / "var" / "gateway.db"


def test_the_option_wins_over_the_environment_and_that_over_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = written(tmp_path, "[gateway]\nworkers = 1")
    named = written(tmp_path, "[gateway]\nworkers = 2", "named.toml")
    option = written(tmp_path, "[gateway]\nworkers = 3", "option.toml")
    assert load().path == Path(here.name)
    monkeypatch.setenv("GATEWAY_CONFIG", str(named))
    assert (load().gateway.workers, load(option).gateway.workers) == (2, 3)


def test_relative_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    payer = PAYER.replace('host = "127.0.0.1"', 'kind = "folder"\ndeposit = "in/{transmission_number}"')
    config = load(written(folder, '[gateway]\nstate_dir = "state"\n' + payer))
    assert config.gateway.state_dir == folder / "state"
    assert config.payers[0].mailbox("deposit", "18001")["path"] == str(folder / "in" / "18001")


def test_the_state_dir_option_wins_over_the_file(tmp_path: Path) -> None:
    config = load(written(tmp_path, '[gateway]\nstate_dir = "state"'), state_dir=Path("other"))
    assert config.gateway.state_dir == tmp_path / "other"


def test_durations_may_have_a_unit(tmp_path: Path) -> None:
    config = load(written(tmp_path, "[gateway]\nlease_seconds = 90\n" + PAYER + 'poll = "5m"\nreply_within = "1.5h"'))
    assert (config.gateway.lease_seconds, config.payers[0].poll, config.payers[0].reply_within) == (90, 300, 5400)


def test_a_mailbox_has_what_its_adapter_needs(tmp_path: Path) -> None:
    text = PAYER + 'user = "ag{transmission_number}"\nport = 2222\nhost_key = "ssh-ed25519 A"\noptions = { depth = 1 }'
    config = load(written(tmp_path, text))
    assert config.payer("sandbox").mailbox("returns", "18001") == {
        "kind": "sftp",
        "host": "127.0.0.1",
        "port": 2222,
        "user": "ag18001",
        "host_key": "ssh-ed25519 A",
        "path": "retour",
        "after": "remove",
        "depth": 1,
    }


def test_what_a_repeat_does_may_differ_by_format(tmp_path: Path) -> None:
    payer = load(written(tmp_path, PAYER + 'on_repeat = { ramq-rfp = "first_answer" }')).payers[0]
    assert (payer.repeat_fact("ramq-rfp"), payer.repeat_fact("ramq-dp")) == ("first_answer", "unknown")
    payer = load(written(tmp_path, PAYER + 'on_repeat = "refuses"')).payers[0]
    assert payer.repeat_fact("anything") == "refuses"


@pytest.mark.parametrize(
    ("text", "key", "near"),
    [
        ("[gateway]\nlangage = 'fr'", "gateway.langage", "language"),
        ("[gatway]", "gatway", "gateway"),
        (PAYER + "hots = 'x'", "payer[sandbox].hots", "host"),
        ("[[payers]]", "payers", "payer"),
    ],
)
def test_an_unknown_key_is_named_with_its_nearest(tmp_path: Path, text: str, key: str, near: str) -> None:
    error = refused(tmp_path, text)
    for sentence in error.both.values():
        assert str(tmp_path / "gateway.toml") in sentence
        assert f" {key}" in sentence
        assert near in sentence.replace(key, "")
    assert "existe" in error.both["fr"]
    assert "nearest" in error.both["en"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (PAYER + 'poll = "soon"', ["payer[sandbox].poll", "24h"]),
        (PAYER + 'deposits = "eats"', ["payer[sandbox].deposits", "swallows"]),
        (PAYER + "port = 0", ["payer[sandbox].port"]),
        (PAYER + 'user = "gateway"', ["payer[sandbox]", "{transmission_number}"]),
        (PAYER + PAYER, ["sandbox"]),
        (PAYER.replace('host = "127.0.0.1"', ""), ["payer[sandbox]", "host"]),
        (PAYER.replace('environment = "test"', ""), ["payer[sandbox].environment"]),
        ("[gateway]\nworkers = 0\nlanguage = 'de'", ["gateway.workers", "gateway.language"]),
        ("config_version = 2", ["config_version"]),
        ("payer = 3", ["payer"]),
        ("[gateway", ["TOML", " 1 "]),
    ],
)
def test_a_mistake_is_told_with_its_file_and_key_in_both_languages(tmp_path: Path, text: str, words: list[str]) -> None:
    error = refused(tmp_path, text)
    for sentence in error.both.values():
        assert [word for word in ["gateway.toml", *words] if word not in sentence] == []
    assert error.both["fr"] != error.both["en"]


def test_a_value_is_never_shown(tmp_path: Path) -> None:
    error = refused(tmp_path, PAYER + 'password = "hunter2-secret"\nport = "hunter2-secret"')
    assert "hunter2" not in str(error)


def test_a_missing_file_is_an_error_when_it_was_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml"):
        load(tmp_path / "absent.toml")


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_bytes(b"\xef\xbb\xbf[gateway]\r\nworkers = 2\r\n")
    assert load(file).gateway.workers == 2


def test_an_unknown_payer_is_named_with_its_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="sandbox"):
        load(written(tmp_path, PAYER)).payer("sandbx")
