"""Ways out for what the gateway has to say of itself: mail, webhook, syslog. They know no alert and keep nothing."""

from __future__ import annotations

from datetime import datetime

from gateway.channels import mail, syslog, webhook
from gateway.config import Config
from gateway.ports import Letter

__all__ = ["ANCHOR_MAIL", "ANCHOR_SYSLOG", "deliver", "language", "names"]

ANCHOR_MAIL, ANCHOR_SYSLOG = "anchor:mail", "anchor:syslog"  # no recipient's name has a colon


def names(config: Config) -> list[str]:
    """Everybody who may be written to."""
    anchors = {ANCHOR_MAIL: config.gateway.anchor_mail, ANCHOR_SYSLOG: config.gateway.anchor_syslog}
    return [one.name for one in config.recipients] + [name for name, said in anchors.items() if said]


def language(config: Config, name: str) -> str:
    """The one a recipient reads; anchors are in the installation's."""
    return next((one.language for one in config.recipients if one.name == name), config.gateway.language)


def deliver(config: Config, name: str, letter: Letter, now: datetime) -> None:
    """Bring a letter to a recipient; it arrived when this returns. Raises TransportError: Unreachable is worth another
    try soon, the others say that somebody must change something."""
    if name == ANCHOR_SYSLOG:
        syslog.write(config.gateway.anchor_syslog, letter)
        return
    if name == ANCHOR_MAIL:
        mail.send(config.mail, config.gateway.anchor_mail, letter)
        return
    recipient = next(one for one in config.recipients if one.name == name)
    if recipient.kind == "mail":
        mail.send(config.mail, recipient.to, letter)
    else:
        webhook.post(recipient, letter, now)
