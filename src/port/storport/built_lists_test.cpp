#include "port/storport/built_lists.h"

#include "port/storport/port_for_tests.h"

namespace drydock::storport {
namespace {

struct BuiltListsTest : PortForTests {
  static constexpr std::uint32_t kLength = 3 * kPageSize;
  explicit BuiltListsTest(std::uint32_t map_registers = 256) : PortForTests(1, map_registers) { instance = this; }
  void SetUp() override {
    ASSERT_TRUE(bring_up());
    buffer = std::make_unique<PreparedBuffer>(*memory, locked, mappings, pool, kBufferMax);
    const PageRun run = *memory->allocate(kLength / kPageSize);
    buffer->prepare(memory->address(View::user, run.first), kLength, true);
    list = static_cast<STOR_SCATTER_GATHER_LIST*>(pool.allocate(4096, PoolKind::nonpaged, 1));
  }
  ~BuiltListsTest() override {
    adapter.reset();
    (void)pool.free(list);
    buffer.reset();
  }
  BuiltLists::Built build(std::size_t list_bytes = 4096, std::uint64_t offset = 0, std::uint64_t length = kLength) {
    BuiltLists::Built built{};
    const unsigned before = called;
    run([&] {
      scheduler.raise_irql(kDispatchLevel);
      built = adapter->built_lists().build(*adapter->dma(), {{MdlView(buffer->mdl()), offset, length, DmaDirection::from_device},
                                                             list, list, list_bytes, &on_list, this, {}});
      EXPECT_EQ(called, before) << "the routine is queued, not called";
      scheduler.lower_irql(kPassiveLevel);
    });
    return built;
  }
  BuiltLists::Put put(DmaDirection direction = DmaDirection::from_device) { return adapter->built_lists().put(list, direction); }
  static MSABI void on_list(PVOID, PVOID, PSTOR_SCATTER_GATHER_LIST given, PVOID context) {
    EXPECT_EQ(given, instance->list);
    EXPECT_EQ(context, instance);
    EXPECT_EQ(instance->scheduler.irql(), kDispatchLevel);
    ++instance->called;
  }
  std::unique_ptr<PreparedBuffer> buffer;
  STOR_SCATTER_GATHER_LIST* list = nullptr;
  unsigned called = 0;
  inline static BuiltListsTest* instance = nullptr;
};

TEST_F(BuiltListsTest, AListDescribesTheBufferAndOpensItForTheDeviceUntilItIsPut) {  // ST-47 ST-48
  ASSERT_EQ(build(), BuiltLists::Built::queued);
  EXPECT_EQ(called, 1u);
  ULONG total = 0;
  for (ULONG i = 0; i < list->NumberOfElements; ++i) total += list->List[i].Length;
  EXPECT_EQ(total, kLength);
  const LogicalAddress first{static_cast<std::uint64_t>(list->List[0].PhysicalAddress.QuadPart)};
  const std::byte one[1] = {std::byte{7}};
  EXPECT_TRUE(master.write(first, one));
  EXPECT_EQ(build(), BuiltLists::Built::in_use);
  EXPECT_EQ(put(), BuiltLists::Put::done);
  EXPECT_FALSE(master.write(first, one));
  EXPECT_EQ(put(), BuiltLists::Put::unknown);
}

TEST_F(BuiltListsTest, WhatDoesNotFitIsRefusedAndNothingStaysMapped) {
  EXPECT_EQ(build(sizeof(STOR_SCATTER_GATHER_LIST)), BuiltLists::Built::too_small);
  EXPECT_EQ(build(SlotLayout::list_bytes(1) - 1), BuiltLists::Built::too_small);
  EXPECT_EQ(build(4096, 8, kLength), BuiltLists::Built::outside_buffer);
  EXPECT_EQ(build(4096, 0, 0), BuiltLists::Built::outside_buffer);
  EXPECT_EQ(called, 0u);
  EXPECT_EQ(build(4096, 100, 200), BuiltLists::Built::queued);
  EXPECT_EQ(put(DmaDirection::to_device), BuiltLists::Put::other_direction);
}

TEST_F(BuiltListsTest, AListThatIsNeverPutIsReported) {
  build();
  take_down();
  EXPECT_EQ(findings("ST-48"), 1u);
}

}  // namespace
}  // namespace drydock::storport
