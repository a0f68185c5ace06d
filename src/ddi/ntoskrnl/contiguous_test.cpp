#include "ddi/rig_for_tests.h"

namespace drydock::ddi {
namespace {

constexpr const char* kModule = "ntoskrnl.exe";

PHYSICAL_ADDRESS at(std::uint64_t address) {
  PHYSICAL_ADDRESS physical{};
  physical.QuadPart = static_cast<LONGLONG>(address);
  return physical;
}

TEST(Contiguous, MemoryObeysItsLimitsAndGoesBack) {
  KernelForTests kernel;
  const auto allocate = export_named<MSABI void* (*)(SIZE_T, PHYSICAL_ADDRESS)>(kModule, "MmAllocateContiguousMemory");
  const auto within = export_named<MSABI void* (*)(SIZE_T, PHYSICAL_ADDRESS, PHYSICAL_ADDRESS, PHYSICAL_ADDRESS, ULONG)>(kModule, "MmAllocateContiguousMemorySpecifyCache");
  const auto release = export_named<MSABI void (*)(void*)>(kModule, "MmFreeContiguousMemory");
  const std::uint32_t used = kernel.memory().pages_used();
  kernel.run([&] {
    void* low = allocate(3 * 4096, at(0xFF'FFFF));
    ASSERT_NE(low, nullptr);
    const auto first = kernel.memory().physical(reinterpret_cast<std::uint64_t>(low));
    EXPECT_LE(first->value + 3 * 4096 - 1, 0xFF'FFFFu);
    EXPECT_EQ(kernel.memory().physical(reinterpret_cast<std::uint64_t>(low) + 8192)->value, first->value + 8192);
    void* bounded = within(8192, at(0), at(~0ull >> 1), at(0x1'0000), MmCached);
    ASSERT_NE(bounded, nullptr);
    const std::uint64_t start = kernel.memory().physical(reinterpret_cast<std::uint64_t>(bounded))->value;
    EXPECT_EQ(start / 0x1'0000, (start + 8191) / 0x1'0000);
    EXPECT_EQ(allocate(4096, at(0xFFF)), nullptr);
    release(low), release(bounded);
    EXPECT_TRUE(kernel.findings.empty());
    release(low);
  });
  EXPECT_EQ(kernel.findings.size(), 1u);
  EXPECT_EQ(kernel.memory().pages_used(), used);
}

TEST(Contiguous, NonCachedMemoryIsForApcLevelAndItsOwnFree) {  // DOC: VER-116
  KernelForTests kernel;
  const auto allocate = export_named<MSABI void* (*)(SIZE_T)>(kModule, "MmAllocateNonCachedMemory");
  const auto release = export_named<MSABI void (*)(void*, SIZE_T)>(kModule, "MmFreeNonCachedMemory");
  const auto other = export_named<MSABI void (*)(void*)>(kModule, "MmFreeContiguousMemory");
  kernel.run([&] {
    void* memory = allocate(100);
    ASSERT_NE(memory, nullptr);
    other(memory);
    EXPECT_EQ(kernel.findings.size(), 1u);
    release(memory, 101);
    EXPECT_EQ(kernel.findings.size(), 2u);
    kernel.findings.clear();
    kernel.scheduler().raise_irql(kDispatchLevel);
    memory = allocate(100);
    ASSERT_EQ(kernel.findings.size(), 1u);
    EXPECT_TRUE(kernel.findings.front().starts_with("VER-116"));
    kernel.scheduler().lower_irql(kPassiveLevel);
    release(memory, 100);
  });
}

}  // namespace
}  // namespace drydock::ddi
