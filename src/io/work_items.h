#pragma once
// WorkItems: IO_WORKITEM, routines that a driver has called on a system thread. The device (or driver) object lives from the
// moment the item is queued until its routine has returned. The structure is opaque to drivers: what is known of an item is
// kept beside it, by drydock's alias of its memory.

#include <map>
#include <memory>

#include "io/device_objects.h"

namespace drydock {

class WorkItems {
 public:
  static constexpr std::uint32_t kBytes = 64;  ///< IoSizeofWorkItem

  WorkItems(const IoServices& services, DeviceObjects& devices) : services_(services), devices_(devices) {}
  ~WorkItems();
  WorkItems(const WorkItems&) = delete;
  WorkItems& operator=(const WorkItems&) = delete;

  /// `alias` is drydock's of `address`; `object` a DEVICE_OBJECT or DRIVER_OBJECT.
  void add(const void* alias, void* address, void* object, bool allocated, const CodePlace& where);
  struct Routine {
    void* plain = nullptr;     ///< IO_WORKITEM_ROUTINE
    void* extended = nullptr;  ///< IO_WORKITEM_ROUTINE_EX, also given the item
    void* context = nullptr;
  };
  enum class Done : std::uint8_t { yes, unknown, queued };  ///< unknown: never initialised, or freed; queued: already
  Done queue(const void* alias, const Routine& routine, const CodePlace& where);
  /// `allocated`: by IoFreeWorkItem; its memory is the caller's to free then.
  Done remove(const void* alias, bool allocated);

  /// Those of a driver that are queued or have not been freed.
  template <class F>
  void for_each(F&& f) const {
    for (const auto& [alias, item] : items_) f(*item);
  }
  struct Item;

 private:
  void run(Item& item);
  const IoServices& services_;
  DeviceObjects& devices_;
  std::map<const void*, std::unique_ptr<Item>> items_;
  std::vector<std::unique_ptr<Item>> running_;  ///< given up by the driver, which may do so in the routine
};

struct WorkItems::Item final : Task {
  explicit Item(WorkItems& o) : owner(o) {}
  void run() override { owner.run(*this); }
  WorkItems& owner;
  const void* alias = nullptr;
  void* address = nullptr;
  void* object = nullptr;
  bool allocated = false, queued = false;
  CodePlace made_at, queued_at;
  Routine routine;
};

}  // namespace drydock
