#!/usr/bin/env python3
"""Builds one preset, runs its tests and ends with the line 'N passed, N failed'.

Counts what was really checked: the cases of a GoogleTest program and the 'ok'/'not ok' lines of a script, not the number
of programs. A program that dies, hangs or is skipped counts as one failure more.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Seconds a cold run on two cores may spend on each group (15 minutes in all). A group over its budget is named, not
# failed: machines differ.
BUDGET = {"build": 420, "unit": 60, "abi": 20, "tidy": 5, "docs": 5, "drivers": 170, "fuzz": 10, "clients": 10, "system": 200}


class Tally:
    """What one group did."""

    def __init__(self):
        self.passed = self.failed = 0
        self.seconds = 0.0


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="release")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--skip", default="", help="labels to leave out, as a regular expression")
    parser.add_argument("--no-build", action="store_true")
    return parser.parse_args()


def build(preset, jobs):
    """Configures and builds; returns (worked, seconds)."""
    started = time.monotonic()
    for command in (["cmake", "--preset", preset], ["cmake", "--build", "--preset", preset, "-j", str(jobs)]):
        if subprocess.run(command, cwd=ROOT).returncode != 0:
            return False, time.monotonic() - started
    return True, time.monotonic() - started


def run_ctest(directory, jobs, skip):
    """Runs every test once; returns the path of ctest's JUnit file."""
    junit = directory / "tests.xml"
    junit.unlink(missing_ok=True)
    command = ["ctest", "--test-dir", str(directory), "-j", str(jobs), "--output-on-failure", "--no-tests=error",
               "--test-output-size-passed", "4000000", "--test-output-size-failed", "4000000",
               "--output-junit", str(junit)]
    if skip:
        command += ["-LE", skip]
    subprocess.run(command, cwd=ROOT)
    return junit


def count_cases(output):
    """(passed, failed) as the program's own output tells, (0, 0) where it tells nothing."""
    own_count = re.findall(r"^(\d+) passed, (\d+) failed$", output, re.M)
    if own_count:
        return int(own_count[-1][0]), int(own_count[-1][1])
    passed = sum(int(n) for n in re.findall(r"^\[  PASSED  \] (\d+) tests?\.", output, re.M))
    failed = sum(int(n) for n in re.findall(r"^\[  FAILED  \] (\d+) tests?, listed below", output, re.M))
    passed += len(re.findall(r"^ok - ", output, re.M))
    failed += len(re.findall(r"^not ok - ", output, re.M))
    for count, verdict in re.findall(r"^Ran (\d+) tests? in [^\n]*\n+(OK|FAILED[^\n]*)", output, re.M):  # unittest
        broken = sum(int(n) for n in re.findall(r"(?:failures|errors)=(\d+)", verdict))
        passed, failed = passed + int(count) - broken, failed + broken
    return passed, failed


def labels_of_tests(directory):
    """Group of each test by name: the first of its labels that has a budget. (ctest 3.25's JUnit file has no labels.)"""
    shown = subprocess.run(["ctest", "--test-dir", str(directory), "--show-only=json-v1"],
                           capture_output=True, text=True, check=True)
    groups = {}
    for test in json.loads(shown.stdout)["tests"]:
        labels = next((p["value"] for p in test.get("properties", []) if p["name"] == "LABELS"), [])
        groups[test["name"]] = next((label for label in labels if label in BUDGET), labels[0] if labels else "unit")
    return groups


def tally(junit, labels):
    groups = {}
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        group = groups.setdefault(labels.get(case.get("name"), "unit"), Tally())
        group.seconds += float(case.get("time") or 0)
        passed, failed = count_cases(case.findtext("system-out") or "")
        went_well = case.get("status") == "run"
        if not went_well and failed == 0:
            failed = 1
            print(f"  {case.get('name')}: did not finish cleanly")
        if went_well and passed == 0:
            passed = 1
        group.passed += passed
        group.failed += failed
    return groups


def print_budget(groups):
    print(f"\n  {'group':<10}{'seconds':>9}{'budget':>9}{'passed':>9}{'failed':>9}")
    for name in sorted(groups, key=lambda name: list(BUDGET).index(name) if name in BUDGET else len(BUDGET)):
        group, allowed = groups[name], BUDGET.get(name, 60)
        note = "  over budget" if group.seconds > allowed else ""
        print(f"  {name:<10}{group.seconds:>9.1f}{allowed:>9}{group.passed:>9}{group.failed:>9}{note}")
    total = sum(group.seconds for group in groups.values())
    print(f"  {'all':<10}{total:>9.1f}{sum(BUDGET.values()):>9}\n")


def finish(passed, failed):
    print(f"{passed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed or not passed else 0)


def main():
    arguments = parse_arguments()
    building = Tally()
    if not arguments.no_build:
        worked, building.seconds = build(arguments.preset, arguments.jobs)
        if not worked:
            print("\n  the build failed; no test was run")
            finish(0, 1)
    directory = ROOT / "build" / arguments.preset
    junit = run_ctest(directory, arguments.jobs, arguments.skip)
    if not junit.exists():
        print("\n  ctest ran no test")
        finish(0, 1)
    groups = tally(junit, labels_of_tests(directory))
    finish_counts = sum(g.passed for g in groups.values()), sum(g.failed for g in groups.values())
    print_budget({"build": building, **groups})
    finish(*finish_counts)


if __name__ == "__main__":
    main()
