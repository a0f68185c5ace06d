#!/usr/bin/env python3
"""Every rule that drydock can report has a driver that breaks it, and a correct twin; and the test of that driver fails
when the rule is switched off (`--allow RULE`). A driver is in tests/drivers/expectations.json or in a table of
tests/conformance; what a routine says of an argument that no compiler lets a driver pass is shown by a unit test.

As a test of `make test`: the list, and the switch on every tenth rule. With --whole (`make check-rules`): the switch on all
of them, with every driver that shows them.
"""
import os
import re
import sys

import fixtures
from harness import Suite

ID = re.compile(r'"((?:BUF|MDL|DMA|SP|ST|VER|LAY|DRY)-\d+[a-z]?)"')
NAMED = re.compile(r'"((?:BUF|MDL|DMA|SP|ST|VER|LAY|DRY)-\d+[a-z]?)[": ]')
EVERY = 10


def emitted(source):
    """{rule: files of src/ that name it in a string}: what names a rule in a string reports it."""
    rules = {}
    for path in sorted((source / "src").rglob("*")):
        if path.suffix not in (".cpp", ".h") or path.stem.endswith("_test") or path.stem.endswith("_for_tests"):
            continue
        code = re.sub(r"//[^\n]*", "", path.read_text())
        for rule in ID.findall(code):
            rules.setdefault(rule, set()).add(str(path.relative_to(source)))
    return rules


def named_in(source, pattern):
    """Rules in the strings of these tests."""
    return {rule for path in source.glob(pattern) for rule in NAMED.findall(path.read_text())}


def check_conformance(suite, rule):
    """The conformance tests pass as they are (ctest runs them), and one that names the rule fails with the rule switched off."""
    done = suite.run(suite.build / "tests/conformance/conformance_test", "--gtest_brief=1", timeout=300, env={**os.environ, "DRYDOCK_ALLOW": rule})
    suite.check(done.returncode != 0 and "[  FAILED  ]" in done.stdout, f"{rule}: switched off, a conformance test fails", done.stdout[-2000:])


def drivers_of(expectations, rule):
    """Drivers whose finding is this rule; a driver without a twin shows nothing."""
    return [e for e in expectations if rule in fixtures.rules_wanted(e) and e.get("twin") and e["exit"] != 0]


def check_switch(suite, rule, expectation):
    """The driver's test passes as it is, and fails with the rule switched off."""
    name = expectation["image"]
    done, report = fixtures.run(suite, expectation)
    if done is None:
        return
    wrong = list(fixtures.complaints(suite.source, expectation, done, report))
    suite.check(not wrong, f"{rule}: {name} shows it", "\n".join(wrong))
    done, report = fixtures.run(suite, expectation, "--allow", rule)
    suite.check(any(fixtures.complaints(suite.source, expectation, done, report)), f"{rule}: switched off, the test of {name} fails")
    suite.check(all(finding["rule"] != rule for finding in report.get("findings", [{"rule": rule}])),
                f"{rule}: switched off, it is not told", report.get("findings"))
    counts = {entry["rule"]: entry["count"] for entry in report.get("allowed", [])}
    suite.check(counts.get(rule, 0) > 0, f"{rule}: switched off, it is counted", report.get("allowed"))


def debts(source):
    return {line for line in (source / "tests/drivers/debts.txt").read_text().split("\n") if line and not line.startswith("#")}


def check_all_listed(suite, rules, expectations, elsewhere):
    owed = debts(suite.source)
    paid = {rule for rule in owed if rule not in rules or drivers_of(expectations, rule) or rule in elsewhere}
    suite.check(not paid, "tests/drivers/debts.txt lists what is owed and no more", sorted(paid))
    for rule in sorted(set(rules) - owed):
        suite.check(drivers_of(expectations, rule) or rule in elsewhere, f"{rule} has a driver that breaks it and a correct twin",
                    f"named in {', '.join(sorted(rules[rule]))}; no entry of {fixtures.EXPECTATIONS} with a twin has it as its rule")
    for expectation in expectations:
        for rule in fixtures.rules_wanted(expectation):
            if rule == "self-check":  # bytes that differ: no rule of the catalogue
                continue
            suite.check(rule in rules, f"{expectation['image']}: {rule} is a rule that src/ reports")


if __name__ == "__main__":
    whole = "--whole" in sys.argv
    if whole:
        sys.argv.remove("--whole")
    with Suite() as suite:
        rules, expectations = emitted(suite.source), list(fixtures.read(suite.source))
        suite.check(len(rules) > 40, "the rules of src/ are found", sorted(rules))
        conformance, units = named_in(suite.source, "tests/conformance/*_test.cpp"), named_in(suite.source, "src/**/*_test.cpp")
        check_all_listed(suite, rules, expectations, conformance | units)
        for rule in sorted(rules)[:: 1 if whole else EVERY]:
            for expectation in drivers_of(expectations, rule)[: None if whole else 1]:
                check_switch(suite, rule, expectation)
            if rule in conformance and not drivers_of(expectations, rule):
                check_conformance(suite, rule)
