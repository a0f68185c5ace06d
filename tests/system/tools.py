#!/usr/bin/env python3
"""The commands around a run: inspect, ddi, explain; manual pages and completion that know every option."""
import json
import re
import subprocess

from harness import Suite

COMMANDS = ("run", "inspect", "ddi", "explain", "devices", "help")
PAGES = {"run": "drydock.1", "inspect": "drydock-inspect.1", "ddi": "drydock-ddi.1", "explain": "drydock-explain.1",
         "devices": "drydock-devices.1", None: "drydock.1"}
OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]*|-[a-zA-Z]\b)")


def options_in_help(suite, *command):
    """Those at the beginning of a line of the help, not those its words mention."""
    shown = suite.run(*command, "--help").stdout
    heads = re.findall(r"^ +(-[^ ]+)", shown, re.M)
    return sorted({option for head in heads for option in OPTION.findall(head.split("=")[0].split(" ")[0].replace(",", " "))})


def words_of_page(suite, name):
    """A manual page as a reader sees it."""
    page = suite.run("man", "--warnings", "-E", "UTF-8", "-l", suite.source / "docs" / name, env=man_environment())
    suite.check(page.returncode == 0 and page.stdout and not page.stderr.strip(), f"{name} is a manual page without warnings", page.stderr)
    return page.stdout


def man_environment():
    import os
    return {**os.environ, "MANWIDTH": "200", "MAN_KEEP_FORMATTING": "", "PAGER": "cat", "LC_ALL": "C.UTF-8"}


def manual_pages(suite):
    for command, page in PAGES.items():
        words = words_of_page(suite, page)
        here = [suite.drydock] + ([command] if command else [])
        options = options_in_help(suite, *here)
        suite.check(options, f"drydock {command or ''} has options in its help")
        for option in options:
            suite.check(re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", words), f"{page} explains {option} of '{command or 'drydock'}'", words)
    told = set(re.findall(r"^ {7}(--[a-z][a-z-]*)", words_of_page(suite, "drydock.1"), re.M))
    known = set(options_in_help(suite, suite.drydock, "run")) | set(options_in_help(suite, suite.drydock))
    suite.check(told and told <= known, "drydock.1 explains no option that is not there", told - known)
    compiler = words_of_page(suite, "drydock-cc.1")
    for option in options_in_help(suite, suite.source / "tools/drydock-cc"):
        suite.check(option in compiler, f"drydock-cc.1 explains {option}")


def plugin_page(suite):
    words = words_of_page(suite, "nbdkit-drydock-plugin.1")
    shown = suite.run("nbdkit", suite.plugin, "--help").stdout
    parameters = re.findall(r"^([a-z-]+)=", shown, re.M)
    suite.check(len(parameters) > 8, "the plugin's help names its parameters", shown)
    for parameter in parameters:
        suite.check(re.search(rf"\b{parameter}=", words), f"nbdkit-drydock-plugin.1 explains {parameter}=", words)


def completed(suite, script, function, *words):
    """What bash would offer for the last of the words."""
    line = " ".join(f"'{word}'" for word in words)
    program = (f"source '{suite.source}/tools/completion/{script}'; compopt() {{ :; }}; COMP_WORDS=({line}); "
               f"COMP_CWORD={len(words) - 1}; {function}; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
    return suite.run("bash", "-c", program).stdout.split("\n")


def completion(suite):
    offered = completed(suite, "drydock", "_drydock", suite.drydock, "")
    for command in COMMANDS:
        suite.check(command in offered, f"completion offers {command}", offered)
    for command in ("run", "inspect", "ddi", "explain", "devices"):
        offered = completed(suite, "drydock", "_drydock", suite.drydock, command, "-")
        for option in options_in_help(suite, suite.drydock, command):
            suite.check(option in offered, f"completion of {command} offers {option}", offered)
    suite.check(completed(suite, "drydock", "_drydock", suite.drydock, "run", "--se") [:1] == ["--seed"], "it completes a beginning")
    suite.check("virtio-blk" in completed(suite, "drydock", "_drydock", suite.drydock, "run", "--device", ""), "it knows the devices")
    suite.check("mixed" in completed(suite, "drydock", "_drydock", suite.drydock, "run", "--phys", "m"), "it knows the values of --phys")
    (suite.scratch / "a.sys").touch()
    (suite.scratch / "a.txt").touch()
    offered = completed(suite, "drydock", "_drydock", suite.drydock, "inspect", "a")
    suite.check("a.sys" in offered and "a.txt" not in offered, "it offers drivers where a driver is meant", offered)
    compiler = suite.source / "tools/drydock-cc"
    offered = completed(suite, "drydock-cc", "_drydock_cc", compiler, "-")
    for option in options_in_help(suite, compiler):
        suite.check(any(word.startswith(option) for word in offered), f"completion of drydock-cc offers {option}", offered)


def inspect(suite):
    done = suite.run(suite.drydock, "inspect", suite.driver())
    suite.check_status(done, 0, "inspect of our own driver")
    for words in ("storport", "DWARF", "StorPortInitialize", "nf-storport-storportinitialize", "sections"):
        suite.check(words in done.stdout, f"it speaks of {words}", done.stdout)
    facts = json.loads(suite.run(suite.drydock, "inspect", suite.driver(), "--json").stdout)
    suite.check(facts["coverage"]["missing"] == 0 and facts["imports"], "none of its imports is missing", facts["coverage"])
    suite.check(all(row["address"].startswith("https://") for row in facts["imports"]), "every import has the address of its page")
    missing = json.loads(suite.run(suite.drydock, "inspect", suite.driver("missing_import"), "--json").stdout)
    told = [row["name"] for row in missing["imports"] if row["coverage"] == "missing"]
    suite.check(len(told) == 1 and missing["coverage"]["missing"] == 1, "a routine that does not exist is told as missing", told)
    clang = json.loads(suite.run(suite.drydock, "inspect", suite.driver("ddvioblk_clang"), "--json").stdout)
    suite.check(clang["built_with"]["reproducible"] and clang["built_with"]["linker_version"].startswith("14"), "lld's image is told from gcc's",
                clang["built_with"])


def bad_files(suite):
    (suite.scratch / "text.sys").write_text("MZ is not enough\n")
    (suite.scratch / "half.sys").write_bytes(suite.driver().read_bytes()[:3000])
    for words in (["inspect", "nothing.sys"], ["inspect", "text.sys"], ["inspect", "half.sys"], ["inspect", "."], ["inspect"],
                  ["explain", "ST-999"], ["explain", "0x12345"], ["explain", "banana"], ["explain"], ["ddi", "--frobnicate"]):
        done = suite.run(suite.drydock, *words)
        suite.check_status(done, 2, f"{' '.join(words)}: exit status 2")
        suite.check(len(done.stderr.splitlines()) == 1 and not done.stdout, f"{' '.join(words)}: one line", done.stderr)


def exports(suite):
    rows = json.loads(suite.run(suite.drydock, "ddi", "--json").stdout)
    table = json.loads(suite.run(suite.build / "tools/exports/drydock-exports", "--json").stdout)
    suite.check([(r["module"], r["name"]) for r in rows] == [(r["module"], r["name"]) for r in table], "ddi lists the export table")
    suite.check(all(row["note"] for row in rows if row["coverage"] == "partial"), "what is partial says what it lacks")
    missing = json.loads(suite.run(suite.drydock, "ddi", "--missing", "--json").stdout)
    have = {row["name"] for row in rows}
    suite.check(missing and not have & {row["name"] for row in missing}, "nothing is both there and missing")
    declared = "".join((suite.source / "include/wdk" / header).read_text() for header in {row["header"] for row in missing})
    absent = [row["name"] for row in missing if not re.search(rf"\b{row['name']}\b", declared)]
    suite.check(not absent, "each missing one stands in the header that is named", absent)


def explain(suite):
    for words, mentions in (("ST-43", "nf-storport-storportgetscattergatherlist"), ("st-42", "See H-19"), ("0xD1", "DRIVER_IRQL_NOT_LESS_OR_EQUAL"),
                            ("0xF1/0x2004", "VER-45"), ("H-19", "DataBuffer")):
        done = suite.run(suite.drydock, "explain", words)
        suite.check(done.returncode == 0 and mentions in done.stdout, f"explain {words} tells {mentions}", done.stdout + done.stderr)
    codes = set(re.findall(r'"(0x[0-9A-F]+/?[0-9A-Fx]*)"', "".join(path.read_text() for path in (suite.source / "src").rglob("*.cpp")
                                                                  if not path.name.endswith("_test.cpp"))))
    suite.check(len(codes) > 5, "the source reports bug-check codes", codes)
    for code in sorted(codes):
        done = suite.run(suite.drydock, "explain", code)
        suite.check(done.returncode == 0, f"explain knows {code}, which findings carry", done.stdout + done.stderr)


def rules_of_findings(suite):
    """Every rule id that the source reports is one that `explain` tells."""
    ids = set()
    for path in (suite.source / "src").rglob("*.cpp"):
        ids |= set(re.findall(r'"((?:BUF|MDL|DMA|SP|ST|VER|DRY)-\d+[a-z]?)"', path.read_text()))
    unknown = [id for id in sorted(ids) if subprocess.run([suite.drydock, "explain", id], capture_output=True).returncode != 0]
    suite.check(ids and not unknown, f"explain knows all {len(ids)} rules that the source reports", unknown)


def full_output(suite):
    """What cannot be printed is told, and no crash."""
    for words in ("ddi", "ddi --json", "explain ST-42", "devices", "--help", f"inspect {suite.driver()}"):
        done = suite.run("sh", "-c", f"{suite.drydock} {words} > /dev/full")
        suite.check(done.returncode == 2 and "cannot write to standard output" in done.stderr, f"{words}: a full standard output is told", done.stderr)
    done = suite.drydock_run("--disk", "mem:2M", "--trace", "/dev/full")
    suite.check(done.returncode == 2 and "trace file /dev/full" in done.stderr, "a trace that cannot be written is told", done.stderr)


if __name__ == "__main__":
    with Suite("nbdkit", "man", "bash") as suite:
        full_output(suite)
        inspect(suite)
        bad_files(suite)
        exports(suite)
        explain(suite)
        rules_of_findings(suite)
        manual_pages(suite)
        plugin_page(suite)
        completion(suite)
