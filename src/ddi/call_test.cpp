#include "ddi/call.h"

#include <gtest/gtest.h>

#include "ddi/rig_for_tests.h"

namespace drydock::ddi {
namespace {

using Copy = MSABI void* (*)(void*, const void*, std::uint64_t);
using GetPhysical = MSABI PHYSICAL_ADDRESS (*)(void*);
const Copy kCopy = export_named<Copy>("ntoskrnl.exe", "memcpy");

TEST(Call, AnIrqlAboveTheRowsCeilingIsAFindingAndOneBelowIsNot) {
  KernelForTests kernel;
  const auto allocate = export_named<MSABI void* (*)(ULONG, std::uint64_t, ULONG)>("ntoskrnl.exe", "ExAllocatePoolWithTag");
  kernel.run([&] {
    EXPECT_NE(allocate(0, 16, 1), nullptr);
    kernel.scheduler().raise_irql(kDispatchLevel);
    EXPECT_NE(allocate(0, 16, 1), nullptr);
    EXPECT_TRUE(kernel.findings.empty());
    kernel.scheduler().raise_irql(kDispatchLevel + 1);
    allocate(0, 16, 1);
    kernel.scheduler().lower_irql(kPassiveLevel);
  });
  ASSERT_EQ(kernel.findings.size(), 1u);
  EXPECT_EQ(kernel.findings[0], "VER-85: ExAllocatePoolWithTag was called at IRQL 3; its highest is 2");
}

TEST(Call, APlainCopyBetweenPoolAndStackIsSilent) {
  KernelForTests kernel;
  char* block = kernel.allocate(64);
  kernel.run([&] {
    char local[8] = "1234567";
    kCopy(block, local, sizeof local);
    EXPECT_STREQ(kernel.memory().alias(block), "1234567");
  });
  EXPECT_TRUE(kernel.findings.empty());
}

TEST(Call, ALengthThatLeavesTheMemoryOrWrapsIsAFindingAndNothingIsCopied) {
  KernelForTests kernel;
  char* block = kernel.allocate(64);
  kernel.run([&] {
    char local[8] = "1234567";
    kCopy(block, local, ~std::uint64_t{0});
    kCopy(local, block, kernel.memory().size());
    EXPECT_STREQ(local, "1234567");
  });
  EXPECT_GE(kernel.findings.size(), 2u);
  for (const std::string& finding : kernel.findings) EXPECT_TRUE(finding.starts_with("BUF-68: memcpy")) << finding;
}

TEST(Call, NullIsFineForALengthOfZeroAndAFindingForOneByte) {
  KernelForTests kernel;
  kernel.run([&] {
    char local[8] = {};
    kCopy(nullptr, nullptr, 0);
    kCopy(local, nullptr, 0);
    EXPECT_TRUE(kernel.findings.empty());
    kCopy(local, nullptr, 1);
  });
  ASSERT_EQ(kernel.findings.size(), 1u);
  EXPECT_EQ(kernel.findings[0], "BUF-68: memcpy: Source points to memory that the driver may not read");
}

TEST(Call, ASystemMappingIsTheDriversUpToItsLastPage) {
  KernelForTests kernel;
  const auto a = *kernel.memory().allocate(1), b = *kernel.memory().allocate(1);
  const std::uint64_t pfns[] = {kernel.memory().pfn(b.first), kernel.memory().pfn(a.first)};
  const std::uint64_t mapped = *kernel.mappings().map(pfns);
  const auto physical = export_named<GetPhysical>("ntoskrnl.exe", "MmGetPhysicalAddress");
  kernel.run([&] {
    char local[16] = "across the edge";
    kCopy(reinterpret_cast<void*>(mapped + kPageSize - 8), local, sizeof local);
    EXPECT_EQ(physical(reinterpret_cast<void*>(mapped + kPageSize + 5)).QuadPart, static_cast<LONGLONG>((pfns[1] << kPageShift) + 5));
    EXPECT_TRUE(kernel.findings.empty());
    kCopy(reinterpret_cast<void*>(mapped + 2 * kPageSize - 8), local, sizeof local);
  });
  EXPECT_EQ(std::string(reinterpret_cast<char*>(kernel.memory().system(b.first)) + kPageSize - 8, 8), "across t");
  EXPECT_STREQ(reinterpret_cast<char*>(kernel.memory().system(a.first)), "he edge");
  EXPECT_EQ(kernel.findings.size(), 1u);
}

TEST(Call, ALentRangeIsLookedAtWhereItBeginsAndWhereItEnds) {
  KernelForTests kernel;
  const auto run = *kernel.memory().allocate(2);
  auto* lent = reinterpret_cast<char*>(kernel.memory().address(View::lent, run.first));
  kernel.run([&] {
    char local[16] = {};
    kCopy(local, lent, sizeof local);
    EXPECT_EQ(kernel.touched.size(), 1u);
    kCopy(local, lent + kPageSize - 8, sizeof local);
    EXPECT_EQ(kernel.touched.size(), 3u);
    kCopy(local, lent, 0);
    EXPECT_EQ(kernel.touched.size(), 3u);
  });
}

TEST(Call, ThePhysicalAddressOfAByteIsTheSameInEveryViewAndOfTheStackThereIsNone) {
  KernelForTests kernel;
  const auto physical = export_named<GetPhysical>("ntoskrnl.exe", "MmGetPhysicalAddress");
  const auto run = *kernel.memory().allocate(1);
  kernel.run([&] {
    for (const View view : {View::user, View::system, View::forbidden, View::lent})
      EXPECT_EQ(physical(reinterpret_cast<void*>(kernel.memory().address(view, run.first) + 3)).QuadPart,
                static_cast<LONGLONG>((kernel.memory().pfn(run.first) << kPageShift) + 3));
    EXPECT_TRUE(kernel.findings.empty());
    char local = 0;
    EXPECT_EQ(physical(&local).QuadPart, 0);
  });
  EXPECT_EQ(kernel.findings.size(), 1u);
}

TEST(Call, AConstantOfTheImageMayBeReadAndAWriteToItIsAFindingNotACrash) {
  KernelForTests kernel;
  static const char constant[] = "constant";
  kernel.constant = reinterpret_cast<std::uint64_t>(constant);
  kernel.run([&] {
    char local[sizeof constant] = {};
    kCopy(local, constant, sizeof constant);
    EXPECT_STREQ(local, constant);
    EXPECT_TRUE(kernel.findings.empty());
    kCopy(const_cast<char*>(constant), local, sizeof constant);
  });
  ASSERT_EQ(kernel.findings.size(), 1u);
  EXPECT_EQ(kernel.findings[0], "BUF-68: memcpy: Destination points to memory that the driver may not write");
}

}  // namespace
}  // namespace drydock::ddi
