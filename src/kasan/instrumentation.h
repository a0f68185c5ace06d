#pragma once
// Instrumentation: what drivers built by drydock-cc --kasan and --coverage import from the module drydock_san.sys. A
// --kasan driver asks before each load and store; a --coverage driver tells of each block it enters. An answer is a few
// instructions and no preemption point: the instrumented driver is scheduled as the plain one.

#include <cstdint>
#include <span>
#include <string_view>

#include "kasan/coverage.h"
#include "kasan/shadow.h"
#include "trace/code_place.h"

namespace drydock {

inline constexpr std::string_view kInstrumentationModule = "drydock_san.sys";

struct InstrumentationImport {
  const char* name;
  const void* address;
  bool of_coverage;  ///< else of the shadow
};
/// Everything the module exports.
std::span<const InstrumentationImport> instrumentation_imports();
const InstrumentationImport* find_instrumentation_import(std::string_view name);

/// Where the imports find what they need: MachineHooks::instrumentation of the machine that runs. Null members: nobody asks.
class Instrumentation {
 public:
  const Shadow* shadow = nullptr;
  Coverage* coverage = nullptr;

  /// The driver is about to touch bytes that belong to no object of its. On its fiber, as ordinary code. `where` is the
  /// place behind the question, the access follows.
  virtual void bad_access(std::uint64_t address, std::uint64_t bytes, bool write, const CodePlace& where) = 0;

 protected:
  ~Instrumentation() = default;
};

}  // namespace drydock
