#include "hal/plan_writer.h"

namespace drydock {

namespace {

constexpr std::uint64_t round_up(std::uint64_t n, std::uint64_t power) { return (n + power - 1) & ~(power - 1); }
constexpr std::uint64_t round_down(std::uint64_t n, std::uint64_t power) { return n & ~(power - 1); }

}  // namespace

// A bounced byte keeps its offset in the page (DMA-40). If that is just where the registers stand, the bytes join those
// before them; else they begin a register of their own.
std::uint64_t PlanWriter::place(std::uint64_t memory) const {
  const std::uint64_t offset = memory & kPageMask;
  if (last_bounced && (registers_used_ & kPageMask) == offset) return registers_used_;
  return round_up(registers_used_, kPageSize) + (offset % planner_->reach_.grain() == 0 ? offset : 0);
}

// How many of the wanted bytes the registers behind `at` and the free records take.
std::uint64_t PlanWriter::fit(const BufferWalk& from, std::uint64_t wanted, std::uint64_t at) const {
  const std::uint64_t room = std::uint64_t{registers_.count} << kPageShift;
  const std::uint64_t most = room > at ? std::min(wanted, room - at) : 0;
  std::uint64_t bytes = 0;
  BufferWalk walk = from;
  for (std::size_t records = bounces_; bytes < most && records < out_.bounces.size(); ++records) {
    const std::uint64_t piece = walk.piece();
    bytes += piece;
    walk.advance(piece);
  }
  return round_down(std::min(bytes, most), planner_->reach_.minimum_transfer_unit);
}

std::uint64_t PlanWriter::bounce(BufferWalk from, std::uint64_t wanted) {
  const std::uint64_t at = place(from.address());
  const std::uint64_t fitting = fit(from, wanted, at);
  if (fitting < wanted) shortage_ = PlanEnd::registers;
  if (fitting == 0) return 0;
  const std::uint64_t device = (registers_.first_page << kPageShift) + at;
  const bool extends = continues(device) && last_bounced;
  const auto element = static_cast<std::uint32_t>(next - out_.elements.data()) - (extends ? 1 : 0);
  const std::uint64_t put_bytes = put(device, fitting, true);
  if (put_bytes < fitting) shortage_ = PlanEnd::elements;
  if (put_bytes == 0) return 0;
  record(from, put_bytes, device, element);
  registers_used_ = at + put_bytes;
  return put_bytes;
}

void PlanWriter::record(BufferWalk from, std::uint64_t bytes, std::uint64_t device, std::uint32_t element) {
  while (bytes > 0) {
    const std::uint64_t piece = std::min(from.piece(), bytes);
    while (out_.elements[element].address.value + out_.elements[element].length <= device) ++element;
    out_.bounces[bounces_++] = {from.address(), {device}, static_cast<std::uint32_t>(piece), element};
    from.advance(piece);
    device += piece;
    bytes -= piece;
  }
}

std::uint64_t PlanWriter::put(std::uint64_t address, std::uint64_t bytes, bool bounced) {
  std::uint64_t done = 0;
  while (done < bytes) {
    const std::uint64_t to_boundary = planner_->reach_.boundary == 0
                                          ? ~std::uint64_t{0}
                                          : planner_->reach_.boundary - (address & (planner_->reach_.boundary - 1));
    const bool extends = continues(address) && last_bounced == bounced;
    const std::uint64_t room = planner_->length_max_ - (extends ? next[-1].length : 0);
    const auto take = static_cast<std::uint32_t>(std::min({bytes - done, to_boundary, room}));
    if (!extends && next == end) break;
    if (extends) next[-1].length += take;
    else *next++ = {{address}, take, 0, 0};
    last_bounced = bounced;
    address += take;
    done += take;
    if (!planner_->reach_.scatter_gather) break;
  }
  return done;
}

}  // namespace drydock
