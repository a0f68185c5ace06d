#pragma once
// ObjectTable: objects that are counted and known by handles. An object lives as long as somebody holds a reference: a
// handle is one, a running thread holds its own. What an object is made of belongs to its kind, which derives from
// CountedObject and gives its memory back in the destructor.

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "trace/code_place.h"

namespace drydock {

enum class CountedKind : std::uint8_t { thread, process, event, key, file, device, driver };
/// "a thread", for findings.
const char* text_of(CountedKind kind);

class CountedObject {
 public:
  CountedObject(CountedKind what, const void* body) : kind(what), address(body) {}
  virtual ~CountedObject() = default;
  CountedObject(const CountedObject&) = delete;
  CountedObject& operator=(const CountedObject&) = delete;

  const CountedKind kind;
  const void* const address;    ///< what the driver calls it by; null: it has handles only
  std::int64_t references = 1;  ///< whoever makes one holds it
};

class ObjectTable {
 public:
  /// Handles count up by 4 from here: negative numbers, as the kernel's own are.
  static constexpr std::uint64_t kFirstHandle = 0xFFFF'FFFF'8000'0004;

  struct Handle {
    CountedObject* object = nullptr;
    CodePlace opened;
  };

  CountedObject& add(std::unique_ptr<CountedObject> object);
  CountedObject* find(const void* address) const;
  std::int64_t reference(CountedObject& object) { return ++object.references; }
  /// What is left; at 0 the object is gone.
  std::int64_t dereference(CountedObject& object);

  /// A new handle, which takes a reference.
  std::uint64_t open(CountedObject& object, CodePlace where);
  /// Null: there is no such handle.
  CountedObject* by_handle(std::uint64_t handle) const;
  bool close(std::uint64_t handle);
  const std::map<std::uint64_t, Handle>& handles() const { return handles_; }

 private:
  std::vector<std::unique_ptr<CountedObject>> objects_;
  std::map<std::uint64_t, Handle> handles_;
  std::uint64_t next_handle_ = kFirstHandle;
};

}  // namespace drydock
