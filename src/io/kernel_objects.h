#pragma once
// KernelObjects: what the kernel keeps for drivers: dispatcher objects and waits, DPCs, timers, threads, resources,
// lookaside lists, objects and handles. It knows what lies in a piece of memory that is about to go, and what is left of a
// driver that unloads.

#include <map>
#include <string>
#include <vector>

#include "io/dispatcher.h"
#include "io/kernel_dpcs.h"
#include "io/kernel_threads.h"
#include "io/object_table.h"
#include "io/resources.h"

namespace drydock {

/// Something that must not be where it is.
struct Remnant {
  std::string what;  ///< "a timer that is set"
  std::string_view code;
  CodePlace where;   ///< where it was made or set
};

/// A lookaside list between its initialisation and its deletion.
struct LookasideRecord {
  std::uint64_t address;
  bool paged;
  CodePlace where;
};

class KernelObjects {
 public:
  KernelObjects(Scheduler& scheduler, Pool& pool, DriverCall& call, Trace& trace);

  Dispatcher dispatcher;
  KernelDpcs dpcs;
  KernelTimers timers;
  KernelThreads threads;
  Resources resources;
  ObjectTable objects;  ///< goes first: threads are asked for their memory then
  std::map<const void*, LookasideRecord> lookasides;  ///< by alias
  std::map<std::uint64_t, CodePlace> event_providers; ///< registered for event tracing, by handle
  std::uint64_t next_event_provider = 1;

  /// DOC: VER-162 what [alias, +size) holds that is still in use. It is forgotten: the memory goes away.
  std::vector<Remnant> evict(const void* alias, std::uint64_t size);
  /// DOC: VER-152 VER-170 what the driver whose image is [base, +size) left when it was unloaded; forgotten, too.
  std::vector<Remnant> evict_image(std::uint64_t base, std::uint64_t size);

 private:
  struct Use;
  template <class Goes>
  std::vector<Remnant> evict_if(Goes&& goes);
};

}  // namespace drydock
