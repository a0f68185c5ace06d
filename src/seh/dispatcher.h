#pragma once
// Exceptions of driver code, in two phases. dispatch() looks for a handler from the innermost frame outwards and asks each
// function's language handler; nothing is unwound meanwhile, so a filter can still say "go on". When one accepts, unwind()
// calls the termination handlers from the innermost frame up to the one that accepted, and the driver goes on there, with
// the registers that this function had.
//
// Runs on the driver's own stack, below the frames it looks at, as ordinary code. Language handlers, filters and __finally
// blocks are calls into the driver like any other (enter_driver), so they may trap, raise, and be abandoned. Nothing here
// may own anything while it calls: the call may not come back.
//
// Only the frames of one call into the driver are searched; see frame_walk.h for how the search goes on further out.

#include "abi/trap_frame.h"
#include "abi/wdk.h"
#include "loader/symbols/unwind.h"
#include "seh/frame_walk.h"
#include "sched/fiber.h"
#include "trace/code_place.h"

namespace drydock::seh {

enum class Outcome : std::uint8_t {
  continued,  ///< a filter said so: the driver goes on with the frame, which holds the context as the filter left it
  unhandled   ///< nobody wants it; nothing has been unwound
};

/// Would a handler be asked? Unknown: the frames cannot be followed to where the driver was called.
enum class Guarded : std::uint8_t { no, yes, unknown };

/// Where an unwinding ends. Without a frame it runs to the end of the walk.
struct UnwindTarget {
  std::uint64_t frame = 0;        ///< establisher frame
  std::uint64_t ip = 0;
  std::uint64_t return_value = 0; ///< for rax
  EXCEPTION_RECORD* record = nullptr;
  CONTEXT* context = nullptr;     ///< where handlers see the registers of the frame being unwound; null: in one of our own
};

/// Is told of what is no mistake of the mechanism but one of a driver.
class Witness {
 public:
  /// An exception is about to be taken by a driver above the one that caused it; where it was caused.
  virtual void taken_above(const EXCEPTION_RECORD& record, const CodePlace& where) = 0;

 protected:
  ~Witness() = default;
};

class Dispatcher {
 public:
  explicit Dispatcher(const CodeMap& code, Witness* witness = nullptr) : code_(code), witness_(witness) {}

  /// An exception at `frame`, which lies on the stack of `fiber` (the running one) below everything it describes. `kind`
  /// says whether its rip is the instruction itself. Does not return when a handler takes it.
  Outcome dispatch(Fiber& fiber, TrapFrame& frame, RipKind kind, EXCEPTION_RECORD& record);

  /// Would an exception there meet an __except of the driver's? Nothing of the driver runs: what its filter would say is not
  /// asked. A __finally is none, nor is a handler that has no scope table.
  Guarded guarded(const Fiber& fiber, const TrapFrame& frame, RipKind kind) const;
  /// The same for a place of which rip, rsp and rbp are known, as of the call of a routine.
  Guarded guarded(const Fiber& fiber, const CodePlace& place) const;

  /// The language handler of C: asks the filters of a scope table, or runs its __finally blocks.
  EXCEPTION_DISPOSITION run_scopes(Fiber& fiber, EXCEPTION_RECORD& record, std::uint64_t establisher_frame, CONTEXT& context,
                                   DISPATCHER_CONTEXT& dispatcher);

  /// Unwinds from `frame`, the registers of a caller, to the target and goes on there. Returns when there is no such frame.
  void unwind(Fiber& fiber, TrapFrame& frame, const UnwindTarget& target);

  const CodeMap& code() const { return code_; }

 private:
  struct Question;
  Outcome search(Fiber& fiber, TrapFrame& frame, const Position& start, EXCEPTION_RECORD& record);
  Outcome raise_about(Fiber& fiber, TrapFrame& frame, const Position& start, EXCEPTION_RECORD& about, NTSTATUS code);
  void unwind_from(Fiber& fiber, TrapFrame& vessel, const Position& start, const UnwindTarget& target);
  EXCEPTION_DISPOSITION ask(const Question& question);
  EXCEPTION_DISPOSITION ask_filters(Fiber& fiber, EXCEPTION_RECORD& record, std::uint64_t establisher_frame, CONTEXT& context,
                                    DISPATCHER_CONTEXT& dispatcher);
  EXCEPTION_DISPOSITION run_finally_blocks(EXCEPTION_RECORD& record, std::uint64_t establisher_frame, DISPATCHER_CONTEXT& dispatcher);
  [[noreturn]] void accept(Fiber& fiber, EXCEPTION_RECORD& record, std::uint64_t establisher_frame, std::uint64_t ip);
  Position start_at(const Fiber& fiber, const TrapFrame& frame, RipKind kind) const;
  Guarded guarded_from(const Fiber& fiber, const Position& start) const;
  bool has_except(const FrameWalk& walk, const UnwindStep& step) const;

  const CodeMap& code_;
  Witness* witness_;
};

}  // namespace drydock::seh
