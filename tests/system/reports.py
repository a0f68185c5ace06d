#!/usr/bin/env python3
"""--junit and --sarif: valid by their schemas whatever becomes of the run, and saying what --json says."""
import json
import os
import urllib.parse
import xml.etree.ElementTree as ElementTree

from harness import Suite, tail

# (name, driver, arguments, exit status). Drivers are of tests/drivers.
RUNS = [
    ("clean", "ddvioblk", ["--disk", "mem:2M"], 0),
    ("findings", "touch_databuffer_read", ["--disk", "mem:2M"], 1),
    ("no-driver", "not_there", [], 2),
    ("no-device", "ddvioblk", ["--device", "floppy"], 2),
    ("refused", "returns_error", ["--disk", "mem:2M"], 3),
    ("crash", "bugcheck", ["--disk", "mem:2M"], 4),
    ("command", "ddvioblk", ["--disk", "mem:2M", "--exec", "exit 7"], 7),
    ("killed", "ddvioblk", ["--disk", "mem:2M", "--exec", 'kill -9 $(pgrep -f "remove-at-end=$unixsocket")'], 5),
    ("served-findings", "touch_databuffer_read", ["--disk", "mem:2M", "--exec", "head -c 65536 /dev/urandom >in && nbdcopy in \"$uri\""], 1),
]
CODE_OF_THE_FIXTURE = "0xdeadd0c5"  # of tests/drivers/bugcheck.c: nobody's but its own


def run(suite, name, driver, arguments):
    files = {kind: suite.scratch / f"{name}.{kind}" for kind in ("json", "xml", "sarif")}
    path = suite.driver(driver)
    done = suite.run(suite.drydock, "run", path, *arguments, "--json", files["json"], "--junit", files["xml"], "--sarif", files["sarif"],
                     env={**os.environ, "GITHUB_WORKSPACE": str(suite.source)})
    return done, files


def check_junit(suite, name, path, report):
    done = suite.run("xmllint", "--noout", "--schema", suite.source / "tests/schemas/junit.xsd", path)
    suite.check(done.returncode == 0, f"{name}: the JUnit file is valid", done.stderr)
    tree = ElementTree.parse(path).getroot()
    unit = tree.find("testsuite")
    cases = unit.findall("testcase")
    counts = {kind: len([case for case in cases if case.find(kind) is not None]) for kind in ("failure", "error", "skipped")}
    told = {kind: int(unit.get(attribute)) for kind, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped"))}
    suite.check(counts == told and int(unit.get("tests")) == len(cases), f"{name}: its counts are right", (counts, told))
    failed_rules = [case.find("failure").get("type") for case in cases if case.find("failure") is not None]
    for finding in report["findings"]:
        suite.check(any(rule in (finding["rule"], f"bug-check/{finding['code']}") for rule in failed_rules), f"{name}: {finding['rule']} is a failed case",
                    failed_rules)
    return told


def check_sarif(suite, name, path, report, status, schema):
    import jsonschema
    log = json.loads(path.read_text())
    faults = [f"{list(fault.absolute_path)}: {fault.message}" for fault in jsonschema.Draft7Validator(schema).iter_errors(log)]
    suite.check(not faults, f"{name}: the SARIF file is valid", "\n".join(faults[:5]))
    run = log["runs"][0]
    rules, results = run["tool"]["driver"]["rules"], run["results"]
    suite.check(all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in results), f"{name}: each result has its rule")
    suite.check(run["invocations"][0]["exitCode"] == status, f"{name}: it tells exit status {status}", run["invocations"])
    for finding, result in zip(report["findings"], results):
        check_place(suite, name, finding, result)
    for rule in rules:
        suite.check(rule["help"]["text"], f"{name}: {rule['id']} has a help text")
        if not rule["id"].startswith("DRY-") and rule["id"] not in ("self-check", "start", "drydock", f"bug-check/{CODE_OF_THE_FIXTURE}"):
            suite.check(rule.get("helpUri", "").startswith("https://learn.microsoft.com/"), f"{name}: {rule['id']} has a page", rule)
    return results


def check_place(suite, name, finding, result):
    place = result["locations"][0]["physicalLocation"]
    suite.check(result["message"]["text"] == finding["message"], f"{name}: the message is the finding's")
    if finding["source_file"]:
        uri = urllib.parse.unquote(place["artifactLocation"]["uri"])
        suite.check((suite.source / uri).is_file(), f"{name}: {uri} is a file below the root of the sources", result)
        suite.check(place["region"]["startLine"] == finding["source_line"], f"{name}: at line {finding['source_line']}", result)


def every_outcome(suite):
    schema = json.loads((suite.source / "tests/schemas/sarif-2.1.0-subset.json").read_text())
    for name, driver, arguments, status in RUNS:
        done, files = run(suite, name, driver, arguments)
        suite.check_status(done, status, f"{name}: exit status {status}")
        if not suite.check(all(path.is_file() for path in files.values()), f"{name}: all reports are written", tail(done.stderr)):
            continue
        report = json.loads(files["json"].read_text())
        told = check_junit(suite, name, files["xml"], report)
        results = check_sarif(suite, name, files["sarif"], report, status, schema)
        bad = sum(told[kind] for kind in ("failure", "error"))
        suite.check((bad == 0) == (status == 0), f"{name}: JUnit agrees with the exit status", told)
        suite.check(bool(results) == (status not in (0, 7)), f"{name}: SARIF has results where the driver is at fault", results)


def schemas_refuse(suite):
    """The schemas are no rubber stamps."""
    import jsonschema
    schema = json.loads((suite.source / "tests/schemas/sarif-2.1.0-subset.json").read_text())
    log = json.loads((suite.scratch / "findings.sarif").read_text())
    del log["runs"][0]["tool"]
    suite.check(not jsonschema.Draft7Validator(schema).is_valid(log), "the SARIF schema refuses a run without a tool")
    spoilt = suite.scratch / "spoilt.xml"
    spoilt.write_text((suite.scratch / "findings.xml").read_text().replace("<failure ", "<failed ").replace("</failure>", "</failed>"))
    done = suite.run("xmllint", "--noout", "--schema", suite.source / "tests/schemas/junit.xsd", spoilt)
    suite.check(done.returncode != 0, "the JUnit schema refuses another element")


def annotations(suite):
    for actions, shown in (("true", True), ("", False)):
        done = suite.run(suite.drydock, "run", suite.driver("touch_databuffer_read"), "--disk", "mem:2M",
                         env={**os.environ, "GITHUB_ACTIONS": actions, "GITHUB_WORKSPACE": str(suite.source)})
        lines = [line for line in done.stdout.splitlines() if line.startswith("::error ")]
        suite.check(bool(lines) == shown, f"annotations when GITHUB_ACTIONS is '{actions}': {shown}", done.stdout)
        if shown:
            suite.check("file=tests/drivers/touch_databuffer_read.c,line=" in lines[0] and "title=ST-42::" in lines[0], "they name file, line and rule", lines)


def refusals(suite):
    for option in ("--junit", "--sarif"):
        done = suite.drydock_run(option, "no/such/folder/x")
        suite.check(done.returncode == 2 and "no/such/folder/x" in done.stderr, f"{option} into a folder that is not there is refused before the run", done.stderr)
        done = suite.drydock_run("--disk", "mem:2M", option, "/dev/full")
        suite.check(done.returncode == 2 and "/dev/full" in done.stderr, f"{option} onto a full disk is told", done.stderr)
    done = suite.drydock_run("--json", "-", "--sarif", "-")
    suite.check_status(done, 2, "two reports on standard output are refused")
    done = suite.drydock_run("--disk", "mem:2M", "--sarif", "-")
    suite.check(json.loads(done.stdout)["version"] == "2.1.0", "--sarif - is nothing but SARIF", tail(done.stdout))


if __name__ == "__main__":
    with Suite("nbdkit", "nbdcopy", "xmllint", "pgrep") as suite:
        every_outcome(suite)
        schemas_refuse(suite)
        annotations(suite)
        refusals(suite)
