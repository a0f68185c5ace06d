#pragma once
// Everything that is worth telling, as plain structs: a name, and the fields in the order they are printed. An event holds
// numbers and texts that mean the same on every run: no host addresses, no wall time. `stamp` is virtual nanoseconds and
// is added by the Trace.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "trace/code_place.h"

namespace drydock {

#define DRYDOCK_EVENT(text) static constexpr std::string_view name = text

// --- the machine's life ---------------------------------------------------------------------------------------------
struct MachineStarted {
  DRYDOCK_EVENT("machine_started");
  std::string driver, device;
  std::uint64_t seed;
  template <class V> void fields(V&& v) const { v("driver", driver), v("device", device), v("seed", seed); }
};
struct CallbackEntered {
  DRYDOCK_EVENT("callback_entered");
  std::string_view routine;
  unsigned cpu, irql;
  template <class V> void fields(V&& v) const { v("routine", routine), v("cpu", cpu), v("irql", irql); }
};
struct CallbackReturned {
  DRYDOCK_EVENT("callback_returned");
  std::string_view routine;
  unsigned cpu, irql;
  std::uint64_t result;
  template <class V> void fields(V&& v) const {
    v("routine", routine), v("cpu", cpu), v("irql", irql), v("result", result);
  }
};
struct RoutineCalled {
  DRYDOCK_EVENT("routine_called");
  std::string_view routine;
  unsigned cpu, irql;
  template <class V> void fields(V&& v) const { v("routine", routine), v("cpu", cpu), v("irql", irql); }
};
struct DebugPrinted {
  DRYDOCK_EVENT("debug_printed");
  std::string text;
  template <class V> void fields(V&& v) const { v("text", text); }
};

// --- requests ---------------------------------------------------------------------------------------------------------
struct SrbStarted {
  DRYDOCK_EVENT("srb_started");
  std::uint64_t srb;  ///< serial number of the request, not its address
  unsigned function, opcode;
  std::uint32_t length, elements;
  template <class V> void fields(V&& v) const {
    v("srb", srb), v("function", function), v("opcode", opcode), v("length", length), v("elements", elements);
  }
};
struct SrbCompleted {
  DRYDOCK_EVENT("srb_completed");
  std::uint64_t srb;
  unsigned srb_status, scsi_status;
  std::uint32_t length;
  template <class V> void fields(V&& v) const {
    v("srb", srb), v("srb_status", srb_status), v("scsi_status", scsi_status), v("length", length);
  }
};
struct SrbTimedOut {
  DRYDOCK_EVENT("srb_timed_out");
  std::uint64_t srb;
  std::uint32_t seconds;
  template <class V> void fields(V&& v) const { v("srb", srb), v("seconds", seconds); }
};
/// The class layer found a disk, at the start or after a change of the bus.
struct UnitFound {
  DRYDOCK_EVENT("unit_found");
  unsigned path, target, lun;
  template <class V> void fields(V&& v) const { v("path", path), v("target", target), v("lun", lun); }
};
/// A unit that was there does not answer any more, or is another.
struct UnitRemoved {
  DRYDOCK_EVENT("unit_removed");
  unsigned path, target, lun;
  template <class V> void fields(V&& v) const { v("path", path), v("target", target), v("lun", lun); }
};
/// The hardware misbehaves now because the user asked for it (--fault).
struct FaultInjected {
  DRYDOCK_EVENT("fault_injected");
  std::string fault;          ///< "lost-interrupt"
  std::uint64_t opportunity;  ///< counted from 1
  template <class V> void fields(V&& v) const { v("fault", fault), v("opportunity", opportunity); }
};
struct DmaMapped {
  DRYDOCK_EVENT("dma_mapped");
  std::uint32_t length, elements, bounced_pages;
  bool to_device;
  template <class V> void fields(V&& v) const {
    v("length", length), v("elements", elements), v("bounced_pages", bounced_pages), v("to_device", to_device);
  }
};
struct InterruptDelivered {
  DRYDOCK_EVENT("interrupt_delivered");
  unsigned vector, cpu;
  template <class V> void fields(V&& v) const { v("vector", vector), v("cpu", cpu); }
};
struct RegisterAccessed {
  DRYDOCK_EVENT("register_accessed");
  unsigned bar;
  std::uint32_t offset;
  unsigned size;
  bool write, trapped;
  std::uint64_t value;
  template <class V> void fields(V&& v) const {
    v("bar", bar), v("offset", offset), v("size", size), v("write", write), v("trapped", trapped), v("value", value);
  }
};

// --- a driver broke a rule --------------------------------------------------------------------------------------------
/// A driver instruction touched memory it must not touch; completed through the alias. `object` says what it was.
struct ForbiddenTouched {
  DRYDOCK_EVENT("forbidden_touched");
  std::string object;  ///< "DataBuffer", "SRB", "SRB extension", "scatter/gather list"
  std::uint64_t srb;
  std::uint64_t offset;
  bool write, dead;  ///< dead: it belonged to a completed request
  bool read_write;   ///< the request is a READ or WRITE
  CodePlace where;
  template <class V> void fields(V&& v) const {
    v("object", object), v("srb", srb), v("offset", offset), v("write", write), v("dead", dead), v("read_write", read_write);
  }
};
/// A stack that belongs to a finding without being its place: where an object was allocated, where it was freed.
struct RelatedStack {
  std::string_view what;             ///< "allocated at"
  std::vector<std::uint64_t> stack;  ///< the place, then return addresses
  bool first_is_return = true;
};
/// A documented rule was broken in a routine or callback. `code` is Microsoft's, e.g. "0xF1/0x2004", or empty.
struct RuleBroken {
  DRYDOCK_EVENT("rule_broken");
  std::string_view rule;  ///< id in docs/spec.md
  std::string_view code;
  std::string message;    ///< in the driver author's words
  CodePlace where;
  std::vector<RelatedStack> related = {};
  template <class V> void fields(V&& v) const { v("rule", rule), v("code", code), v("message", message); }
};
/// A device's DMA access outside every live mapping, or in the wrong direction. `whose` says what the memory is or was,
/// `doorbell` the driver's last write to one of the device's registers before the access: both as well as can be known.
struct DmaRefused {
  DRYDOCK_EVENT("dma_refused");
  std::uint64_t logical;
  std::uint32_t length;
  bool to_device;
  std::string whose = {};
  CodePlace doorbell = {};
  bool injected = false;  ///< the device's own doing, by a fault of the user's: nobody gave it that address in vain
  template <class V> void fields(V&& v) const {
    v("logical", logical), v("length", length), v("to_device", to_device), v("injected", injected);
  }
};
/// What the driver gave a device breaks the device's own standard (a ring, a register): the device says what and refuses it.
struct DeviceRejected {
  DRYDOCK_EVENT("device_rejected");
  std::string device;   ///< "virtio-blk"
  std::string message;  ///< in the words of the device's standard, with the section
  template <class V> void fields(V&& v) const { v("device", device), v("message", message); }
};
/// The driver stopped the machine: KeBugCheck(Ex), or a fault nothing can complete.
struct MachineHalted {
  DRYDOCK_EVENT("machine_halted");
  std::uint32_t code;
  std::array<std::uint64_t, 4> parameters;
  std::string message;
  CodePlace where;
  template <class V> void fields(V&& v) const { v("code", code), v("parameters", parameters), v("message", message); }
};

#undef DRYDOCK_EVENT

using TraceEvent =
    std::variant<MachineStarted, CallbackEntered, CallbackReturned, RoutineCalled, DebugPrinted, SrbStarted, SrbCompleted, SrbTimedOut, UnitFound, UnitRemoved,
                 FaultInjected, DmaMapped, InterruptDelivered, RegisterAccessed, ForbiddenTouched, RuleBroken, DmaRefused, DeviceRejected,
                 MachineHalted>;

}  // namespace drydock
