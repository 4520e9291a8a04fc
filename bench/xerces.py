"""The schema's verdict alone beside a cold JDK's Xerces on the same bytes, where `java` is there. Nothing is installed.

python bench/xerces.py [--invoices 100000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from judging import XSD, document, lane
from measure import Lane, rounds, table

PROGRAM = """
import java.io.File;
import javax.xml.XMLConstants;
import javax.xml.transform.stream.StreamSource;
import javax.xml.validation.SchemaFactory;

public class Judge {
    public static void main(String[] files) throws Exception {
        SchemaFactory factory = SchemaFactory.newInstance(XMLConstants.W3C_XML_SCHEMA_NS_URI);
        factory.newSchema(new File(files[0])).newValidator().validate(new StreamSource(new File(files[1])));
    }
}
"""


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--invoices", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    java, compiler = shutil.which("java"), shutil.which("javac")
    if java is None:
        print("java is not here: nothing to compare with\n")
        return
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name:
        folder = Path(name)
        program = folder / "Judge.java"
        program.write_text(PROGRAM)
        command = [java, str(program)]  # compiled as it starts, which is counted
        if compiler is not None:
            rounds([Lane("javac", [compiler, "-d", name, str(program)])], 1)
            command = [java, "-cp", name, "Judge"]
        for form in XSD:
            file = document(form, chosen.invoices, folder)
            lanes = [lane("schema alone", "schema", file), Lane("Xerces", [*command, str(XSD[form]), str(file)])]
            seen = rounds(lanes, chosen.rounds)
            print(table(f"{form}, {chosen.invoices:,} invoices, the schema's verdict", seen, ["Xerces"]))


if __name__ == "__main__":
    main()
