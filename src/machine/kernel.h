#pragma once
// MachineKernel: the services behind the exports, and the machine as the signal handlers see it. It owns the adapters and
// knows how the machine came to an end.

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ddi/kernel.h"
#include "io/pnp_bus.h"
#include "kasan/instrumentation.h"
#include "machine/drivers.h"
#include "machine/driver_traps.h"
#include "machine/trap_exception.h"

namespace drydock {

/// How the driver stopped the machine.
struct Halt {
  std::uint32_t code = 0;
  std::array<std::uint64_t, 4> parameters{};
  bool first_tells_case = false;  ///< parameter 1 says which of the bug check's cases it is
  std::string message;
  std::vector<std::uint64_t> stack;
  bool first_is_return = false;
  bool is_the_drivers = true;  // false: the run could not go on, through no fault of the driver
};

class MachineKernel final : public ddi::Kernel, private IoHost, private PluggedDevice::Listener, private BusMaster::Witness, private seh::Witness,
                            private Instrumentation {
 public:
  static constexpr std::size_t kDebugLinesMax = 1000;

  MachineKernel() = default;
  ~MachineKernel();
  /// The second half of construction: the board needs the hooks, the kernel needs the board.
  void attach(Board& board, Drivers& drivers, CheckLevel checks);
  /// One for each device, in order. `miniport` outlives it.
  storport::Adapter& add_adapter(const storport::Miniport& miniport, PluggedDevice& device);
  void remove_adapters();
  /// Before the board goes: what the I/O manager holds lies in its memory.
  void end_io() { io_ = nullptr, bus_.reset(), io_storage_.reset(); }
  PnpBus& bus() { return *bus_; }
  /// For drivers that ask: from now on MachineHooks::instrumentation answers. Null: nobody does. Both outlive the driver.
  void instrument(const Shadow* shadow_of_driver, Coverage* coverage_of_driver);

  const std::optional<Halt>& halt() const { return halt_; }
  std::uint64_t traps() const { return traps_ ? traps_->count() : 0; }
  const std::deque<std::string>& debug_lines() const { return debug_lines_; }
  const std::vector<std::unique_ptr<storport::Adapter>>& adapters() const { return owned_; }

  // ddi::Kernel
  NTSTATUS initialize_storport(void* driver_object, void* registry_path, const void* data) override;
  [[noreturn]] void bug_check(std::uint32_t code, const std::uint64_t (&parameters)[4], CodePlace where, std::string_view why) override;
  [[noreturn]] void raise_exception(TrapFrame& caller, EXCEPTION_RECORD& record) override;
  seh::Dispatcher& exceptions() override { return *exceptions_; }
  void debug_print(std::string_view text) override;
  bool in_image(std::uint64_t address, std::uint64_t size, bool write) const override { return drivers_->may_touch(address, size, write); }
  std::string name_of(std::uint64_t address) const override;
  void touch(std::uint64_t address, std::uint64_t size, PhysicalMemory::Place found, bool write, CodePlace where) override;

  TouchVerdict touch_user(std::uint64_t address, std::uint64_t size, bool write, ddi::TouchBy by, CodePlace where) override;
  std::byte* touch_mapping(std::uint64_t address, std::uint64_t size, bool write, CodePlace where) override;
  void probe(std::uint64_t address, std::uint64_t size, const char* routine, CodePlace where) override;

  // MachineHooks
  void trap(TrapFrame& frame) override;
  void call_aborted(Fiber& fiber, const AbortRecord& record) override;
  void stack_limit_exceeded(Fiber& fiber, std::size_t bytes, const CodePlace& where) override;
  bool forced_preempt(TrapFrame& frame) override;
  std::uint64_t virtual_now() const override { return services_ == nullptr ? 0 : services_->scheduler.now(); }

  // IoHost, and bug_check of both
  std::vector<std::uint64_t> stack_at(const CodePlace& place) override { return drivers_->stack_at(place); }
  void set_event(KEVENT* event) override;
  bool serve(DEVICE_OBJECT* device, IRP* irp, NTSTATUS* status) override { return bus_->serve(device, irp, status); }
  std::byte* memory_at(const void* address, std::uint64_t size, bool write) override;
  const DRIVER_OBJECT* driver_at(std::uint64_t address) const override;

  static MSABI std::uint64_t missing_import(const MissingImport& which, void* return_address);

 private:
  void message_arrived(PciFunction& function, std::uint32_t vector) override;
  void line_changed(PciFunction& function, bool asserted) override;
  void departed(PciFunction& function) override;
  struct Trapped;
  bool complete(TrapFrame& frame, Trapped& trapped);
  void not_completed(TrapFrame& frame, Trapped& trapped);
  void touch_wild(const TrapOutcome& outcome, const TrapFrame& frame);
  struct ToldTouch;
  UserTouch touch_now(std::uint64_t address, std::uint64_t size, bool write) const;
  TouchVerdict judge_touch(const UserTouch& touch, ddi::TouchBy by, const CodePlace& where, const TrapFrame* frame);
  void note_fetch(const UserTouch& touch, const TouchJudgement& judged, const CodePlace& where);
  void tell_touch(const ToldTouch& told);
  bool is_in_wrong_context(const TouchJudgement& judged, const UserTouch& touch) const;
  static bool is_a_clients(const TouchJudgement& judged, const UserTouch& touch);
  std::string context_text() const;
  std::uint32_t unhandled_code() const;
  void taken_above(const EXCEPTION_RECORD& record, const CodePlace& where) override;
  TrapCircumstances circumstances_at(std::uint64_t address) const;
  void pass_breakpoint(TrapFrame& frame, std::uint64_t at);
  void end_at_trap(const TrapFrame& frame, const Trapped& trapped);
  void end_at_page_fault(const TrapFrame& frame, const Trapped& trapped, std::string message, CodePlace where);
  using Parameters = std::array<std::uint64_t, 4>;
  void end(std::uint32_t code, const Parameters& parameters, std::string message, CodePlace where);
  void stop_with_stale_registers();
  std::string_view routine_in_progress();
  void touch_forbidden(PhysicalMemory::Place found, bool write, CodePlace where);
  void touch_lent(std::uint64_t address, std::uint64_t size, PhysicalMemory::Place found, bool write, CodePlace where);
  void touch_slot(const storport::Adapter& adapter, const storport::Request& request, std::uint64_t at, std::uint64_t size, bool write,
                  CodePlace where);
  void touch_request(std::uint64_t address, std::uint64_t size, bool write, const GuardedObject& object, bool freed, const CodePlace& where);
  void touch_guarded(std::uint64_t address, std::uint64_t size, bool write, CodePlace where);
  struct MappingTouch {
    std::string_view rule, code, words;
    bool completed;
  };
  static MappingTouch judge_mapping_touch(const ArenaPlace& place, bool locked_for_reading);
  static std::vector<RelatedStack> past_of_mapping(const MdlFacts* facts);
  bool will_fault(std::uint64_t address, std::uint64_t bytes) const;
  void bad_access(std::uint64_t address, std::uint64_t bytes, bool write, const CodePlace& where) override;
  void explain(const BusMaster& master, DmaRefused& refused) override;
  std::string whose(std::uint64_t logical) const;

  Board* board_ = nullptr;
  Drivers* drivers_ = nullptr;
  std::optional<DriverCall> call_;
  std::optional<storport::Services> services_storage_;
  std::optional<IoManager> io_storage_;
  std::optional<PnpBus> bus_;
  std::unique_ptr<DriverTraps> traps_;
  std::optional<seh::Dispatcher> exceptions_;
  std::vector<std::unique_ptr<storport::Adapter>> owned_;
  std::optional<Halt> halt_;
  std::deque<std::string> debug_lines_;
};

}  // namespace drydock
