#include "port/storport/port_for_tests.h"

namespace drydock::storport {
namespace {

struct LifeTest : PortForTests {
  LifeTest() { instance = this; }
  static MSABI BOOLEAN passive(PVOID) {
    instance->order += 'p';
    EXPECT_EQ(instance->scheduler.irql(), kPassiveLevel);
    return TRUE;
  }
  inline static LifeTest* instance = nullptr;
  std::string order;
  std::uint32_t pages_before = memory->pages_used();
};

TEST_F(LifeTest, TheRoutinesAreCalledInTheDocumentedOrderAndLevels) {  // ST-11 ST-91 ST-92
  driver.find = [&](PORT_CONFIGURATION_INFORMATION& config) {
    order += 'f';
    EXPECT_EQ(scheduler.irql(), kPassiveLevel);
    configure(config);
    return ULONG{SP_RETURN_FOUND};
  };
  driver.initialize = [&] {
    order += 'i';
    EXPECT_EQ(scheduler.irql(), kDeviceLevel);
    EXPECT_TRUE(adapter->enable_passive_initialization(&passive));
    return true;
  };
  driver.stop = [&] {
    order += 's';
    EXPECT_EQ(scheduler.irql(), kDeviceLevel);
  };
  ASSERT_TRUE(bring_up());
  EXPECT_FALSE(adapter->enable_passive_initialization(&passive));
  take_down();
  EXPECT_EQ(order, "fips");
  EXPECT_TRUE(broken.empty());
}

TEST_F(LifeTest, InitializeRunsUnderTheInterruptLock) {  // ST-77
  driver.initialize = [&] {
    STOR_LOCK_HANDLE handle{};
    adapter->acquire(InterruptLock, nullptr, handle, {});
    adapter->release_lock(handle, {});
    return true;
  };
  ASSERT_TRUE(bring_up());
  EXPECT_EQ(found_held(), 1u);
}

TEST_F(LifeTest, EveryRefusalOfTheMiniportIsSaidAndLeaksNothing) {
  for (const ULONG answer : {ULONG{SP_RETURN_NOT_FOUND}, ULONG{SP_RETURN_ERROR}, ULONG{SP_RETURN_BAD_CONFIG}, ULONG{77}}) {
    driver.find = [&](PORT_CONFIGURATION_INFORMATION&) { return answer; };
    EXPECT_FALSE(bring_up());
    EXPECT_NE(refusal.find("HwStorFindAdapter returned"), std::string::npos);
    EXPECT_FALSE(adapter->in_find_adapter());
    adapter.reset();
    EXPECT_EQ(memory->pages_used(), pages_before);
  }
  EXPECT_EQ(findings("VER-94"), 1u);
  driver.find = [](PORT_CONFIGURATION_INFORMATION& config) { return configure(config), ULONG{SP_RETURN_FOUND}; };
  driver.initialize = [] { return false; };
  EXPECT_FALSE(bring_up());
  EXPECT_EQ(refusal, "HwStorInitialize returned FALSE");
}

TEST_F(LifeTest, AnAdapterGivesEverythingBack) {
  ASSERT_TRUE(bring_up());
  driver.start = [this](void* srb) { complete(srb); };
  SentForTests& sent = make(0);
  submit(sent);
  take_down();
  adapter.reset();
  EXPECT_EQ(memory->pages_used(), pages_before);
  EXPECT_EQ(mmio.count(), 0u);
}

TEST_F(LifeTest, AnAdapterMayDieWithRequestsInTheDriversHands) {  // a machine that halted
  ASSERT_TRUE(bring_up());
  send();
  adapter.reset();
  EXPECT_EQ(registers->free_count(), registers->count());
}

TEST_F(LifeTest, StopWaitsForWhatIsOutstandingAndFailsWhatWaits) {  // ST-172
  std::vector<Request*> with_driver;
  driver.start = [&](void* srb) { with_driver.push_back(&of(srb)); };
  driver.stop = [&] {
    EXPECT_EQ(adapter->outstanding(), 0u);
    order += 's';
  };
  ASSERT_TRUE(bring_up());
  adapter->unit(0, 0, 0).depth = 1;
  const SentForTests &first = send(), &second = send();
  Job stop([&] { adapter->stop(); });
  scheduler.queue_task(stop, 0);
  run_for(kMillisecond);
  EXPECT_EQ(order, "");
  EXPECT_EQ(second.result.srb_status, SRB_STATUS_NO_HBA);
  complete_later(*with_driver[0]);
  scheduler.drive(stop.done);
  EXPECT_EQ(order, "s");
  EXPECT_EQ(first.result.srb_status, SRB_STATUS_SUCCESS);
  EXPECT_EQ(send().result.srb_status, SRB_STATUS_NO_HBA);  // the adapter does not work any more
  EXPECT_EQ(with_driver.size(), 1u);
}

TEST_F(LifeTest, TheUncachedExtensionIsForFindAdapterOnly) {  // VER-42
  void *first = nullptr, *second = nullptr;
  driver.find = [&](PORT_CONFIGURATION_INFORMATION& config) {
    configure(config);
    first = adapter->uncached_extension(config, 10'000, {});
    second = adapter->uncached_extension(config, 5, {});
    return ULONG{SP_RETURN_FOUND};
  };
  ASSERT_TRUE(bring_up());
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(second, first);
  for (std::uint32_t at = 0; at < 10'000; at += kPageSize)
    EXPECT_EQ(memory->physical(reinterpret_cast<std::uint64_t>(first) + at)->value,
              memory->physical(reinterpret_cast<std::uint64_t>(first))->value + at);
  EXPECT_LT(memory->physical(reinterpret_cast<std::uint64_t>(first))->value, std::uint64_t{1} << 32);
  EXPECT_TRUE(broken.empty());
  PORT_CONFIGURATION_INFORMATION config{};
  config.Master = TRUE;
  config.SrbExtensionSize = 1;
  EXPECT_EQ(adapter->uncached_extension(config, 4096, {}), nullptr);
  ASSERT_EQ(findings("VER-42"), 1u);
  EXPECT_EQ(broken[0].code, "0xF1/0x2002");
}

TEST_F(LifeTest, TheUncachedExtensionWantsAnSrbExtensionSizeFirst) {  // VER-42
  miniport.data.SrbExtensionSize = 0;
  driver.find = [&](PORT_CONFIGURATION_INFORMATION& config) {
    configure(config);
    adapter->uncached_extension(config, 4096, {});
    return ULONG{SP_RETURN_FOUND};
  };
  ASSERT_TRUE(bring_up());
  EXPECT_EQ(findings("VER-42"), 1u);
}

TEST_F(LifeTest, ContiguousMemoryIsFreedWithItsSizeOrReported) {  // ST-58
  ASSERT_TRUE(bring_up());
  void* a = adapter->allocate_common(5000, {.highest = 0xFFFFFF}, {});
  void* b = adapter->allocate_common(4096, {}, {});
  ASSERT_NE(a, nullptr);
  EXPECT_LE(memory->physical(reinterpret_cast<std::uint64_t>(a))->value, 0xFFFFFFu);
  EXPECT_FALSE(adapter->free_common(a, 4096, {}));
  EXPECT_TRUE(adapter->free_common(a, 5000, {}));
  ASSERT_NE(b, nullptr);
  take_down();
  EXPECT_EQ(findings("ST-58"), 1u);
}

TEST_F(LifeTest, OnlyRegistersThatPnpAssignedAreMapped) {  // VER-43
  hba.place_bar(0, 0xF000'0000);
  ASSERT_TRUE(bring_up());
  EXPECT_NE(adapter->map_registers(0xF000'0000, 4096, false, {}), nullptr);
  EXPECT_TRUE(broken.empty());
  EXPECT_EQ(adapter->map_registers(0xF000'0800, 4096, false, {}), nullptr);
  EXPECT_EQ(adapter->map_registers(0xE000'0000, 4, false, {}), nullptr);
  EXPECT_EQ(adapter->map_registers(0xF000'0000, 4, true, {}), nullptr);
  EXPECT_EQ(findings("VER-43"), 3u);
}

TEST_F(LifeTest, ALineIsServedWhileItIsHeldAndNeverBeforeTheInterruptIsConnected) {  // ST-90
  unsigned served = 0;
  driver.initialize = [&] {
    EXPECT_EQ(served, 0u);
    return true;
  };
  driver.interrupt = [&] {
    EXPECT_EQ(scheduler.irql(), kDeviceLevel);
    if (++served == 3) hba.set_interrupt_line(false);
    return true;
  };
  adapter = std::make_unique<Adapter>(services, miniport, hba, 8, 0);
  hba.power_on(11);
  hba.set_interrupt_line(true);
  run_out();
  EXPECT_EQ(served, 0u);
  run([&] { EXPECT_TRUE(adapter->start()); });
  run_out();
  EXPECT_EQ(served, 3u);
  take_down();
  hba.set_interrupt_line(true);
  run_out();
  EXPECT_EQ(served, 3u);
}

TEST_F(LifeTest, ALineThatNobodyClaimsIsAFindingAndEnds) {
  hba.power_on(11);
  ASSERT_TRUE(bring_up());
  hba.set_interrupt_line(true);
  run_out();
  EXPECT_EQ(findings("ST-90"), 1u);
}

TEST_F(LifeTest, MessagesReachTheirRoutineAndAMiniportWithoutSupportGetsTheLine) {  // ST-99
  std::vector<ULONG> got;
  driver.message = [&](ULONG number) { got.push_back(number); };
  driver.find = [](PORT_CONFIGURATION_INFORMATION& config) {
    configure(config);
    config.HwMSInterruptRoutine = &MiniportForTests::hw_message;
    config.InterruptSynchronizationMode = InterruptSynchronizeAll;
    return ULONG{SP_RETURN_FOUND};
  };
  hba.power_on(11);
  hba.enable_msix(true);
  ASSERT_TRUE(bring_up());
  EXPECT_EQ(adapter->messages(), 3u);
  hba.send_msix(2);
  hba.send_msix(0);
  run_out();
  EXPECT_EQ(got, (std::vector<ULONG>{2, 0}));
  adapter.reset();
  driver.find = [](PORT_CONFIGURATION_INFORMATION& config) {
    configure(config);
    config.HwMSInterruptRoutine = &MiniportForTests::hw_message;  // and InterruptSupportNone
    return ULONG{SP_RETURN_FOUND};
  };
  ASSERT_TRUE(bring_up());
  EXPECT_EQ(adapter->messages(), 0u);
  EXPECT_FALSE(hba.msix_enabled());
}

TEST_F(LifeTest, PerformanceOptionsAreForInitializationAndComeWithWhatTheyRequire) {  // ST-102
  struct Row {
    ULONG flags;
    bool taken;
  };
  GROUP_AFFINITY* targets = static_cast<GROUP_AFFINITY*>(pool.allocate(3 * sizeof(GROUP_AFFINITY), PoolKind::nonpaged, 1));
  PERF_CONFIGURATION_DATA data{};
  driver.find = [](PORT_CONFIGURATION_INFORMATION& config) {
    configure(config);
    config.HwMSInterruptRoutine = &MiniportForTests::hw_message;
    config.InterruptSynchronizationMode = InterruptSynchronizePerMessage;
    return ULONG{SP_RETURN_FOUND};
  };
  driver.initialize = [&] {
    EXPECT_EQ(adapter->performance_options(true, data), std::uint32_t{STOR_STATUS_SUCCESS});
    EXPECT_NE(data.Flags & STOR_PERF_INTERRUPT_MESSAGE_RANGES, 0u);
    for (const Row& row : {Row{0, true}, Row{STOR_PERF_DPC_REDIRECTION, true}, Row{STOR_PERF_INTERRUPT_MESSAGE_RANGES, false},
                           Row{STOR_PERF_DPC_REDIRECTION | STOR_PERF_INTERRUPT_MESSAGE_RANGES, true},
                           Row{STOR_PERF_DPC_REDIRECTION | STOR_PERF_ADV_CONFIG_LOCALITY, false},
                           Row{STOR_PERF_DPC_REDIRECTION | STOR_PERF_INTERRUPT_MESSAGE_RANGES | STOR_PERF_ADV_CONFIG_LOCALITY, true},
                           Row{STOR_PERF_OPTIMIZE_FOR_COMPLETION_DURING_STARTIO, false}, Row{1u << 30, false}}) {
      PERF_CONFIGURATION_DATA set{};
      set.Flags = row.flags;
      set.FirstRedirectionMessageNumber = 1;
      set.LastRedirectionMessageNumber = 2;
      set.MessageTargets = targets;
      EXPECT_EQ(adapter->performance_options(false, set) == STOR_STATUS_SUCCESS, row.taken) << row.flags;
    }
    return true;
  };
  hba.enable_msix(true);
  ASSERT_TRUE(bring_up());
  EXPECT_EQ(targets[0].Mask, 1u);  // message 1 goes to the only CPU
  EXPECT_EQ(adapter->message_for_cpu(0), 1u);
  EXPECT_NE(adapter->performance_options(true, data), std::uint32_t{STOR_STATUS_SUCCESS});
  (void)pool.free(targets);
}

}  // namespace
}  // namespace drydock::storport
