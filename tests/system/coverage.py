#!/usr/bin/env python3
"""Line coverage of drivers: exact counts by both compilers, a file that lcov reads, and clear words where there is none."""
import re

from harness import Suite, tail

MARK = re.compile(r"/\* HITS: (\d+) \*/")


def build(suite, name, compiler, *sources, flags=("--coverage",)):
    image = suite.scratch / f"{name}-{compiler}.sys"
    done = suite.run(suite.source / "tools/drydock-cc", f"--compiler={compiler}", "--implib", suite.build / "implib", *flags, "-o", image, *sources)
    suite.check_status(done, 0, f"{image.name} is built")
    return image


def records(suite, path):
    """The file, strictly: {source: {"lines": {line: hits}, "functions": {name: hits}}}. A wrong line is a failure."""
    files, now = {}, None
    for number, text in enumerate(path.read_text().split("\n")[:-1], 1):
        word, _, rest = text.partition(":")
        if word == "SF":
            now = files.setdefault(rest, {"lines": {}, "functions": {}, "starts": {}, "sums": {}})
        elif word == "FN":
            line, name = rest.split(",", 1)
            now["starts"][name] = int(line)
        elif word == "FNDA":
            hits, name = rest.split(",", 1)
            now["functions"][name] = int(hits)
        elif word == "DA":
            line, hits = map(int, rest.split(","))
            suite.check(line not in now["lines"], f"line {line} once", text) if line in now["lines"] else None
            now["lines"][line] = hits
        elif word in ("FNF", "FNH", "LF", "LH"):
            now["sums"][word] = int(rest)
        elif text == "end_of_record":
            check_sums(suite, now)
            now = None
        elif word != "TN":
            suite.check(False, f"line {number} is one of lcov's", text)
    suite.check(now is None and files, f"{path.name}: whole records")
    return files


def check_sums(suite, record):
    lines, functions = record["lines"], record["functions"]
    right = {"LF": len(lines), "LH": sum(hits > 0 for hits in lines.values()),
             "FNF": len(functions), "FNH": sum(hits > 0 for hits in functions.values())}
    if record["sums"] != right or record["starts"].keys() != functions.keys():
        suite.check(False, "a record's sums are those of its lines", f"{record['sums']} instead of {right}")


def run(suite, image, name, *arguments):
    out = suite.scratch / f"{name}.info"
    done = suite.drydock_run("--lcov", out, *arguments, driver=image)
    suite.check_status(done, 0, f"{name}: a clean run")
    return out


def exact_counts(suite, compiler):
    folder = suite.source / "tests/drivers"
    image = build(suite, "coverage_lines", compiler, "-I", folder, folder / "coverage_lines.c", folder / "common/nullhba.c")
    files = records(suite, run(suite, image, f"lines-{compiler}", "--disk", "mem:2M"))
    counted = next((record for path, record in files.items() if path.endswith("/coverage_lines.c")), {"lines": {}})["lines"]
    for number, text in enumerate((folder / "coverage_lines.c").read_text().split("\n"), 1):
        if mark := MARK.search(text):
            suite.check(counted.get(number) == int(mark[1]), f"{compiler}: line {number} ran {mark[1]} times", f"{counted.get(number)}: {text.strip()}")
    suite.check(not any("/include/wdk/" in path for path in files), f"{compiler}: no headers of the WDK", "\n".join(files))


def sample_driver(suite, compiler):
    image = build(suite, "ddvioblk", compiler, *sorted((suite.source / "drivers/ddvioblk").glob("*.c")))
    report = suite.scratch / "report.json"
    out = run(suite, image, f"ddvioblk-{compiler}", "--json", report)
    files = records(suite, out)
    functions = {name: hits for record in files.values() for name, hits in record["functions"].items()}
    reads = suite.report(report)["reads"]
    suite.check(functions.get("BlockRead", 0) > 0 and functions["BlockRead"] <= reads, f"{compiler}: BlockRead ran for READs",
                f"{functions.get('BlockRead')} of {reads}")
    suite.check(functions.get("DriverEntry") == 1, f"{compiler}: DriverEntry ran once", functions.get("DriverEntry"))
    suite.check(functions.get("AdapterSurpriseRemoved") == 0, f"{compiler}: what never ran is in the file, with 0", functions.get("AdapterSurpriseRemoved"))
    done = suite.run("lcov", "--summary", out)
    share = re.search(r"lines\.*: ([\d.]+)% \((\d+) of (\d+) lines\)", done.stdout + done.stderr)
    suite.check(done.returncode == 0 and share and 50 < float(share[1]) < 100, f"{compiler}: lcov reads it", done.stdout + done.stderr)
    done = suite.run("genhtml", "--quiet", "-o", suite.scratch / f"html-{compiler}", out)
    suite.check(done.returncode == 0, f"{compiler}: genhtml finds the sources", done.stdout + done.stderr)


def served(suite):
    folder = suite.source / "tests/drivers"
    image = build(suite, "served", "gcc", "-I", folder, folder / "coverage_lines.c", folder / "common/nullhba.c")
    files = records(suite, run(suite, image, "served", "--disk", "mem:2M", "--exec", 'nbdinfo --size "$uri"'))
    suite.check(any(path.endswith("/coverage_lines.c") for path in files), "a served disk is covered as well", "\n".join(files))


def refusals(suite):
    plain = suite.drydock_run("--lcov", suite.scratch / "x.info")
    suite.check_status(plain, 2, "a driver without --coverage: bad input")
    suite.check("drydock-cc --coverage" in plain.stderr and not (suite.scratch / "x.info").exists(), "it says how to build one", plain.stderr)
    folder = suite.source / "tests/drivers"
    image = build(suite, "blind", "gcc", "-I", folder, folder / "coverage_lines.c", folder / "common/nullhba.c", flags=("--coverage", "--no-debug"))
    done = suite.drydock_run("--lcov", suite.scratch / "x.info", driver=image)
    suite.check_status(done, 2, "no debug information: bad input")
    image = build(suite, "lost", "gcc", "-I", folder, folder / "coverage_lines.c", folder / "common/nullhba.c")
    done = suite.drydock_run("--lcov", "/nonexistent/x.info", driver=image)
    suite.check_status(done, 2, "a file that cannot be written: bad input, before the run")
    done = suite.drydock_run("--disk", "mem:2M", driver=image)
    suite.check_status(done, 0, "without --lcov the driver runs as any other")
    suite.check(tail(done.stderr) == "", "and nothing is said about it", done.stderr)


if __name__ == "__main__":
    with Suite("lcov", "genhtml", "nbdinfo") as suite:
        for compiler in ("gcc", "clang"):
            exact_counts(suite, compiler)
            sample_driver(suite, compiler)
        served(suite)
        refusals(suite)
