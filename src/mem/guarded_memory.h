#pragma once
// GuardedMemory: objects of a driver, each alone in pages of the lent view between pages that stay closed, so that the
// instruction that runs over an end faults, and so does one that comes after the object's life. Of each it remembers
// where it was allocated and freed. For --checks all and for instrumented drivers: an object costs three pages and two
// system calls. Freed objects stay closed until kFreedMax younger ones have been freed.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "mem/physical_memory.h"
#include "trace/events.h"

namespace drydock {

/// Who can walk the driver's stack from a place: the place, then return addresses, innermost first.
class StackTaker {
 public:
  virtual std::vector<std::uint64_t> stack_at(const CodePlace& place) = 0;

 protected:
  ~StackTaker() = default;
};

/// Who is told, byte by byte, what of the lent view belongs to an object. Offsets are the memory file's.
class ByteMarks {
 public:
  virtual void valid(std::uint64_t offset, std::uint64_t bytes) = 0;
  virtual void invalid(std::uint64_t offset, std::uint64_t bytes) = 0;

 protected:
  ~ByteMarks() = default;
};

struct GuardedObject {
  const char* what = "";  ///< "pool block"
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
  std::uint32_t tag = 0;  ///< of pool; else 0
  PageRun pages;          ///< with the closed ones
  PageRun inner;          ///< without
  CodePlace place = {};
  std::vector<std::uint64_t> allocated = {}, freed = {};  ///< stacks
  bool live = true;
  bool overrun = false;  ///< bytes of its own pages beside it were changed (known when it is freed)
  std::uint64_t end() const { return address + bytes; }
};

/// An access that is not wholly inside a live object.
struct Trespass {
  enum class Kind : std::uint8_t { before, behind, freed };
  Kind kind;
  const GuardedObject* object;
};

/// Where it was allocated and, if it was, freed: for a finding about it.
std::vector<RelatedStack> history_of(const GuardedObject& object);

class GuardedMemory {
 public:
  static constexpr std::size_t kObjectsMax = 4096;  ///< live ones; Linux gives a process some 65,000 mappings
  static constexpr std::size_t kFreedMax = 1024;
  static constexpr std::byte kBeside{0xFD};  ///< fills an object's pages around it

  /// `marks` may be null.
  GuardedMemory(PhysicalMemory& memory, StackTaker& stacks, ByteMarks* marks);
  ~GuardedMemory();
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;

  /// Null when there is no room. Below a page the object ends where its page ends (rounded up to 16 bytes); from a page on
  /// it begins on one, as pool does. Contents are undefined.
  const GuardedObject* allocate(const char* what, std::uint64_t bytes, std::uint32_t tag, const CodePlace& place);
  /// Physically consecutive, and beginning on a page if `on_page`. Limits that a closed page beside it would break are
  /// obeyed: then it has none there.
  const GuardedObject* allocate_contiguous(const char* what, std::uint64_t bytes, const ContiguousLimits& limits, bool on_page,
                                           const CodePlace& place);
  /// Null when no live object begins there. The result is valid until the next call.
  const GuardedObject* free(std::uint64_t address, const CodePlace& place);

  /// The live or lately freed object whose pages (closed ones too) contain the address; null when none.
  const GuardedObject* find(std::uint64_t address) const;
  /// None when the access is inside a live object, or near none at all.
  std::optional<Trespass> judge(std::uint64_t address, std::uint64_t bytes) const;
  /// Does any byte lie in pages that fault when the driver touches them?
  bool faults(std::uint64_t address, std::uint64_t bytes) const;

  std::size_t live() const { return live_; }
  ByteMarks* marks() const { return marks_; }
  template <class F>
  void for_each_live(F&& f) const {
    for (const auto& [page, object] : objects_)
      if (object->live) f(*object);
  }

 private:
  const GuardedObject* settle(GuardedObject object);
  void fill_beside(const GuardedObject& object, const std::byte* start) const;
  bool beside_changed(const GuardedObject& object) const;
  void forget_oldest();
  void give_back(const GuardedObject& object);
  bool is_closed(const GuardedObject& object, std::uint64_t address) const;

  PhysicalMemory& memory_;
  StackTaker& stacks_;
  ByteMarks* marks_;
  std::map<std::uint32_t, std::unique_ptr<GuardedObject>> objects_;  ///< by first page
  std::deque<std::uint32_t> freed_;                                  ///< first pages, oldest first
  std::size_t live_ = 0;
};

}  // namespace drydock
