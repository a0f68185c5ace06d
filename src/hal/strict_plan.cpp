// The planner for devices that want more than a list of pages: no scatter/gather, a minimum transfer unit, an alignment.
// It decides unit by unit, straight or bounced.

#include "base/check.h"
#include "hal/plan_writer.h"

namespace drydock {

namespace {

std::uint64_t total_bytes(std::span<const PageSlice> slices) {
  std::uint64_t sum = 0;
  for (const PageSlice& slice : slices) sum += slice.length;
  return sum;
}

void advance(BufferWalk& walk, std::uint64_t bytes) {
  while (bytes > 0) {
    const std::uint64_t step = std::min(walk.piece(), bytes);
    walk.advance(step);
    bytes -= step;
  }
}

// Bytes at `walk` that one element can take straight from memory.
std::uint64_t direct_bytes(BufferWalk walk, std::uint64_t most, const Reach& reach) {
  if (walk.address() % reach.alignment != 0) return 0;
  most = std::min<std::uint64_t>(most, reach.element_length_used());
  if (reach.boundary != 0) most = std::min(most, reach.boundary - walk.address() % reach.boundary);
  std::uint64_t bytes = 0;
  for (std::uint64_t expected = walk.address(); bytes < most && walk.address() == expected; ) {
    if (walk.page() > reach.highest_page()) break;
    const std::uint64_t piece = walk.piece();
    bytes += piece;
    expected += piece;
    walk.advance(piece);
    if (walk.at_end()) break;
  }
  return std::min(bytes, most) & ~std::uint64_t{reach.minimum_transfer_unit - 1};
}

// DOC: DMA-41 registers alias scattered pages to one range, so the whole transfer goes through them or none of it does.
std::uint64_t plan_one_element(PlanWriter& writer, BufferWalk walk, std::uint64_t total, const Reach& reach, RegisterRun registers) {
  const std::uint64_t direct = direct_bytes(walk, total, reach);
  if (direct < total && registers.count > 0) {
    PlanWriter attempt = writer;
    const std::uint64_t bounced = attempt.bounce(walk, total);
    if (bounced >= direct) {
      writer = attempt;
      return bounced;
    }
  }
  return writer.put(walk.address(), direct, false);
}

}  // namespace

Plan Planner::plan_strictly(std::span<const PageSlice> slices, RegisterRun registers, const PlanStorage& out) const {
  PlanWriter writer(*this, registers, out);
  const std::uint64_t unit = reach_.minimum_transfer_unit;
  const std::uint64_t total = total_bytes(slices) & ~(unit - 1);
  BufferWalk walk = BufferWalk::from_start(slices);
  std::uint64_t done = 0;
  if (!reach_.scatter_gather && total > 0) {
    if (writer.next == writer.end) return writer.finished(0, PlanEnd::elements);
    done = plan_one_element(writer, walk, total, reach_, registers);
    if (done == total) return writer.finished(done, PlanEnd::complete);
    return writer.finished(done, writer.shortage() == PlanEnd::complete ? PlanEnd::registers : writer.shortage());
  }
  while (done < total) {
    const std::uint64_t direct = direct_bytes(walk, total - done, reach_);
    std::uint64_t wanted = direct;
    std::uint64_t got = 0;
    if (direct > 0) {
      got = writer.put(walk.address(), direct, false);
    } else {
      wanted = std::min(total - done, (walk.piece() + unit - 1) & ~(unit - 1));
      got = writer.bounce(walk, wanted);
    }
    done += got;
    if (got < wanted) return writer.finished(done, direct > 0 ? PlanEnd::elements : writer.shortage());
    advance(walk, got);
  }
  return writer.finished(done, PlanEnd::complete);
}

}  // namespace drydock
