#pragma once
// What a Storport adapter stands on; the machine owns all of it and outlives every adapter.

#include "hal/dma_adapter.h"
#include "hw/bus.h"
#include "hw/mmio_map.h"
#include "io/driver_call.h"
#include "io/registry.h"
#include "mem/locked_pages.h"
#include "mem/physical_memory.h"
#include "mem/pool.h"
#include "mem/system_mapping.h"
#include "sched/scheduler.h"
#include "trace/trace.h"

namespace drydock::storport {

struct Services {
  Scheduler& scheduler;
  PhysicalMemory& memory;
  Pool& pool;
  LockedPages& locked;
  SystemMappings& mappings;
  DmaWindow& window;
  MapRegisterPool& registers;
  Bus& bus;
  MmioMap& mmio;
  Registry& registry;
  Trace& trace;
  DriverCall& call;

  bool checking() const { return call.checking(); }
};

}  // namespace drydock::storport
