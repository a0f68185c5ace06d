#!/usr/bin/env python3
"""The self-check of every driver of ours, under many seeds on every memory layout, is clean (--seeds N says how many), and so it
is while things go wrong on purpose: --fault-seeds N seeded plans of faults, each run twice, which must be the same run."""
import hashlib
import random
from concurrent.futures import ThreadPoolExecutor

from harness import MiB, Suite, tail

LAYOUTS = ("mixed", "low", "high", "contiguous", "literal")
DEVICES = ("virtio-blk", "virtio-blk,msix=off", "virtio-blk,mode=transitional,queues=4", "virtio-blk,cache=none,indirect=off",
           "virtio-blk,queue_size=32,event_idx=off", "virtio-blk,blk_size=4096,queues=8")
# The rate that is the most a plan has: a driver shall still get somewhere.
FAULTS = {"lost-interrupt": 0.02, "spurious-interrupt": 0.5, "early-interrupt": 0.02, "interrupt-storm": 0.05, "wild-index": 0.02,
          "descriptor-loop": 0.5, "no-status": 0.1, "wrong-length": 1, "late-dma": 0.5, "device-gone": 0.002, "medium-error": 0.1,
          "enospc": 0.1, "short-io": 0.5, "io-error": 0.1}
OF_FILE = ("enospc", "short-io", "io-error")


def seeds_are_clean(suite, driver, layout):
    bad = []
    for seed in range(1, suite.arguments.seeds // len(LAYOUTS) + 1):
        done = suite.drydock_run("--disk", "mem:8M", "--seed", seed, "--phys", layout, driver=driver)
        if done.returncode != 0:
            bad.append(f"seed {seed}: exit status {done.returncode}")
    suite.check(not bad, f"{driver.name}: every seed is clean on {layout} memory", "\n".join(bad))


def plan_of(seed):
    """Arguments of drydock, and the faults among them."""
    choose = random.Random(seed)
    faults = choose.sample(sorted(FAULTS), choose.randint(1, 5))
    arguments = ["--seed", str(seed), "--phys", choose.choice(LAYOUTS), "--device", choose.choice(DEVICES), "--cpus", choose.choice("1248")]
    for fault in faults:
        arguments += ["--fault", f"{fault}={FAULTS[fault] * choose.uniform(0.1, 1):.6f}"]
    return arguments, faults


def run_plan(suite, driver, seed, trace):
    """(exit status, findings, digest of the run, what was printed)"""
    arguments, faults = plan_of(seed)
    disk, report_file, trace_file = (suite.scratch / f"{kind}{seed}" for kind in ("disk", "report", "trace"))
    if set(faults) & set(OF_FILE):
        with open(disk, "wb") as file:
            file.truncate(MiB)
        arguments += ["--disk", str(disk)]
    else:
        arguments += ["--disk", "mem:1M"]
    if trace:
        arguments += ["--trace", str(trace_file)]
    done = suite.drydock_run(*arguments, "--json", report_file, driver=driver, timeout=60)
    digest = hashlib.sha256()
    for path in (report_file, trace_file, disk):
        if path.exists():
            digest.update(path.read_bytes())
    report = suite.report(report_file)
    for path in (report_file, trace_file, disk):
        path.unlink(missing_ok=True)
    return done, report, digest.hexdigest()


def trouble_with(suite, driver, seed):
    """None, or what is wrong with this plan. Every tenth run is compared event by event, the others by their reports."""
    trace = seed % 10 == 0
    done, report, digest = run_plan(suite, driver, seed, trace)
    _, faults = plan_of(seed)
    struck = {fault["name"] for fault in report.get("faults", []) if fault["strikes"]}
    refused = done.returncode == 3 and struck - {"spurious-interrupt", "interrupt-storm", "descriptor-loop", "wrong-length", "late-dma"}
    told = f"seed {seed}: drydock run {driver.name} {' '.join(plan_of(seed)[0])}"
    if done.returncode != 0 and not refused:
        return f"{told}\nexit status {done.returncode}\n{tail(done.stdout, 12)}\n{tail(done.stderr, 5)}"
    if [fault["name"] for fault in report.get("faults", [])] != faults:
        return f"{told}\nthe report names {report.get('faults')}"
    if run_plan(suite, driver, seed, trace)[2] != digest:
        return f"{told}\nthe same seed is another run the second time"
    return None


def plans_are_survived(suite, driver):
    first = suite.arguments.first_fault_seed
    seeds = range(first, first + suite.arguments.fault_seeds)
    with ThreadPoolExecutor(2) as pool:
        bad = [trouble for trouble in pool.map(lambda seed: trouble_with(suite, driver, seed), seeds) if trouble]
    suite.check(not bad, f"{driver.name}: {len(seeds)} plans of faults from {first} on: no crash, no hang, no wrong byte, no accusation, and each the same twice",
                f"{len(bad)} plans:\n" + "\n".join(bad[:10]))


if __name__ == "__main__":
    with Suite() as suite:
        names = sorted(path.name for path in (suite.source / "drivers").iterdir() if path.is_dir())
        drivers = [suite.driver(name) for name in names if suite.driver(name).exists()]
        suite.check(drivers, "there are drivers to run")
        for driver in drivers:
            for layout in LAYOUTS:
                seeds_are_clean(suite, driver, layout)
            plans_are_survived(suite, driver)
