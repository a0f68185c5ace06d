#pragma once
// Kernel: what the exports reach through the current machine: every service a routine of Microsoft's may need. The
// machine derives from it and owns what it refers to. Exports find it with current_kernel(), once per crossing.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "abi/wdk.h"
#include "fault/fault_plan.h"
#include "io/driver_call.h"
#include "io/io_manager.h"
#include "io/kernel_objects.h"
#include "mem/address_space.h"
#include "mem/mdl_book.h"
#include "port/storport/adapter.h"
#include "sched/machine_hooks.h"
#include "seh/dispatcher.h"

namespace drydock::ddi {

/// Who touches memory: an instruction of the driver, or a routine that it gave the address to.
struct TouchBy {
  const char* routine = nullptr;  ///< null: an instruction
  static const TouchBy instruction;
};
inline constexpr TouchBy TouchBy::instruction{};

/// Memory of a process that a routine was to touch on the driver's behalf and could not: an access violation of the caller's.
struct UserFault {
  bool happened = false, write = false;
  std::uint64_t address = 0;
};

/// Variables that the kernel exports and whose values differ from machine to machine.
enum class MachineVariable : std::uint8_t { none, user_probe_address, highest_user_address, system_range_start };
inline constexpr std::size_t kMachineVariables = 4;

class Kernel : public MachineHooks {
 public:
  storport::Services& services() { return *services_; }
  /// Events, timers, threads and the rest; made when first asked for.
  KernelObjects& objects() {
    if (!objects_) objects_.emplace(services_->scheduler, services_->pool, services_->call, services_->trace);
    return *objects_;
  }
  bool has_objects() const { return objects_.has_value(); }
  /// What drivers took from MmAllocateContiguousMemory and its kin, by address.
  std::map<std::uint64_t, storport::DriverMemory>& contiguous() { return contiguous_; }
  /// Does anybody want to know of each routine called?
  bool watched() const { return services_->trace.wanted(); }
  /// The adapter a device extension belongs to; null when the pointer is nobody's.
  storport::Adapter* adapter_of(const void* device_extension) {
    if (recent_adapter_ != nullptr && recent_adapter_->device_extension() == device_extension) [[likely]] return recent_adapter_;
    for (storport::Adapter* adapter : adapters_)
      if (adapter->device_extension() == device_extension) return recent_adapter_ = adapter;
    return nullptr;
  }
  /// DOC: ST-10 what DriverEntry declares; the status it returns.
  virtual NTSTATUS initialize_storport(void* driver_object, void* registry_path, const void* data) = 0;
  /// The driver stops the machine, by KeBugCheckEx or for the reason `why`. Never returns to the driver.
  [[noreturn]] virtual void bug_check(std::uint32_t code, const std::uint64_t (&parameters)[4], CodePlace where, std::string_view why = {}) = 0;
  /// An exception at the caller of a routine, whose registers `caller` (on the driver's stack) holds. Ends the machine when
  /// nobody handles it.
  [[noreturn]] virtual void raise_exception(TrapFrame& caller, EXCEPTION_RECORD& record) = 0;
  virtual seh::Dispatcher& exceptions() = 0;
  virtual void debug_print(std::string_view text) = 0;
  /// "my.sys+0x1234", or the plain address.
  virtual std::string name_of(std::uint64_t address) const = 0;
  /// Is [address, +size) part of the driver's image, and may the driver itself read it, or write it?
  virtual bool in_image(std::uint64_t address, std::uint64_t size, bool write) const = 0;
  /// A driver or a routine on its behalf touches the forbidden or the lent view: a finding when the memory is forbidden,
  /// or lent no longer, or beside the object.
  virtual void touch(std::uint64_t address, std::uint64_t size, PhysicalMemory::Place found, bool write, CodePlace where) = 0;
  /// The same for the user view, once there are processes. What the answer is for is told here as findings; ok and
  /// not_locked are completed, the others are access violations.
  virtual TouchVerdict touch_user(std::uint64_t address, std::uint64_t size, bool write, TouchBy by, CodePlace where) = 0;
  /// An access of the arena of mappings that the processor refused, or would: a finding. drydock's alias of the page when it
  /// is to be completed; else null.
  virtual std::byte* touch_mapping(std::uint64_t address, std::uint64_t size, bool write, CodePlace where) = 0;
  /// The driver asks whether it may touch user memory; where, and how, is told as findings.
  virtual void probe(std::uint64_t address, std::uint64_t size, const char* routine, CodePlace where) = 0;
  AddressSpaces& spaces() { return *spaces_; }
  /// Where the running fiber notes a fault instead of telling it, while a routine is in progress that can raise it
  /// (ddi/raise.h); null when there is none.
  UserFault* expected_fault() const {
    for (const auto& [fiber, fault] : expected_faults)
      if (fiber == current_fiber) return fault;
    return nullptr;
  }
  std::vector<std::pair<const Fiber*, UserFault*>> expected_faults;
  /// The first address that is not user memory's. DOC: BUF-64
  std::uint64_t user_end() const { return services_->memory.slot() + kUserView + kViewStride; }
  const std::uint64_t* variable(MachineVariable which) {
    variables_[static_cast<std::size_t>(which)] = which == MachineVariable::highest_user_address ? user_end() - 1 : user_end();
    return &variables_[static_cast<std::size_t>(which)];
  }
  IoManager& io() { return *io_; }
  MdlBook& mdls() { return *mdls_; }
  /// Of the system itself, no device's. Null: nothing goes wrong.
  FaultPlan* kernel_faults() { return kernel_faults_; }
  /// 100 ns units since 1601 on the machine's clock: a fixed power-on time plus virtual time.
  std::uint64_t system_time() { return kPowerOnTime + interrupt_time(); }
  std::uint64_t interrupt_time() { return services_->scheduler.now() / 100; }

  static constexpr std::uint64_t kPowerOnTime = 133'801'632'000'000'000;  // 2025-01-01

 protected:
  ~Kernel() = default;
  storport::Services* services_ = nullptr;
  AddressSpaces* spaces_ = nullptr;
  IoManager* io_ = nullptr;
  std::map<std::uint64_t, storport::DriverMemory> contiguous_;  ///< ended as early as objects_
  std::optional<KernelObjects> objects_;  ///< derived classes end it before the scheduler
  MdlBook* mdls_ = nullptr;
  FaultPlan* kernel_faults_ = nullptr;
  std::uint64_t variables_[kMachineVariables] = {};
  std::vector<storport::Adapter*> adapters_;
  storport::Adapter* recent_adapter_ = nullptr;  ///< the one asked for last
};

inline Kernel& current_kernel() { return static_cast<Kernel&>(*current_machine()); }

}  // namespace drydock::ddi
