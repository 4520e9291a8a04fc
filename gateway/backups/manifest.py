"""The page that makes a backup one: what it holds, of which moment, and the key that opens it, itself sealed.

A manifest is JSON that anybody may read: it names no agency, no document and no person. Its `proof` is an HMAC by the
folder's key, which the master key alone unseals: whoever changes a manifest cannot make its proof.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from gateway.errors import SealingError
from gateway.keyring import Keyring
from gateway.messages import side_by_side
from gateway.sealing import Masters, sealed_with

NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}", re.ASCII)
HOUSE = "HOUSE"  # the owner of what is nobody's: database, index, own files


class Object(BaseModel):
    """A sealed file of the backup: whose it is, and its sha256, which is its name."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    owner: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,79}$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """One whole backup. `index`: a list of every archived and every own file with its object. Sizes in bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: Literal[1] = 1
    name: str = Field(pattern=NAME.pattern)
    made_at: AwareDatetime
    version: str  # of the program
    revision: str  # of the database's tables
    house: str
    place: str
    turn: int
    key: str = Field(pattern=r"^([0-9a-f]{2})+$")  # the folder's key, sealed by the master key (hex)
    events: int  # of the chain, and its newest hash
    head: str
    generation: int  # the highest of any password's slots
    database: Object
    index: Object
    files: int
    size: int
    tombstones: int
    proof: str = ""

    def proved_by(self, key: bytes) -> Manifest:
        """The same, with its proof."""
        return self.model_copy(update={"proof": self._proof(key)})

    def is_proved_by(self, key: bytes) -> bool:
        """Whether nobody changed it since."""
        return hmac.compare_digest(self.proof, self._proof(key))

    def _proof(self, key: bytes) -> str:
        said = self.model_dump_json(exclude={"proof"}).encode()
        return hmac.new(key, b"gateway backup manifest\x00" + said, hashlib.sha256).hexdigest()


def name_at(moment: datetime, tail: str) -> str:
    """The name of a backup made then; `tail` tells two of one second apart. Names sort by time."""
    return f"{moment:%Y%m%dT%H%M%SZ}-{tail}"


def sealed_key(keyring: Keyring, house: str, key: bytes) -> str:
    """The folder's key as manifests carry it."""
    return keyring.wrap(key, _context(house)).hex()


def unsealed_key(masters: Masters, manifest: Manifest) -> bytes:
    """The folder's key. Raises SealingError for another master key, or an altered value."""
    sealed = bytes.fromhex(manifest.key)
    fingerprint = sealed_with(sealed) or ""
    if (master := masters.find(fingerprint)) is None:
        values = {"found": ", ".join(masters.fingerprints()), "wanted": fingerprint}
        raise SealingError(side_by_side("sealing.wrong_key", where=masters.source.where(), **values))
    return master.unseal(sealed, _context(manifest.house))


def _context(house: str) -> str:
    return f"backup:{house}:key"
