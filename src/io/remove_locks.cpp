#include "io/remove_locks.h"

#include <algorithm>

namespace drydock {

bool RemoveLocks::add(const void* alias, const CodePlace& where) {
  const auto at = locks_.find(alias);
  const bool fresh = at == locks_.end() || !at->second.removed;
  locks_[alias] = Lock{.holders = {}, .removed = false, .made_at = where};
  return fresh;
}

RemoveLocks::Lock* RemoveLocks::find(const void* alias) {
  const auto at = locks_.find(alias);
  return at == locks_.end() ? nullptr : &at->second;
}

bool RemoveLocks::drop(Lock& lock, const void* tag) {
  const auto at = std::find_if(lock.holders.begin(), lock.holders.end(), [&](const Holder& holder) { return holder.tag == tag; });
  if (at == lock.holders.end()) return false;
  lock.holders.erase(at);
  return true;
}

std::vector<RemoveLocks::Lock> RemoveLocks::evict(const void* alias, std::size_t size) {
  std::vector<Lock> gone;
  const auto* first = static_cast<const std::byte*>(alias);
  for (auto at = locks_.lower_bound(first); at != locks_.end() && at->first < first + size; at = locks_.erase(at)) gone.push_back(at->second);
  return gone;
}

}  // namespace drydock
