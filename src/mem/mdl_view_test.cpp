#include "mem/mdl_view.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace drydock {
namespace {

struct MdlViewTest : testing::Test {
  std::unique_ptr<PhysicalMemory> memory = *PhysicalMemory::create({32u << 20, PhysProfile::mixed, 1});
  LockedPages locked{memory->size() >> kPageShift};
  SystemMappings mappings{*memory};
  PageRun run = *memory->allocate(16);
  std::vector<std::vector<std::uint64_t>> storage;

  std::uint64_t user(std::uint64_t offset) const { return memory->address(View::user, run.first) + offset; }
  MdlView mdl(std::uint64_t address, std::uint32_t length) {
    storage.emplace_back(MdlView::size_of(address, length) / 8);
    return MdlView::format(storage.back().data(), address, length);
  }
  /// An MDL whose pages are every second one of the run, in falling order.
  MdlView spliced(unsigned pages) {
    MdlView view = mdl(0, static_cast<std::uint32_t>(pages * kPageSize));
    auto* pfns = reinterpret_cast<std::uint64_t*>(view.raw() + 1);
    for (unsigned i = 0; i < pages; ++i) pfns[i] = memory->pfn(run.first + 2 * (pages - 1 - i));
    view.raw()->MdlFlags = MDL_PAGES_LOCKED;
    for (unsigned i = 0; i < pages; ++i) locked.lock(*memory->page_of_pfn(pfns[i]));
    return view;
  }
};

TEST_F(MdlViewTest, AFormattedMdlSaysWhatItWasGiven) {
  const MdlView view = mdl(user(0x345), 0x2000);
  EXPECT_EQ(view.address(), user(0x345));
  EXPECT_EQ(view.length(), 0x2000u);
  EXPECT_EQ(view.offset(), 0x345u);
  EXPECT_EQ(view.pages(), 3u);
  EXPECT_EQ(MdlView::size_of(user(0x345), 0x2000), 48u + 3 * 8);
  EXPECT_FALSE(view.resident());
}

TEST_F(MdlViewTest, LockingFillsThePfnsAndUnlockingGivesThePagesBack) {
  MdlView view = mdl(user(0xFFF), 2);
  ASSERT_TRUE(view.lock(*memory, locked, true));
  EXPECT_EQ(view.pfns()[0], memory->pfn(run.first));
  EXPECT_EQ(view.pfns()[1], memory->pfn(run.first + 1));
  EXPECT_TRUE(view.has(MDL_PAGES_LOCKED));
  EXPECT_EQ(locked.held(), 2u);
  view.unlock(*memory, locked, mappings);
  EXPECT_FALSE(view.resident());
  EXPECT_EQ(locked.held(), 0u);
}

TEST_F(MdlViewTest, APageOfTwoMdlsIsHeldUntilTheSecondLetsGo) {  // DOC: MDL-18
  MdlView a = mdl(user(0), 100), b = mdl(user(200), 100);
  ASSERT_TRUE(a.lock(*memory, locked, false));
  ASSERT_TRUE(b.lock(*memory, locked, false));
  EXPECT_EQ(locked.locks(run.first), 2u);
  a.unlock(*memory, locked, mappings);
  EXPECT_TRUE(locked.locked(run.first));
  b.unlock(*memory, locked, mappings);
  EXPECT_FALSE(locked.locked(run.first));
}

TEST_F(MdlViewTest, RunsOfAnyLengthAreCountedAsPageByPage) {  // DOC: MDL-18
  for (std::uint32_t pages = 1; pages <= 16; ++pages) {
    MdlView a = mdl(user(0), static_cast<std::uint32_t>(pages * kPageSize)), b = mdl(user(3 * kPageSize), static_cast<std::uint32_t>((pages < 14 ? pages : 13) * kPageSize));
    ASSERT_TRUE(a.lock(*memory, locked, true));
    EXPECT_EQ(locked.held(), pages);
    ASSERT_TRUE(b.lock(*memory, locked, true));
    for (std::uint32_t page = 0; page < 16; ++page)
      EXPECT_EQ(locked.locks(run.first + page), (page < pages) + (page >= 3 && page < 3 + b.pages()));
    a.unlock(*memory, locked, mappings);
    EXPECT_EQ(locked.held(), b.pages());
    b.unlock(*memory, locked, mappings);
    EXPECT_EQ(locked.held(), 0u);
  }
}

TEST_F(MdlViewTest, LockingWhatIsNotMemoryIsRefusedAndLocksNothing) {
  EXPECT_FALSE(mdl(0x1000, 100).lock(*memory, locked, true));
  const std::uint64_t end = memory->address(View::user, 0) + memory->size();
  EXPECT_FALSE(mdl(end - 0x1000, 0x1001).lock(*memory, locked, true));
  EXPECT_TRUE(mdl(end - 0x1000, 0x1000).lock(*memory, locked, true));
  EXPECT_EQ(locked.held(), 1u);
}

TEST_F(MdlViewTest, TheSystemAddressOfABufferIsItsAliasAndCostsNoMapping) {
  MdlView view = mdl(user(0x123), 0x3000);
  ASSERT_TRUE(view.lock(*memory, locked, true));
  const std::uint64_t at = view.system_address(*memory, mappings);
  EXPECT_EQ(at, memory->address(View::system, run.first) + 0x123);
  EXPECT_EQ(view.system_address(*memory, mappings), at);
  EXPECT_EQ(mappings.live(), 0u);
  EXPECT_EQ(reinterpret_cast<std::uint64_t>(view.raw()->MappedSystemVa), at);
  view.unlock(*memory, locked, mappings);
  EXPECT_FALSE(view.mapped());
}

TEST_F(MdlViewTest, ASplicedListIsMappedPageByPageInItsOwnOrder) {
  MdlView view = spliced(4);
  for (unsigned i = 0; i < 4; ++i) std::memset(memory->host({view.pfns()[i] << kPageShift}), 'a' + static_cast<int>(i), kPageSize);
  const std::uint64_t at = view.system_address(*memory, mappings);
  ASSERT_NE(at, 0u);
  EXPECT_EQ(mappings.live(), 1u);
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(reinterpret_cast<char*>(at)[i * kPageSize + 7], static_cast<char>('a' + i));
  reinterpret_cast<char*>(at)[0] = '!';
  EXPECT_EQ(*memory->host({view.pfns()[0] << kPageShift}), std::byte{'!'});
  EXPECT_EQ(mappings.page_at(at + 3 * kPageSize + 5), memory->page_of_pfn(view.pfns()[3]));
  EXPECT_FALSE(mappings.page_at(at + 4 * kPageSize));
  view.unlock(*memory, locked, mappings);
  EXPECT_EQ(mappings.live(), 0u);
  EXPECT_FALSE(mappings.page_at(at));
}

TEST_F(MdlViewTest, AnMdlOverASplicedMappingNamesThePagesBehindIt) {
  MdlView view = spliced(3);
  const std::uint64_t at = view.system_address(*memory, mappings);
  MdlView over = mdl(at + 0x1800, 0x1000);
  ASSERT_TRUE(over.build_nonpaged(*memory, &mappings));
  EXPECT_EQ(over.pfns()[0], view.pfns()[1]);
  EXPECT_EQ(over.pfns()[1], view.pfns()[2]);
  EXPECT_FALSE(mdl(at + 0x2800, 0x1000).build_nonpaged(*memory, &mappings));
}

TEST_F(MdlViewTest, UnmappedAddressesAreNotReusedAtOnce) {
  SystemMapping first(mappings, *mappings.map(spliced(2).pfn_span()));
  const std::uint64_t was = first.address();
  first = SystemMapping();
  EXPECT_EQ(mappings.live(), 0u);
  const SystemMapping second(mappings, *mappings.map(spliced(2).pfn_span()));
  EXPECT_NE(second.address(), was);
}

TEST_F(MdlViewTest, ANonpagedMdlIsItsOwnSystemAddress) {  // DOC: MDL-26
  const std::uint64_t buffer = memory->address(View::system, run.first) + 0x10;
  MdlView view = mdl(buffer, 0x1000);
  ASSERT_TRUE(view.build_nonpaged(*memory));
  EXPECT_EQ(view.system_address(*memory, mappings), buffer);
  EXPECT_EQ(locked.held(), 0u);
}

TEST_F(MdlViewTest, APartialMdlTakesPagesAndMappingFromItsSource) {  // DOC: MDL-38 MDL-40
  MdlView source = mdl(user(0x100), 0x5000);
  ASSERT_TRUE(source.lock(*memory, locked, true));
  MdlView part = mdl(user(0x2180), 0x1000);
  ASSERT_TRUE(part.build_partial(source, user(0x2180), 0x1000));
  EXPECT_EQ(part.pfns()[0], source.pfns()[2]);
  EXPECT_EQ(part.pages(), 2u);
  EXPECT_FALSE(part.mapped());
  EXPECT_EQ(part.system_address(*memory, mappings), memory->address(View::system, run.first) + 0x2180);
  EXPECT_TRUE(part.has(MDL_PARTIAL_HAS_BEEN_MAPPED));
  part.unmap(mappings);
  EXPECT_FALSE(part.has(MDL_PARTIAL_HAS_BEEN_MAPPED));

  const std::uint64_t mapped = source.system_address(*memory, mappings);
  ASSERT_TRUE(part.build_partial(source, user(0x2180), 0x1000));
  EXPECT_TRUE(part.has(MDL_PARENT_MAPPED_SYSTEM_VA));
  EXPECT_EQ(part.system_address(*memory, mappings), mapped + 0x2080);
  part.unmap(mappings);  // the parent's mapping is not the partial's to end
  EXPECT_TRUE(part.mapped());
}

TEST_F(MdlViewTest, APartialMdlOutsideItsSourceOrTooBigIsRefused) {  // DOC: MDL-39
  MdlView source = mdl(user(0x100), 0x2000);
  ASSERT_TRUE(source.lock(*memory, locked, true));
  MdlView part = mdl(user(0x100), 0x1000);
  EXPECT_FALSE(part.build_partial(source, user(0xFF), 1));
  EXPECT_FALSE(part.build_partial(source, user(0x2100), 0));
  EXPECT_FALSE(part.build_partial(source, user(0x2000), 0x101));
  EXPECT_FALSE(part.build_partial(source, user(0x100), 0x2000)) << "three pages do not fit where there is room for two";
  ASSERT_TRUE(part.build_partial(source, user(0x1800), 0));
  EXPECT_EQ(part.length(), 0x900u);
}

TEST_F(MdlViewTest, AChainIsAsLongAsItsPartsTogether) {
  MdlView a = mdl(user(0), 100), b = mdl(user(0x1000), 50);
  a.raw()->Next = b.raw();
  EXPECT_EQ(a.chain_length(), 150u);
}

}  // namespace
}  // namespace drydock
