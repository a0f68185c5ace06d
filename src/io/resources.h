#pragma once
// Resources: ERESOURCE, the lock for readers and writers that its owners may take again. Who owns and who waits is kept
// here; the structure shows the counts. Waits go through the Dispatcher, each on an event of its own.

#include <cstdint>
#include <map>
#include <vector>

#include "io/dispatcher.h"

namespace drydock {

enum class ResourceMode : std::uint8_t {
  exclusive,
  shared,                     ///< behind waiting writers, unless owned already
  shared_starve_exclusive,    ///< before waiting writers
  shared_wait_for_exclusive,  ///< behind waiting writers in any case
};

enum class Acquisition : std::uint8_t { acquired, refused, waits_for_itself, hopeless };

class Resources {
 public:
  explicit Resources(Dispatcher& dispatcher) : dispatcher_(dispatcher) {}

  /// False: it is one already.
  bool initialize(ERESOURCE& host, std::uint64_t address, CodePlace where);
  /// False: it is none.
  bool forget(ERESOURCE& host);
  bool known(const ERESOURCE& host) const { return resources_.contains(&host); }
  bool owned(const ERESOURCE& host) const;

  /// `owner` is the running thread's object.
  Acquisition acquire(ERESOURCE& host, std::uint64_t owner, ResourceMode mode, bool wait, bool urgent, const WaitInProgress& which);
  /// False: the owner has not got it.
  bool release(ERESOURCE& host, std::uint64_t owner);
  /// The running owner's exclusive ownership becomes a shared one.
  void share(ERESOURCE& host);
  bool hand_over(ERESOURCE& host, std::uint64_t from, std::uint64_t to);

  /// How often the owner has acquired it.
  unsigned count_of(const ERESOURCE& host, std::uint64_t owner) const;
  bool owns_exclusively(const ERESOURCE& host, std::uint64_t owner) const;

  struct Known {
    const ERESOURCE* alias;
    std::uint64_t address;
    CodePlace where;
  };
  std::vector<Known> all() const;

 private:
  struct Owner {
    std::uint64_t who;
    unsigned count;
  };
  struct Waiter {
    std::uint64_t who;
    bool exclusive;
    KEVENT granted;
  };
  struct State {
    std::uint64_t address;
    CodePlace where;
    bool exclusive = false;  ///< as it is owned
    std::vector<Owner> owners;
    std::vector<Waiter*> waiters;
    bool writer_waits() const;
    Owner* find(std::uint64_t who);
  };
  static bool may_have(State& state, std::uint64_t owner, ResourceMode mode);
  static void give(State& state, std::uint64_t owner, bool exclusive);
  void grant(ERESOURCE& host, State& state);
  static void show(ERESOURCE& host, const State& state);

  Dispatcher& dispatcher_;
  std::map<const ERESOURCE*, State> resources_;
};

}  // namespace drydock
