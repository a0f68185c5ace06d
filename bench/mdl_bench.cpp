// What an MDL costs: mdl_build/N: formatted, its N pages named and locked, and unlocked again; sysva_map: what
// MmGetSystemAddressForMdlSafe takes the first time, by the export a driver calls, on consecutive pages; vma_budget: the
// mappings of this process that are left after 100,000 mixed MDLs. Forms as io_bench.cpp: times, or `count CASE N`; and
// `budget N`, which prints the growth.

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include "ddi/ntoskrnl/mdl_for_tests.h"
#include "hold_signals.h"
#include "windows.h"

namespace drydock::bench {
namespace {

constexpr int kWindows = 200;
constexpr std::uint32_t kPages[] = {1, 16, 256, 1024};

/// One MDL of so many pages, without a kernel.
class BuildRig {
 public:
  explicit BuildRig(std::uint32_t pages) : pages_(pages), storage_(MdlView::size_of(0, std::uint64_t{pages} << kPageShift) / 8) {
    address_ = memory_->address(View::user, memory_->allocate(pages)->first);
  }
  void build(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      MdlView mdl = MdlView::format(storage_.data(), address_, pages_ << kPageShift);
      if (!mdl.lock(*memory_, locked_, true, &mappings_)) std::abort();
      mdl.unlock(*memory_, locked_, mappings_);
    }
  }

 private:
  std::unique_ptr<PhysicalMemory> memory_ = *PhysicalMemory::create({64u << 20, PhysProfile::contiguous, 1});
  LockedPages locked_{memory_->size() >> kPageShift};
  SystemMappings mappings_{*memory_};
  std::uint32_t pages_;
  std::vector<std::uint64_t> storage_;
  std::uint64_t address_ = 0;
};

/// A driver's calls.
class MapRig {
 public:
  void map(std::uint64_t count) {
    kernel_.run([this, count] { map_as_driver(count); });
  }

 private:
  void map_as_driver(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      if (mm_.system_address(mdl_) == nullptr) std::abort();
      mdl_->MdlFlags = MDL_PAGES_LOCKED;  // as before the first time
    }
  }
  MDL* make_mdl() {
    auto* buffer = kernel_.allocate(16 * kPageSize);
    auto* storage = kernel_.allocate<MDL>(MdlView::size_of(0, 16 * kPageSize));
    MdlView view = MdlView::format(storage, reinterpret_cast<std::uint64_t>(buffer), 16 * kPageSize);
    if (!view.build_nonpaged(kernel_.memory())) std::abort();
    storage->MdlFlags = MDL_PAGES_LOCKED;
    return storage;
  }

  ddi::KernelForTests kernel_{2, CheckLevel::off, PhysProfile::contiguous};
  ddi::MdlRoutines mm_;
  MDL* mdl_ = make_mdl();
};

template <class Work>
void measure(benchmark::State& state, const Work& work) {
  const std::uint64_t calls = calls_per_window(work), steps = calls_per_window(run_reference);
  AlternatingWindows windows;
  for (auto _ : state) state.SetIterationTime(windows.pair(calls, steps, work) * 1e-9);
  state.counters["ns"] = windows.median_ns();
  state.counters["ratio"] = windows.median_ratio();
}

void register_all() {
  for (const std::uint32_t pages : kPages)
    benchmark::RegisterBenchmark(("mdl_build/" + std::to_string(pages)).c_str(), [pages](benchmark::State& state) {
      BuildRig rig(pages);
      measure(state, [&rig](std::uint64_t count) { rig.build(count); });
    })->UseManualTime()->Iterations(kWindows);
  benchmark::RegisterBenchmark("sysva_map", [](benchmark::State& state) {
    MapRig rig;
    measure(state, [&rig](std::uint64_t count) { rig.map(count); });
  })->UseManualTime()->Iterations(kWindows);
}

int count(const std::string& name, std::uint64_t calls) {
  hold_back_timer_signals();
  if (name == "sysva_map") MapRig().map(calls);
  else if (name.starts_with("mdl_build/")) BuildRig(static_cast<std::uint32_t>(std::atoi(name.c_str() + 10))).build(calls);
  else return 2;
  std::_Exit(0);
}

// --- vma_budget ---------------------------------------------------------------------------------------------------------------

std::size_t mappings_of_this_process() {
  std::ifstream maps("/proc/self/maps");
  std::size_t lines = 0;
  for (std::string line; std::getline(maps, line);) ++lines;
  return lines;
}

/// Every kind of MDL, mapped in every way, all of them ended.
void use_one(ddi::KernelForTests& kernel, const ddi::MdlRoutines& mm, char* user, char* pool, std::uint64_t round) {
  const auto offset = static_cast<ULONG>(round * 619 % 4096), bytes = static_cast<ULONG>(1 + round * 7919 % (15 * 4096));
  MDL* mdl = mm.allocate((round % 2 != 0 ? user : pool) + offset, bytes, FALSE, FALSE, nullptr);
  mm.lock(mdl, 0, IoWriteAccess);
  void* mapped = mm.map(mdl, 0, MmCached, nullptr, FALSE, NormalPagePriority | MdlMappingNoExecute | (round % 5 == 0 ? MdlMappingNoWrite : 0));
  MDL* part = mm.allocate(static_cast<char*>(mdl->StartVa) + mdl->ByteOffset, 1, FALSE, FALSE, nullptr);
  mm.partial(mdl, part, static_cast<char*>(mdl->StartVa) + mdl->ByteOffset, 1);
  mm.system_address(part);
  mm.free(part);
  if (round % 3 == 0) mm.unmap(mapped, mdl);
  mm.unlock(mdl), mm.free(mdl);
  FILE_SEGMENT_ELEMENT segments[2];
  segments[0].Alignment = reinterpret_cast<std::uint64_t>(user + 8 * 4096);
  segments[1].Alignment = reinterpret_cast<std::uint64_t>(user);
  MDL* spliced = mm.allocate(nullptr, 8192, FALSE, FALSE, nullptr);
  mm.lock_selected(spliced, segments, 0, IoReadAccess);
  mm.system_address(spliced);
  mm.unlock(spliced), mm.free(spliced);
  kernel.findings.clear();
}

int budget(std::uint64_t mdls) {
  ddi::KernelForTests kernel(2, CheckLevel::standard, PhysProfile::mixed);
  const ddi::MdlRoutines mm;
  const auto client = std::move(*kernel.spaces().create("client"));
  auto* user = reinterpret_cast<char*>(*client->allocate(16 * kPageSize, {.runs = PhysicalRuns::scattered}));
  auto* pool = kernel.allocate(16 * kPageSize);
  std::size_t before = 0;
  kernel.run([&] {
    kernel.scheduler().thread()->process = client.get();
    for (std::uint64_t round = 0; round < mdls / 3; ++round) {
      if (round == 100) before = mappings_of_this_process();
      use_one(kernel, mm, user, pool, round);
    }
  });
  const std::size_t after = mappings_of_this_process();
  std::printf("%ld\n", static_cast<long>(after) - static_cast<long>(before));
  return kernel.mappings().live() == 0 && kernel.spaces().locked().held() == 0 ? 0 : 1;
}

}  // namespace
}  // namespace drydock::bench

int main(int argc, char** argv) {
  using namespace drydock::bench;
  if (argc >= 4 && std::strcmp(argv[1], "count") == 0) return count(argv[2], std::strtoull(argv[3], nullptr, 10));
  if (argc == 3 && std::strcmp(argv[1], "budget") == 0) return budget(std::strtoull(argv[2], nullptr, 10));
  benchmark::Initialize(&argc, argv);
  register_all();
  benchmark::RunSpecifiedBenchmarks();
}
