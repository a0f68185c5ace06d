#include "seh/frame_walk.h"

#include "sched/guard.h"

namespace drydock::seh {
namespace {

std::uintptr_t address_of(const void* object) { return reinterpret_cast<std::uintptr_t>(object); }

}  // namespace

Link::Link(Fiber& fiber, TrapFrame& caller)
    : fiber_(fiber), outer_(innermost(fiber)), outer_guard_(fiber.innermost_guard()), call_frames_(fiber.call_frames),
      kind_(LinkKind::transparent), vessel_(caller) {
  fiber.exception_links = this;
}

Link::Link(Fiber& fiber, LinkKind kind, TrapFrame& vessel, const Position& outside, DISPATCHER_CONTEXT& dispatcher) : Link(fiber, vessel) {
  kind_ = kind;
  outside_ = &outside;
  dispatcher_ = &dispatcher;
}

Position Link::outside() const {
  if (kind_ == LinkKind::transparent) return {context_of(vessel_), RipKind::return_address, outer_guard_, 0};
  Position position = *outside_;
  if (kind_ == LinkKind::unwind) position.scope_index = dispatcher_->ScopeIndex;
  return position;
}

// An interrupt taken on the way is a driver call of its own, between a link and the call it is for.
const Link* Link::of(const Fiber& fiber, const EntryGuard& guard) {
  if (has_own_stack(guard.kind)) return nullptr;
  for (const Link* link = innermost(fiber); link != nullptr; link = link->outer_) {
    if (address_of(link) < address_of(&guard)) continue;
    return link->outer_guard_ == guard.outer ? link : nullptr;
  }
  return nullptr;
}

bool Link::passes_border(const Fiber& fiber, std::uintptr_t frame) {
  for (const Link* link = innermost(fiber); link != nullptr && address_of(link) < frame; link = link->outer_)
    if (link->kind_ == LinkKind::transparent) return true;
  return false;
}

void Link::abandon_below(Fiber& fiber, std::uintptr_t rsp) {
  while (Link* link = innermost(fiber)) {
    if (address_of(link) >= rsp) break;
    if (link->kind_ == LinkKind::transparent) fiber.call_frames = link->call_frames_;
    fiber.exception_links = link->outer_;
  }
  while (EntryGuard* guard = fiber.innermost_guard()) {
    if (address_of(guard) >= rsp) break;
    guard->leave(fiber);
  }
}

bool FrameWalk::settle() {
  while (!(image_ = code_.image_at(at_.registers.rip))) {
    const Link* link = at_.guard == nullptr ? nullptr : Link::of(fiber_, *at_.guard);
    if (link == nullptr) return false;
    at_ = link->outside();
  }
  return true;
}

std::optional<UnwindStep> FrameWalk::look(RegisterContext& caller) const {
  const StackRange stack(fiber_.stack_bottom(), fiber_.stack_top());
  caller = at_.registers;
  auto step = virtual_unwind(*image_->pe, image_->base, caller, at_.kind, stack);
  if (!step) return std::nullopt;
  if (!step->function && at_.kind == RipKind::return_address) return std::nullopt;  // a leaf does not call
  if (caller.rsp <= at_.registers.rsp && !step->machine_frame) return std::nullopt;
  return *step;
}

void FrameWalk::go_to(const RegisterContext& caller, const UnwindStep& step) {
  at_.registers = caller;
  at_.kind = step.machine_frame ? RipKind::exact : RipKind::return_address;
  at_.scope_index = 0;
}

}  // namespace drydock::seh
