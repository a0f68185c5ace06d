#pragma once
// Privileged: what the instructions mean that only a kernel may execute. execute_privileged() decodes them; the machine
// answers here. Ordinary code on the driver's fiber: may switch fibers (an IRQL change is a preemption point) or abort.
// pushf and popf do not trap, so a driver that reads or writes the interrupt flag through them is not seen; trap/untrapped.h
// looks for them.

#include <cstdint>
#include <optional>
#include <string>

#include "abi/trap_frame.h"
#include "trap/memory_port.h"

namespace drydock {

struct Plan;

struct Privileged {
  virtual ~Privileged() = default;

  virtual std::uint64_t read_cr8() = 0;
  virtual void write_cr8(std::uint64_t value) = 0;
  /// size: 1, 2 or 4.
  virtual std::uint32_t in(std::uint16_t port, unsigned size) = 0;
  virtual void out(std::uint16_t port, unsigned size, std::uint32_t value) = 0;

  virtual void cli() = 0;
  virtual void sti() = 0;
  virtual void hlt() = 0;
  /// wbinvd, invd, invlpg: nothing to do on coherent memory, but the machine may want to know.
  virtual void cache_control() {}

  /// nullopt / false: no such register; the instruction is then refused.
  virtual std::optional<std::uint64_t> read_msr(std::uint32_t) { return std::nullopt; }
  virtual bool write_msr(std::uint32_t, std::uint64_t) { return false; }
  /// Control registers other than cr8.
  virtual std::optional<std::uint64_t> read_control(unsigned) { return std::nullopt; }
  virtual bool write_control(unsigned, std::uint64_t) { return false; }
  virtual std::optional<std::uint64_t> read_debug(unsigned) { return std::nullopt; }
  virtual bool write_debug(unsigned, std::uint64_t) { return false; }

  /// int 3, and int 2Dh of the debug print service. The frame is at the instruction; on return the driver goes on behind.
  virtual void breakpoint(TrapFrame&) = 0;
  /// int 2Ch, a failed NT_ASSERT. The same.
  virtual void assertion_failed(TrapFrame&) = 0;
  /// int 29h; must not return (abort_driver_call).
  virtual void fast_fail(TrapFrame&, std::uint32_t code) = 0;
};

struct PrivilegedOutcome {
  enum class Result : std::uint8_t { done, wild, refused };
  Result result = Result::done;
  std::uint64_t address = 0;  // when wild: memory of ins or outs that could not be accessed
  std::string reason;         // when refused
};

/// Executes a plan of kind privileged and advances rip.
PrivilegedOutcome execute_privileged(const Plan& plan, TrapFrame& frame, Privileged& privileged, TrapRegions& regions);

}  // namespace drydock
