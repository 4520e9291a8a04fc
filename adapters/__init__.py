"""Ways to reach a mailbox: kind → "module:open", imported on first use. A dotted path plugs in a stranger's.

An `open` takes the endpoint's settings (a mapping) and a Secret or None, and returns an object that is a Pickup, a
Delivery, or both (see `gateway.ports`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, cast

from gateway.errors import ConfigError
from gateway.ports import Door, Secret

KINDS = {
    "folder": "adapters.folder:open_mailbox",
    "sftp": "adapters.sftp:open_mailbox",
    "memory": "adapters.memory:open_mailbox",
}
DOORS = {
    "ssh": "adapters.ssh_change:open_door",
    "machine": "adapters.machine_change:open_door",
}
Opener = Callable[[Mapping[str, Any], Secret | None], Any]


def opener(kind: str) -> Opener:
    """The function that opens mailboxes of this kind. Raises ConfigError for a kind nobody knows."""
    return cast(Opener, _function(KINDS.get(kind, kind), kind))


def door(change: str) -> Callable[[Mapping[str, Any]], Door]:
    """The function that opens the way to change a password (`change` of a payer). Raises ConfigError."""
    return cast("Callable[[Mapping[str, Any]], Door]", _function(DOORS.get(change, change), change))


def _function(where: str, kind: str) -> Any:
    module, _, function = where.partition(":")
    if not function:
        known = ", ".join(sorted(KINDS))
        fr = f"sorte de boîte inconnue, {kind!r} : choisir {known} ou « paquet.module:open »"
        en = f"unknown mailbox kind {kind!r}: choose {known} or `package.module:open`"
        raise ConfigError({"fr": fr, "en": en})
    try:
        return getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        fr, en = f"la sorte de boîte {kind!r} ne se charge pas", f"mailbox kind {kind!r} cannot be loaded"
        raise ConfigError({"fr": f"{fr} : {error}", "en": f"{en}: {error}"}) from error
