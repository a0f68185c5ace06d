#include "mem/mdl_book.h"

#include <gtest/gtest.h>

#include <fstream>

#include "mem/locked_page_report.h"

namespace drydock {
namespace {

struct MdlBookTest : testing::Test, TraceObserver {
  MdlBookTest() { trace.add(*this, false); }
  void observe(const TraceEvent& event) override {
    if (const auto* broken = std::get_if<RuleBroken>(&event)) findings.push_back(std::string(broken->rule) + " " + std::string(broken->code) + ": " + broken->message);
  }
  MDL* mdl(std::uint64_t address, std::uint32_t length) {
    storage.emplace_back(MdlView::size_of(address, length) / 8);
    return MdlView::format(storage.back().data(), address, length).raw();
  }
  LockRequest by_driver(std::uint64_t rip = 0x1234) const { return {.for_write = true, .current = process.get(), .place = {rip, 0, 0, true}}; }

  Trace trace;
  std::vector<std::string> findings;
  std::unique_ptr<PhysicalMemory> memory = *PhysicalMemory::create({32u << 20, PhysProfile::mixed, 1});
  LockedPages locked{memory->size() >> kPageShift};
  SystemMappings mappings{*memory};
  AddressSpaces spaces{*memory, locked};
  std::unique_ptr<AddressSpace> process = std::move(*spaces.create("client"));
  MdlBook book{*memory, locked, mappings, spaces};
  std::vector<std::vector<std::uint64_t>> storage;
};

TEST_F(MdlBookTest, WhatIsLeftLockedIsToldOnceAndAtTheLock) {  // DOC: VER-150 VER-151
  MDL* mine = mdl(*process->allocate(8192), 8192);
  ASSERT_TRUE(book.lock(mine, by_driver()));
  report_locked_pages(trace, book, process.get());
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings.front(), "VER-151 0xCB: 2 pages of process 'client' are still locked at its end");
  report_locked_pages(trace, book);
  EXPECT_EQ(findings.size(), 1u);
  MDL* nobodys = mdl(*process->allocate(10), 10);
  ASSERT_TRUE(book.lock(nobodys, {.current = process.get()}));
  report_locked_pages(trace, book);
  EXPECT_EQ(findings.back(), "VER-150 0x76/0x0: 1 page still locked after the driver is gone: MmUnlockPages was never called");
}

TEST_F(MdlBookTest, PagesOfAnMdlWhoseMemoryIsGoneStayInTheLedger) {
  MDL* mine = mdl(*process->allocate(4096), 4096);
  ASSERT_TRUE(book.lock(mine, by_driver()));
  book.memory_freed(mine, sizeof(MDL) + 8);
  EXPECT_EQ(book.find(mine), nullptr);
  EXPECT_EQ(book.held(process->id).size(), 1u);
  EXPECT_EQ(locked.held(), 1u);
}

TEST_F(MdlBookTest, AnMdlMadeAnewInTheSameMemoryIsAnother) {  // DOC: MDL-06
  const std::uint64_t address = *process->allocate(8192);
  MDL* mine = mdl(address, 8192);
  ASSERT_TRUE(book.lock(mine, by_driver()));
  ASSERT_TRUE(book.unlock(mine, LockOwner::driver, {}));
  MdlView::format(mine, address + 100, 10);
  EXPECT_EQ(book.mangled(mine), nullptr);
  ASSERT_TRUE(book.lock(mine, by_driver()));
  EXPECT_EQ(locked.held(), 1u);
  ASSERT_TRUE(book.unlock(mine, LockOwner::driver, {}));
}

TEST_F(MdlBookTest, LockingIsAllOrNothing) {
  const std::uint64_t address = *process->allocate(3 * 4096);
  ASSERT_TRUE(process->protect(address + 8192, 1, PageAccess::none));
  MDL* mine = mdl(address, 3 * 4096);
  const MdlOutcome outcome = book.lock(mine, by_driver());
  EXPECT_EQ(outcome.fault, MdlFault::not_accessible);
  EXPECT_EQ(outcome.address, address + 8192);
  EXPECT_EQ(locked.held(), 0u);
  EXPECT_FALSE(MdlView(mine).resident());
}

TEST_F(MdlBookTest, NoMappingIsLeftForAnMdl) {
  const auto count = [] {
    std::ifstream maps("/proc/self/maps");
    std::size_t lines = 0;
    for (std::string line; std::getline(maps, line);) ++lines;
    return lines;
  };
  book.map_closely();
  const std::uint64_t address = *process->allocate(16 * 4096, {.runs = PhysicalRuns::scattered});
  std::size_t before = 0;
  for (unsigned round = 0; round < 2000; ++round) {
    if (round == 10) before = count();
    MDL* mine = mdl(address + round % 4096, 1 + round * 31 % 60'000);
    ASSERT_TRUE(book.lock(mine, by_driver()));
    std::uint64_t at = 0;
    ASSERT_TRUE(book.map(mine, {.writable = round % 3 != 0}, &at));
    ASSERT_TRUE(book.unlock(mine, LockOwner::driver, {}));
    book.forget(mine);
    storage.clear();
  }
  EXPECT_LE(count(), before);
}

TEST_F(MdlBookTest, WhatWasMappedIsRememberedForAWhile) {  // DOC: MDL-21
  book.map_closely();
  MDL* mine = mdl(*process->allocate(4096), 4096);
  ASSERT_TRUE(book.lock(mine, by_driver()));
  std::uint64_t at = 0;
  ASSERT_TRUE(book.map(mine, {}, &at));
  EXPECT_EQ(book.mapped_at(at)->mdl, mine);
  const auto page = mappings.look(at)->page;
  ASSERT_TRUE(book.unlock(mine, LockOwner::driver, {}));
  EXPECT_EQ(mappings.look(at)->state, ArenaPlace::State::dead);
  EXPECT_EQ(mappings.look(at)->page, page);
  EXPECT_FALSE(mappings.page_at(at));
}

}  // namespace
}  // namespace drydock
