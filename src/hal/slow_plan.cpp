#include "hal/slow_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/check.h"

namespace drydock {

namespace {

/// A stretch of the buffer inside one page.
struct Piece {
  std::uint64_t address;
  std::uint64_t length;
};

class SlowPlanner {
 public:
  SlowPlanner(std::span<const PageSlice> slices, const Reach& reach, RegisterRun registers, std::size_t elements_room,
              std::size_t bounces_room)
      : reach_(reach), registers_(registers), elements_room_(std::min<std::size_t>(elements_room, reach.elements_max)),
        bounces_room_(bounces_room) {
    for (const PageSlice& slice : slices) cut_into_pieces(slice);
    total_ = total_ / reach.minimum_transfer_unit * reach.minimum_transfer_unit;
  }

  SlowPlan run() {
    if (total_ == 0) return finished(PlanEnd::complete);
    if (elements_room_ == 0 && !reach_.scatter_gather) return finished(PlanEnd::elements);
    if (!reach_.scatter_gather) return run_one_element();
    while (done_ < total_) {
      const std::uint64_t direct = direct_at(done_);
      if (direct > 0) {
        if (elements_.size() == elements_room_) return finished(PlanEnd::elements);
        add_element(address_at(done_), direct, false);
        done_ += direct;
      } else {
        const PlanEnd end = bounce_at(done_);
        if (end != PlanEnd::complete) return finished(end);
      }
    }
    return finished(PlanEnd::complete);
  }

 private:
  void cut_into_pieces(const PageSlice& slice) {
    std::uint64_t position = slice.offset, left = slice.length;
    while (left > 0) {
      const std::uint64_t in_page = position % kPageSize;
      const std::uint64_t length = std::min(left, kPageSize - in_page);
      pieces_.push_back({slice.pfns[position / kPageSize] * kPageSize + in_page, length});
      starts_.push_back(total_);
      total_ += length;
      position += length;
      left -= length;
    }
  }

  std::size_t piece_index(std::uint64_t position) const {
    return static_cast<std::size_t>(std::upper_bound(starts_.begin(), starts_.end(), position) - starts_.begin()) - 1;
  }
  std::uint64_t address_at(std::uint64_t position) const {
    const std::size_t i = piece_index(position);
    return pieces_[i].address + (position - starts_[i]);
  }
  std::uint64_t rest_of_piece(std::uint64_t position) const {
    const std::size_t i = piece_index(position);
    return starts_[i] + pieces_[i].length - position;
  }
  bool reachable(std::uint64_t address) const { return address / kPageSize * kPageSize + (kPageSize - 1) <= reach_.highest; }
  std::uint64_t to_boundary(std::uint64_t address) const {
    return reach_.boundary == 0 ? ~std::uint64_t{0} : reach_.boundary - address % reach_.boundary;
  }
  std::uint64_t longest() const {
    const std::uint64_t grain = std::max(reach_.minimum_transfer_unit, reach_.alignment);
    return reach_.element_length_max / grain * grain;
  }

  /// Bytes from `position` that can be one element without a copy.
  std::uint64_t direct_at(std::uint64_t position) const {
    const std::uint64_t first = address_at(position);
    if (first % reach_.alignment != 0) return 0;
    const std::uint64_t limit = std::min({to_boundary(first), longest(), total_ - position});
    std::uint64_t bytes = 0;
    while (bytes < limit) {
      const std::uint64_t address = address_at(position + bytes);
      if (address != first + bytes || !reachable(address)) break;
      bytes = std::min(limit, bytes + rest_of_piece(position + bytes));
    }
    return bytes / reach_.minimum_transfer_unit * reach_.minimum_transfer_unit;
  }

  /// Byte of the register run at which memory at `address` goes.
  std::uint64_t register_place(std::uint64_t address) const {
    const std::uint64_t offset = address % kPageSize;
    if (!bounced_.empty() && bounced_.back() && used_ % kPageSize == offset) return used_;
    const std::uint64_t fresh = (used_ + kPageSize - 1) / kPageSize * kPageSize;
    const bool on_grain = offset % reach_.minimum_transfer_unit == 0 && offset % reach_.alignment == 0;
    return fresh + (on_grain ? offset : 0);
  }

  PlanEnd bounce_at(std::uint64_t position) {
    const std::uint64_t unit = reach_.minimum_transfer_unit;
    std::uint64_t wanted = total_ - position;
    if (reach_.scatter_gather) wanted = std::min(wanted, (rest_of_piece(position) + unit - 1) / unit * unit);
    const std::uint64_t at = register_place(address_at(position));
    const std::uint64_t room = std::uint64_t{registers_.count} * kPageSize;
    std::uint64_t can = 0;  // piece by piece: is there a record for it, and are there register bytes?
    for (std::size_t records = bounces_.size(); can < wanted && records < bounces_room_; ++records)
      can += rest_of_piece(position + can);
    can = std::min({can, wanted, at < room ? room - at : 0}) / unit * unit;
    const std::uint64_t put = put_bounced(registers_.first_page * kPageSize + at, can, position);
    done_ += put;
    if (put > 0) used_ = at + put;
    if (put < can) return PlanEnd::elements;
    return can < wanted ? PlanEnd::registers : PlanEnd::complete;
  }

  std::uint64_t put_bounced(std::uint64_t device, std::uint64_t bytes, std::uint64_t position) {
    std::uint64_t put = 0;
    while (put < bytes) {
      const std::uint64_t address = device + put;
      const bool joins = !elements_.empty() && bounced_.back() && elements_.back().address.value + elements_.back().length == address &&
                         (reach_.boundary == 0 || address % reach_.boundary != 0) && elements_.back().length < longest();
      if (!joins && (elements_.size() == elements_room_ || (!reach_.scatter_gather && put > 0))) break;
      const std::uint64_t room = longest() - (joins ? elements_.back().length : 0);
      const std::uint64_t take = std::min({bytes - put, to_boundary(address), room});
      if (joins) elements_.back().length += static_cast<std::uint32_t>(take);
      else add_element(address, take, true);
      put += take;
    }
    add_records(device, put, position);
    return put;
  }

  void add_records(std::uint64_t device, std::uint64_t bytes, std::uint64_t position) {
    for (std::uint64_t at = 0; at < bytes;) {
      const std::uint64_t length = std::min(bytes - at, rest_of_piece(position + at));
      bounces_.push_back({address_at(position + at), {device + at}, static_cast<std::uint32_t>(length), element_with(device + at)});
      at += length;
    }
  }

  std::uint32_t element_with(std::uint64_t address) const {
    for (std::size_t i = elements_.size(); i > 0; --i)
      if (bounced_[i - 1] && address >= elements_[i - 1].address.value && address < elements_[i - 1].address.value + elements_[i - 1].length)
        return static_cast<std::uint32_t>(i - 1);
    return ~0u;
  }

  void add_element(std::uint64_t address, std::uint64_t length, bool bounced) {
    elements_.push_back({{address}, static_cast<std::uint32_t>(length), 0, 0});
    bounced_.push_back(bounced);
  }

  // Straight if that is the whole transfer, else whatever carries more; registers when it is the same.
  SlowPlan run_one_element() {
    const std::uint64_t direct = direct_at(0);
    if (direct < total_) {
      const PlanEnd end = bounce_at(0);
      if (done_ > 0 && done_ >= direct) return finished(done_ == total_ ? PlanEnd::complete : end);
      elements_.clear(), bounced_.clear(), bounces_.clear();
      done_ = used_ = 0;
    }
    if (direct > 0) add_element(address_at(0), direct, false);
    done_ = direct;
    return finished(done_ == total_ ? PlanEnd::complete : PlanEnd::registers);
  }

  SlowPlan finished(PlanEnd end) {
    const auto registers = static_cast<std::uint32_t>((used_ + kPageSize - 1) / kPageSize);
    const Plan plan{done_, static_cast<std::uint32_t>(elements_.size()), static_cast<std::uint32_t>(bounces_.size()), registers, end};
    return {plan, std::move(elements_), std::move(bounces_)};
  }

  const Reach reach_;
  const RegisterRun registers_;
  const std::size_t elements_room_, bounces_room_;
  std::vector<Piece> pieces_;
  std::vector<std::uint64_t> starts_;
  std::uint64_t total_ = 0, done_ = 0, used_ = 0;
  std::vector<DmaElement> elements_;
  std::vector<bool> bounced_;
  std::vector<Bounce> bounces_;
};

}  // namespace

SlowPlan plan_slowly(std::span<const PageSlice> slices, const Reach& reach, RegisterRun registers, std::size_t elements_room,
                     std::size_t bounces_room) {
  return SlowPlanner(slices, reach, registers, elements_room, bounces_room).run();
}

std::string difference_from_slow_plan(std::span<const PageSlice> slices, const Reach& reach, RegisterRun registers,
                                      const PlanStorage& out, const Plan& plan) {
  const SlowPlan slow = plan_slowly(slices, reach, registers, out.elements.size(), out.bounces.size());
  if (slow.plan != plan)
    return fmt::format("bytes {} / {}, elements {} / {}, bounces {} / {}, registers {} / {}, end {} / {}", plan.bytes,
                       slow.plan.bytes, plan.elements, slow.plan.elements, plan.bounces, slow.plan.bounces, plan.registers,
                       slow.plan.registers, static_cast<int>(plan.end), static_cast<int>(slow.plan.end));
  for (std::size_t i = 0; i < slow.elements.size(); ++i)
    if (slow.elements[i].address != out.elements[i].address || slow.elements[i].length != out.elements[i].length ||
        out.elements[i].reserved != 0)
      return fmt::format("element {}: {:#x}+{:#x} / {:#x}+{:#x}", i, out.elements[i].address.value, out.elements[i].length,
                         slow.elements[i].address.value, slow.elements[i].length);
  for (std::size_t i = 0; i < slow.bounces.size(); ++i) {
    const Bounce &a = out.bounces[i], &b = slow.bounces[i];
    if (a.memory != b.memory || a.device != b.device || a.length != b.length || a.element != b.element)
      return fmt::format("bounce {}: {:#x} at {:#x}+{:#x} element {} / {:#x} at {:#x}+{:#x} element {}", i, a.memory,
                         a.device.value, a.length, a.element, b.memory, b.device.value, b.length, b.element);
  }
  return {};
}

void check_against_slow_plan(std::span<const PageSlice> slices, const Reach& reach, RegisterRun registers, const PlanStorage& out,
                             const Plan& plan) {
  const std::string difference = difference_from_slow_plan(slices, reach, registers, out, plan);
  CHECK(difference.empty(), "the two planners disagree (fast / slow): {}", difference);
}

}  // namespace drydock
