#pragma once
// IoManager: IRPs on their way down and up a stack of devices. call_driver() gives an IRP to the next driver; complete()
// takes it back up, through every completion routine, to whoever made it; cancel() asks the driver that holds it to let it
// go. Each of the three looks at what Microsoft's I/O verification looks at (VER-70 … VER-79): at the instruction that
// breaks a rule, with the stack of the first event where a rule takes two.
//
// It does not know clients: they are IrpOwners. Nothing on its stack needs unwinding, for an exception of a driver below
// may be taken by a driver above (IofCallDriver is transparent).

#include "io/device_objects.h"
#include "io/driver_extensions.h"
#include "io/io_services.h"
#include "io/irp_book.h"
#include "io/device_interfaces.h"
#include "io/device_timers.h"
#include "io/irp_builder.h"
#include "io/remove_locks.h"
#include "io/start_io.h"
#include "io/work_items.h"
#include "sched/spin_lock.h"

namespace drydock {

class IoManager {
 public:
  IoManager(const IoServices& services, IoHost& host);

  ~IoManager();
  IoManager(const IoManager&) = delete;
  IoManager& operator=(const IoManager&) = delete;

  const IoServices& services() const { return services_; }
  IoHost& host() { return host_; }
  DeviceObjects& devices() { return devices_; }
  IrpBook& book() { return book_; }
  IrpBuilder& builder() { return builder_; }
  DriverExtensions& extensions() { return extensions_; }
  WorkItems& work_items() { return work_items_; }
  DeviceTimers& timers() { return timers_; }
  StartIo& start_io() { return start_io_; }
  RemoveLocks& remove_locks() { return remove_locks_; }
  DeviceInterfaces& interfaces() { return interfaces_; }

  /// A driver's wish to be called again when all drivers have been started.
  struct Reinitialization {
    DRIVER_OBJECT* driver;
    PDRIVER_REINITIALIZE routine;
    void* context;
  };
  std::vector<Reinitialization>& reinitializations() { return reinitializations_; }

  /// What drivers know a process by; null: the system's own.
  void* process_object(const ProcessContext* process);
  static std::uint32_t process_id(const ProcessContext* process) { return process == nullptr ? kSystemProcessId : kSystemProcessId * (process->id + 1u); }
  static constexpr std::uint32_t kSystemProcessId = 4;

  /// What MajorFunction holds where a driver has put nothing.
  void set_default_dispatch(PDRIVER_DISPATCH routine) { default_dispatch_ = routine; }
  PDRIVER_DISPATCH default_dispatch() const { return default_dispatch_; }

  NTSTATUS call_driver(DEVICE_OBJECT* device, IRP* irp, const CodePlace& where);
  void complete(IRP* irp, const CodePlace& where);
  /// Sends the IRP on with what the current stack location says; when the drivers below are done with it, `back` is set and
  /// the caller has it again. False: there is no location for a driver below.
  bool forward(DEVICE_OBJECT* device, IRP* irp, KEVENT* back, const CodePlace& where);
  /// True when a cancel routine was called.
  bool cancel(IRP* irp, const CodePlace& where);
  void free_irp(IRP* irp, const CodePlace& where);

  // The cancel spin lock.
  Irql acquire_cancel_lock(const CodePlace& where);
  void release_cancel_lock(Irql irql, const CodePlace& where);

 private:
  // Going down.
  bool may_be_sent(DEVICE_OBJECT* device, IRP* irp, IrpFacts* facts, const CodePlace& where);
  void look_at_stack(const Irp& irp, const IrpFacts& facts, const CodePlace& where);
  const Dispatched* dispatch_of(const IrpFacts& facts, const CodePlace& where) const;
  bool is_below(const IrpFacts& facts, const Dispatched& one) const;
  void look_at_sender(const IrpFacts& facts, DEVICE_OBJECT* device, const CodePlace& where);
  void look_at_state_request(const Irp& irp, const IrpFacts& facts, const CodePlace& where);
  void look_at_state_answer(const Irp& irp, const IrpFacts& facts, const CodePlace& where);
  void look_at_method(DeviceFacts& to, const Irp& irp, const CodePlace& where);
  void look_at_addresses(const Irp& irp, const IrpFacts& facts, const CodePlace& where);
  void look_at_flags(DeviceFacts& device);
  NTSTATUS enter(DEVICE_OBJECT* device, IRP* irp);
  void returned(IRP* irp, std::uint64_t serial, std::uint64_t dispatch, NTSTATUS status);
  // Going up.
  bool may_be_completed(IRP* irp, IrpFacts* facts, const CodePlace& where);
  void pass(IrpFacts& facts, const Irp& irp, int location);
  void judge(const IrpFacts& facts, const Dispatched& dispatched);
  bool ask_completion_routine(IrpFacts& facts, Irp irp, const IO_STACK_LOCATION& left);
  void end(IrpFacts& facts, const CodePlace& where);
  void look_at_information(const IrpFacts& facts, const CodePlace& where);
  void end_threaded(IrpFacts& facts, const CodePlace& where);
  void give_back_substitute(IrpFacts& facts);
  void end_associated(IrpFacts& facts, const CodePlace& where);
  void release_buffers(IrpFacts& facts);
  std::vector<RelatedStack> history_of(const IrpFacts& facts) const;

  const IoServices services_;
  IoHost& host_;
  DeviceObjects devices_;
  IrpBook book_;
  IrpBuilder builder_;
  DriverExtensions extensions_;
  WorkItems work_items_;
  DeviceTimers timers_;
  StartIo start_io_;
  RemoveLocks remove_locks_;
  DeviceInterfaces interfaces_;
  std::vector<Reinitialization> reinitializations_;
  std::map<std::uint32_t, void*> process_objects_;
  PDRIVER_DISPATCH default_dispatch_ = nullptr;
  SpinLock cancel_lock_;
  std::uint64_t dispatches_ = 0;
};

/// "IRP_MJ_READ".
const char* name_of_major(unsigned major);

}  // namespace drydock
