// In-process benchmarks of one request at a time, in two forms. With google-benchmark's options: times, by alternating
// windows. With `count CASE N DRIVERS`: just N requests, for callgrind, whose difference between N and 2 N is the
// instructions of N requests and nothing else.

#include <benchmark/benchmark.h>
#include <cstdlib>
#include <cstring>

#include "hold_signals.h"
#include "rig.h"
#include "windows.h"

namespace drydock::bench {
namespace {

constexpr int kWindows = 400;

void measure(benchmark::State& state, const Case& line, const std::string& drivers) {
  const auto rig = Rig::set_up(line, drivers);
  if (!rig) return state.SkipWithError("the machine did not start");
  const auto work = [&rig](std::uint64_t count) { rig->read(count); };
  const std::uint64_t calls = calls_per_window(work), steps = calls_per_window(run_reference);
  AlternatingWindows windows;
  for (auto _ : state) state.SetIterationTime(windows.pair(calls, steps, work) * 1e-9);
  state.counters["ns"] = windows.median_ns();
  state.counters["ratio"] = windows.median_ratio();
}

/// The reference against itself: how far off this run's ratios may be.
void control(benchmark::State& state) {
  const std::uint64_t steps = calls_per_window(run_reference);
  AlternatingWindows windows;
  for (auto _ : state) state.SetIterationTime(windows.pair(steps, steps, run_reference) * 1e-9);
  state.counters["ns"] = windows.median_ns();
  state.counters["ratio"] = windows.median_ratio();
}

void register_all(const std::string& drivers) {
  benchmark::RegisterBenchmark("control", control)->UseManualTime()->Iterations(kWindows);
  for (const Case& line : kCases)
    benchmark::RegisterBenchmark(std::string(line.name).c_str(), [&line, drivers](benchmark::State& s) { measure(s, line, drivers); })
        ->UseManualTime()->Iterations(kWindows);
}

int count(std::string_view name, std::uint64_t requests, const std::string& drivers) {
  hold_back_timer_signals();
  for (const Case& line : kCases)
    if (line.name == name) {
      const auto rig = Rig::set_up(line, drivers);
      if (!rig) return 1;
      rig->read(requests);
      std::_Exit(0);  // stopping is not what is counted
    }
  return 2;
}

}  // namespace
}  // namespace drydock::bench

int main(int argc, char** argv) {
  using namespace drydock::bench;
  if (argc == 5 && std::strcmp(argv[1], "count") == 0) return count(argv[2], std::strtoull(argv[3], nullptr, 10), argv[4]);
  benchmark::Initialize(&argc, argv);
  if (argc != 2) return 2;
  register_all(argv[1]);
  benchmark::RunSpecifiedBenchmarks();
}
