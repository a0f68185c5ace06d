#pragma once
// DriverMemory: contiguous memory that the driver owns and the device may reach: device extension, uncached extension,
// what StorPortAllocateContiguousMemorySpecifyCacheNode gives. With guarded memory (Pool::guarded) it lies between closed
// pages; else the rest of its last page is filled, and looked at in the end. Given back by the destructor.

#include <optional>

#include "port/storport/services.h"

namespace drydock::storport {

class DriverMemory {
 public:
  /// Contents are zero. None when memory has run out. `what` outlives it; `on_page`: it begins on a page.
  static std::optional<DriverMemory> take(const Services& services, const char* what, std::uint64_t bytes,
                                          const ContiguousLimits& limits, bool on_page, const CodePlace& where);
  DriverMemory(DriverMemory&& other) noexcept : s_(other.s_), object_(std::exchange(other.object_, {})), guarded_(other.guarded_) {}
  DriverMemory& operator=(DriverMemory&& other) noexcept;
  ~DriverMemory() { give_back(); }

  void* address() const { return reinterpret_cast<void*>(object_.address); }
  std::uint64_t bytes() const { return object_.bytes; }
  const CodePlace& where() const { return object_.place; }
  bool has_page(std::uint32_t page) const { return page - object_.inner.first < object_.inner.count; }
  /// How far a byte of its pages is from its first one, which begins on a page.
  std::uint64_t offset_of(std::uint32_t page, std::uint64_t offset) const { return (std::uint64_t{page - object_.inner.first} << kPageShift) + offset; }
  /// A finding when bytes of its pages beside it were changed. `where` is the place of the look.
  void check(const CodePlace& where) const;
  /// Its end, at a place in the driver: what it says of a touch after that.
  void end_at(const CodePlace& where) { freed_at_ = where; }

 private:
  DriverMemory(const Services& services, GuardedObject object, bool guarded) : s_(&services), object_(std::move(object)), guarded_(guarded) {}
  void give_back();

  const Services* s_;
  GuardedObject object_;  ///< inner.count 0: nothing is held
  CodePlace freed_at_;
  bool guarded_;
};

}  // namespace drydock::storport
