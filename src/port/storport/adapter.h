#pragma once
// Adapter: one HBA under Storport: the miniport's device extension, its configuration, its units, and the push model of
// requests: HwStorBuildIo without lock, HwStorStartIo under the StartIo lock, completion by StorPortNotification and a
// DPC. One adapter belongs to one driver and one PCI function.
//
// States: created -> started (-> departed) <-> stopped -> removed. Failing in between, it stays what it was and says why.
// The public part is what class layer, exports and machine use; pointers that come from the driver are checked by the
// exports (ddi/storport) before they get here.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "port/storport/built_lists.h"
#include "port/storport/configuration.h"
#include "port/storport/deferred.h"
#include "port/storport/departure.h"
#include "port/storport/driver_memory.h"
#include "port/storport/logical_unit.h"
#include "port/storport/port_lock.h"
#include "port/storport/request_pool.h"
#include "port/storport/rescan.h"
#include "port/storport/services.h"
#include "port/storport/waiting.h"

namespace drydock::storport {

/// What DriverEntry gave to StorPortInitialize.
struct Miniport {
  HW_INITIALIZATION_DATA data{};
  void* driver_object = nullptr;
};

struct Statistics {
  std::uint64_t ios = 0, bytes = 0, reads = 0, writes = 0, elements = 0, lists = 0, bounced_pages = 0, interrupts = 0;
  std::uint32_t elements_min = ~0u, elements_max = 0;
};

class Adapter {
 public:
  Adapter(const Services& services, const Miniport& miniport, PciFunction& function, unsigned slot, unsigned port_number);
  ~Adapter();
  Adapter(const Adapter&) = delete;
  Adapter& operator=(const Adapter&) = delete;

  // --- life (on a system thread, at PASSIVE_LEVEL) -----------------------------------------------------------------
  Result<void> start();
  /// DOC: ST-172 stops the HBA with no request outstanding.
  void stop();
  /// Gives everything back; reports what the miniport kept.
  void remove();

  // --- requests ------------------------------------------------------------------------------------------------------
  Request* take_request();
  /// Looks at the queues again at DISPATCH_LEVEL. At any IRQL.
  void queue_restart();
  void release(Request& request) {
    if (request.state == Request::State::abandoned) request.released = true;
    else pool_->give_back(request);
  }
  /// Down: queued at its unit and started as soon as unit and adapter allow; fails when the adapter does not run. An
  /// abandoned request cannot be submitted again. At ≤ DISPATCH_LEVEL, on a fiber.
  void submit(Request& request);
  LogicalUnit& unit(std::uint8_t path, std::uint8_t target, std::uint8_t lun);
  /// Nothing answered there.
  void forget(LogicalUnit& unit);
  LogicalUnit* find_unit(std::uint8_t path, std::uint8_t target, std::uint8_t lun);
  /// It was there and is not any more: what waits for it, and what is still sent to it, fails with
  /// SRB_STATUS_NO_DEVICE; what the miniport has is its to complete. The object stays. At PASSIVE_LEVEL.
  void remove_unit(LogicalUnit& unit);
  Rescan& rescan() { return rescan_; }
  /// The HBA is gone: the miniport is told, and nothing is started any more. On a system thread at PASSIVE_LEVEL.
  void surprise_removed();

  // --- what the miniport calls (through ddi/) --------------------------------------------------------------------------
  void* device_extension() const { return extension_; }
  Request* find_srb(const void* pointer) const { return pool_ ? pool_->find_srb(pointer) : nullptr; }
  Request* find_slot(std::uint64_t address) const { return pool_ ? pool_->find_slot(address) : nullptr; }
  const SlotLayout& slot_layout() const { return pool_->layout(); }
  std::span<const std::unique_ptr<Request>> slots() const { return pool_ ? std::span(pool_->all()) : std::span<const std::unique_ptr<Request>>{}; }
  /// The outstanding request whose data lies at this address of the forbidden view.
  Request* find_data(std::uint64_t offset_in_memory) const;
  /// Where the miniport may touch the data of a request it has.
  void* data_for_cpu(const Request& request);
  /// Data that the miniport was shown, of a request that is over.
  bool is_dead_data(PhysicalMemory::Place found, std::uint64_t bytes) const { return pool_ && pool_->shown_data() && pool_->shown_data()->is_dead(found, bytes); }
  void request_complete(Request& request, CallSite where);
  void* uncached_extension(PORT_CONFIGURATION_INFORMATION& config, std::uint32_t bytes, CodePlace where);
  void* map_registers(std::uint64_t bus_address, std::uint32_t bytes, bool io_space, CodePlace where);
  bool unmap_registers(std::uint64_t address);
  void* allocate_common(std::uint64_t bytes, const ContiguousLimits& limits, CodePlace where);
  bool free_common(const void* address, std::uint64_t bytes, CodePlace where);
  /// The driver's address of a byte of the uncached extension or an SRB extension; null for any other page.
  void* invert(std::uint32_t page, std::uint64_t offset) const;
  Request* find_tagged(std::uint8_t path, std::uint8_t target, std::uint8_t lun, LONG tag) const;
  bool may_access_bus_data() const { return in_find_adapter() || in_set_running_config_; }
  void* registry_buffer = nullptr;  ///< DOC: ST-192 one at a time
  std::uint32_t read_config(void* to, std::uint32_t slot, std::uint32_t offset, std::uint32_t length);
  std::uint32_t write_config(const void* from, std::uint32_t slot, std::uint32_t offset, std::uint32_t length);
  void busy(std::uint32_t requests);
  void ready();
  void pause(Nanoseconds time);
  void resume();
  void link_down();
  void link_up();
  /// DOC: ST-120 the HBA saw a reset of a bus: nothing is started for BusResetHoldTime.
  void reset_detected() { hold_after_reset(); }
  void pause_unit(LogicalUnit& unit, Nanoseconds time);
  void resume_unit(LogicalUnit& unit);
  /// DOC: ST-113 from 1 to what the miniport takes for a unit. False: out of range, or the unit is gone.
  bool set_queue_depth(LogicalUnit& unit, std::uint32_t depth);
  void unit_busy(LogicalUnit& unit, std::uint32_t requests);
  void unit_ready(LogicalUnit& unit);
  void acquire(STOR_SPINLOCK kind, void* context, STOR_LOCK_HANDLE& handle, CallSite where) {
    if (kind != StartIoLock || s_.checking() || !start_io_lock_.free()) [[unlikely]] return acquire_any(kind, context, handle, where);
    handle.Lock = StartIoLock;
    handle.Context.OldIrql = s_.scheduler.irql();
    if (s_.scheduler.irql() < kDispatchLevel) s_.scheduler.raise_irql(kDispatchLevel);
    (void)start_io_lock_.acquire(s_.scheduler);
  }
  void release_lock(STOR_LOCK_HANDLE& handle, CallSite where) {
    if (handle.Lock != StartIoLock || s_.checking()) [[unlikely]] return release_any(handle, where);
    start_io_lock_.release();
    s_.scheduler.lower_irql(static_cast<Irql>(handle.Context.OldIrql));
  }
  void lock_start_io();
  void unlock_start_io();
  /// False: no such message.
  bool acquire_message_lock(std::uint32_t message, ULONG& old_irql, CallSite where);
  bool release_message_lock(std::uint32_t message, ULONG old_irql, CallSite where = {});
  bool synchronize(PSTOR_SYNCHRONIZED_ACCESS routine, void* context);
  void complete_all(std::uint8_t path, std::uint8_t target, std::uint8_t lun, std::uint8_t srb_status, CallSite where);
  bool enable_passive_initialization(PHW_PASSIVE_INITIALIZE_ROUTINE routine);
  std::uint32_t performance_options(bool query, PERF_CONFIGURATION_DATA& data);
  bool message_information(std::uint32_t message, MESSAGE_INTERRUPT_INFORMATION& to) const;
  void request_timer(PHW_TIMER routine, std::uint32_t microseconds);
  DeferredWork& deferred() { return *deferred_; }
  BuiltLists& built_lists() { return built_lists_; }
  Waiting& waiting() { return waiting_; }
  /// Null before HwStorInitialize.
  DmaAdapter* dma() const { return dma_.get(); }
  /// False: not while the adapter is initialised. `count` is not 0.
  bool update_ios_max(std::uint32_t count);
  bool in_find_adapter() const { return phase_ == Phase::find_adapter; }
  bool in_initialization() const { return phase_ == Phase::initialize || phase_ == Phase::passive_initialize; }
  std::uint32_t message_for_cpu(unsigned cpu) const;
  /// From the board, at any time: only noted.
  void message_arrived(std::uint32_t vector);
  void line_changed(bool asserted);
  void departed() { departure_.noticed(); }

  const Claims& claims() const { return claims_; }
  const Statistics& statistics() const { return statistics_; }
  Statistics& statistics() { return statistics_; }
  const Services& services() const { return s_; }
  unsigned port_number() const { return port_number_; }
  PciFunction& function() { return function_; }
  unsigned slot() const { return slot_; }
  /// The largest depth of any unit.
  std::uint32_t deepest_queue() const;
  /// MSI-X messages the adapter was given; 0: it has an interrupt line.
  unsigned messages() const { return message_count_; }
  bool started() const { return phase_ == Phase::running; }
  std::uint32_t outstanding() const { return outstanding_; }

 private:
  enum class Phase : std::uint8_t { created, find_adapter, initialize, passive_initialize, running, departed, stopping, stopped, removed };

  class CompletionDpc final : public Dpc {
   public:
    explicit CompletionDpc(Adapter& adapter) : adapter_(adapter) {}
    void run() override;
    Fifo<Request> done;

   private:
    Adapter& adapter_;
  };
  class Message final : public InterruptSource {
   public:
    Message(Adapter& adapter, unsigned number, unsigned cpu) : InterruptSource(cpu), adapter_(adapter), number_(number) {}
    void service() override;
    PortLock lock;

   private:
    Adapter& adapter_;
    unsigned number_;
  };
  class Line final : public InterruptSource {
   public:
    explicit Line(Adapter& adapter) : InterruptSource(0), adapter_(adapter) {}
    void service() override;

   private:
    Adapter& adapter_;
    unsigned unclaimed_ = 0;
  };
  /// Something due at a virtual time that must run at DISPATCH_LEVEL on a fiber: an event that queues a DPC.
  class DelayedCall final : public Event, public Dpc {
   public:
    DelayedCall(Adapter& adapter, void (Adapter::*what)()) : adapter_(adapter), what_(what) {}
    ~DelayedCall() override { adapter_.s_.scheduler.cancel_dpc(*this); }
    void cancel() {
      adapter_.s_.scheduler.timeline().cancel(*this);
      adapter_.s_.scheduler.cancel_dpc(*this);
    }
    void fire() override { adapter_.s_.scheduler.queue_dpc(*this, 0); }
    void run() override { (adapter_.*what_)(); }

   private:
    Adapter& adapter_;
    void (Adapter::*what_)();
  };

  // life
  Result<void> allocate_extension();
  Result<void> find_adapter();
  Result<void> initialize();
  void connect_interrupts();
  void disconnect_interrupts();
  void follow_line();
  bool control(SCSI_ADAPTER_CONTROL_TYPE type);
  void query_control_types();
  void report_leaks();
  // requests
  LogicalUnit& vacant_unit();
  bool may_start(const LogicalUnit& unit) const;
  void fail(Request& request, std::uint8_t srb_status);
  void fail_waiting();
  void fail_waiting(LogicalUnit& unit, std::uint8_t srb_status);
  void start_waiting(LogicalUnit& unit);
  void start_waiting_everywhere();
  bool start(Request& request);
  bool prepare_data(Request& request);
  void present_data(Request& request);
  bool is_mapped(const Request& request) const;
  bool build_io(Request& request);
  void start_io(Request& request);
  void link_outstanding(Request& request);
  void unlink_outstanding(Request& request) {
    (request.older != nullptr ? request.older->newer : oldest_) = request.newer;
    (request.newer != nullptr ? request.newer->older : newest_) = request.older;
  }
  void complete_abandoned(Request& request);
  /// DOC: ST-102 completions go to the CPU that the request came from.
  bool redirects_completions() const {
    return (performance_.Flags & (STOR_PERF_DPC_REDIRECTION | STOR_PERF_DPC_REDIRECTION_CURRENT_CPU)) == STOR_PERF_DPC_REDIRECTION;
  }
  bool settle(Request& request);
  void give_tag_back(Request& request);
  void finish(Request& request);
  bool retry_busy(Request& request);
  void count(const Request& request);
  [[gnu::noinline]] MSABI bool may_complete(Request& request, CallSite where) noexcept;
  void check_completion(Request& request, CallSite where);
  void check_slot(const Request& request, CallSite where);
  // time-outs
  void arm_timeout();
  Request* overdue() const;
  void check_timeouts();
  void escalate(Request& request);
  void send_reset(LogicalUnit& unit, std::uint8_t function);
  void reset_bus(std::uint8_t path);
  void hold_after_reset();
  CodePlace last_asked(const Request& request) const;
  void abandon(Request& request);
  void arm_hold_end();
  void end_holds();
  void run_timer();
  // locks
  [[gnu::noinline]] MSABI void acquire_any(STOR_SPINLOCK kind, void* context, STOR_LOCK_HANDLE& handle, CallSite where) noexcept;
  [[gnu::noinline]] MSABI void release_any(STOR_LOCK_HANDLE& handle, CallSite where) noexcept;
  bool per_message() const { return claims_.per_message && !messages_.empty(); }
  bool set_performance_options(const PERF_CONFIGURATION_DATA& data);
  bool tell_message_targets(const PERF_CONFIGURATION_DATA& data);
  ULONG supported_performance_options() const;
  PortLock& interrupt_lock(unsigned message);
  bool holds_interrupt_lock() const;
  bool check_may_acquire(STOR_SPINLOCK kind, CallSite where);
  void lock_interrupts(CallSite where, bool told = false);
  void unlock_interrupts();
  bool take_from_frame(std::string_view routine, CallSite where);
  /// `told`: the acquisition has its finding.
  void check_acquired(SpinLock::Acquired how, std::string_view lock, CallSite where, bool told = false);

  Services s_;
  const Miniport& miniport_;
  PciFunction& function_;
  unsigned slot_, port_number_;
  Phase phase_ = Phase::created;

  void* extension_ = nullptr;
  std::optional<DriverMemory> extension_memory_;
  PageRun config_pages_{};
  PORT_CONFIGURATION_INFORMATION* config_ = nullptr;  ///< in machine memory: the driver writes it
  Claims claims_;
  Resources resources_;
  std::optional<DriverMemory> uncached_;
  std::vector<std::uint64_t> mapped_registers_;
  std::vector<DriverMemory> common_;  ///< contiguous memory the miniport asked for
  bool in_set_running_config_ = false;
  std::vector<bool> control_types_;
  PHW_PASSIVE_INITIALIZE_ROUTINE passive_routine_ = nullptr;
  PERF_CONFIGURATION_DATA performance_{};
  PHW_TIMER timer_routine_ = nullptr;

  std::unique_ptr<DmaAdapter> dma_;
  std::unique_ptr<RequestPool> pool_;
  std::unique_ptr<DeferredWork> deferred_;
  Rescan rescan_{*this};
  Departure departure_{*this};
  BuiltLists built_lists_{s_};
  Waiting waiting_{s_};
  std::vector<std::unique_ptr<LogicalUnit>> units_;
  std::vector<std::unique_ptr<Message>> messages_;
  unsigned message_count_ = 0;
  Line line_;
  bool line_level_ = false;           ///< as the board holds it
  bool interrupts_connected_ = false;
  std::vector<std::unique_ptr<CompletionDpc>> completion_;  ///< by CPU

  PortLock start_io_lock_, interrupt_lock_;
  Irql start_io_outer_ = kPassiveLevel;
  std::uint32_t outstanding_ = 0;
  std::uint32_t busy_for_ = 0;
  std::uint32_t resets_ = 0;          ///< HwStorResetBus in progress
  Nanoseconds paused_until_ = 0;      ///< 0: not paused
  bool link_is_down_ = false;
  Thread* waits_for_last_ = nullptr;  ///< until nothing is outstanding
  std::uint64_t serial_ = 0;
  Request* newest_ = nullptr;
  Request* oldest_ = nullptr;
  DelayedCall timeout_, hold_end_, restart_, timer_;
  Statistics statistics_;
};

[[gnu::always_inline]] inline void Adapter::request_complete(Request& request, CallSite where) {
  if ((request.state != Request::State::started || s_.checking()) && !may_complete(request, where)) [[unlikely]] return;
  request.state = Request::State::completed;
  unlink_outstanding(request);
  const unsigned cpu = redirects_completions() ? request.cpu_index : s_.scheduler.cpu().index;
  completion_[cpu]->done.push(request);
  s_.scheduler.queue_dpc(*completion_[cpu], cpu);
}

}  // namespace drydock::storport
