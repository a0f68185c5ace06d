#pragma once
// A machine up to the port driver, and a miniport in C++ that does what a test says: its routines have the Windows calling
// convention and are entered through the guard like a driver's, but they are host code. For tests.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/prepared_buffer.h"
#include "port/storport/adapter.h"
#include "sched/driving_thread.h"

namespace drydock::storport {

/// The HBA: a BAR of memory, one of ports, three messages.
class HbaForTests final : public PciFunction {
 public:
  explicit HbaForTests(const BoardServices& board) : PciFunction({0x1AF4, 0x1042, 0x1AF4, 0x1100, 1, 1, 0, 0}, board) {
    add_bar(0, 4096);
    add_bar(2, 32, false);
    add_bar(3, 4096);
    add_msix(3, 3, 0);
  }
  using PciFunction::send_msix;
  using PciFunction::set_interrupt_line;
  std::uint64_t read_register(unsigned, std::uint32_t, unsigned) override { return 0; }
  void write_register(unsigned, std::uint32_t, unsigned, std::uint64_t) override {}
};

/// Every routine of a miniport, as a test wants it.
struct MiniportForTests {
  std::function<ULONG(PORT_CONFIGURATION_INFORMATION&)> find = [](auto&) { return ULONG{SP_RETURN_FOUND}; };
  std::function<bool()> initialize = [] { return true; };
  std::function<bool(void* srb)> build = [](void*) { return true; };
  std::function<void(void* srb)> start = [](void*) {};
  std::function<bool()> interrupt = [] { return false; };
  std::function<void(ULONG)> message = [](ULONG) {};
  std::function<void(ULONG)> reset_bus = [](ULONG) {};
  std::function<void()> stop = [] {};
  bool supports_surprise = false;
  std::function<void()> surprise = [] {};
  inline static MiniportForTests* current = nullptr;

  static MSABI ULONG hw_find(PVOID, PVOID, PVOID, PCHAR, PPORT_CONFIGURATION_INFORMATION config, PBOOLEAN) { return current->find(*config); }
  static MSABI BOOLEAN hw_initialize(PVOID) { return current->initialize(); }
  static MSABI BOOLEAN hw_build(PVOID, PSCSI_REQUEST_BLOCK srb) { return current->build(srb); }
  static MSABI BOOLEAN hw_start(PVOID, PSCSI_REQUEST_BLOCK srb) { return current->start(srb), TRUE; }
  static MSABI BOOLEAN hw_interrupt(PVOID) { return current->interrupt(); }
  static MSABI BOOLEAN hw_message(PVOID, ULONG number) { return current->message(number), TRUE; }
  static MSABI BOOLEAN hw_reset_bus(PVOID, ULONG path) { return current->reset_bus(path), TRUE; }
  static MSABI SCSI_ADAPTER_CONTROL_STATUS hw_control(PVOID, SCSI_ADAPTER_CONTROL_TYPE type, PVOID list) {
    if (type == ScsiQuerySupportedControlTypes) {
      auto* supported = static_cast<PSCSI_SUPPORTED_CONTROL_TYPE_LIST>(list)->SupportedTypeList;
      supported[ScsiStopAdapter] = TRUE;
      supported[ScsiAdapterSurpriseRemoval] = current->supports_surprise;
    }
    if (type == ScsiStopAdapter) current->stop();
    if (type == ScsiAdapterSurpriseRemoval) current->surprise();
    return ScsiAdapterControlSuccess;
  }
};

/// A request of a client and what became of it.
struct SentForTests {
  Request* request = nullptr;
  unsigned completions = 0;
  Request::Result result;
  bool keep = false;  ///< do not give it back when it is completed
};

class PortForTests : public testing::Test, protected TraceObserver, protected InterruptSink {
 protected:
  struct Hooks final : MachineHooks {
    void trap(TrapFrame&) override {}
  };
  struct Job final : Task {
    explicit Job(std::function<void()> what) : body(std::move(what)) {}
    void run() override { body(), done = true; }
    std::function<void()> body;
    bool done = false;
  };
  struct Alarm final : Event {
    ~Alarm() override = default;
    void fire() override { rung = true; }
    bool rung = false;
  };
  static constexpr std::uint32_t kBufferMax = 1u << 20;

  explicit PortForTests(unsigned cpus = 1, std::uint32_t map_registers = 256, CheckLevel checks = CheckLevel::standard)
      : memory(*PhysicalMemory::create({.size = 64u << 20})), scheduler(hooks, cpus, 7), locked(memory->size() >> kPageShift),
        mappings(*memory), pool(*memory, true), window(memory->size() >> kPageShift),
        registers(*MapRegisterPool::create(*memory, trace, {.count = map_registers, .checks = true})), mmio(memory->slot()),
        master(*memory, window, trace, true), hba({scheduler.timeline(), master, *this, trace}),
        call(scheduler, trace, checks),
        services{scheduler, *memory, pool, locked, mappings, window, *registers, bus, mmio, registry, trace, call} {
    trace.add(*this, false);
    bus.plug(8, hba);
    MiniportForTests::current = &driver;
    set_routines();
    driver.find = [](PORT_CONFIGURATION_INFORMATION& config) { return configure(config), ULONG{SP_RETURN_FOUND}; };
  }
  ~PortForTests() override {
    adapter.reset();
    buffers_.clear();
  }

  static void configure(PORT_CONFIGURATION_INFORMATION& config) {
    config.MaximumTransferLength = 256 * 1024;
    config.NumberOfPhysicalBreaks = 65;
    config.SynchronizationModel = StorSynchronizeFullDuplex;
    config.Dma64BitAddresses |= SCSI_DMA64_MINIPORT_SUPPORTED;
  }

  // --- driving ------------------------------------------------------------------------------------------------------
  /// On a system thread, to its end.
  void run(std::function<void()> body) {
    Job job(std::move(body));
    scheduler.queue_task(job, 0);
    ASSERT_EQ(scheduler.drive(job.done), Driven::done);
  }
  /// Until nothing can happen any more.
  void run_out() {
    const bool never = false;
    EXPECT_EQ(scheduler.drive(never), Driven::stuck);
  }
  void run_for(Nanoseconds time) {
    Alarm alarm;
    scheduler.timeline().schedule(alarm, time);
    EXPECT_EQ(scheduler.drive(alarm.rung), Driven::done);
  }
  /// Brings the adapter up; false when it refuses.
  bool bring_up() {
    adapter = std::make_unique<Adapter>(services, miniport, hba, 8, 0);
    bool up = false;
    run([&] {
      const auto started = adapter->start();
      up = started.has_value();
      if (!up) refusal = started.error().message;
    });
    return up;
  }
  void take_down() {
    run([&] {
      adapter->stop();
      adapter->remove();
    });
  }

  // --- requests -----------------------------------------------------------------------------------------------------
  /// A READ (10) of so many bytes into a fresh buffer; other opcodes and functions by changing it before submit().
  SentForTests& make(std::uint32_t length = 4096, std::uint8_t lun = 0, std::uint8_t opcode = SCSIOP_READ) {
    sent_.push_back(std::make_unique<SentForTests>());
    SentForTests& sent = *sent_.back();
    Request& request = *(sent.request = adapter->take_request());
    const std::uint8_t cdb[10] = {opcode};
    request.srb.set_function(SRB_FUNCTION_EXECUTE_SCSI);
    request.srb.set_cdb(cdb);
    request.srb.set_timeout(10);
    request.unit = &adapter->unit(0, 0, lun);
    request.owner = this;
    request.class_context = &sent;
    request.completed = [](Request& done) { static_cast<PortForTests*>(done.owner)->completed(done); };
    if (length != 0) give_data(request, length, is_read(opcode));
    return sent;
  }
  SentForTests& submit(SentForTests& sent) {
    run([&] { adapter->submit(*sent.request); });
    return sent;
  }
  SentForTests& send(std::uint32_t length = 4096, std::uint8_t lun = 0, std::uint8_t opcode = SCSIOP_READ) {
    return submit(make(length, lun, opcode));
  }
  virtual void completed(Request& request) {
    EXPECT_EQ(scheduler.irql(), kDispatchLevel);
    auto& sent = *static_cast<SentForTests*>(request.class_context);
    ++sent.completions;
    sent.result = request.result;
    if (!sent.keep) adapter->release(request);
  }
  void give_data(Request& request, std::uint32_t length, bool in) {
    const PageRun run = *memory->allocate(static_cast<std::uint32_t>((length + kPageMask) >> kPageShift));
    buffers_.push_back(std::make_unique<PreparedBuffer>(*memory, locked, mappings, pool, kBufferMax));
    buffers_.back()->prepare(memory->address(View::user, run.first), length, in);
    request.mdl = buffers_.back()->mdl();
    request.data_address = buffers_.back()->address();
    request.data_length = length;
    request.direction = in ? Request::Direction::in : Request::Direction::out;
  }

  // --- as the miniport ----------------------------------------------------------------------------------------------
  Request& of(void* srb) { return *adapter->find_srb(srb); }
  void complete(void* srb, std::uint8_t srb_status = SRB_STATUS_SUCCESS, std::uint8_t scsi_status = 0) {
    complete(of(srb), srb_status, scsi_status);
  }
  void complete(Request& request, std::uint8_t srb_status = SRB_STATUS_SUCCESS, std::uint8_t scsi_status = 0) {
    request.srb.set_srb_status(srb_status);
    request.srb.set_scsi_status(scsi_status);
    adapter->request_complete(request, {});
  }
  /// From outside, as an interrupt would: on a thread.
  void complete_later(Request& request, std::uint8_t srb_status = SRB_STATUS_SUCCESS, std::uint8_t scsi_status = 0) {
    run([&] { complete(request, srb_status, scsi_status); });
  }
  unsigned findings(std::string_view rule) const {
    return static_cast<unsigned>(std::count_if(broken.begin(), broken.end(), [&](const RuleBroken& b) { return b.rule == rule; }));
  }

  /// The lock a routine is called under cannot be acquired in it: how tests see that it is held.
  unsigned found_held() const {
    return static_cast<unsigned>(std::count_if(broken.begin(), broken.end(), [](const RuleBroken& b) {
      return b.message.find("held already") != std::string::npos;
    }));
  }

  // --- what happens -------------------------------------------------------------------------------------------------
  void observe(const TraceEvent& event) override {
    if (const auto* rule = std::get_if<RuleBroken>(&event)) broken.push_back(*rule);
  }
  void message_arrived(std::uint32_t vector) override {
    if (adapter) adapter->message_arrived(vector);
  }
  void line_changed(bool asserted) override {
    if (adapter) adapter->line_changed(asserted);
  }
  void departed() override {
    if (adapter) adapter->departed();
  }

  Hooks hooks;
  DrivingThread driving{hooks};
  Trace trace;
  std::unique_ptr<PhysicalMemory> memory;
  Scheduler scheduler;
  LockedPages locked;
  SystemMappings mappings;
  Pool pool;
  DmaWindow window;
  std::unique_ptr<MapRegisterPool> registers;
  MmioMap mmio;
  Registry registry;
  Bus bus;
  BusMaster master;
  HbaForTests hba;
  DriverCall call;
  Services services;
  MiniportForTests driver;
  Miniport miniport;
  std::unique_ptr<Adapter> adapter;
  std::string refusal;
  std::vector<RuleBroken> broken;

 private:
  void set_routines() {
    HW_INITIALIZATION_DATA& data = miniport.data;
    data.HwInitializationDataSize = sizeof data;
    data.AdapterInterfaceType = PCIBus;
    data.HwFindAdapter = &MiniportForTests::hw_find;
    data.HwInitialize = &MiniportForTests::hw_initialize;
    data.HwBuildIo = &MiniportForTests::hw_build;
    data.HwStartIo = &MiniportForTests::hw_start;
    data.HwInterrupt = &MiniportForTests::hw_interrupt;
    data.HwResetBus = &MiniportForTests::hw_reset_bus;
    data.HwAdapterControl = &MiniportForTests::hw_control;
    data.DeviceExtensionSize = 64;
    data.SrbExtensionSize = 256;
    data.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
    data.NeedPhysicalAddresses = data.TaggedQueuing = data.AutoRequestSense = data.MultipleRequestPerLu = TRUE;
    data.SrbTypeFlags = SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK;
  }
  std::vector<std::unique_ptr<SentForTests>> sent_;
  std::vector<std::unique_ptr<PreparedBuffer>> buffers_;
};

}  // namespace drydock::storport
