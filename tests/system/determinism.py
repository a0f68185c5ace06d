#!/usr/bin/env python3
"""One seed, one run: the trace of the self-check is the same byte for byte, and another seed gives another one."""
import json
import re

from harness import Suite, tail

HOST_ADDRESS = re.compile(r"0x(?:7[ef]|5[56])[0-9a-f]{10}\b")
DATE = re.compile(r"\b20\d\d-\d\d-\d\d\b")


def traced(suite, name, *arguments):
    path = suite.scratch / name
    done = suite.drydock_run("--disk", "mem:16M", "--trace", path, *arguments)
    suite.check_status(done, 0, f"the self-check is clean ({' '.join(arguments)})")
    return path.read_text() if path.exists() else ""


def check_lines(suite, text):
    lines = text.splitlines()
    suite.check(len(lines) > 1000, "the trace tells of more than a thousand events", f"{len(lines)} lines")
    try:
        events = [json.loads(line) for line in lines]
    except ValueError as error:
        events = []
        suite.check(False, "each line is one JSON value", error)
    suite.check(events and all(isinstance(event, dict) for event in events), "each line is one event", tail(text, 3))
    suite.check(not HOST_ADDRESS.search(text), "no host address is in it", HOST_ADDRESS.findall(text)[:5])
    suite.check(not DATE.search(text), "no date is in it", DATE.findall(text)[:5])


def first_difference(one, other):
    for number, (a, b) in enumerate(zip(one.splitlines(), other.splitlines()), 1):
        if a != b:
            return f"line {number}:\n{a}\n{b}"
    return f"{len(one.splitlines())} against {len(other.splitlines())} lines"


if __name__ == "__main__":
    with Suite() as suite:
        first = traced(suite, "first", "--seed", "7")
        check_lines(suite, first)
        again = traced(suite, "again", "--seed", "7", "--memory", "256M")
        suite.check(first and first == again, "the same seed gives the same trace", first_difference(first, again))
        other = traced(suite, "other", "--seed", "8")
        suite.check(other and first != other, "another seed gives another trace")
        one_cpu = [traced(suite, f"cpu{n}", "--seed", "7", "--cpus", "1", "--phys", "high") for n in range(2)]
        suite.check(one_cpu[0] and one_cpu[0] == one_cpu[1], "and so it is on one CPU with high memory", first_difference(*one_cpu))
