#pragma once
// Memory mapped twice: as the driver sees it, accessible or trapping as the test wants, and as the machine sees it. And
// a machine that completes what traps there through a TrapService. For tests.

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "sched/machine_for_tests.h"
#include "trap/trap_service.h"

namespace drydock {

class TrappedMemory final : public MemoryPort {
 public:
  static constexpr std::size_t kSize = 4 * 4096;

  TrappedMemory() {
    const int file = memfd_create("trapped", 0);
    CHECK(file >= 0 && ftruncate(file, kSize) == 0, "no memfd");
    view_ = static_cast<std::uint8_t*>(mmap(nullptr, kSize, PROT_NONE, MAP_SHARED, file, 0));
    alias_ = static_cast<std::uint8_t*>(mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
    CHECK(view_ != MAP_FAILED && alias_ != MAP_FAILED, "no mapping");
    close(file);
  }
  ~TrappedMemory() override {
    munmap(view_, kSize);
    munmap(alias_, kSize);
  }
  TrappedMemory(const TrappedMemory&) = delete;
  TrappedMemory& operator=(const TrappedMemory&) = delete;

  std::uintptr_t address() const { return reinterpret_cast<std::uintptr_t>(view_); }
  std::uint8_t* alias() { return alias_; }
  void set_trapping(bool on) { mprotect(view_, kSize, on ? PROT_NONE : PROT_READ | PROT_WRITE); }
  Region region(RegionKind kind) { return {kind, address(), address() + kSize, this}; }

  void read(std::uint64_t at, void* to, unsigned size) override {
    std::memcpy(to, alias_ + (at - address()), size);
    accesses.push_back({at - address(), size, false});
  }
  void write(std::uint64_t at, const void* from, unsigned size) override {
    std::memcpy(alias_ + (at - address()), from, size);
    accesses.push_back({at - address(), size, true});
  }

  struct Access {
    std::uint64_t offset;
    unsigned size;
    bool write;
    bool operator==(const Access&) const = default;
  };
  std::vector<Access> accesses;

 private:
  std::uint8_t* view_;
  std::uint8_t* alias_;
};

struct RegionsForTests final : TrapRegions {
  std::vector<Region> regions;
  Region find(std::uint64_t address) override {
    for (const Region& region : regions)
      if (address >= region.base && address < region.end) return region;
    return {};
  }
};

/// Remembers what was asked, in order.
struct PrivilegedForTests final : Privileged {
  std::vector<std::string> told;
  std::uint64_t cr8 = 0;
  std::vector<std::uint32_t> input;  // what the port gives, last first

  void tell(std::string what) { told.push_back(std::move(what)); }
  std::uint64_t read_cr8() override { return cr8; }
  void write_cr8(std::uint64_t value) override { cr8 = value; }
  std::uint32_t in(std::uint16_t port, unsigned size) override {
    tell(fmt::format("in{} {:x}", size, port));
    const std::uint32_t value = input.empty() ? 0xFFFFFFFF : input.back();
    if (!input.empty()) input.pop_back();
    return value;
  }
  void out(std::uint16_t port, unsigned size, std::uint32_t value) override { tell(fmt::format("out{} {:x} {:x}", size, port, value)); }
  void cli() override { tell("cli"); }
  void sti() override { tell("sti"); }
  void hlt() override { tell("hlt"); }
  void cache_control() override { tell("cache"); }
  std::optional<std::uint64_t> read_msr(std::uint32_t index) override {
    if (index != 0x1B) return std::nullopt;
    return 0x12345678FEE00900;
  }
  bool write_msr(std::uint32_t index, std::uint64_t value) override {
    tell(fmt::format("wrmsr {:x} {:x}", index, value));
    return index == 0x1B;
  }
  void breakpoint(TrapFrame& frame) override { tell(fmt::format("breakpoint at {:02x}", *reinterpret_cast<std::uint8_t*>(frame.rip()))); }
  void assertion_failed(TrapFrame&) override { tell("assertion"); }
  void fast_fail(TrapFrame&, std::uint32_t code) override {
    tell(fmt::format("fast fail {}", code));
    abort_driver_call(*current_machine()->current_fiber, AbortReason::fast_fail);
  }
};

/// A machine whose traps go to a TrapService; what is not emulated ends the call and is kept in `outcome`.
struct TrapWorld {
  TrapWorld() {
    code.load_into(machine);
    regions.regions.push_back(memory.region(RegionKind::mmio));
    machine.on_trap = [this](TrapFrame& frame) {
      ++traps;
      outcome = service.handle(frame);
      if (outcome.verdict != TrapVerdict::emulated) abort_driver_call(*machine.current_fiber, AbortReason::wild_access);
    };
  }

  MachineForTests machine;
  DrivingThread driving{machine};
  CodeForTests code;
  TrappedMemory memory;
  RegionsForTests regions;
  PrivilegedForTests privileged;
  TrapService service{regions, privileged};
  TrapOutcome outcome;
  int traps = 0;
  Fiber fiber{"driver"};
};

}  // namespace drydock
