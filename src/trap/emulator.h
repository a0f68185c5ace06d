#pragma once
// Emulator: executes one trapped instruction of a driver against trapped memory. It has no semantics of its own: Zydis
// decodes the instruction, it is encoded again with its memory operand redirected to a scratch slot, and the processor
// runs it on the driver's registers; the memory is read before and written after, as the operand's access says. Only
// string instructions and push, pop, call and jmp, which have further memory operands, are written out. It refuses
// changes of rsp, AVX and x87, and says so.

#include <cstdint>
#include <memory>
#include <string>

#include "abi/trap_frame.h"
#include "trap/memory_port.h"

namespace drydock {

struct Plan;

inline constexpr std::size_t kPlansMax = 65536;  // different instructions that trap, per machine

struct Emulation {
  enum class Result : std::uint8_t { done, wild, refused, no_quotient };
  Result result = Result::done;
  std::uint64_t address = 0;  // of the memory operand; when wild, what could not be accessed
  unsigned size = 0;
  bool write = false;
  std::string reason;         // when refused
};

class Emulator {
 public:
  Emulator();
  ~Emulator();
  Emulator(const Emulator&) = delete;
  Emulator& operator=(const Emulator&) = delete;

  /// What is to be done about the instruction at `rip`; stays valid as long as the emulator. nullptr: no more room.
  const Plan* plan_at(std::uint64_t rip);

  /// Completes the instruction of `plan` at frame.rip and advances rip. When not done, the frame is as it was, except
  /// that a repeated string instruction keeps the elements completed so far (as on the processor).
  Emulation execute(const Plan& plan, TrapFrame& frame, TrapRegions& regions);

 private:
  struct Cache;
  std::unique_ptr<Cache> cache_;
};

}  // namespace drydock
