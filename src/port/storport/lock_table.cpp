#include "port/storport/lock_table.h"

namespace drydock::storport {

namespace {

struct Entry {
  std::string_view routine;
  LockSet full_duplex, half_duplex;
};

constexpr LockSet kNone, kAll{DpcLock, StartIoLock, InterruptLock}, kBelowStartIo{DpcLock, InterruptLock};
// The table grants these routines the interrupt lock alone, the text above it the DPC lock too: it is not held against
// them. DOC: H-43
constexpr Entry under_start_io(std::string_view routine) { return {routine, kBelowStartIo, kNone}; }

constexpr Entry kTable[] = {
    {"HwStorFindAdapter", kNone, kNone},
    {"HwStorInitialize", kNone, kNone},
    {"HwStorInterrupt", kNone, kNone},
    {"HwMSInterruptRoutine", kNone, kNone},
    {"HwStorPassiveInitializeRoutine", kNone, kNone},
    {"HwStorStartIo", kBelowStartIo, kBelowStartIo},
    {"HwStorBuildIo", kAll, kAll},
    {"HwStorAdapterControl", kAll, kAll},
    {"HwStorUnitControl", kAll, kAll},
    {"HwStorTracingEnabled", kAll, kAll},
    {"HwStorDpcRoutine", kAll, kAll},
    under_start_io("HwStorTimer"),
    under_start_io("HwStorResetBus"),
    under_start_io("HwStorStateChange"),
};

}  // namespace

std::optional<LockSet> locks_for(std::string_view routine, bool full_duplex) {
  for (const Entry& entry : kTable)
    if (entry.routine == routine) return full_duplex ? entry.full_duplex : entry.half_duplex;
  return std::nullopt;
}

std::string_view name_of_lock(STOR_SPINLOCK lock) { return lock == DpcLock ? "DPC" : lock == StartIoLock ? "StartIo" : "interrupt"; }

}  // namespace drydock::storport
