#pragma once
// What the exports for kernel objects share: finding an object behind an argument, and waiting in the driver's name.

#include "ddi/call.h"
#include "ddi/raise.h"

namespace drydock::ddi {

/// The alias of an initialised dispatcher object; null after a finding. DOC: DRY-30
template <class T>
T* dispatcher_object(Call& call, T* address, const char* what, bool (*is_one)(DispatcherKind)) {
  T* host = call.object(address, what);
  if (host == nullptr) return nullptr;
  auto& header = reinterpret_cast<DISPATCHER_HEADER&>(*host);
  if (Dispatcher::is_initialized(header, reinterpret_cast<std::uint64_t>(address)) && is_one(Dispatcher::kind_of(header))) return host;
  call.broken("DRY-30", "", fmt::format("{}: {} was never initialised, or is overwritten, or was moved after its initialisation", call.name(), what));
  return nullptr;
}
KEVENT* event_object(Call& call, KEVENT* address, const char* what = "Event");

/// What the running thread keeps.
inline ThreadBook& book_of(Call& call) { return call.kernel().objects().threads.book(); }
/// The running thread's object; an idle CPU has none.
inline std::uint64_t current_thread_object(Call& call) {
  const Thread* thread = call.scheduler().thread();
  return thread == nullptr ? 0 : reinterpret_cast<std::uint64_t>(thread->kthread);
}
/// Does somebody need this thread to come back: is it no system thread of the driver's own?
inline bool is_urgent(Call& call) { return !call.kernel().objects().threads.current_is_system(); }

/// Windows would wait for ever: the machine ends here, with the stack of the wait.
[[noreturn]] void end_hopeless_wait(Call& call, const std::string& what);

/// An object may be waited for here; else a finding, and the end. DOC: VER-160
void check_may_wait(Call& call);

/// The signal was announced to be followed by a wait (Wait = TRUE): until then the IRQL stays raised.
void announce_wait(Call& call, bool wait);

}  // namespace drydock::ddi
