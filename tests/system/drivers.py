#!/usr/bin/env python3
"""Each driver of tests/drivers is caught at its mistake, by rule and line; its correct twin is silent.

With --only WORD: the drivers whose name contains it.
"""
import os
import sys
import time

import fixtures
from harness import Suite

BOUND = 40.0  # seconds of this computer that a driver which hangs may take, on a busy one


def check_mistake(suite, expectation):
    name = expectation["image"]
    start = time.monotonic()
    done, report = fixtures.run(suite, expectation)
    if done is None:
        return report
    wrong = list(fixtures.complaints(suite.source, expectation, done, report))
    suite.check(not wrong, f"{name}: exit status {expectation['exit']}, {', '.join(fixtures.rules_wanted(expectation)) or 'as told'}",
                "\n".join(wrong))
    suite.check(time.monotonic() - start < BOUND, f"{name}: in bounded time")
    return report


def check_twin(suite, expectation):
    """Silent, and under --checks all as well, where every object lies elsewhere."""
    for checks in (None, "all"):
        done, report = fixtures.run(suite, expectation, twin=True, checks=checks)
        if done is not None:
            wrong = list(fixtures.twin_complaints(done, report))
            suite.check(not wrong, f"{expectation['image']}_twin{f' --checks {checks}' if checks else ''}: clean", "\n".join(wrong))


def check_sample(suite):
    """The sample driver is accused of nothing, however closely it is watched: plain, and built by both compilers with --kasan."""
    report = suite.scratch / "sample.json"
    images = [suite.driver()]
    for compiler in ("gcc", "clang"):
        images.append(suite.scratch / f"kasan-{compiler}.sys")
        done = suite.run(suite.source / "tools/drydock-cc", f"--compiler={compiler}", "--kasan", "--implib", suite.build / "implib", "-o", images[-1],
                         *sorted((suite.source / "drivers/ddvioblk").glob("*.c")))
        suite.check_status(done, 0, f"{images[-1].name} is built")
    for image in images:
        for level in ("off", "default", "all"):
            done = suite.drydock_run("--checks", level, "--json", report, driver=image)
            suite.check_status(done, 0, f"{image.name} --checks {level}: clean")


def check_default_is_silent(suite, expectation):
    """What `--checks all` adds: the default does not find it."""
    done, report = fixtures.run(suite, expectation, checks="default")
    if done is not None:
        wrong = list(fixtures.twin_complaints(done, report))
        suite.check(not wrong, f"{expectation['image']}: clean with the default checks", "\n".join(wrong))


def depth(expectation, report):
    return max((len(f.get("stack", [])) for f in fixtures.accusations(expectation, report)), default=0)


def check_without_symboliser(suite, expectation, known):
    """The unwinder alone: places are offsets in the image, the stack is as deep as in the report with names."""
    hidden = {**os.environ, "PATH": str(suite.scratch)}
    done, report = fixtures.run(suite, expectation, env=hidden)
    if done is None:
        return
    wrong = list(fixtures.complaints(suite.source, expectation, done, report, symbols=False))
    suite.check(not wrong, f"{expectation['image']}: named without a symboliser too", "\n".join(wrong))
    suite.check(depth(expectation, report) == depth(expectation, known) > 0, f"{expectation['image']}: and with the same stack",
                [report.get("findings"), known.get("findings")])


UNWOUND = ("null_dereference", "spin_forever", "infinite_recursion", "foreign_srb", "smashed_return_address", "stack_cookie",
           "call_of_null", "division_by_zero", "spin_lock_own", "stall_forever")

if __name__ == "__main__":
    only = sys.argv.pop(sys.argv.index("--only") + 1) if "--only" in sys.argv else ""
    if only:
        sys.argv.remove("--only")
    with Suite() as suite:
        if not only:
            check_sample(suite)
        for expectation in fixtures.read(suite.source):
            if only not in expectation["image"]:
                continue
            report = check_mistake(suite, expectation)
            if expectation.get("twin"):
                check_twin(suite, expectation)
            if expectation.get("checks") == "all":
                check_default_is_silent(suite, expectation)
            if expectation["driver"] in UNWOUND:
                check_without_symboliser(suite, expectation, report)
