#!/usr/bin/env python3
"""Each driver of tests/drivers is caught at its mistake, by rule and line; its correct twin is silent."""
import json
import re

from harness import Suite, tail

DISK = "mem:2M"  # what the fixtures' own disk of 2 MiB needs beside it: a device to start on


def find_image(suite, name):
    found = sorted(suite.build.glob(f"**/{name}.sys"))
    suite.check(found, f"{name}.sys is built")
    return found[0] if found else None


def expected_line(source):
    """Line number of the /* EXPECT: … */ mark, None without one."""
    for number, line in enumerate(source.read_text().split("\n"), 1):
        if "/* EXPECT:" in line:
            return number
    return None


def run(suite, name, checks="default"):
    report = suite.scratch / f"{name}.json"
    image = find_image(suite, name)
    if image is None:
        return None, {}
    done = suite.drydock_run("--disk", DISK, "--checks", checks, "--json", report, driver=image, timeout=60)
    return done, suite.report(report)


def matching(report, rules):
    return [finding for finding in report.get("findings", []) if not rules or finding.get("rule") in rules]


def places(items):
    """Every place that findings or a crash name: location, stack and message, as one text."""
    return "\n".join("\n".join([item.get("driver_location", ""), *item.get("stack", []), item.get("message", "")])
                     for item in items)


def check_place(suite, expectation, report, items):
    name, kind = expectation["driver"], expectation.get("location", "none")
    shown = places(items) + "\n" + "\n".join(report.get("debug_output", []))
    if kind == "line":
        line = expected_line(suite.source / "tests/drivers" / f"{name}.c")
        wanted = rf"\b{name}\.c:{line}\b"
        suite.check(line and re.search(wanted, shown), f"{name}: the place is {name}.c:{line}", shown)
    elif kind == "function":
        function = expectation["function"]
        suite.check(re.search(rf"\b(HwStor)?{function}(Routine)?\b", shown), f"{name}: the place is in {function}", shown)


def check_mistake(suite, expectation):
    name, rules = expectation["driver"], expectation.get("rules", [])
    done, report = run(suite, name, expectation.get("checks", "default"))
    if done is None:
        return
    suite.check_status(done, expectation["exit"], f"{name}: exit status {expectation['exit']}")
    items = matching(report, rules)
    if rules:
        suite.check(items, f"{name}: found as {' or '.join(rules)}", json.dumps(report.get("findings"), indent=1))
    if expectation["exit"] == 4:
        items = [{"message": report.get("message", "")}, *report.get("findings", [])]
    if expectation.get("code"):
        told = json.dumps(items)
        suite.check(expectation["code"].lower() in told.lower(), f"{name}: with code {expectation['code']}", told)
    check_place(suite, expectation, report, items)
    if expectation["exit"] != 0:
        suite.check("drydock::" not in done.stdout + done.stderr, f"{name}: told without names of ours", tail(done.stdout))


def check_default_is_silent(suite, name):
    """What `--checks all` adds: the default does not find it."""
    done, report = run(suite, name)
    if done is not None:
        suite.check_status(done, 0, f"{name}: clean with the default checks")


def check_twin(suite, name, checks):
    done, report = run(suite, f"{name}_twin", checks)
    if done is None:
        return
    suite.check_status(done, 0, f"{name}_twin: clean")
    suite.check(report.get("findings") == [], f"{name}_twin: no findings", json.dumps(report.get("findings"), indent=1))


if __name__ == "__main__":
    with Suite() as suite:
        for expectation in json.loads((suite.source / "tests/drivers/expectations.json").read_text())["drivers"]:
            check_mistake(suite, expectation)
            if expectation.get("twin"):
                check_twin(suite, expectation["driver"], expectation.get("checks", "default"))
            if expectation.get("checks") == "all":
                check_default_is_silent(suite, expectation["driver"])
