#include "kasan/instrumentation.h"

#include <array>
#include <cstring>

#include "abi/ms_abi.h"
#include "sched/guard.h"
#include "sched/machine_hooks.h"

namespace drydock {
namespace {

/// Compiled with frame pointers: the frame holds the caller's rbp and the return address.
CodePlace caller_of(const void* frame_pointer) {
  const auto* frame = static_cast<const std::uint64_t*>(frame_pointer);
  return {frame[1], reinterpret_cast<std::uint64_t>(frame) + 16, frame[0], true};
}

[[gnu::cold, gnu::noinline]] void tell(MachineHooks& machine, std::uint64_t address, std::uint64_t bytes, bool write, const void* frame) {
  const CodePlace where = caller_of(frame);
  const DriverCrossing crossing(*machine.current_fiber, where.rsp);
  machine.instrumentation->bad_access(address, bytes, write, where);
}

[[gnu::always_inline]] inline void check(std::uint64_t address, std::uint64_t bytes, bool write, const void* frame) {
  MachineHooks* machine = current_machine();
  if (!machine->instrumentation->shadow->allows(address, bytes)) [[unlikely]] tell(*machine, address, bytes, write, frame);
}

template <unsigned Bytes, bool Write>
MSABI void access(std::uint64_t address) noexcept {
  check(address, Bytes, Write, __builtin_frame_address(0));
}

template <bool Write>
MSABI void access_of(std::uint64_t address, std::uint64_t bytes) noexcept {
  if (bytes != 0) check(address, bytes, Write, __builtin_frame_address(0));
}

MSABI void block_entered() noexcept {
  if (Coverage* coverage = current_machine()->instrumentation->coverage)
    coverage->hit(reinterpret_cast<std::uint64_t>(__builtin_return_address(0)));
}

/// Compilers say so before calls that do not return; there is no shadow of stacks to clean.
MSABI void about_to_leave() noexcept {}

template <class F>
const void* at(F* function) {
  return reinterpret_cast<const void*>(function);
}

}  // namespace

std::span<const InstrumentationImport> instrumentation_imports() {
  static const std::array kImports = {
      InstrumentationImport{"__asan_load1_noabort", at(&access<1, false>), false},
      InstrumentationImport{"__asan_load2_noabort", at(&access<2, false>), false},
      InstrumentationImport{"__asan_load4_noabort", at(&access<4, false>), false},
      InstrumentationImport{"__asan_load8_noabort", at(&access<8, false>), false},
      InstrumentationImport{"__asan_load16_noabort", at(&access<16, false>), false},
      InstrumentationImport{"__asan_loadN_noabort", at(&access_of<false>), false},
      InstrumentationImport{"__asan_store1_noabort", at(&access<1, true>), false},
      InstrumentationImport{"__asan_store2_noabort", at(&access<2, true>), false},
      InstrumentationImport{"__asan_store4_noabort", at(&access<4, true>), false},
      InstrumentationImport{"__asan_store8_noabort", at(&access<8, true>), false},
      InstrumentationImport{"__asan_store16_noabort", at(&access<16, true>), false},
      InstrumentationImport{"__asan_storeN_noabort", at(&access_of<true>), false},
      InstrumentationImport{"__asan_handle_no_return", at(&about_to_leave), false},
      InstrumentationImport{"__sanitizer_cov_trace_pc", at(&block_entered), true},
  };
  return kImports;
}

const InstrumentationImport* find_instrumentation_import(std::string_view name) {
  for (const InstrumentationImport& import : instrumentation_imports())
    if (name == import.name) return &import;
  return nullptr;
}

}  // namespace drydock
