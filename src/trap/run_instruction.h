#pragma once
// Runs one re-encoded instruction with the registers of a driver. The instruction must not name rsp, must not fault and
// must only touch the scratch memory that one of its registers points to.

#include <cstddef>
#include <cstdint>

#include "abi/trap_frame.h"

namespace drydock {

struct alignas(16) RunContext {
  std::uint64_t gprs[15];  // in the order of Gpr, without rsp
  std::uint64_t flags;
  const void* code;  // ends in ret
  std::uint32_t mxcsr;
  std::uint32_t unused;
  Xmm xmm[16];

  std::uint64_t& operator[](Gpr r) { return gprs[static_cast<std::size_t>(r)]; }
};
static_assert(offsetof(RunContext, flags) == 120 && offsetof(RunContext, code) == 128);
static_assert(offsetof(RunContext, mxcsr) == 136 && offsetof(RunContext, xmm) == 144);

/// General registers and flags only.
extern "C" void drydock_run_instruction(RunContext* context);
/// xmm0-15 and MXCSR as well.
extern "C" void drydock_run_vector_instruction(RunContext* context);

}  // namespace drydock
