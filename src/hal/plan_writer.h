#pragma once
// What the fast and the strict planner share: walking the pieces of a buffer, and writing bounced bytes into registers,
// records and elements. Internal to the planner.

#include <algorithm>

#include "hal/plan.h"

namespace drydock {

/// A place in a buffer. Positions count from the start of a slice's first page.
struct BufferWalk {
  std::span<const PageSlice> slices;
  std::size_t slice = 0;
  std::uint64_t position = 0;

  static BufferWalk from_start(std::span<const PageSlice> slices) { return {slices, 0, slices.empty() ? 0 : slices[0].offset}; }
  bool at_end() const { return slice == slices.size(); }
  std::uint64_t slice_end() const { return slices[slice].offset + slices[slice].length; }
  std::uint64_t page() const { return slices[slice].pfns[position >> kPageShift]; }
  std::uint64_t address() const { return page() << kPageShift | (position & kPageMask); }
  /// Bytes from here to the end of the page or slice.
  std::uint64_t piece() const { return std::min(slice_end() - position, kPageSize - (position & kPageMask)); }
  /// `bytes` is at most piece().
  void advance(std::uint64_t bytes) {
    position += bytes;
    if (position == slice_end() && ++slice < slices.size()) position = slices[slice].offset;
  }
};

class PlanWriter {
 public:
  PlanWriter(const Planner& planner, RegisterRun registers, const PlanStorage& out)
      : planner_(&planner), registers_(registers), out_(out), next(out.elements.data()),
        end(next + std::min<std::size_t>(out.elements.size(), planner.reach_.elements_max)) {}

  /// Bounces the bytes at `from`, as many of `wanted` as fit (whole transfer units); returns how many.
  std::uint64_t bounce(BufferWalk from, std::uint64_t wanted);

  /// bounce() for the usual case, in line: one piece of one page, a device with a grain of a byte, no limit in the way.
  /// False, and nothing done, in every other case.
  bool bounce_piece(std::uint64_t memory, std::uint64_t piece) {
    const std::uint64_t offset = memory & kPageMask;
    const bool joins = last_bounced && (registers_used_ & kPageMask) == offset;
    const std::uint64_t at = joins ? registers_used_ : ((registers_used_ + kPageMask) & ~kPageMask) + offset;
    const std::uint64_t device = (registers_.first_page << kPageShift) + at;
    if (at + piece > std::uint64_t{registers_.count} << kPageShift || bounces_ == out_.bounces.size()) return false;
    const bool extends = last_bounced && next[-1].address.value + next[-1].length == device && !begins_element(device);
    if (extends ? next[-1].length + piece > planner_->length_max_ : next == end) return false;
    if (extends) next[-1].length += static_cast<std::uint32_t>(piece);
    else *next++ = {{device}, static_cast<std::uint32_t>(piece), 0, 0};
    const auto element = static_cast<std::uint32_t>(next - out_.elements.data()) - 1;
    out_.bounces[bounces_++] = {memory, {device}, static_cast<std::uint32_t>(piece), element};
    registers_used_ = at + piece;
    last_bounced = true;
    return true;
  }

  /// Cuts [address, address + bytes) into elements; returns the bytes for which there was room.
  std::uint64_t put(std::uint64_t address, std::uint64_t bytes, bool bounced);

  Plan finished(std::uint64_t bytes, PlanEnd why) const {
    const auto used = static_cast<std::uint32_t>((registers_used_ + kPageMask) >> kPageShift);
    return {bytes, static_cast<std::uint32_t>(next - out_.elements.data()), bounces_, used, why};
  }

  /// Would an element at `address` be the same as the one before `next`?
  bool continues(std::uint64_t address) const {
    return next != out_.elements.data() && next[-1].address.value + next[-1].length == address && !begins_element(address) &&
           next[-1].length < planner_->length_max_;
  }

  /// Why bounce() returned less than wanted.
  PlanEnd shortage() const { return shortage_; }

 private:
  std::uint64_t place(std::uint64_t memory) const;
  std::uint64_t fit(const BufferWalk& from, std::uint64_t wanted, std::uint64_t at) const;
  void record(BufferWalk from, std::uint64_t bytes, std::uint64_t device, std::uint32_t element);
  bool begins_element(std::uint64_t address) const {
    return (address & kPageMask) == 0 && ((address >> kPageShift) & planner_->boundary_pages_) == 0;
  }

  const Planner* planner_;
  RegisterRun registers_;
  PlanStorage out_;
  std::uint64_t registers_used_ = 0;  ///< bytes of the register run, from its start
  std::uint32_t bounces_ = 0;
  PlanEnd shortage_ = PlanEnd::complete;

 public:
  DmaElement* next;
  DmaElement* end;
  bool last_bounced = false;  ///< the element before `next` lies in registers
};

}  // namespace drydock
