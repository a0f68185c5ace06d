// The fast planner: for devices with scatter/gather and no grain. Runs of pages are found page by page in short slices and
// eight pages at a time with AVX2 from 16 pages on (below that the set-up costs more than it saves). Pages beyond reach go
// through PlanWriter::bounce; their copies cost more than any cleverness here could save.

#include "hal/plan.h"

#include <immintrin.h>

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "hal/plan_writer.h"
#ifdef DRYDOCK_CHECKED
#include "hal/slow_plan.h"
#endif

namespace drydock {

namespace {

constexpr std::uint64_t kWidePages = 16;
constexpr std::uint64_t kBlock = 64;

/// The part of a slice that is being cut into elements. Positions count from the start of the slice's first page.
struct Run {
  std::uint64_t begin;    ///< position of the first byte not yet in an element
  std::uint64_t address;  ///< its address
};

struct Rules {
  std::uint64_t highest_page;
  std::uint64_t boundary_pages;
  std::uint64_t length_max;
};

/// Room for elements.
struct Output {
  DmaElement* next;
  DmaElement* end;
};

/// Where a scan stopped: the first page not looked at, or `full` where an element did not fit.
struct Scan {
  std::uint64_t page;
  bool full;
};

[[gnu::always_inline]] inline void write_element(DmaElement* element, std::uint64_t address, std::uint64_t bytes) {
  auto* words = reinterpret_cast<std::uint64_t*>(element);  // three stores: `bytes` fills length and padding
  words[0] = address;
  words[1] = bytes;
  words[2] = 0;
}

/// Ends a run that is longer than an element may be, or finds no room.
[[gnu::noinline]] bool end_hard_run(Output& out, Run& run, std::uint64_t to, std::uint64_t length_max) {
  while (run.begin != to && out.next != out.end) {
    const std::uint64_t take = std::min(to - run.begin, length_max);
    write_element(out.next++, run.address, take);
    run.address += take;
    run.begin += take;
  }
  return run.begin == to;
}

/// Ends the run at position `to`. False: no room for (all of) it; run.begin then tells how far it went.
[[gnu::always_inline]] inline bool end_run(Output& out, Run& run, std::uint64_t to, const Rules& rules) {
  const std::uint64_t bytes = to - run.begin;
  if (bytes > rules.length_max || out.next == out.end) [[unlikely]] {
    Output hard_out = out;  // copies, so that the caller's stay in registers
    Run hard_run = run;
    const bool ended = end_hard_run(hard_out, hard_run, to, rules.length_max);
    out = hard_out;
    run = hard_run;
    return ended;
  }
  write_element(out.next++, run.address, bytes);
  run.begin = to;
  return true;
}

/// Ends runs in [page, pages) up to the first page beyond reach.
[[gnu::always_inline]] inline Scan scan_pages(const std::uint64_t* pfns, std::uint64_t page, std::uint64_t pages, Run& run,
                                              Output& out, const Rules& rules) {
  for (; page < pages; ++page) {
    const std::uint64_t pfn = pfns[page];
    if (pfn > rules.highest_page) break;
    if (pfn == pfns[page - 1] + 1 && (pfn & rules.boundary_pages) != 0) continue;
    if (!end_run(out, run, page << kPageShift, rules)) return {page, true};
    run.address = pfn << kPageShift;
  }
  return {page, false};
}

#define WIDE [[gnu::target("avx2,bmi,bmi2")]]

/// All ones in lane i when page i continues page i - 1 and does not lie on a boundary. `seen` gathers the page numbers' bits.
WIDE inline __m256i four_joined(const std::uint64_t* pfns, __m256i boundary, __m256i& seen) {
  const __m256i here = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(pfns));
  const __m256i before = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(pfns - 1));
  seen = _mm256_or_si256(seen, here);
  const __m256i follows = _mm256_cmpeq_epi64(_mm256_add_epi64(here, _mm256_set1_epi64x(-1)), before);
  const __m256i on_boundary = _mm256_cmpeq_epi64(_mm256_and_si256(here, boundary), _mm256_setzero_si256());
  return _mm256_andnot_si256(on_boundary, follows);
}

/// The same for eight pages, as bits.
WIDE inline std::uint64_t eight_joined(const std::uint64_t* pfns, __m256i boundary, __m256i& seen) {
  const __m256 low = _mm256_castsi256_ps(four_joined(pfns, boundary, seen));
  const __m256 high = _mm256_castsi256_ps(four_joined(pfns + 4, boundary, seen));
  const __m256i both = _mm256_castps_si256(_mm256_shuffle_ps(low, high, 0x88));
  const __m256i in_order = _mm256_permute4x64_epi64(both, 0xD8);
  return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(in_order)));
}

/// Bit i: page i (of up to 64) begins an element. At least eight pages lie before pfns + count, and one before pfns.
WIDE inline std::uint64_t breaks_in(const std::uint64_t* pfns, std::uint64_t count, __m256i boundary, __m256i& seen) {
  std::uint64_t joined = 0;
  if (count == kBlock) {
#pragma GCC unroll 8
    for (unsigned i = 0; i < kBlock; i += 8) joined |= eight_joined(pfns + i, boundary, seen) << i;
    return ~joined;
  }
  std::uint64_t at = 0;
#pragma GCC unroll 4
  for (; at + 8 <= count; at += 8) joined |= eight_joined(pfns + at, boundary, seen) << at;
  if (at < count) {  // the last eight once more, some of them perhaps of the block before
    const std::uint64_t eight = eight_joined(pfns + count - 8, boundary, seen);
    joined |= count >= 8 ? eight << (count - 8) : eight >> (8 - count);
  }
  return ~joined & (~std::uint64_t{0} >> (kBlock - count));
}

/// scan_pages for long slices: a bitmap of breaks for up to 64 pages, then one element for each bit. A block that may hold a
/// page out of reach is left to scan_pages, with everything behind it.
WIDE [[gnu::noinline]] Scan scan_pages_wide(const std::uint64_t* pfns, std::uint64_t page, std::uint64_t pages, Run& run_in_out,
                                            Output& out_in_out, const Rules& rules) {
  Run run = run_in_out;
  Output out = out_in_out;
  const __m256i boundary = _mm256_set1_epi64x(static_cast<long long>(rules.boundary_pages));
  const std::uint64_t surely_reached = std::bit_floor(rules.highest_page + 1) - 1;
  const __m256i beyond = _mm256_set1_epi64x(static_cast<long long>(~surely_reached));
  bool full = false;
  while (page < pages && !full) {
    const std::uint64_t count = std::min(pages - page, kBlock);
    __m256i seen = _mm256_setzero_si256();
    std::uint64_t breaks = breaks_in(pfns + page, count, boundary, seen);
    if (!_mm256_testz_si256(seen, beyond)) break;
    const bool roomy = static_cast<std::size_t>(out.end - out.next) >= kBlock &&
                       ((page + count) << kPageShift) - run.begin <= rules.length_max;
    if (roomy) [[likely]] {
      for (; breaks != 0; breaks &= breaks - 1) {
        const std::uint64_t here = page + static_cast<std::uint64_t>(__builtin_ctzll(breaks));
        write_element(out.next++, run.address, (here << kPageShift) - run.begin);
        run = {here << kPageShift, pfns[here] << kPageShift};
      }
    } else {
      for (; breaks != 0 && !full; breaks &= breaks - 1) {
        const std::uint64_t here = page + static_cast<std::uint64_t>(__builtin_ctzll(breaks));
        full = !end_run(out, run, here << kPageShift, rules);
        if (!full) run.address = pfns[here] << kPageShift;
      }
    }
    page += count;
  }
  run_in_out = run;
  out_in_out = out;
  return {page, full};
}

bool has_wide_instructions() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

/// Cuts the slice from `run` on, as far as pages are within reach and elements fit; returns the position reached.
[[gnu::always_inline]] inline std::uint64_t cut(const PageSlice& slice, std::uint64_t first, Run run, Output& out_in_out,
                                                const Rules& rules) {
  const std::uint64_t pages = slice.pages();
  Output out = out_in_out;
  Scan scan{first, false};
  if (pages >= first + kWidePages && has_wide_instructions()) {
    Output wide_out = out;
    Run wide_run = run;
    scan = scan_pages_wide(slice.pfns, first, pages, wide_run, wide_out, rules);
    out = wide_out;
    run = wide_run;
  }
  if (!scan.full) scan = scan_pages(slice.pfns, scan.page, pages, run, out, rules);
  if (!scan.full) end_run(out, run, std::min(scan.page << kPageShift, slice.offset + slice.length), rules);
  out_in_out = out;
  return run.begin;
}

/// The same behind what `writer` wrote before.
std::uint64_t put_direct(PlanWriter& writer, const PageSlice& slice, std::uint64_t position, const Rules& rules) {
  const std::uint64_t first = position >> kPageShift;
  Run run{position, slice.pfns[first] << kPageShift | (position & kPageMask)};
  if (!writer.last_bounced && writer.continues(run.address)) {  // it goes on where another slice ended
    --writer.next;
    run = {position - writer.next->length, writer.next->address.value};
  }
  Output out{writer.next, writer.end};
  const std::uint64_t reached = cut(slice, first + 1, run, out, rules);
  writer.next = out.next;
  writer.last_bounced = false;
  return reached;
}

}  // namespace

Planner::Planner(const Reach& reach)
    : reach_(reach), highest_page_(reach.highest_page()),
      boundary_pages_(reach.boundary == 0 ? ~std::uint64_t{0} : (reach.boundary >> kPageShift) - 1),
      length_max_(reach.element_length_used()), simple_(reach.scatter_gather && reach.grain() == 1),
      one_page_end_(reach.grain() == 1 ? kPageSize : 0) {
  CHECK(reach.sensible(), "a reach no device can have: highest {:#x}, boundary {:#x}", reach.highest, reach.boundary);
}

/// The number of elements; 0 when the slice needs registers or more room.
inline std::uint32_t Planner::plan_one_slice(const PageSlice& slice, std::span<DmaElement> elements) const {
  const std::uint64_t pfn = slice.pfns[0];
  if (pfn > highest_page_ || elements.empty()) return 0;
  const std::uint64_t end = slice.offset + slice.length;
  if (end <= kPageSize) {
    write_element(elements.data(), pfn << kPageShift | slice.offset, slice.length);
    return 1;
  }
  Output out{elements.data(), elements.data() + std::min<std::size_t>(elements.size(), reach_.elements_max)};
  const Run run{slice.offset, pfn << kPageShift | slice.offset};
  const std::uint64_t reached = cut(slice, 1, run, out, {highest_page_, boundary_pages_, length_max_});
  return reached == end ? static_cast<std::uint32_t>(out.next - elements.data()) : 0;
}

// Nearly every transfer is one slice, all within reach: that is tried first, by itself.
inline Plan Planner::plan_fast(std::span<const PageSlice> slices, RegisterRun registers, const PlanStorage& out) const {
  if (slices.size() == 1)
    if (const std::uint32_t elements = plan_one_slice(slices[0], out.elements)) [[likely]]
      return {slices[0].length, elements, 0, 0, PlanEnd::complete};
  return plan_any(slices, registers, out);
}

Plan Planner::plan(std::span<const PageSlice> slices, RegisterRun registers, const PlanStorage& out) const {
  const Plan plan = simple_ ? plan_fast(slices, registers, out) : plan_strictly(slices, registers, out);
#ifdef DRYDOCK_CHECKED
  check_against_slow_plan(slices, reach_, registers, out, plan);
#endif
  return plan;
}

Plan Planner::plan_any(std::span<const PageSlice> slices, RegisterRun registers, const PlanStorage& out) const {
  PlanWriter writer(*this, registers, out);
  const Rules rules{highest_page_, boundary_pages_, length_max_};
  std::uint64_t done = 0;
  for (std::size_t index = 0; index < slices.size(); ++index) {
    const PageSlice& slice = slices[index];
    const std::uint64_t end = slice.offset + slice.length;
    for (std::uint64_t position = slice.offset; position < end;) {
      BufferWalk walk{slices, index, position};
      if (walk.page() > highest_page_) {
        const std::uint64_t piece = walk.piece();
        const std::uint64_t got = writer.bounce_piece(walk.address(), piece) ? piece : writer.bounce(walk, piece);
        position += got;
        if (got < piece) return writer.finished(done + position - slice.offset, writer.shortage());
      } else {
        position = put_direct(writer, slice, position, rules);
        walk.position = position;
        if (position < end && walk.page() <= highest_page_)
          return writer.finished(done + position - slice.offset, PlanEnd::elements);
      }
    }
    done += slice.length;
  }
  return writer.finished(done, PlanEnd::complete);
}

std::uint32_t Planner::registers_needed(std::span<const PageSlice> slices) const {
  std::uint64_t pages = 0, beyond = 0;
  for (const PageSlice& slice : slices) {
    pages += slice.pages();
    for (std::uint64_t i = 0, n = slice.pages(); i < n; ++i) beyond += slice.pfns[i] > highest_page_;
  }
  if (simple_) return static_cast<std::uint32_t>(beyond);
  // A page may be bounced in two parts: its start joined to the page before, its end to the page behind.
  return static_cast<std::uint32_t>(reach_.minimum_transfer_unit > 1 ? 2 * pages : pages);
}

}  // namespace drydock
