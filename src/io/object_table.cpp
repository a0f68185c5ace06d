#include "io/object_table.h"

#include <algorithm>

namespace drydock {

const char* text_of(CountedKind kind) {
  switch (kind) {
    case CountedKind::thread: return "a thread";
    case CountedKind::process: return "a process";
    case CountedKind::event: return "an event";
    case CountedKind::key: return "a registry key";
    case CountedKind::file: return "a file";
    case CountedKind::device: return "a device";
    default: return "a driver";
  }
}

CountedObject& ObjectTable::add(std::unique_ptr<CountedObject> object) {
  objects_.push_back(std::move(object));
  return *objects_.back();
}

CountedObject* ObjectTable::find(const void* address) const {
  if (address == nullptr) return nullptr;
  const auto at = std::find_if(objects_.begin(), objects_.end(), [&](const auto& object) { return object->address == address; });
  return at == objects_.end() ? nullptr : at->get();
}

std::int64_t ObjectTable::dereference(CountedObject& object) {
  const std::int64_t left = --object.references;
  if (left != 0) return left;
  const auto at = std::find_if(objects_.begin(), objects_.end(), [&](const auto& each) { return each.get() == &object; });
  const std::unique_ptr<CountedObject> gone = std::move(*at);  // its end may call drivers, which come back here
  objects_.erase(at);
  return 0;
}

std::uint64_t ObjectTable::open(CountedObject& object, CodePlace where) {
  const std::uint64_t handle = next_handle_;
  next_handle_ += 4;
  reference(object);
  handles_[handle] = {&object, where};
  return handle;
}

CountedObject* ObjectTable::by_handle(std::uint64_t handle) const {
  const auto at = handles_.find(handle);
  return at == handles_.end() ? nullptr : at->second.object;
}

bool ObjectTable::close(std::uint64_t handle) {
  const auto at = handles_.find(handle);
  if (at == handles_.end()) return false;
  CountedObject& object = *at->second.object;
  handles_.erase(at);
  dereference(object);
  return true;
}

}  // namespace drydock
