#include "sched/fiber.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "abi/memcheck.h"
#include "base/check.h"
#include "sched/guard.h"

#if defined(DRYDOCK_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(DRYDOCK_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace drydock {

// --- what the sanitizers must be told about a switch ------------------------------------------------------------------
// AddressSanitizer needs the bounds of the stack it is on; ThreadSanitizer keeps a shadow call stack per fiber.

namespace {

inline void before_switch([[maybe_unused]] void** fake_stack, [[maybe_unused]] const void* bottom,
                          [[maybe_unused]] std::size_t size) {
#if defined(DRYDOCK_ASAN)
  __sanitizer_start_switch_fiber(fake_stack, bottom, size);
#endif
}

inline void after_switch([[maybe_unused]] void* fake_stack, [[maybe_unused]] const void** from_bottom,
                         [[maybe_unused]] std::size_t* from_size) {
#if defined(DRYDOCK_ASAN)
  __sanitizer_finish_switch_fiber(fake_stack, from_bottom, from_size);
#endif
}

inline void* tsan_current() {
#if defined(DRYDOCK_TSAN)
  return __tsan_get_current_fiber();
#else
  return nullptr;
#endif
}

inline void tsan_switch([[maybe_unused]] void* to) {
#if defined(DRYDOCK_TSAN)
  __tsan_switch_to_fiber(to, 0);
#endif
}

inline void tsan_renew([[maybe_unused]] void*& fiber) {
#if defined(DRYDOCK_TSAN)
  if (fiber) __tsan_destroy_fiber(fiber);
  fiber = __tsan_create_fiber(0);
#endif
}

inline void tsan_destroy([[maybe_unused]] void* fiber) {
#if defined(DRYDOCK_TSAN)
  if (fiber) __tsan_destroy_fiber(fiber);
#endif
}

/// Frames that were abandoned never took their red zones away.
inline void forget_red_zones([[maybe_unused]] std::uintptr_t bottom, [[maybe_unused]] std::uintptr_t top) {
#if defined(DRYDOCK_ASAN)
  __asan_unpoison_memory_region(reinterpret_cast<void*>(bottom), top - bottom);
#endif
}

}  // namespace

// --- life -------------------------------------------------------------------------------------------------------------

Fiber::Fiber(std::string name, std::size_t stack_size) : name_(std::move(name)) {
  const std::size_t size = (stack_size + 4095) & ~std::size_t{4095};
  CHECK(size > 2 * kHostReserve, "a stack of {} bytes leaves nothing to the driver", size);
  void* area = mmap(nullptr, kFiberLowGuard + size + kFiberHighGuard, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  CHECK(area != MAP_FAILED, "no memory for the stack of {}: {}", name_, std::strerror(errno));
  bottom_ = reinterpret_cast<std::uintptr_t>(area) + kFiberLowGuard;
  top_ = bottom_ + size;
  const int opened = mprotect(reinterpret_cast<void*>(bottom_), size, PROT_READ | PROT_WRITE);
  CHECK(opened == 0, "no memory for the stack of {}: {}", name_, std::strerror(errno));
  floor_ = usable_floor();
  memcheck_name_ = memcheck::stack_is_made(bottom_, top_);
}

Fiber::~Fiber() {
  CHECK(state_ != State::running, "fiber {} destroyed while it runs", name_);
  forget_red_zones(bottom_, top_);
  tsan_destroy(tsan_self_);
  memcheck::stack_is_gone(memcheck_name_);
  munmap(reinterpret_cast<void*>(bottom_ - kFiberLowGuard), kFiberLowGuard + (top_ - bottom_) + kFiberHighGuard);
}

void Fiber::start(void (*body)(void*), void* argument) {
  CHECK(state_ == State::idle, "fiber {} started twice", name_);
  forget_red_zones(bottom_, top_);
  if (overflowed_) madvise(reinterpret_cast<void*>(bottom_), top_ - bottom_, MADV_DONTNEED);
  overflowed_ = false;
  guard_ = nullptr;
  exception_links = nullptr;
  segment_top_ = used_ = crossing_ = 0;
  pending_ = AbortReason::none;
  floor_ = usable_floor();
  body_ = body;
  argument_ = argument;
  tsan_renew(tsan_self_);
  context_ = stack_switch::make(reinterpret_cast<void*>(top_), &Fiber::entry);
  state_ = State::suspended;
}

void Fiber::abandon() {
  CHECK(state_ != State::running, "fiber {} abandoned while it runs", name_);
  state_ = State::idle;
  context_ = nullptr;
  guard_ = nullptr;
}

// --- the switch -------------------------------------------------------------------------------------------------------

void Fiber::resumed_wrongly() const {
  CHECK(state_ == State::suspended, "fiber {} resumed while it is not suspended", name_);
  __builtin_unreachable();
}

void Fiber::resume_announced() {
  if (state_ != State::suspended) resumed_wrongly();
  state_ = State::running;
  tsan_resumer_ = tsan_current();
  void* fake_stack = nullptr;
  before_switch(&fake_stack, reinterpret_cast<void*>(bottom_), top_ - bottom_);
  tsan_switch(tsan_self_);
  stack_switch::jump(&resumer_, context_, this);
  after_switch(fake_stack, nullptr, nullptr);
}

void Fiber::suspend_announced() {
  state_ = State::suspended;
  void* fake_stack = nullptr;
  before_switch(&fake_stack, resumer_stack_, resumer_stack_size_);
  tsan_switch(tsan_resumer_);
  stack_switch::jump(&context_, resumer_, nullptr);
  after_switch(fake_stack, &resumer_stack_, &resumer_stack_size_);
}

void Fiber::entry(void* self) {
  Fiber& fiber = *static_cast<Fiber*>(self);
  after_switch(nullptr, &fiber.resumer_stack_, &fiber.resumer_stack_size_);
  fiber.body_(fiber.argument_);
  fiber.state_ = State::idle;
  before_switch(nullptr, fiber.resumer_stack_, fiber.resumer_stack_size_);  // nullptr: this stack ends here
  tsan_switch(fiber.tsan_resumer_);
  stack_switch::jump(&fiber.context_, fiber.resumer_, nullptr);
  __builtin_unreachable();
}

// --- crossings from the driver: the slow paths ------------------------------------------------------------------------

MSABI void Fiber::note_driver_use(std::size_t used, std::uintptr_t rsp_of_caller) noexcept {
  std::uint64_t return_address = 0;  // a driver's rsp may be anything
  std::memcpy(&return_address, reinterpret_cast<const void*>(rsp_of_caller - 8), sizeof return_address);
  note_driver_use(used, {return_address, rsp_of_caller, 0, true});
}

void Fiber::note_driver_use(std::size_t used, const CodePlace& where) {
  if (used > peak_) peak_ = used;
  set_mark();
  if (used <= limit_ || !guard_ || guard_->limit_reported) return;
  guard_->limit_reported = true;
  if (MachineHooks* machine = current_machine()) machine->stack_limit_exceeded(*this, used, where);
}

void Fiber::request_abort(AbortReason reason) {
  pending_ = reason;
  floor_ = UINTPTR_MAX;  // every crossing now looks
}

void Fiber::request_abort_of_silent(std::uint64_t progress) {
  pending_progress_ = progress;
  request_abort(AbortReason::hung);
}

AbortReason Fiber::take_pending() {
  const AbortReason reason = pending_;
  if (reason == AbortReason::none) return reason;
  pending_ = AbortReason::none;
  floor_ = usable_floor();
  // It was drydock's own code that was silent, and it has come through.
  const MachineHooks* machine = current_machine();
  if (reason == AbortReason::endless && !(guard_ && guard_->ticks != 0)) return AbortReason::none;  // it did come back
  if (reason == AbortReason::hung && machine && machine->progress != pending_progress_) return AbortReason::none;
  return reason;
}

MSABI void Fiber::crossing_refused(std::uintptr_t rsp) noexcept {
  AbortReason reason = take_pending();
  if (reason == AbortReason::none && rsp < floor_) reason = AbortReason::stack_overflow;
  if (reason == AbortReason::none || !guard_) return;
  // The call into the export left its return address just below the driver's rsp.
  std::uint64_t registers[kGprCount] = {};
  registers[static_cast<std::size_t>(Gpr::rsp)] = rsp;
  std::memcpy(&registers[static_cast<std::size_t>(Gpr::rip)], reinterpret_cast<const void*>(rsp - 8), sizeof(std::uint64_t));
  cut_off(*this, reason, registers, 0);
}

}  // namespace drydock
