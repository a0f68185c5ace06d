// ntoskrnl.exe: looking at addresses of processes before they are used, and what user memory is.

#include "ddi/modules.h"
#include "ddi/raise.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";

/// DOC: BUF-64 BUF-66 no length, no check; then the alignment; then the whole range is user memory's, and does not wrap.
/// ASSUMED: the alignment is looked at first, and an alignment is a power of two (tests/conformance/neither_test.cpp).
Raising<void> look_at_range(const Call& call, std::uint64_t address, SIZE_T length, ULONG alignment) {
  if (length == 0) return {};
  if (alignment != 0 && (address & (alignment - 1)) != 0) return raise(STATUS_DATATYPE_MISALIGNMENT);
  const std::uint64_t end = call.kernel().user_end();
  if (length > end || address > end - length) return raise_access_violation(EXCEPTION_READ_FAULT, end);
  return {};
}

Raising<void> probe_for_read(Call& call, const void* address, SIZE_T length, ULONG alignment) {
  call.kernel().probe(reinterpret_cast<std::uint64_t>(address), length, call.name(), call.place());
  return look_at_range(call, reinterpret_cast<std::uint64_t>(address), length, alignment);
}

/// DOC: BUF-65 each page is read and written: with what is there.
Raising<void> probe_for_write(Call& call, void* pointer, SIZE_T length, ULONG alignment) {
  const auto address = reinterpret_cast<std::uint64_t>(pointer);
  call.kernel().probe(address, length, call.name(), call.place());
  if (auto looked = look_at_range(call, address, length, alignment); !looked || length == 0) return looked;
  const Scheduler& scheduler = call.scheduler();
  const TouchJudgement judged = call.kernel().spaces().judge({address, length, true, scheduler.process(), scheduler.irql()});
  const bool is_memory = judged.owner != nullptr && judged.verdict != TouchVerdict::not_accessible && judged.verdict != TouchVerdict::other_process;
  if (!is_memory) return raise_access_violation(EXCEPTION_WRITE_FAULT, judged.verdict == TouchVerdict::ok ? address : judged.address);
  return {};
}

/// Would a page fault be taken? Of memory of a process: in the context of that process only.
BOOLEAN is_address_valid(Call& call, const void* pointer) {
  const auto address = reinterpret_cast<std::uint64_t>(pointer);
  const Scheduler& scheduler = call.scheduler();
  if (const auto found = call.memory().find(address)) {
    if (found->view != View::user || !call.kernel().spaces().in_use()) return found->view != View::forbidden;
    const TouchJudgement judged = call.kernel().spaces().judge({address, 1, false, scheduler.process(), kPassiveLevel});
    return judged.owner != nullptr && judged.verdict == TouchVerdict::ok;
  }
  return call.services().mappings.page_at(address).has_value() || scheduler.on_any_stack(address, 1) || call.kernel().in_image(address, 1, false);
}

}  // namespace

std::vector<Row> probe_rows() {
  return {
      raising_routine<"ProbeForRead", kApcLevel, &probe_for_read>(kModule, "nf-wdm-probeforread"),
      raising_routine<"ProbeForWrite", kApcLevel, &probe_for_write>(kModule, "nf-wdm-probeforwrite"),
      routine<"MmIsAddressValid", kDispatchLevel, &is_address_valid>(kModule, "nf-ntddk-mmisaddressvalid"),
      data_row("MmUserProbeAddress", kModule, MachineVariable::user_probe_address, "nf-wdm-probeforread"),
      data_row("MmHighestUserAddress", kModule, MachineVariable::highest_user_address, "nf-wdm-probeforread"),
      data_row("MmSystemRangeStart", kModule, MachineVariable::system_range_start, "nf-wdm-probeforread"),
  };
}

}  // namespace drydock::ddi
