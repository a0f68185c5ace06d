"""The drivers of tests/drivers and what expectations.json says of them: running one, and judging what it showed.

A judgement is a list of complaints: empty when the run showed what was expected. The test of the drivers prints it; the
test of the rules demands one when the rule is switched off.
"""
import json
import re

DISK = "mem:2M"  # what the fixtures' own disk of 2 MiB needs beside it: a device to start on
EXPECTATIONS = "tests/drivers/expectations.json"


def read(source):
    """One expectation for each driver and compiler; `image` is the name of the .sys without a twin's ending."""
    for entry in json.loads((source / EXPECTATIONS).read_text())["drivers"]:
        for compiler in entry.get("compilers", ["gcc"]):
            yield {**entry, "image": entry["driver"] + ("" if compiler == "gcc" else f"_{compiler}")}


def run(suite, expectation, *arguments, twin=False, **options):
    """(completed process, report); (None, {}) when there is no such image."""
    name = expectation["image"] + ("_twin" if twin else "")
    found = sorted(suite.build.glob(f"drivers/{name}.sys"))
    if not suite.check(found, f"{name}.sys is built"):
        return None, {}
    report = suite.scratch / f"{name}.json"
    report.unlink(missing_ok=True)
    disk = ["--disk", DISK] if not expectation.get("hooks") else []
    own = expectation.get("arguments", [])
    level = options.pop("checks", None) or (None if "--checks" in own else expectation.get("checks", "default"))
    checks = ["--checks", level] if level else []
    if level and "--checks" in own:
        own = own[:own.index("--checks")] + own[own.index("--checks") + 2:]
    done = suite.drydock_run(*disk, *checks, *own, "--json", report, *arguments, driver=found[0],
                             timeout=options.pop("timeout", 90), **options)
    return done, suite.report(report)


def expected_line(source, name, mark):
    """Line number of the /* EXPECT: … */ mark (/* EXPECT way: … */ in a source of several), None without one."""
    for number, line in enumerate((source / "tests/drivers" / f"{name}.c").read_text().split("\n"), 1):
        if f"/* EXPECT{' ' + mark if mark else ''}:" in line:
            return number
    return None


def rules_wanted(expectation):
    """Ids that must all be found: the first of `rules`, of which the others are synonyms, and everything in `all`."""
    return [*expectation.get("rules", [])[:1], *expectation.get("all", [])]


def accusations(expectation, report):
    """What the run says against the driver, as far as it is about this mistake."""
    found = report.get("findings", [])
    if expectation["exit"] == 4:
        return [{"message": report.get("message", "")}, *[f for f in found if f.get("rule") == "bug check"]]
    wanted = rules_wanted(expectation)
    return [f for f in found if f.get("rule") in wanted] if wanted else found


def places(items):
    """Every place that findings or a crash name: location, stack and message, as one text."""
    return "\n".join("\n".join([item.get("driver_location", ""), *item.get("stack", []), item.get("message", "")])
                     for item in items)


def place_complaints(source, expectation, report, items, symbols):
    name, kind = expectation.get("source", expectation["driver"]), expectation.get("location", "none")
    shown = places(items) + "\n" + "\n".join(report.get("debug_output", []))
    function = expectation.get("function")
    if not symbols:
        image = expectation["image"]
        if kind != "none" and not re.search(rf"\b{image}\.sys\+0x[0-9a-f]+", shown):
            yield f"no place in {image}.sys is named\n{shown}"
    elif kind == "line":
        line = expected_line(source, name, expectation.get("mark"))
        if not line or not re.search(rf"\b{name}\.c:{line}\b", shown):
            yield f"the place is not {name}.c:{line}\n{shown}"
    elif kind == "function" and not re.search(rf"\b(HwStor)?{function}(Routine)?\b", shown):
        yield f"the place is not in {function}\n{shown}"


def complaints(source, expectation, done, report, symbols=True):
    """What is wrong with the run of a driver with a mistake."""
    if done.returncode != expectation["exit"]:
        yield f"exit status {done.returncode}, not {expectation['exit']}\n{done.stdout[-2000:]}{done.stderr[-1000:]}"
    found = {finding.get("rule") for finding in report.get("findings", [])}
    for rule in rules_wanted(expectation):
        if rule not in found:
            yield f"no finding {rule}, but {sorted(found)}"
    items = accusations(expectation, report)
    told = json.dumps(items, ensure_ascii=False)
    if expectation.get("code", "").lower() not in told.lower():
        yield f"no code {expectation['code']} in {told}"
    parameters = [item["parameters"] for item in items if item.get("parameters")]
    if not all(re.fullmatch(wanted, found) for wanted, found in zip(expectation.get("parameters", []), *parameters or [[""] * 4])):
        yield f"the parameters of the bug check are {parameters}, not {expectation['parameters']}"
    said = report.get("message", "") + "\n".join(item.get("message", "") for item in items)
    if expectation.get("message", "") not in said and not re.search(expectation["message"], said):
        yield f"no word of '{expectation['message']}' in {report.get('message')} {told}"
    if not any(expectation.get("debug", "") in line for line in [*report.get("debug_output", []), ""]):
        yield f"the driver did not print '{expectation['debug']}'"
    yield from place_complaints(source, expectation, report, items, symbols)
    for what, function in expectation.get("related", {}).items() if symbols else ():
        stacks = [related["stack"] for item in items for related in item.get("related", []) if related["what"] == what]
        if not any(function in frame for stack in stacks for frame in stack):
            yield f"{what}: not {function}, but {stacks}"
    if expectation["exit"] != 0 and "drydock::" in done.stdout + done.stderr:
        yield "names of ours in the text"


def twin_complaints(done, report):
    if done.returncode != 0:
        yield f"exit status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-1000:]}"
    if report.get("findings") != []:
        yield json.dumps(report.get("findings"), indent=1)
