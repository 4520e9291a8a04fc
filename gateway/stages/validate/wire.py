"""What goes on the wire: the document itself, or the ZIP its format travels in, made once and archived."""

from __future__ import annotations

import hashlib
import zipfile
from typing import BinaryIO

from gateway.archive import Archive, Stored
from gateway.catalog import DocumentType
from gateway.errors import AlteredError
from gateway.messages import side_by_side
from gateway.models import Request
from gateway.sealing.spool import spool

_THE_BEGINNING = (1980, 1, 1, 0, 0, 0)  # the oldest moment a ZIP can name: the same bytes make the same ZIP


def prepare(archive: Archive, request: Request, document: DocumentType | None) -> None:
    """Give the request its name at the payer and the bytes that will go. Raises AlteredError when the archived bytes
    are not those that were judged."""
    key = request.no_dem_ext or request.id  # a format may know no number of its own
    if document is not None and document.container == "zip":
        stored = _zipped(archive, request)
        request.wire_name = f"{key}.zip"
    else:
        stored = Stored(request.archive_ref, request.size, request.sha256)
        request.wire_name = f"{key}.xml"
    request.wire_ref, request.wire_size, request.wire_sha256 = stored.ref, stored.size, stored.sha256


def _zipped(archive: Archive, request: Request) -> Stored:
    with archive.open(request.archive_ref) as source, spool() as target:
        wrapped = wrap(source, f"{request.no_dem_ext or request.id}.xml", target)
        if wrapped != request.sha256:
            raise AlteredError(side_by_side("archive.altered", ref=request.archive_ref))
        target.seek(0)
        return archive.put(request.batch_id, target)


def wrap(source: BinaryIO, name: str, target: BinaryIO) -> str:
    """A ZIP of one member, without anything of the moment or the machine in it. Gives the sha256 (hex) of what it
    holds."""
    member = zipfile.ZipInfo(name, _THE_BEGINNING)
    member.compress_type, member.create_system, member.external_attr = zipfile.ZIP_DEFLATED, 0, 0
    digest = hashlib.sha256()
    with zipfile.ZipFile(target, "w") as archive, archive.open(member, "w", force_zip64=False) as inside:
        while block := source.read(1 << 16):
            digest.update(block)
            inside.write(block)
    return digest.hexdigest()
