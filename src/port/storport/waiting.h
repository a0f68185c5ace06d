#pragma once
// Waiting: events and threads of a miniport. DOC: ST-194. An event is known by the address of its STOR_EVENT, whose
// SignalState shows what it is; a thread by the context that StorPortCreateSystemThread gave out, which is signalled when
// the thread has ended.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "abi/wdk.h"
#include "port/storport/services.h"

namespace drydock::storport {

enum class Waited : std::uint8_t { signalled, timed_out, unknown };

class Waiting {
 public:
  explicit Waiting(const Services& services);
  ~Waiting();

  /// `host` is drydock's alias of the event at `address`.
  void initialize_event(const void* address, STOR_EVENT& host, STOR_EVENT_TYPE type, bool signalled);
  /// False: never initialised.
  bool set_event(const void* address);
  /// On a thread below DISPATCH_LEVEL; with a time of 0, which does not wait, at DISPATCH_LEVEL too. none: for ever.
  Waited wait(const void* object, std::optional<Nanoseconds> time);

  /// Null: there are as many as there are processors.
  void* create_thread(PSTOR_THREAD_START_ROUTINE routine, void* context, CodePlace where);
  bool is_thread(const void* handle) const;
  /// Ends the calling thread: does not return. False: it is none of these threads, or not the one of `handle`.
  bool end_thread(const void* handle);

  /// What the miniport left running; texts and places for the leak report.
  std::vector<std::pair<std::string, CodePlace>> leaks() const;

 private:
  struct Waiter;
  struct Object {
    bool resets = false;      ///< one waiter takes the signal (StorSynchronizationEvent)
    bool signalled = false;
    LONG* state = nullptr;    ///< SignalState, where there is one
    std::vector<Waiter*> waiters;
    void show() const { if (state != nullptr) *state = signalled ? 1 : 0; }
  };
  struct ThreadEntry;
  void signal(Object& object);
  Services s_;
  std::map<const void*, Object> objects_;
  std::vector<std::unique_ptr<ThreadEntry>> threads_;
  std::uint64_t next_handle_ = 0;
};

}  // namespace drydock::storport
