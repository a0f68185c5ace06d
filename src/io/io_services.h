#pragma once
// What the I/O manager stands on; the machine owns all of it and outlives every IRP.

#include <string_view>

#include "abi/wdk.h"
#include "io/driver_call.h"
#include "mem/locked_pages.h"
#include "mem/mdl_book.h"
#include "mem/physical_memory.h"
#include "mem/pool.h"
#include "mem/system_mapping.h"
#include "sched/scheduler.h"
#include "trace/trace.h"

namespace drydock {

struct IoServices {
  Scheduler& scheduler;
  PhysicalMemory& memory;
  Pool& pool;
  LockedPages& locked;
  SystemMappings& mappings;
  MdlBook& mdls;
  Trace& trace;
  DriverCall& call;

  void broken(std::string_view rule, std::string_view code, std::string message, const CodePlace& where,
              std::vector<RelatedStack> related = {}) const {
    trace.emit(RuleBroken{rule, code, std::move(message), where, std::move(related)});
  }
};

/// What only the machine can do for the I/O manager.
class IoHost {
 public:
  /// The system stops. Never returns to the driver.
  [[noreturn]] virtual void bug_check(std::uint32_t code, const std::uint64_t (&parameters)[4], CodePlace where, std::string_view why = {}) = 0;
  /// The call stack of the driver at a place, for findings that tell two.
  virtual std::vector<std::uint64_t> stack_at(const CodePlace& place) = 0;
  /// An event of a driver's (its alias) is signalled: KeSetEvent.
  virtual void set_event(KEVENT* event) = 0;
  /// A request to a device of the system's own. False: the device is a driver's.
  virtual bool serve(DEVICE_OBJECT* device, IRP* irp, NTSTATUS* status) = 0;
  /// drydock's alias of the driver's memory; null: it is none (any more).
  virtual std::byte* memory_at(const void* address, std::uint64_t size, bool write) = 0;
  /// The driver whose code is at an address; null: none.
  virtual const DRIVER_OBJECT* driver_at(std::uint64_t address) const = 0;

 protected:
  ~IoHost() = default;
};

}  // namespace drydock
