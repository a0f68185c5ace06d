#pragma once
// The same registers in three forms: a TrapFrame (what the driver goes on with), a RegisterContext (what the unwinder works
// on) and a CONTEXT (what a filter sees and may change).

#include "abi/trap_frame.h"
#include "abi/wdk.h"
#include "loader/symbols/unwind.h"

namespace drydock::seh {

/// All that a filter is shown: control, integer, segments, floating point.
void fill_context(CONTEXT& to, const TrapFrame& from);
/// The same for a frame further up: `at` gives the registers, `from` what unwinding does not know (flags, MXCSR).
void fill_context(CONTEXT& to, const RegisterContext& at, const TrapFrame& from);
/// What ContextFlags names goes into the frame.
void apply_context(TrapFrame& to, const CONTEXT& from);
RegisterContext registers_in(const CONTEXT& context);
/// Registers and rip of a context that comes from the driver; its flags and its floating-point control stay.
void put_registers(CONTEXT& to, const RegisterContext& from);
/// The registers as unwinding restored them. The direction flag is clear, as the calling convention has it.
void apply_registers(TrapFrame& to, const RegisterContext& from);

}  // namespace drydock::seh
