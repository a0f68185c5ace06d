#include "hal/plan.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "base/seeded.h"
#include "hal/slow_plan.h"

namespace drydock {
namespace {

using Pages = std::vector<std::uint64_t>;

struct Buffer {
  Pages pages;
  std::uint32_t offset = 0;
  std::uint64_t length = 0;  ///< 0: to the end of the last page
};

/// A plan as text: "2000+1000 r0:800+400" is one element straight from page 2 and one in register 0 at offset 0x800.
std::string planned(const std::vector<Buffer>& buffers, const Reach& reach, std::uint32_t registers = 0, std::size_t room = 64,
                    Plan* plan_out = nullptr) {
  constexpr std::uint64_t kRegisterPage = 0x70;
  std::vector<PageSlice> slices;
  for (const Buffer& b : buffers)
    slices.push_back({b.pages.data(), b.offset, b.length != 0 ? b.length : b.pages.size() * kPageSize - b.offset});
  std::vector<DmaElement> elements(room);
  std::vector<Bounce> bounces(registers);
  const PlanStorage out{elements, bounces};
  const Plan plan = Planner(reach).plan(slices, {kRegisterPage, registers}, out);
  EXPECT_EQ(difference_from_slow_plan(slices, reach, {kRegisterPage, registers}, out, plan), "");
  std::string text;
  for (std::uint32_t i = 0; i < plan.elements; ++i) {
    const std::uint64_t address = elements[i].address.value;
    bool bounced = false;
    for (std::uint32_t j = 0; j < plan.bounces; ++j) bounced |= bounces[j].element == i;
    if (i > 0) text += ' ';
    if (bounced) text += fmt::format("r{}:{:x}+{:x}", (address >> 12) - kRegisterPage, address & 0xFFF, elements[i].length);
    else text += fmt::format("{:x}+{:x}", address, elements[i].length);
  }
  if (plan.end == PlanEnd::registers) text += " (registers)";
  if (plan.end == PlanEnd::elements) text += " (elements)";
  if (plan_out != nullptr) *plan_out = plan;
  return text;
}

const Reach kAll{};
const Reach k16 = Reach::of_bits(16);  // pages 0…F

Reach with(Reach reach, auto change) {
  change(reach);
  return reach;
}
const Reach kNoSg = with(k16, [](Reach& r) { r.scatter_gather = false; });
const Reach kNoSg64K = with(kNoSg, [](Reach& r) { r.highest = 0xFFFFFF, r.boundary = 0x10000; });
const Reach kBoundary64K = with(kAll, [](Reach& r) { r.boundary = 0x10000; });
const Reach kMax6K = with(kAll, [](Reach& r) { r.element_length_max = 0x1800; });
const Reach kTwoElements = with(kAll, [](Reach& r) { r.elements_max = 2; });
const Reach kUnit512 = with(kAll, [](Reach& r) { r.minimum_transfer_unit = 512; });
const Reach kAligned16 = with(kAll, [](Reach& r) { r.alignment = 16; });

struct Row {
  const char* says;
  std::vector<Buffer> buffers;
  Reach reach;
  std::uint32_t registers;
  const char* plan;
};

// How the planner behaves, case by case. Page numbers and addresses are hexadecimal.
TEST(Plan, Specification) {
  const std::vector<Row> rows = {
      {"one page is one element", {{{2}}}, kAll, 0, "2000+1000"},
      {"a part of a page keeps its offset", {{{2}, 0x345, 0x11}}, kAll, 0, "2345+11"},
      {"neighbours join", {{{2, 3, 4}}}, kAll, 0, "2000+3000"},
      {"strangers do not", {{{2, 4, 3}}}, kAll, 0, "2000+1000 4000+1000 3000+1000"},
      {"the first begins at the offset, the last ends with the length", {{{2, 3, 7, 8}, 0xFFF, 0x2002}}, kAll, 0, "2fff+1001 7000+1001"},
      {"pages in falling order are not contiguous", {{{4, 3, 2}}}, kAll, 0, "4000+1000 3000+1000 2000+1000"},
      {"the same page twice is two elements", {{{4, 4}}}, kAll, 0, "4000+1000 4000+1000"},
      {"MDLs of a chain join where they touch", {{{2, 3}, 0, 0x1800}, {{3, 4}, 0x800, 0x1800}}, kAll, 0, "2000+3000"},
      {"and do not where they do not", {{{2, 3}, 0, 0x1800}, {{3, 4}, 0x900, 0x1700}}, kAll, 0, "2000+1800 3900+1700"},

      {"an element ends at a boundary", {{{0xE, 0xF, 0x10, 0x11}}}, kBoundary64K, 0, "e000+2000 10000+2000"},
      {"also where a chain would join", {{{0xF}}, {{0x10}}}, kBoundary64K, 0, "f000+1000 10000+1000"},
      {"an element is no longer than the device counts", {{{2, 3, 4}}}, kMax6K, 0, "2000+1800 3800+1800"},
      {"a chain fills up a short element to that length", {{{2}}, {{3, 4}}}, kMax6K, 0, "2000+1800 3800+1800"},
      {"elements run out: shorter, not failed", {{{2, 4, 6}}}, kTwoElements, 0, "2000+1000 4000+1000 (elements)"},

      {"a page beyond reach goes through a register", {{{0x20}}}, k16, 1, "r0:0+1000"},
      {"at the offset it has in its page", {{{0x20}, 0x345, 0x11}}, k16, 1, "r0:345+11"},
      {"only the pages beyond reach are bounced", {{{2, 0x20, 3}}}, k16, 9, "2000+1000 r0:0+1000 3000+1000"},
      {"consecutive registers make one element", {{{0x20, 0x30, 2, 0x40}}}, k16, 9, "r0:0+2000 2000+1000 r2:0+1000"},
      {"registers run out: shorter, not failed", {{{2, 0x20, 0x30, 3}}}, k16, 1, "2000+1000 r0:0+1000 (registers)"},
      {"without registers the part within reach is planned", {{{2, 3, 0x20}}}, k16, 0, "2000+2000 (registers)"},
      {"without registers nothing beyond reach is", {{{0x20, 2}}}, k16, 0, " (registers)"},
      {"bounced MDLs of a chain keep their own offsets", {{{0x20}, 0, 0x100}, {{0x30}, 0x800, 0x100}}, k16, 2, "r0:0+100 r1:800+100"},
      {"and join where the offsets meet", {{{0x20}, 0, 0x100}, {{0x30}, 0x100, 0x100}}, k16, 2, "r0:0+200"},

      {"no scatter/gather: contiguous memory needs no register", {{{2, 3}}}, kNoSg, 0, "2000+2000"},
      {"no scatter/gather: scattered pages become one range", {{{2, 4}, 0x10, 0x1800}}, kNoSg, 2, "r0:10+1800"},
      {"no scatter/gather: a chain is packed", {{{2}, 0, 0x100}, {{4}, 0x800, 0x100}}, kNoSg, 2, "r0:0+200"},
      {"no scatter/gather, registers run out: as many bytes as they hold", {{{2, 4, 6}, 0x10, 0x2800}}, kNoSg, 2, "r0:10+1ff0 (registers)"},
      {"no scatter/gather, no registers: the contiguous start", {{{2, 3, 6}}}, kNoSg, 0, "2000+2000 (registers)"},
      {"no scatter/gather: what carries more wins", {{{2, 3, 6}}}, kNoSg, 1, "2000+2000 (registers)"},
      {"no scatter/gather: a boundary in the memory is bounced away", {{{0xF, 0x10}}}, kNoSg64K, 2, "r0:0+2000"},

      {"a transfer unit split between strangers is joined in a register", {{{2, 4}, 0xF80, 0x200}}, kUnit512, 2, "r0:0+200"},
      {"whole units stay where they are", {{{2, 4}, 0xC00, 0x800}}, kUnit512, 2, "2c00+400 4000+400"},
      {"only the unit that is split is bounced", {{{2, 4}, 0xD80, 0x600}}, kUnit512, 9, "2d80+200 r0:0+200 4180+200"},
      {"a rest below a unit is left over", {{{2}, 0, 0x3FF}}, kUnit512, 2, "2000+200"},
      {"less than a unit is nothing", {{{2}, 0, 0x1FF}}, kUnit512, 2, ""},
      {"a misaligned start is moved to the start of a register", {{{2}, 0x18, 0x100}}, kAligned16, 1, "r0:0+100"},
      {"an aligned one is not", {{{2}, 0x10, 0x100}}, kAligned16, 1, "2010+100"},
  };
  for (const Row& row : rows) EXPECT_EQ(planned(row.buffers, row.reach, row.registers), row.plan) << row.says;
}

TEST(Plan, ElementsEndAtABoundaryInsideTheRegisters) {
  Reach reach = k16;
  reach.highest = 0x7FFFF;
  reach.boundary = 0x2000;
  EXPECT_EQ(planned({{{0x90, 0xA0, 0xB0}}}, reach, 3), "r0:0+2000 r2:0+1000");
}

TEST(Plan, ALongBufferIsCutTheSameAsShortOnes) {  // 16 pages and more take the wide path
  Pages pages;
  std::string expected;
  for (std::uint64_t i = 0; i < 40; ++i) {
    pages.push_back(0x100 + 3 * i), pages.push_back(0x101 + 3 * i);
    expected += fmt::format("{}{:x}+2000", i > 0 ? " " : "", (0x100 + 3 * i) << 12);
  }
  EXPECT_EQ(planned({{pages}}, kAll), expected);
}

TEST(Plan, APlanCountsWhatItUsed) {
  Plan plan;
  planned({{{2, 0x20, 0x30, 3, 0x40}, 0x10, 0x4800}}, k16, 9, 64, &plan);
  EXPECT_EQ(plan.bytes, 0x4800u);
  EXPECT_EQ(plan.elements, 4u);
  EXPECT_EQ(plan.bounces, 3u);
  EXPECT_EQ(plan.registers, 3u);
  EXPECT_EQ(plan.end, PlanEnd::complete);
}

TEST(Plan, AListWithoutRoomEndsThePlan) {
  EXPECT_EQ(planned({{{2, 4, 6}}}, kAll, 0, 1), "2000+1000 (elements)");
  EXPECT_EQ(planned({{{2}}}, kAll, 0, 0), " (elements)");
  EXPECT_EQ(planned({{{2}}}, kNoSg, 1, 0), " (elements)");
}

TEST(Plan, TheShortcutForOnePageIsThePlan) {
  Seeded choose(3);
  unsigned taken = 0;
  for (int i = 0; i < 20'000; ++i) {
    Reach reach = Reach::of_bits(static_cast<unsigned>(14 + choose.below(4)));
    reach.scatter_gather = choose.below(2) == 0;
    reach.alignment = choose.below(4) == 0 ? 4 : 1;
    const std::uint64_t pfns[] = {choose.below(32), choose.below(32)};
    const auto offset = static_cast<std::uint32_t>(choose.below(kPageSize));
    const PageSlice slice{pfns, offset, 1 + choose.below(kPageSize)};
    DmaElement shortcut{}, element{};
    if (!Planner(reach).plan_one_page(slice, shortcut)) continue;
    ++taken;
    const Plan plan = Planner(reach).plan({&slice, 1}, {}, {{&element, 1}, {}});
    ASSERT_EQ(plan.bytes, slice.length);
    ASSERT_EQ(plan.elements, 1u);
    ASSERT_EQ(element.address, shortcut.address);
    ASSERT_EQ(element.length, shortcut.length);
  }
  EXPECT_GT(taken, 2000u);
}

TEST(Plan, AnAddressLimitInsideAPagePutsThatPageOutOfReach) {
  Reach reach;
  reach.highest = 0x2FFE;
  EXPECT_EQ(planned({{{1, 2}}}, reach, 1), "1000+1000 r0:0+1000");
}

/// Random transfers: lengths, chains, runs, reaches, rooms.
class RandomTransfer {
 public:
  explicit RandomTransfer(Seeded& choose) : choose_(choose) {
    static constexpr std::uint64_t kHighest[] = {~0ull, 0xFFFFFFFF, 0xFFFFFF, 0x7FFFFF, 0x12345678};
    static constexpr std::uint64_t kBoundary[] = {0, 0x1000, 0x2000, 0x10000, 0x1000000, 0x100000000};
    static constexpr std::uint32_t kMax[] = {0xFFFFF000, 0x1000, 0x1800, 0x10000, 0x12345};
    static constexpr std::uint32_t kPowers[] = {1, 1, 1, 2, 16, 512, 4096};
    reach.highest = kHighest[choose.below(5)];
    reach.boundary = kBoundary[choose.below(6)];
    reach.element_length_max = kMax[choose.below(5)];
    reach.elements_max = choose.below(4) == 0 ? static_cast<std::uint32_t>(1 + choose.below(8)) : ~0u;
    reach.scatter_gather = choose.below(4) != 0;
    if (choose.below(3) == 0) {
      reach.minimum_transfer_unit = kPowers[choose.below(7)];
      reach.alignment = kPowers[choose.below(7)];
    }
    const std::uint64_t chain = choose.below(3) == 0 ? 1 + choose.below(4) : 1;
    pages_.resize(chain);
    for (Pages& pages : pages_) add_slice(pages);
    const std::uint64_t wanted = choose.below(4);
    registers.first_page = choose.below(0x700);
    registers.count = wanted == 0 ? 0 : static_cast<std::uint32_t>(wanted == 1 ? choose.below(8) : 400);
    elements.resize(choose.below(5) == 0 ? choose.below(10) : 1200);
    bounces.resize(choose.below(5) == 0 ? choose.below(20) : 1200);
  }

  std::string compare() {
    const Plan plan = Planner(reach).plan(slices, registers, {elements, bounces});
    return difference_from_slow_plan(slices, reach, registers, {elements, bounces}, plan);
  }

  Reach reach;
  RegisterRun registers;
  std::vector<PageSlice> slices;
  std::vector<DmaElement> elements;
  std::vector<Bounce> bounces;

 private:
  void add_slice(Pages& pages) {
    const std::uint64_t longest_run = 1 + choose_.below(choose_.below(2) == 0 ? 4 : 100);
    const std::uint64_t bits = 4 + choose_.below(20);
    const std::uint64_t count = 1 + choose_.below(choose_.below(3) == 0 ? 150 : 6);
    const bool joins = !slices.empty() && choose_.below(2) == 0;
    std::uint64_t pfn = choose_.below(1u << bits), left = 1 + choose_.below(longest_run);
    if (joins) {
      const PageSlice& before = slices.back();
      pfn = before.pfns[before.pages() - 1] + ((before.offset + before.length) % kPageSize == 0);
    }
    while (pages.size() < count) {
      if (left-- == 0) {
        pfn = choose_.below(1u << bits);
        left = choose_.below(longest_run);
      }
      pages.push_back(pfn++);
    }
    auto offset = static_cast<std::uint32_t>(choose_.below(2) == 0 ? 0 : choose_.below(kPageSize));
    if (joins) offset = static_cast<std::uint32_t>((slices.back().offset + slices.back().length) % kPageSize);
    const std::uint64_t most = count * kPageSize - offset;
    slices.push_back({pages.data(), offset, choose_.below(2) == 0 ? most : 1 + choose_.below(most)});
  }

  Seeded& choose_;
  std::vector<Pages> pages_;
};

void compare_planners(std::uint64_t seed, int times) {
  Seeded choose(seed);
  for (int i = 0; i < times; ++i) {
    RandomTransfer transfer(choose);
    ASSERT_EQ(transfer.compare(), "") << "case " << i << " of seed " << seed;
  }
}

TEST(Plan, FastAndSlowPlannersAgreeOnRandomTransfers) { compare_planners(1, 200'000); }

TEST(Plan, SweepFastAndSlowPlannersAgreeOnAMillionTransfers) {
  if (std::getenv("DRYDOCK_SWEEP") == nullptr) GTEST_SKIP() << "set DRYDOCK_SWEEP=1 for the long run";
  for (std::uint64_t seed = 2; seed <= 13; ++seed) compare_planners(seed, 100'000);
}

// What any plan must be, whoever made it: in order, without gaps, within the rules of the device.
TEST(Plan, EveryPlanDescribesTheStartOfTheBufferInOrderAndWithinReach) {
  Seeded choose(99);
  for (int i = 0; i < 20'000; ++i) {
    RandomTransfer t(choose);
    const Plan plan = Planner(t.reach).plan(t.slices, t.registers, {t.elements, t.bounces});
    std::uint64_t bytes = 0, bounced = 0;
    for (std::uint32_t e = 0; e < plan.elements; ++e) {
      const std::uint64_t first = t.elements[e].address.value, last = first + t.elements[e].length - 1;
      bytes += t.elements[e].length;
      ASSERT_LE(t.elements[e].length, t.reach.element_length_max);
      ASSERT_EQ(first % t.reach.alignment, 0u);
      ASSERT_EQ(t.elements[e].length % t.reach.minimum_transfer_unit, 0u);
      if (t.reach.boundary != 0) { ASSERT_EQ(first / t.reach.boundary, last / t.reach.boundary); }
      bool in_registers = false;
      for (std::uint32_t b = 0; b < plan.bounces; ++b) in_registers |= t.bounces[b].element == e;
      if (!in_registers) { ASSERT_LE(last, t.reach.highest); }
    }
    for (std::uint32_t b = 0; b < plan.bounces; ++b) bounced += t.bounces[b].length;
    ASSERT_EQ(bytes, plan.bytes);
    ASSERT_LE(bounced, bytes);
    ASSERT_LE(plan.registers, t.registers.count);
    ASSERT_LE(plan.elements, t.reach.scatter_gather ? t.reach.elements_max : 1u);
    ASSERT_EQ(plan.bytes % t.reach.minimum_transfer_unit, 0u);
  }
}

TEST(Plan, RegistersNeededAreEnough) {
  Seeded choose(7);
  for (int i = 0; i < 20'000; ++i) {
    RandomTransfer t(choose);
    t.reach.elements_max = ~0u;
    t.reach.boundary = 0;
    t.reach.element_length_max = 0xFFFF'F000u;
    const Planner planner(t.reach);
    const std::uint32_t needed = planner.registers_needed(t.slices);
    t.elements.resize(2000);
    t.bounces.resize(needed);
    std::uint64_t total = 0;
    for (const PageSlice& slice : t.slices) total += slice.length;
    const Plan plan = planner.plan(t.slices, {0x10, needed}, {t.elements, t.bounces});
    ASSERT_EQ(plan.end, PlanEnd::complete) << i;
    ASSERT_EQ(plan.bytes, total / t.reach.minimum_transfer_unit * t.reach.minimum_transfer_unit);
    if (t.reach.scatter_gather && t.reach.grain() == 1) { ASSERT_EQ(plan.bounces, needed); }
  }
}

}  // namespace
}  // namespace drydock
