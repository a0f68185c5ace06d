#!/usr/bin/env python3
"""The driver in docs/guides/your-first-driver.md is taken from the page, built with both compilers, and works."""
import re

from harness import Suite

GUIDE = "docs/guides/your-first-driver.md"


def code_of(page):
    return "\n".join(re.findall(r"^```c\n(.*?)^```", page, re.M | re.S))


def spoil(code):
    """The mistake that the page suggests: looking at a data buffer that the driver said it does not want mapped."""
    return code.replace("    if (count == 0)\n", "    *(volatile UCHAR *)SrbGetDataBuffer(Srb);\n    if (count == 0)\n", 1)


def build(suite, code, compiler, name):
    source, image = suite.scratch / f"{name}.c", suite.scratch / f"{name}.sys"
    source.write_text(code)
    done = suite.run(suite.source / "tools/drydock-cc", *([f"--compiler={compiler}"] if compiler else []), "-o", image, source)
    suite.check_status(done, 0, f"drydock-cc {compiler or '(default)'} builds {name}.c")
    suite.check(not done.stderr.strip(), f"{compiler or 'default'}: without a warning", done.stderr)
    return image


if __name__ == "__main__":
    with Suite("nbdkit", "nbdinfo") as suite:
        page = code_of((suite.source / GUIDE).read_text())
        for compiler in ("", "clang"):
            image = build(suite, page, compiler, "first")
            report = suite.scratch / "report.json"
            suite.check_status(suite.drydock_run("--json", report, driver=image), 0, f"{compiler or 'default'}: the self-check is clean")
            done = suite.drydock_run("--exec", 'nbdinfo --size "$uri"', driver=image)
            suite.check(str(1 << 20) in done.stdout.split(), "its disk is one mebibyte", done.stdout + done.stderr)
        image = build(suite, spoil(page), "", "spoilt")
        done = suite.drydock_run("--json", report, driver=image)
        suite.check_status(done, 1, "the mistake that the page suggests is a finding")
        rules = [finding.get("rule") for finding in suite.report(report).get("findings", [])]
        suite.check("ST-42" in rules, "by its rule", rules)
