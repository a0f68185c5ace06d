// The fast planner: for devices with scatter/gather and no grain. Runs of pages are found page by page in short slices and
// four pages at a time with AVX2 from 16 pages on (docs: below that the set-up costs more than it saves). Pages beyond
// reach go through PlanWriter::bounce; their copies cost more than any cleverness here could save.

#include "hal/plan.h"

#include <immintrin.h>

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
  std::uint32_t length_max;
};

struct Output {
  DmaElement* next;
  DmaElement* end;
};

struct Pieces {
  DmaElement* next;
  std::uint64_t left;
};

[[gnu::noinline]] Pieces put_in_pieces(Output out, std::uint64_t address, std::uint64_t bytes, std::uint32_t length_max) {
  while (bytes > 0 && out.next != out.end) {
    const auto take = static_cast<std::uint32_t>(bytes < length_max ? bytes : length_max);
    *out.next++ = {{address}, take, 0, 0};
    address += take;
    bytes -= take;
  }
  return {out.next, bytes};
}

/// Ends the run at position `to`. False: no room for (all of) it; run.begin then tells how far it went.
[[gnu::always_inline]] inline bool end_run(Output& out, Run& run, std::uint64_t to, const Rules& rules) {
  const std::uint64_t bytes = to - run.begin;
  if (bytes <= rules.length_max && out.next != out.end) [[likely]] {
    *out.next++ = {{run.address}, static_cast<std::uint32_t>(bytes), 0, 0};
    run.begin = to;
    return true;
  }
  const Pieces pieces = put_in_pieces(out, run.address, bytes, rules.length_max);
  out.next = pieces.next;
  run.begin = to - pieces.left;
  return pieces.left == 0;
}

/// Cuts pages [page, …) while they are within reach. Returns the first page not looked at: the end, one beyond reach, or
/// `page` itself where the list was full.
struct Scan {
  std::uint64_t page;
  bool full;
};

[[gnu::always_inline]] inline Scan scan_pages(const std::uint64_t* pfns, std::uint64_t page, std::uint64_t pages, Run& run, Output& out,
                       const Rules& rules) {
  for (; page < pages; ++page) {
    const std::uint64_t pfn = pfns[page];
    if (pfn > rules.highest_page) break;
    if (pfn == pfns[page - 1] + 1 && (pfn & rules.boundary_pages) != 0) continue;
    if (!end_run(out, run, page << kPageShift, rules)) return {page, true};
    run.address = pfn << kPageShift;
  }
  return {page, false};
}

/// Bit j: page + j does not continue page + j - 1. `beyond` gathers pages out of reach.
[[gnu::target("avx2,bmi")]] inline std::uint64_t breaks_of_four(const std::uint64_t* pfns, __m256i highest, __m256i boundary,
                                                               __m256i& beyond) {
  const __m256i here = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(pfns));
  const __m256i before = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(pfns - 1));
  const __m256i ones = _mm256_set1_epi64x(-1);
  beyond = _mm256_or_si256(beyond, _mm256_cmpgt_epi64(here, highest));
  const __m256i follows = _mm256_cmpeq_epi64(_mm256_add_epi64(here, ones), before);
  const __m256i at_boundary = _mm256_cmpeq_epi64(_mm256_and_si256(here, boundary), _mm256_setzero_si256());
  const __m256i joined = _mm256_andnot_si256(at_boundary, follows);
  return static_cast<std::uint64_t>(~_mm256_movemask_pd(_mm256_castsi256_pd(joined)) & 0xF);
}

/// scan_pages for long slices: a bitmap of breaks for up to 64 pages, then one element for each bit. A block that holds a
/// page out of reach is left to the caller, with everything behind it.
[[gnu::target("avx2,bmi")]] Scan scan_pages_wide(const std::uint64_t* pfns, std::uint64_t page, std::uint64_t pages, Run& run_in_out,
                                                Output& out_in_out, const Rules& rules) {
  Run run = run_in_out;
  Output out = out_in_out;
  const __m256i highest = _mm256_set1_epi64x(static_cast<long long>(rules.highest_page));
  const __m256i boundary = _mm256_set1_epi64x(static_cast<long long>(rules.boundary_pages));
  Scan scan{page, false};
  while (scan.page < pages) {
    const std::uint64_t count = pages - scan.page < kBlock ? pages - scan.page : kBlock;
    const std::uint64_t* block = pfns + scan.page;
    __m256i beyond = _mm256_setzero_si256();
    std::uint64_t breaks = 0;
    std::uint64_t at = 0;
    for (; at + 4 <= count; at += 4) breaks |= breaks_of_four(block + at, highest, boundary, beyond) << at;
    if (at < count) {  // the last four again, as far back as needed: there are at least 16 pages
      const std::uint64_t four = breaks_of_four(block + count - 4, highest, boundary, beyond);
      breaks |= count >= 4 ? four << (count - 4) : four >> (4 - count);
    }
    if (!_mm256_testz_si256(beyond, beyond)) break;
    for (; breaks != 0; breaks &= breaks - 1) {
      const std::uint64_t here = scan.page + static_cast<std::uint64_t>(__builtin_ctzll(breaks));
      if (!end_run(out, run, here << kPageShift, rules)) {
        scan.full = true;
        goto done;
      }
      run.address = pfns[here] << kPageShift;
    }
    scan.page += count;
  }
done:
  run_in_out = run;
  out_in_out = out;
  return scan;
}

bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi"); }

}  // namespace

Planner::Planner(const Reach& reach)
    : reach_(reach), highest_page_(reach.highest_page()),
      boundary_pages_(reach.boundary == 0 ? ~std::uint64_t{0} : (reach.boundary >> kPageShift) - 1),
      length_max_(reach.element_length_used()), simple_(reach.scatter_gather && reach.grain() == 1) {
  CHECK(reach.sensible(), "a reach no device can have: highest {:#x}, boundary {:#x}", reach.highest, reach.boundary);
}

Plan Planner::plan(std::span<const PageSlice> slices, RegisterRun registers, PlanStorage out) const {
  const Plan plan = simple_ ? plan_fast(slices, registers, out) : plan_strictly(slices, registers, out);
#ifdef DRYDOCK_CHECKED
  check_against_slow_plan(slices, reach_, registers, out, plan);
#endif
  return plan;
}

namespace {

// Cuts the bytes from `position` on, as far as pages are within reach; returns the position of the first byte not planned.
std::uint64_t put_direct(PlanWriter& writer, const PageSlice& slice, std::uint64_t position, const Rules& rules) {
  const std::uint64_t pages = slice.pages();
  const std::uint64_t first = (position >> kPageShift) + 1;
  Run run{position, slice.pfns[first - 1] << kPageShift | (position & kPageMask)};
  if (writer.continues(run.address) && !writer.last_bounced) [[unlikely]] {  // it goes on where another slice ended
    --writer.next;
    run = {position - writer.next->length, writer.next->address.value};
  }
  Output out{writer.next, writer.end};
  Scan scan{first, false};
  if (pages - first >= kWidePages && has_avx2()) scan = scan_pages_wide(slice.pfns, first, pages, run, out, rules);
  if (!scan.full) scan = scan_pages(slice.pfns, scan.page, pages, run, out, rules);
  if (!scan.full) end_run(out, run, std::min(scan.page << kPageShift, slice.offset + slice.length), rules);
  writer.next = out.next;
  writer.last_bounced = false;
  return run.begin;
}

}  // namespace

Plan Planner::plan_fast(std::span<const PageSlice> slices, RegisterRun registers, PlanStorage out) const {
  PlanWriter writer(*this, registers, out);
  const Rules rules{highest_page_, boundary_pages_, length_max_};
  std::uint64_t done = 0;
  for (std::size_t index = 0; index < slices.size(); ++index) {
    const PageSlice& slice = slices[index];
    const std::uint64_t end = slice.offset + slice.length;
    for (std::uint64_t position = slice.offset; position < end;) {
      BufferWalk walk{slices, index, position};
      if (walk.page() > highest_page_) {
        const std::uint64_t got = writer.bounce(walk, walk.piece());
        position += got;
        if (got < walk.piece()) return writer.finished(done + position - slice.offset, writer.shortage());
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
