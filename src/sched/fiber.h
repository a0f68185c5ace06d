#pragma once
// Fiber: a stack of its own on which drivers run. It is started with a body, resumed from anywhere and suspends back to
// whoever resumed it; a finished one is started again without new memory. A fiber that stays suspended is freed with its
// stack and nothing unwinds. Both ends of the stack are guarded. It also counts how much stack the *driver* uses, apart
// from drydock's own frames, because Windows gives a thread 24 KiB.
//
// States: idle (new or finished) -> running <-> suspended -> idle.

#include <cstddef>
#include <cstdint>
#include <string>

#include "abi/ms_abi.h"
#include "abi/stack_switch.h"
#include "sched/machine_hooks.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DRYDOCK_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define DRYDOCK_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define DRYDOCK_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define DRYDOCK_TSAN 1
#endif

namespace drydock {

class Fiber;
struct EntryGuard;
[[noreturn]] void abort_driver_call(Fiber& fiber, AbortReason reason);

inline constexpr std::size_t kFiberStackSize = 256 * 1024;
inline constexpr std::size_t kFiberLowGuard = 64 * 1024;  // hand-written code may step over a single page
inline constexpr std::size_t kFiberHighGuard = 4096;
/// What Windows gives a thread of an x64 kernel; beyond it a finding.
inline constexpr std::size_t kDriverStackLimit = 24 * 1024;
/// Room that drydock's own code may need below a crossing from the driver.
#if defined(DRYDOCK_ASAN) || defined(DRYDOCK_TSAN) || !defined(__OPTIMIZE__)
inline constexpr std::size_t kHostReserve = 96 * 1024;
#else
inline constexpr std::size_t kHostReserve = 32 * 1024;
#endif

class Fiber {
 public:
  explicit Fiber(std::string name, std::size_t stack_size = kFiberStackSize);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  const std::string& name() const { return name_; }
  void rename(std::string name) { name_ = std::move(name); }

  /// Idle -> suspended at the first instruction of body(argument). Body runs at the next resume().
  void start(void (*body)(void*), void* argument);
  /// Forgets what it was doing (the machine is dead); suspended -> idle, nothing unwinds.
  void abandon();
  /// Runs until it suspends or finishes. The gs base and MachineHooks::current_fiber are the caller's (see run_fiber).
  void resume();
  /// From within: back to the one that resumed.
  void suspend();

  bool finished() const { return state_ == State::idle; }
  bool running() const { return state_ == State::running; }

  std::uintptr_t stack_bottom() const { return bottom_; }
  std::uintptr_t stack_top() const { return top_; }
  bool owns_stack(std::uintptr_t address) const { return address >= bottom_ && address <= top_; }
  /// Where a stack that has run out touches.
  bool in_low_guard(std::uintptr_t address) const { return address >= bottom_ - kFiberLowGuard && address < bottom_; }

  /// The innermost call into the driver; null when none.
  EntryGuard* innermost_guard() const { return guard_; }
  /// Most stack the driver ever had in use on this fiber (each ISR and DPC counted alone), as seen at crossings.
  std::size_t driver_stack_peak() const { return peak_; }
  void set_driver_stack_limit(std::size_t bytes) {
    limit_ = bytes;
    set_mark();
  }

  const AbortRecord& last_abort() const { return abort_record_; }

  /// Belongs to whoever keeps books of the calls in progress on this fiber (io/driver_call.h).
  void* call_frames = nullptr;
  /// The same of the handlers of exceptions in progress (seh/frame_walk.h).
  void* exception_links = nullptr;

  /// Makes the next crossing of the current driver call abandon it. Async-signal-safe.
  void request_abort(AbortReason);
  /// The same as hung, unless the machine makes progress meanwhile.
  void request_abort_of_silent(std::uint64_t progress);

 private:
  friend struct EntryGuard;
  friend class DriverCrossing;
  friend class TrapCrossing;
  friend void abort_driver_call(Fiber&, AbortReason);
  friend std::uintptr_t prepare_landing(Fiber&, AbortReason, const std::uint64_t*, std::uint64_t);
  enum class State : std::uint8_t { idle, suspended, running };

  static void entry(void* self);
  [[noreturn]] void resumed_wrongly() const;
  void resume_announced();   // the same with what the sanitizers must be told
  void suspend_announced();
  std::uintptr_t usable_floor() const { return bottom_ + kHostReserve; }
  /// The driver's bytes in use when it crosses at `rsp`.
  std::size_t driver_use(std::uintptr_t rsp) const { return used_ + (segment_top_ - rsp); }
  void set_mark() {
    const std::size_t noticed = peak_ < limit_ ? peak_ : limit_;
    mark_ = noticed >= used_ ? segment_top_ - (noticed - used_) : UINTPTR_MAX;
  }
  // Slow paths of a crossing.
  [[gnu::noinline]] MSABI void note_driver_use(std::size_t used, std::uintptr_t rsp_of_caller) noexcept;
  void note_driver_use(std::size_t used, const CodePlace& where);
  [[gnu::noinline]] MSABI void crossing_refused(std::uintptr_t rsp) noexcept;
  AbortReason take_pending();

  // Touched by every crossing: first cache line.
  EntryGuard* guard_ = nullptr;
  std::uintptr_t crossing_ = 0;        // rsp of the driver where it left the innermost segment last
  std::uintptr_t mark_ = 0;            // a crossing below it uses more stack than any before, or too much: look
  volatile std::uintptr_t floor_ = 0;  // a crossing below it is refused; raised to the maximum by request_abort
  std::uintptr_t segment_top_ = 0;     // rsp with which the innermost driver call was entered
  std::size_t used_ = 0;               // driver bytes of the segments around the innermost one
  std::size_t limit_ = kDriverStackLimit;
  std::size_t peak_ = 0;
  State state_ = State::idle;
  bool overflowed_ = false;            // host bytes stay committed until the next start
  volatile AbortReason pending_ = AbortReason::none;

  stack_switch::Context context_ = nullptr;
  stack_switch::Context resumer_ = nullptr;
  void (*body_)(void*) = nullptr;
  void* argument_ = nullptr;
  unsigned memcheck_name_ = 0;
  std::uintptr_t bottom_ = 0;
  std::uintptr_t top_ = 0;
  std::uint64_t pending_progress_ = 0;  // MachineHooks::progress when the abort was requested by the watchdog
  AbortRecord abort_record_;
  std::string name_;

  // Sanitizer bookkeeping of the switch (unused in plain builds).
  const void* resumer_stack_ = nullptr;
  std::size_t resumer_stack_size_ = 0;
  void* tsan_self_ = nullptr;
  void* tsan_resumer_ = nullptr;
};

#if defined(DRYDOCK_ASAN) || defined(DRYDOCK_TSAN)
inline void Fiber::resume() { resume_announced(); }
inline void Fiber::suspend() { suspend_announced(); }
#else
[[gnu::always_inline]] inline void Fiber::resume() {
  if (state_ != State::suspended) [[unlikely]] resumed_wrongly();
  state_ = State::running;
  stack_switch::jump(&resumer_, context_, this);
}

[[gnu::always_inline]] inline void Fiber::suspend() {
  state_ = State::suspended;
  stack_switch::jump(&context_, resumer_, nullptr);
}
#endif

/// Resumes `fiber` as the machine's current one, and puts the former current one back.
inline void run_fiber(MachineHooks& machine, Fiber& fiber) {
  Fiber* before = machine.current_fiber;
  machine.current_fiber = &fiber;
  fiber.resume();
  machine.current_fiber = before;
}

}  // namespace drydock
