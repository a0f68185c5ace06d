// What the three ways to a caller's buffer cost: one READ by each method and size, from the system call to the answer,
// through a driver that touches nothing (access_driver.c). Forms as io_bench.cpp: times, or `count CASE N DRIVERS`.

#include <benchmark/benchmark.h>
#include <drydock/machine.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "hold_signals.h"
#include "windows.h"

namespace drydock::bench {
namespace {

constexpr int kWindows = 200;
constexpr const char* kMethods[] = {"buffered", "direct", "neither"};
struct Size {
  const char* name;
  std::uint32_t bytes;
};
constexpr Size kSizes[] = {{"512", 512}, {"4K", 4096}, {"64K", 64 << 10}, {"1M", 1 << 20}};

class AccessRig {
 public:
  AccessRig(const std::string& drivers, const std::string& method, std::uint32_t bytes) {
    Options options;
    options.checks = Checks::off;
    machine_ = Machine::start(options).machine;
    if (!machine_ || !machine_->load(drivers + "/access_" + method + ".sys")) return;
    client_ = machine_->client("bench");
    buffer_ = client_->allocate(bytes);
    device_ = client_->open("\\\\.\\Conformance").device;
  }
  bool ready() const { return device_ != nullptr; }
  void read(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i)
      if (const Answer answer = device_->read(buffer_); answer.information != buffer_.length) {
        std::fprintf(stderr, "bench: a read ended with %#x\n", answer.status);
        std::_Exit(1);
      }
  }

 private:
  std::unique_ptr<Machine> machine_;
  std::unique_ptr<Client> client_;
  Buffer buffer_;
  std::unique_ptr<Device> device_;
};

template <class Work>
void measure(benchmark::State& state, const Work& work) {
  const std::uint64_t calls = calls_per_window(work), steps = calls_per_window(run_reference);
  AlternatingWindows windows;
  for (auto _ : state) state.SetIterationTime(windows.pair(calls, steps, work) * 1e-9);
  state.counters["ns"] = windows.median_ns();
  state.counters["ratio"] = windows.median_ratio();
}

void measure_method(benchmark::State& state, const std::string& drivers, const std::string& method, std::uint32_t bytes) {
  AccessRig rig(drivers, method, bytes);
  if (!rig.ready()) return state.SkipWithError("the machine did not start");
  measure(state, [&rig](std::uint64_t count) { rig.read(count); });
}

/// The copy that buffered I/O cannot do without.
void measure_copy(benchmark::State& state, std::uint32_t bytes) {
  std::vector<char> from(bytes, 1), to(bytes);
  measure(state, [&](std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      std::memcpy(to.data(), from.data(), bytes);
      benchmark::DoNotOptimize(to.data());
      benchmark::ClobberMemory();
    }
  });
}

void register_all(const std::string& drivers) {
  for (const Size& size : kSizes) {
    for (const char* method : kMethods)
      benchmark::RegisterBenchmark((std::string("access/") + method + "/" + size.name).c_str(), [=](benchmark::State& s) { measure_method(s, drivers, method, size.bytes); })
          ->UseManualTime()->Iterations(kWindows);
    benchmark::RegisterBenchmark((std::string("access/copy/") + size.name).c_str(), [=](benchmark::State& s) { measure_copy(s, size.bytes); })
        ->UseManualTime()->Iterations(kWindows);
  }
}

int count(const std::string& name, std::uint64_t requests, const std::string& drivers) {
  hold_back_timer_signals();
  for (const Size& size : kSizes)
    for (const char* method : kMethods) {
      if (name != std::string("access/") + method + "/" + size.name) continue;
      AccessRig rig(drivers, method, size.bytes);
      if (!rig.ready()) return 1;
      rig.read(requests);
      std::_Exit(0);
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
