"""The configuration: which payers there are, where the state lies, how much is taken at once (config/gateway.toml)."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.config.alerts import AlertsConfig, Mailbox, MailConfig, RecipientConfig, Syslog
from gateway.config.keeping import BackupConfig, RetentionConfig
from gateway.config.key import KeyConfig
from gateway.config.monitor import MonitorConfig
from gateway.config.password import PasswordConfig
from gateway.config.payer import PayerConfig
from gateway.config.places import Paths, paths
from gateway.config.strict import Model, Seconds, Table, nearest, read
from gateway.errors import ConfigError
from gateway.messages import both

__all__ = [
    "AlertsConfig",
    "BackupConfig",
    "Config",
    "GatewayConfig",
    "KeyConfig",
    "MailConfig",
    "MonitorConfig",
    "PasswordConfig",
    "Paths",
    "PayerConfig",
    "RecipientConfig",
    "RetentionConfig",
    "load",
    "paths",
]


class GatewayConfig(Table):
    """[gateway]: this installation."""

    state_dir: Path = Path("var")
    language: Literal["fr", "en"] = "fr"
    workers: int = Field(4, ge=1, le=64)
    lease_seconds: Seconds = 300
    max_lot_bytes: int = Field(200_000_000, ge=1)
    max_document_bytes: int = Field(200_000_000, ge=1)
    max_members: int = Field(1000, ge=1)
    max_invoices: int = Field(150_000, ge=1)
    max_unpacked_bytes: int = Field(500_000_000, ge=1)
    max_ratio: int = Field(200, ge=2)
    judge_seconds: Seconds = Field(2, ge=1)
    judge_seconds_per_megabyte: Seconds = 1
    judge_patience: float = Field(10, ge=1)
    judge_memory_bytes: int = Field(268_435_456, ge=100_000_000)
    judge_documents: int = Field(200, ge=1)
    deadline_days: tuple[int, ...] = (30, 14, 7, 3, 1)
    anchor_file: str = ""
    anchor_mail: Mailbox = ""
    anchor_syslog: Syslog = ""
    print_queue: str = ""
    switch_days: int = Field(180, ge=1)
    paper_days: int = Field(30, ge=1)
    log_format: Literal["auto", "json", "console"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class _File(Table):
    config_version: Literal[1] = 1
    gateway: GatewayConfig = GatewayConfig()
    monitor: MonitorConfig = MonitorConfig()
    mail: MailConfig = MailConfig()
    alerts: AlertsConfig = AlertsConfig()
    recipients: tuple[RecipientConfig, ...] = Field((), alias="alert")
    backup: BackupConfig = BackupConfig()
    retention: RetentionConfig = RetentionConfig()
    key: KeyConfig = KeyConfig()
    payers: tuple[PayerConfig, ...] = Field((), alias="payer")

    @model_validator(mode="after")
    def _one_of_each(self) -> _File:
        for kind, named in (("payer", self.payers), ("alert", self.recipients)):
            names = [one.name for one in named]
            if twice := next((name for name in names if names.count(name) > 1), None):
                raise PydanticCustomError(f"config.{kind}_twice", "twice", {"name": twice})
        return self

    @model_validator(mode="after")
    def _mail_can_leave(self) -> _File:
        mailed = self.gateway.anchor_mail or any(one.kind == "mail" for one in self.recipients)
        if mailed and not self.mail.host:
            raise PydanticCustomError("config.mail_host", "mail.host is missing")
        return self


@dataclass(frozen=True)
class Config:
    """What the file says, defaults filled in. `path`: the file; None: built-in defaults."""

    gateway: GatewayConfig
    payers: tuple[PayerConfig, ...] = ()
    path: Path | None = None
    monitor: MonitorConfig = field(default_factory=MonitorConfig)
    mail: MailConfig = field(default_factory=MailConfig)
    alerts: AlertsConfig = field(default_factory=AlertsConfig)
    recipients: tuple[RecipientConfig, ...] = ()
    backup: BackupConfig = field(default_factory=BackupConfig)
    retention: RetentionConfig = field(default_factory=RetentionConfig)
    key: KeyConfig = field(default_factory=KeyConfig)

    def payer(self, name: str) -> PayerConfig:
        """The payer of that name. Raises ConfigError, with the nearest known name."""
        for payer in self.payers:
            if payer.name == name:
                return payer
        file = self.path or "gateway.toml"
        raise ConfigError(both("config.unknown_payer", file=file, name=name, near=nearest(name, self.payer_names)))

    @property
    def payer_names(self) -> list[str]:
        """Every configured payer, in the file's order."""
        return [payer.name for payer in self.payers]

    def digests(self) -> dict[str, str]:
        """The sha256 of each section, which tell that one changed without telling what it says."""
        sections: dict[str, Table] = {
            "gateway": self.gateway,
            "key": self.key,
            "mail": self.mail,
            "alerts": self.alerts,
        }
        sections |= {f"payer {one.name}": one for one in self.payers}
        sections |= {f"alert {one.name}": one for one in self.recipients}
        return {name: hashlib.sha256(one.model_dump_json().encode()).hexdigest() for name, one in sections.items()}

    @property
    def anchors(self) -> Path:
        """The file that keeps the heads of the event chain, one line a day."""
        return Path(self.gateway.anchor_file or self.paths.state / "anchors.jsonl")

    @property
    def paths(self) -> Paths:
        """The layout of the state folder; the key file may be elsewhere."""
        usual = paths(self.gateway.state_dir)
        return replace(usual, key_file=Path(self.key.file)) if self.key.file else usual


def load(path: Path | None = None, *, state_dir: Path | None = None) -> Config:
    """`path`, else $GATEWAY_CONFIG, else ./gateway.toml, else built-in defaults (./var, no payer). Raises ConfigError.

    `state_dir` (--state-dir) wins over the file's; the file's is relative to the file.
    """
    file = path or _found()
    data = read(file, _File) if file else _File()
    base = file.absolute().parent if file else Path.cwd()
    state = state_dir.absolute() if state_dir else base / data.gateway.state_dir
    payers = tuple(_beside(payer, base) for payer in data.payers)
    beside = {key: _if_said(base, getattr(data.gateway, key)) for key in ("anchor_file", "print_queue")}
    said = data.gateway.model_copy(update={"state_dir": state, **beside})
    mail = _filed(data.mail, base, "password_file", "ca_file")
    recipients = tuple(_filed(one, base, "secret_file", "ca_file") for one in data.recipients)
    backup = data.backup.model_copy(update={"folder": _if_said(base, data.backup.folder)})
    key = data.key.model_copy(update={"file": _if_said(base, data.key.file)})
    return Config(said, payers, file, data.monitor, mail, data.alerts, recipients, backup, data.retention, key)


def _found() -> Path | None:
    named = os.environ.get("GATEWAY_CONFIG")
    here = Path("gateway.toml")
    return Path(named) if named else here if here.exists() else None


def _filed(table: Model, base: Path, *names: str) -> Model:
    """The table, with the files it names relative to `base`."""
    return table.model_copy(update={name: _if_said(base, getattr(table, name)) for name in names})


def _if_said(base: Path, name: str) -> str:
    """A path relative to the file, where one is named."""
    return str(base / name) if name else ""


def _beside(payer: PayerConfig, base: Path) -> PayerConfig:
    if payer.kind != "folder":
        return payer  # its paths are the other machine's
    return payer.model_copy(update={"deposit": str(base / payer.deposit), "returns": str(base / payer.returns)})
