"""F1: names that try to lead elsewhere, made from what such names are made of."""

from __future__ import annotations

import random
from collections.abc import Sequence

from support.attacks import TIMES

COUNT = 2000 * TIMES
_UP = (
    "..", "...", "....", ". .", ".. ", "..;", "..\0", "..%00", "%2e%2e", "%2E%2E", "%252e%252e", "%c0%ae%c0%ae",
    "%uff0e%uff0e", "．．", "‥", "․․", "。。", ".%2e", "%2e.", "\\..", "..\u200b", "\u202e..", "..\u0301", "..\n",
)  # fmt: skip
_BETWEEN = (
    "/", "\\", "//", "\\\\", "/./", "\\/", "%2f", "%2F", "%5c", "%252f", "%255c", "%c0%af", "%u2215", "／", "⁄", "∕",
    "＼", "/\0", "/%00", ";/", "/\t", "/..;/", "\u2028",
)  # fmt: skip
_START = (
    "", "/", "\\", "./", ".\\", "C:", "C:\\", "c:/", "//host/share/", "\\\\host\\share\\", "\\\\?\\C:\\", "\\\\.\\",
    "file:///", "file://localhost/", "~/", "~root/", "${HOME}/", "%HOMEPATH%\\", "/proc/self/cwd/", "lots/", "recus/",
    "18010/", "-", "|", "`id`/", "$(id)/", ".part/", "@/",
)  # fmt: skip
_END = (
    "etc/passwd", "etc\\hosts", "gateway.toml", "registry.toml", "master.key", "gateway.db", "lot.xml", "18010/a.xml",
    "sitecustomize.py", ".ssh/authorized_keys", "windows\\win.ini", "NUL", "con.xml", "a.xml\0.exe", "a.xml%00.exe",
    "a.xml::$DATA", "a.xml:stream", "a.xml.", "a.xml ", "", ".", "..", "\n", "a\r\nSet-Cookie: a=b",
)  # fmt: skip
# What no combination makes.
_SINGLE = (
    "", ".", "..", "/", "\\", "\0", " ", "*", "?", "~", "-", "a" * 256, "é" * 128, "../" * 200, "\udcff", "\ud800",
    "CON", "PRN", "AUX", "COM1", "LPT1.xml", "<script>", "'; drop table batch; --", "{{7*7}}", "%s%n", "\x1b[2J",
    "a\udc80b", "\x7f",
    "\u2066../\u2069", "ﬀ", "a" * 255, "....//....//", "/" * 300, "a/" * 200, "a" * 5000,
)  # fmt: skip


def names(count: int = COUNT, seed: int = 20260914) -> Sequence[str]:
    """So many different names, the same each time."""
    chance, made = random.Random(seed), dict.fromkeys(_SINGLE)
    while len(made) < count:
        up, between = chance.choice(_UP), chance.choice(_BETWEEN)
        deep = (up + between) * chance.choice((1, 1, 2, 3, 5, 8, 13))
        made[chance.choice(_START) + deep + chance.choice(_END)] = None
    return list(made)
