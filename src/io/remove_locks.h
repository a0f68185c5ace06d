#pragma once
// RemoveLocks: what is kept of each IO_REMOVE_LOCK beside its count: who holds it, by tag. The structure in the device
// extension is the storage of the count and of the removal.

#include <map>
#include <vector>

#include "io/io_services.h"

namespace drydock {

class RemoveLocks {
 public:
  struct Holder {
    void* tag = nullptr;
    CodePlace where;
  };
  struct Lock {
    std::vector<Holder> holders;
    bool removed = false;
    CodePlace made_at;
  };
  /// A lock that was removed is made no second time. False: it was.
  bool add(const void* alias, const CodePlace& where);
  /// Null: it was never initialised.
  Lock* find(const void* alias);
  /// False: nobody acquired it with this tag.
  static bool drop(Lock& lock, const void* tag);
  /// [alias, +size) goes away: the locks in it, for a report.
  std::vector<Lock> evict(const void* alias, std::size_t size);

 private:
  std::map<const void*, Lock> locks_;
};

}  // namespace drydock
