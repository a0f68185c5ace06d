#include "ddi/ntoskrnl/mdl_for_tests.h"

namespace drydock::ddi {
namespace {

struct MdlPagesTest : MdlRoutinesTest {
  static PHYSICAL_ADDRESS at(std::uint64_t address) {
    PHYSICAL_ADDRESS physical{};
    physical.QuadPart = static_cast<LONGLONG>(address);
    return physical;
  }
  MDL* pages(std::uint64_t low, std::uint64_t high, std::uint64_t skip, std::uint64_t bytes, ULONG flags = 0) {
    return mm.allocate_pages(at(low), at(high), at(skip), bytes, MmCached, flags);
  }
  static const std::uint64_t* pfns(MDL* mdl) { return MdlView(mdl).pfns(); }
  void end(MDL* mdl) { mm.free_pages(mdl), mm.free_pool(mdl); }
  static constexpr std::uint64_t kAll = ~std::uint64_t{0} >> 1;
};

TEST_F(MdlPagesTest, PagesAreLockedZeroedAndWithoutAnAddress) {  // DOC: MDL-44
  run([&] {
    end(pages(0, kAll, 0, 10 * 4096));  // pool for the MDL
    const std::uint32_t used = kernel.memory().pages_used();
    MDL* mdl = pages(0, kAll, 0, 10 * 4096);
    ASSERT_NE(mdl, nullptr);
    EXPECT_EQ(mdl->ByteCount, 10u * 4096);
    EXPECT_EQ(mdl->StartVa, nullptr);
    EXPECT_TRUE(mdl->MdlFlags & MDL_PAGES_LOCKED);
    EXPECT_EQ(held(), 10u);
    auto* mapped = static_cast<char*>(mm.system_address(mdl));
    EXPECT_EQ(std::count(mapped, mapped + 10 * 4096, 0), 10 * 4096);
    end(mdl);  // DOC: MDL-30 unmaps
    EXPECT_EQ(held(), 0u);
    EXPECT_EQ(kernel.memory().pages_used(), used);
  });
  EXPECT_TRUE(kernel.findings.empty());
}

TEST_F(MdlPagesTest, PagesLieWhereTheyAreWanted) {  // DOC: MDL-44
  run([&] {
    for (const auto& [low, high] : {std::pair<std::uint64_t, std::uint64_t>{0, 0xFFFF'FFFF}, {0x1'0000'0000, kAll}, {0, 0xFF'FFFF}}) {
      MDL* mdl = pages(low, high, 0, 5 * 4096);
      ASSERT_NE(mdl, nullptr) << low;
      for (unsigned i = 0; i < mdl->ByteCount / 4096; ++i) {
        EXPECT_GE(pfns(mdl)[i] << 12, low);
        EXPECT_LE(pfns(mdl)[i] << 12, high);
      }
      end(mdl);
    }
    EXPECT_EQ(pages(0x7000'0000'0000, kAll, 0, 4096), nullptr) << "no such memory";
  });
}

TEST_F(MdlPagesTest, FewerPagesThanAskedUnlessAllAreRequired) {  // DOC: MDL-44
  run([&] {
    MDL* mdl = pages(0, kAll, 0, std::uint64_t{64} << 20);
    ASSERT_NE(mdl, nullptr);
    EXPECT_LT(mdl->ByteCount, 64u << 20);
    EXPECT_EQ(pages(0, kAll, 0, std::uint64_t{64} << 20, MM_ALLOCATE_FULLY_REQUIRED), nullptr);
    end(mdl);
    EXPECT_EQ(pages(0, kAll, 0, std::uint64_t{4} << 30), nullptr) << "4 GiB less a page at most";
    EXPECT_EQ(pages(0, kAll, 0, 4096, MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS | MM_ALLOCATE_FAST_LARGE_PAGES), nullptr);
  });
}

TEST_F(MdlPagesTest, ContiguousChunksAreContiguousAndAligned) {  // DOC: MDL-45
  run([&] {
    MDL* one = pages(0, kAll, 0, 16 * 4096, MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS);
    ASSERT_NE(one, nullptr);
    for (unsigned i = 1; i < 16; ++i) EXPECT_EQ(pfns(one)[i], pfns(one)[0] + i);
    MDL* chunks = pages(0, kAll, 4 * 4096, 16 * 4096, MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS);
    ASSERT_NE(chunks, nullptr);
    for (unsigned i = 0; i < 16; ++i) EXPECT_EQ(pfns(chunks)[i], pfns(chunks)[i & ~3u] + (i & 3));
    for (unsigned i = 0; i < 16; i += 4) EXPECT_EQ(pfns(chunks)[i] % 4, 0u);
    for (const std::uint64_t skip : {std::uint64_t{3 * 4096}, std::uint64_t{512}, std::uint64_t{32 * 4096}})
      EXPECT_EQ(pages(0, kAll, skip, 16 * 4096, MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS), nullptr);
    EXPECT_EQ(pages(0, kAll, 0, std::uint64_t{64} << 20, MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS), nullptr) << "all or nothing";
    end(one), end(chunks);
  });
  EXPECT_TRUE(kernel.findings.empty());
}

TEST_F(MdlPagesTest, TheNextRangesAreTriedInTurn) {  // DOC: MDL-44
  run([&] {
    MDL* mdl = pages(0, 0xFFF, 0x10'0000, 2 * 4096);  // a page in each MiB
    ASSERT_NE(mdl, nullptr);
    for (unsigned i = 0; i < mdl->ByteCount / 4096; ++i) EXPECT_EQ((pfns(mdl)[i] << 12) % 0x10'0000, 0u);
    end(mdl);
  });
}

TEST_F(MdlPagesTest, DispatchLevelIsTheHighestForThem) {  // DOC: VER-116
  run([&] {
    kernel.scheduler().raise_irql(kDispatchLevel);
    end(pages(0, kAll, 0, 4096));
    EXPECT_TRUE(kernel.findings.empty());
    MDL* mdl = pages(0, kAll, 0, 4096);
    kernel.scheduler().raise_irql(kDeviceLevel);
    mm.free_pages(mdl);
    EXPECT_TRUE(found("VER-116"));
    kernel.scheduler().lower_irql(kPassiveLevel);
    mm.free_pool(mdl);
  });
}

TEST_F(MdlPagesTest, OnlySuchPagesAreFreedAndOnce) {
  run([&] {
    MDL* mdl = mm.allocate(user(100), 100, FALSE, FALSE, nullptr);
    mm.free_pages(mdl);
    EXPECT_TRUE(found("MDL-44"));
    mm.free(mdl);
    kernel.findings.clear();
    mdl = pages(0, kAll, 0, 4096);
    mm.free_pages(mdl);
    EXPECT_TRUE(kernel.findings.empty());
    mm.free_pages(mdl);
    EXPECT_TRUE(found("MDL-44"));
    mm.free_pool(mdl);
  });
}

}  // namespace
}  // namespace drydock::ddi
