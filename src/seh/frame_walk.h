#pragma once
// The walk from an exception outwards, over driver frames only. Between the frames of one call into the driver and those of
// the next lies drydock's own code; the walk crosses that border only where a Link on the fiber says how:
//
//   search       a filter is being asked: the frames outside it are those of the exception it was asked about, from the
//                innermost one on
//   unwind       a __finally block runs: the frame it belongs to comes next, without the blocks that have begun already
//                (the unwinding under way is superseded)
//   transparent  a routine through which exceptions pass (it calls another driver): its caller comes next
//
// Anywhere else the walk ends. ASSUMED: the first two are not in Microsoft's documentation; generated nestings against a
// model pin them (tests/drivers/exceptions_random).

#include <cstdint>
#include <optional>

#include "abi/wdk.h"
#include "loader/symbols/unwind.h"
#include "sched/fiber.h"

namespace drydock::seh {

/// A frame of the driver, and the call into the driver that it belongs to.
struct Position {
  RegisterContext registers;
  RipKind kind = RipKind::exact;
  const EntryGuard* guard = nullptr;
  std::uint32_t scope_index = 0;  // the first scope of the frame's table that counts
};

enum class LinkKind : std::uint8_t { search, unwind, transparent };

/// Says how an exception gets from the driver call that is made next to the one in progress. Lives in the frame of
/// whoever makes that call; what was unwound takes its links along.
class Link {
 public:
  Link(Fiber& fiber, LinkKind kind, TrapFrame& vessel, const Position& outside, DISPATCHER_CONTEXT& dispatcher);
  /// Transparent: the registers of the routine's caller are where the walk goes on. Nothing is copied before one comes by.
  Link(Fiber& fiber, TrapFrame& caller);
  ~Link() { fiber_.exception_links = outer_; }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// Where the walk goes on.
  Position outside() const;
  LinkKind kind() const { return kind_; }
  TrapFrame& vessel() const { return vessel_; }  ///< a frame on the stack to resume the driver with
  DISPATCHER_CONTEXT* dispatcher() const { return dispatcher_; }

  static Link* innermost(const Fiber& fiber) { return static_cast<Link*>(fiber.exception_links); }
  /// The link of the driver call `guard`; null when exceptions end there.
  static const Link* of(const Fiber& fiber, const EntryGuard& guard);
  /// Does a transparent border lie between here and the frame?
  static bool passes_border(const Fiber& fiber, std::uintptr_t frame);
  /// Control goes to `rsp`: links, driver calls and their books below it are gone.
  static void abandon_below(Fiber& fiber, std::uintptr_t rsp);

 private:
  Fiber& fiber_;
  Link* outer_;
  const EntryGuard* outer_guard_;
  void* call_frames_;
  LinkKind kind_;
  TrapFrame& vessel_;
  const Position* outside_ = nullptr;
  DISPATCHER_CONTEXT* dispatcher_ = nullptr;
};

class FrameWalk {
 public:
  FrameWalk(const Fiber& fiber, const CodeMap& code, const Position& start) : fiber_(fiber), code_(code), at_(start) {}

  /// Crosses borders; false at the end of the walk.
  bool settle();
  const Position& position() const { return at_; }
  const CodeImage& image() const { return *image_; }
  std::uint32_t rva() const { return static_cast<std::uint32_t>(at_.registers.rip - image_->base); }
  /// The frame the walk stands at; `caller` receives the registers of its caller. Nothing when the stack is damaged.
  std::optional<UnwindStep> look(RegisterContext& caller) const;
  void go_to(const RegisterContext& caller, const UnwindStep& step);

 private:
  const Fiber& fiber_;
  const CodeMap& code_;
  Position at_;
  std::optional<CodeImage> image_;
};

}  // namespace drydock::seh
