#include "ddi/raise.h"

namespace drydock::ddi {

void raise_at(Kernel& kernel, TrapFrame& caller, const Raised& raised) {
  EXCEPTION_RECORD record{};
  record.ExceptionCode = raised.status;
  record.ExceptionFlags = raised.flags;
  record.NumberParameters = raised.parameter_count;
  for (ULONG i = 0; i < raised.parameter_count; ++i) record.ExceptionInformation[i] = raised.parameters[i];
  EXCEPTION_RECORD& which = raised.record != nullptr ? *raised.record : record;
  which.ExceptionAddress = reinterpret_cast<void*>(caller.rip());
  kernel.raise_exception(caller, which);
  __builtin_unreachable();
}

}  // namespace drydock::ddi
