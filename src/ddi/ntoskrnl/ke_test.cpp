// Ke…: time and threads, called as a driver calls them.

#include <gtest/gtest.h>

#include "ddi/rig_for_tests.h"

namespace drydock::ddi {
namespace {

using Delay = MSABI NTSTATUS (*)(UCHAR, BOOLEAN, LARGE_INTEGER*);

TEST(Delay, AThreadSleepsForAnIntervalOrUntilATimeAndNotForATimeGoneBy) {
  KernelForTests kernel;
  const auto delay = export_named<Delay>("ntoskrnl.exe", "KeDelayExecutionThread");
  kernel.run([&] {
    const auto slept = [&](LONGLONG units) {
      LARGE_INTEGER interval{};
      interval.QuadPart = units;
      const Nanoseconds start = kernel.scheduler().now();
      EXPECT_EQ(delay(0, 0, &interval), STATUS_SUCCESS);
      return (kernel.scheduler().now() - start) / kMillisecond;
    };
    EXPECT_EQ(slept(-50'000), 5u);
    EXPECT_EQ(slept(static_cast<LONGLONG>(kernel.system_time()) + 70'000), 7u);
    EXPECT_EQ(slept(1), 0u);
  });
  EXPECT_TRUE(kernel.findings.empty());
}

TEST(Mdls, AnMdlOfPoolNamesItsPagesAndIsGivenBack) {
  KernelForTests kernel;
  char* block = kernel.allocate(3 * kPageSize);
  kernel.run([&] {
    MDL* mdl = export_named<MSABI MDL* (*)(void*, ULONG, BOOLEAN, BOOLEAN, void*)>("ntoskrnl.exe", "IoAllocateMdl")(block + 100, 2 * kPageSize, 0, 0, nullptr);
    ASSERT_NE(mdl, nullptr);
    export_named<MSABI void (*)(MDL*)>("ntoskrnl.exe", "MmBuildMdlForNonPagedPool")(mdl);
    const auto* pfns = reinterpret_cast<const std::uint64_t*>(mdl + 1);
    for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(pfns[i], kernel.memory().pfn(kernel.memory().find(block)->page() + i));
    export_named<MSABI void (*)(MDL*)>("ntoskrnl.exe", "IoFreeMdl")(mdl);
    EXPECT_TRUE(kernel.findings.empty());
    export_named<MSABI void (*)(MDL*)>("ntoskrnl.exe", "IoFreeMdl")(mdl);
  });
  EXPECT_EQ(kernel.findings.size(), 1u);
}

}  // namespace
}  // namespace drydock::ddi
