#pragma once
// Emulator: executes one trapped instruction of a driver against a MemoryPort. It has no semantics of its own: Zydis
// decodes the instruction, it is encoded again with its memory operand redirected to a scratch slot, and the processor
// runs it on the driver's registers; the port is read before and written after, as the operand's access says. Only string
// instructions and stack operations, which have memory operands of their own, are written out. What it refuses, it names.

#include <cstdint>
#include <memory>
#include <string>

#include "abi/trap_frame.h"
#include "trap/memory_port.h"

namespace drydock {

struct Emulation {
  bool done = false;
  bool wild = false;          // an operand lies outside every region and is not plain memory
  std::uint64_t address = 0;  // of the (first) trapped operand, when it was found
  unsigned size = 0;
  bool write = false;
  std::string reason;         // when not done
};

class Emulator {
 public:
  Emulator();
  ~Emulator();
  Emulator(const Emulator&) = delete;
  Emulator& operator=(const Emulator&) = delete;

  /// Completes the instruction at frame.rip and advances rip. When not done, the frame is as it was, except that a
  /// string instruction keeps the elements completed so far (as on the processor).
  Emulation emulate(TrapFrame& frame, TrapRegions& regions);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace drydock
