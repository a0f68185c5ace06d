#pragma once
// Board: the hardware side of one machine, and the kernel services that stand directly on it: memory, buses, devices,
// clock. It owns; nothing here knows a driver.

#include <memory>
#include <string>
#include <vector>

#include "devices/backing/faulty_seam.h"
#include "devices/backing/file_seam.h"
#include "devices/catalogue.h"
#include "drydock/machine.h"
#include "hal/map_registers.h"
#include "hw/bus.h"
#include "hw/mmio_map.h"
#include "io/registry.h"
#include "machine/pairing.h"
#include "mem/address_space.h"
#include "mem/guarded_memory.h"
#include "mem/locked_pages.h"
#include "mem/mdl_book.h"
#include "mem/pool.h"
#include "mem/system_mapping.h"
#include "sched/scheduler.h"
#include "trace/trace.h"

namespace drydock {

/// A device and what stands behind it. Interrupts of each device have a sink of their own.
class PluggedDevice final : public InterruptSink {
 public:
  struct Listener {
    virtual void message_arrived(PciFunction& function, std::uint32_t vector) = 0;
    virtual void line_changed(PciFunction& function, bool asserted) = 0;
    virtual void departed(PciFunction& function) = 0;

   protected:
    ~Listener() = default;
  };
  void message_arrived(std::uint32_t vector) override { if (listener) listener->message_arrived(*made.function, vector); }
  void line_changed(bool asserted) override { if (listener && made.function) listener->line_changed(*made.function, asserted); }

  void departed() override { if (listener) listener->departed(*made.function); }

  std::string spec, disk;                ///< as the user wrote them
  std::unique_ptr<FaultPlan> faults;     ///< null: nothing goes wrong on purpose
  std::unique_ptr<FaultySeam> file_seam; ///< null: the host's own
  std::unique_ptr<BlockStore> store;
  std::unique_ptr<BusMaster> bus_master;
  MadeDevice made;
  unsigned slot = 0;
  Listener* listener = nullptr;
};

class Board {
 public:
  static Result<std::unique_ptr<Board>> build(const Options& options, MachineHooks& hooks);

  bool checking;
  Trace trace;
  std::unique_ptr<Scheduler> scheduler;
  std::unique_ptr<PhysicalMemory> memory;
  std::unique_ptr<GuardedMemory> guarded;  ///< with --checks all, and for instrumented drivers; else null
  std::unique_ptr<LockedPages> locked;
  std::unique_ptr<SystemMappings> mappings;
  std::unique_ptr<AddressSpaces> spaces;
  std::unique_ptr<MdlBook> mdls;
  std::unique_ptr<Pool> pool;
  std::unique_ptr<DmaWindow> window;
  std::unique_ptr<MapRegisterPool> registers;
  std::unique_ptr<MmioMap> mmio;
  Registry registry;
  Bus bus;
  std::vector<std::unique_ptr<PluggedDevice>> devices;
  std::vector<FaultSpec> faults;  ///< of every device, and of the system
  std::unique_ptr<FaultPlan> kernel_faults;  ///< of the system; null: nothing goes wrong
  std::uint64_t seed = 0;

  /// Devices are made last: when an image's hints are known.
  Result<PluggedDevice*> plug(const AdapterSpec& adapter, bool read_only, FileSeam& seam);

 private:
  explicit Board(bool checks) : checking(checks) {}
};

}  // namespace drydock
