#pragma once
// An API is a row: name, module, body, highest IRQL, coverage, whether it may raise, documentation page. Loader, import
// libraries, coverage page, trace and IRQL check read the row; nothing else in drydock lists routines.
//
// A body is an ordinary function `R body(Call&, arguments…)`; routine<"Name", irql, &body>(…) wraps it in the Microsoft
// calling convention and in a Call: the crossing, the preemption points, the IRQL check, the trace.

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include "ddi/call.h"

namespace drydock::ddi {

enum class Coverage : std::uint8_t {
  full,     ///< everything the page documents
  partial,  ///< the note says what is missing
};

struct Row {
  const char* name;
  const char* module;   ///< "storport.sys"
  const void* address;  ///< of the function, or of the data
  bool is_data;
  Irql irql_max;
  Coverage coverage;
  bool raises;          ///< may raise an exception
  const char* page;     ///< file name of Microsoft's page without .md
  const char* note;
  bool transparent = false;  ///< exceptions of what it calls pass through to its caller (ddi/raise.h)
  bool protects_mappings = false;  ///< who imports it gets mappings of its own, which can be protected
  const void* faulting = nullptr;  ///< the same, for drivers of machines with processes: a fault of user memory is its caller's exception
  bool takes_user_memory = false;  ///< it may be given addresses of a process
  MachineVariable variable = MachineVariable::none;  ///< of data: the machine has its own
};

template <std::size_t N>
struct RoutineName {
  constexpr RoutineName(const char (&literal)[N]) { std::copy_n(literal, N, text); }
  char text[N];
};

namespace detail {
template <RoutineName Name, Irql IrqlMax, auto Body>
struct Entry;
template <RoutineName Name, Irql IrqlMax, class R, class... A, R (*Body)(Call&, A...)>
struct Entry<Name, IrqlMax, Body> {
  static MSABI R enter(A... arguments) noexcept {
    Call call(Name.text, IrqlMax, __builtin_frame_address(0));
    return Body(call, arguments...);
  }
};
}  // namespace detail

template <RoutineName Name, Irql IrqlMax, auto Body>
Row routine(const char* module, const char* page, Coverage coverage = Coverage::full, const char* note = "") {
  return {Name.text, module, reinterpret_cast<const void*>(&detail::Entry<Name, IrqlMax, Body>::enter),
          false, IrqlMax, coverage, false, page, note};
}

/// A routine with C varargs, or one that must not be a preemption point: `entry` is the ms_abi function itself.
Row raw_routine(const char* name, const char* module, const void* entry, Irql irql_max, const char* page,
                Coverage coverage = Coverage::full, const char* note = "");
Row data_row(const char* name, const char* module, const void* address, const char* page);
Row data_row(const char* name, const char* module, MachineVariable variable, const char* page);

/// All rows of all modules, sorted by module and name.
std::span<const Row> all_rows();
/// Module names are compared without case; "ntoskrnl.exe" and "hal.dll" find each other's routines, as on Windows 10.
const Row* find_row(std::string_view module, std::string_view name);
/// In whatever module.
const Row* find_row(std::string_view name);

}  // namespace drydock::ddi
