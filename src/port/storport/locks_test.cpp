#include "port/storport/port_for_tests.h"

namespace drydock::storport {
namespace {

struct LocksTest : PortForTests {
  LocksTest() { instance = this; }
  /// Runs `body` in HwStorBuildIo: no lock held, DISPATCH_LEVEL, and the driver's books are kept.
  void in_build(std::function<void()> body) {
    driver.build = [body = std::move(body)](void*) { return body(), true; };
    driver.start = [this](void* srb) { complete(srb); };
    ASSERT_TRUE(bring_up());
    send();
  }
  static void per_message(PORT_CONFIGURATION_INFORMATION& config) {
    configure(config);
    config.HwMSInterruptRoutine = &MiniportForTests::hw_message;
    config.InterruptSynchronizationMode = InterruptSynchronizePerMessage;
  }
  static MSABI BOOLEAN synchronized(PVOID, PVOID context) {
    *static_cast<Irql*>(context) = instance->scheduler.irql();
    return TRUE;
  }
  inline static LocksTest* instance = nullptr;
};

TEST_F(LocksTest, ALockRaisesToItsLevelAndGivesTheOldOneBack) {
  in_build([&] {
    STOR_LOCK_HANDLE interrupt{}, start_io{};
    adapter->acquire(StartIoLock, nullptr, start_io, {});
    EXPECT_EQ(scheduler.irql(), kDispatchLevel);
    adapter->acquire(InterruptLock, nullptr, interrupt, {});
    EXPECT_EQ(scheduler.irql(), kDeviceLevel);
    adapter->release_lock(interrupt, {});
    EXPECT_EQ(scheduler.irql(), kDispatchLevel);
    adapter->release_lock(start_io, {});
    EXPECT_EQ(scheduler.irql(), kDispatchLevel);
  });
  EXPECT_TRUE(broken.empty());
}

TEST_F(LocksTest, AHeldLockIsNotLostByAcquiringItAgain) {  // VER-88
  in_build([&] {
    STOR_LOCK_HANDLE first{}, second{};
    adapter->acquire(StartIoLock, nullptr, first, {});
    adapter->acquire(StartIoLock, nullptr, second, {});
    EXPECT_EQ(findings("VER-88"), 1u);
    adapter->release_lock(second, {});
    adapter->acquire(StartIoLock, nullptr, second, {});
    EXPECT_EQ(findings("VER-88"), 2u);  // still held: the first release ended only the second acquisition
    adapter->release_lock(second, {});
    adapter->release_lock(first, {});
    adapter->acquire(StartIoLock, nullptr, first, {});
    adapter->release_lock(first, {});
  });
  EXPECT_EQ(broken.size(), 2u);
}

TEST_F(LocksTest, StartIoAfterInterruptIsTheWrongOrder) {  // VER-89
  in_build([&] {
    STOR_LOCK_HANDLE interrupt{}, start_io{};
    adapter->acquire(InterruptLock, nullptr, interrupt, {});
    adapter->acquire(StartIoLock, nullptr, start_io, {});
    adapter->release_lock(start_io, {});
    adapter->release_lock(interrupt, {});
  });
  EXPECT_EQ(findings("VER-89"), 1u);
}

TEST_F(LocksTest, ALockKeptWhenTheRoutineReturnsIsAFindingAndSoIsAReleaseOfNone) {  // VER-88
  STOR_LOCK_HANDLE handle{};
  in_build([&] { adapter->acquire(InterruptLock, nullptr, handle, {}); });
  EXPECT_EQ(findings("VER-88"), 1u);
  EXPECT_EQ(findings("VER-86"), 1u);  // and at the wrong IRQL
  driver.build = [&](void*) { return adapter->release_lock(handle, {}), true; };
  send();
  EXPECT_EQ(findings("VER-88"), 2u);
}

TEST_F(LocksTest, ADpcLockNeedsADpcThatWasInitialised) {  // ST-80
  in_build([&] {
    STOR_LOCK_HANDLE handle{};
    adapter->acquire(DpcLock, &handle, handle, {});
    adapter->release_lock(handle, {});
  });
  EXPECT_EQ(findings("ST-80"), 1u);
}

TEST_F(LocksTest, TheInterruptLockExcludesEveryMessageEvenOneByOne) {  // ST-81
  hba.enable_msix(true);
  driver.find = [](PORT_CONFIGURATION_INFORMATION& config) { return per_message(config), ULONG{SP_RETURN_FOUND}; };
  in_build([&] {
    STOR_LOCK_HANDLE handle{};
    ULONG old = 0;
    adapter->acquire(InterruptLock, nullptr, handle, {});
    EXPECT_TRUE(adapter->acquire_message_lock(2, old, {}));
    EXPECT_EQ(findings("VER-88"), 1u);  // held
    EXPECT_TRUE(adapter->release_message_lock(2, old));
    adapter->release_lock(handle, {});
    EXPECT_TRUE(adapter->acquire_message_lock(2, old, {}));
    EXPECT_TRUE(adapter->release_message_lock(2, old));
    EXPECT_FALSE(adapter->acquire_message_lock(3, old, {}));
  });
  EXPECT_EQ(broken.size(), 1u);
}

TEST_F(LocksTest, AMessageLockNeedsPerMessageSynchronization) {  // VER-90
  hba.enable_msix(true);
  driver.find = [](PORT_CONFIGURATION_INFORMATION& config) {
    per_message(config);
    config.InterruptSynchronizationMode = InterruptSynchronizeAll;
    return ULONG{SP_RETURN_FOUND};
  };
  in_build([&] {
    ULONG old = 0;
    EXPECT_TRUE(adapter->acquire_message_lock(0, old, {}));
    EXPECT_TRUE(adapter->release_message_lock(0, old));
  });
  EXPECT_EQ(findings("VER-90"), 1u);
}

TEST_F(LocksTest, SynchronizeRunsTheRoutineAtDeviceLevelUnderTheInterruptLock) {  // ST-76
  Irql inside = 0;
  in_build([&] {
    EXPECT_TRUE(adapter->synchronize(&synchronized, &inside));
    EXPECT_EQ(scheduler.irql(), kDispatchLevel);
  });
  EXPECT_EQ(inside, kDeviceLevel);
  EXPECT_TRUE(broken.empty());
}

struct HalfDuplexTest : LocksTest {
  HalfDuplexTest() {
    driver.find = [](PORT_CONFIGURATION_INFORMATION& config) {
      configure(config);
      config.SynchronizationModel = StorSynchronizeHalfDuplex;
      return ULONG{SP_RETURN_FOUND};
    };
  }
};

TEST_F(HalfDuplexTest, StartIoRunsAtDeviceLevelUnderTheInterruptLock) {  // ST-73
  driver.start = [&](void* srb) {
    EXPECT_EQ(scheduler.irql(), kDeviceLevel);
    STOR_LOCK_HANDLE handle{};
    adapter->acquire(InterruptLock, nullptr, handle, {});
    adapter->release_lock(handle, {});
    complete(srb);
  };
  ASSERT_TRUE(bring_up());
  send();
  EXPECT_EQ(findings("VER-88"), 1u);
  EXPECT_EQ(findings("VER-92"), 1u);
}

TEST_F(HalfDuplexTest, HalfDuplexStartIoMaySynchronizeWithTheInterruptItExcludes) {
  Irql inside = 0;
  driver.start = [&](void* srb) {
    adapter->synchronize(&synchronized, &inside);
    complete(srb);
  };
  ASSERT_TRUE(bring_up());
  send();
  EXPECT_EQ(inside, kDeviceLevel);
  EXPECT_EQ(findings("VER-88"), 0u);
}

// --- which routine may acquire which lock. ST-78 --------------------------------------------------------------------------

struct LockTableTest : LocksTest {
  static constexpr STOR_SPINLOCK kKinds[] = {DpcLock, StartIoLock, InterruptLock};
  STOR_DPC dpc{};
  std::string told;  ///< the locks whose acquisition was a finding of ST-78
  bool elsewhere = false;  ///< found as another rule

  /// In a routine of the miniport: tries each lock alone.
  void try_all() {
    told.clear();
    for (const STOR_SPINLOCK kind : kKinds) {
      const std::size_t before = broken.size();
      STOR_LOCK_HANDLE handle{};
      adapter->acquire(kind, kind == DpcLock ? &dpc : nullptr, handle, {});
      adapter->release_lock(handle, {});
      if (broken.size() == before) continue;
      EXPECT_EQ(broken.size(), before + 1) << "one mistake, one finding";
      if (broken.back().rule == "ST-78") told += kind == DpcLock ? "D" : kind == StartIoLock ? "S" : "I";
      else elsewhere = true;
    }
  }
  static MSABI VOID on_dpc(PSTOR_DPC, PVOID, PVOID, PVOID) { static_cast<LockTableTest*>(instance)->try_all(); }
  static MSABI void on_timer(PVOID) { static_cast<LockTableTest*>(instance)->try_all(); }
  static MSABI void on_state(PVOID, PVOID, SHORT, PVOID, ULONG) { static_cast<LockTableTest*>(instance)->try_all(); }
  static MSABI BOOLEAN on_passive(PVOID) { return static_cast<LockTableTest*>(instance)->try_all(), TRUE; }
  void with_dpc() { adapter->deferred().initialize_dpc(&dpc, &on_dpc); }
  void half_duplex() {
    driver.find = [](PORT_CONFIGURATION_INFORMATION& config) {
      configure(config);
      config.SynchronizationModel = StorSynchronizeHalfDuplex;
      return ULONG{SP_RETURN_FOUND};
    };
  }
  void time_out() {
    driver.start = [](void*) {};
    send();
    run_out();
  }
};

TEST_F(LockTableTest, FindAdapterMayAcquireNone) {
  driver.find = [this](PORT_CONFIGURATION_INFORMATION& config) {
    with_dpc();
    try_all();
    return configure(config), ULONG{SP_RETURN_FOUND};
  };
  ASSERT_TRUE(bring_up());
  EXPECT_EQ(told, "DSI");
}

TEST_F(LockTableTest, InitializeMayAcquireNoneAndHasOneFindingForEach) {
  driver.initialize = [this] { return with_dpc(), try_all(), true; };
  ASSERT_TRUE(bring_up());
  EXPECT_EQ(told, "DSI");
  EXPECT_FALSE(elsewhere);
}

TEST_F(LockTableTest, PassiveInitializeMayAcquireNone) {
  driver.initialize = [this] { return with_dpc(), adapter->enable_passive_initialization(&on_passive); };
  ASSERT_TRUE(bring_up());
  EXPECT_EQ(told, "DSI");
}

TEST_F(LockTableTest, TheInterruptRoutineMayAcquireNone) {
  ASSERT_TRUE(bring_up());
  with_dpc();
  driver.interrupt = [this] { return try_all(), hba.set_interrupt_line(false), true; };
  hba.set_interrupt_line(true);
  run_for(kMillisecond);
  EXPECT_EQ(told, "DSI");
}

TEST_F(LockTableTest, TheMessageRoutineMayAcquireNone) {
  hba.enable_msix(true);
  driver.find = [](PORT_CONFIGURATION_INFORMATION& config) {
    per_message(config);
    config.InterruptSynchronizationMode = InterruptSynchronizeAll;
    return ULONG{SP_RETURN_FOUND};
  };
  ASSERT_TRUE(bring_up());
  with_dpc();
  driver.message = [this](ULONG) { try_all(); };
  hba.send_msix(1);
  run_for(kMillisecond);
  EXPECT_EQ(told, "DSI");
}

TEST_F(LockTableTest, StartIoMayAcquireTheDpcAndTheInterruptLock) {
  driver.start = [this](void* srb) { try_all(), complete(srb); };
  ASSERT_TRUE(bring_up());
  with_dpc();
  send();
  EXPECT_EQ(told, "S");
  EXPECT_FALSE(elsewhere);
}

TEST_F(LockTableTest, BuildIoADpcAndAdapterControlMayAcquireAny) {
  driver.build = [this](void*) { return try_all(), true; };
  driver.start = [this](void* srb) { complete(srb); };
  ASSERT_TRUE(bring_up());
  with_dpc();
  send();
  EXPECT_EQ(told, "");
  told = "?";
  run([this] { adapter->deferred().issue_dpc(&dpc, nullptr, nullptr); });
  run_for(kMillisecond);
  EXPECT_EQ(std::exchange(told, "?"), "");
  driver.stop = [this] { try_all(); };  // ScsiStopAdapter. H-21
  take_down();
  EXPECT_EQ(told, "");
  EXPECT_TRUE(broken.empty());
}

TEST_F(LockTableTest, TimerResetBusAndStateChangeMayNotAcquireTheLockTheyAreCalledUnder) {
  ASSERT_TRUE(bring_up());
  with_dpc();
  adapter->request_timer(&on_timer, 1);
  run_for(kMillisecond);
  EXPECT_EQ(std::exchange(told, "?"), "S");
  struct Nobody final : BusWatcher {
    void bus_changed(Adapter&, const BusScope&) override {}
  } nobody;
  adapter->rescan().watch(nobody);
  EXPECT_TRUE(adapter->deferred().state_changed(&on_state, nullptr, nullptr, {}));
  run_for(kMillisecond);
  EXPECT_EQ(std::exchange(told, "?"), "S");
  driver.reset_bus = [this](ULONG) { try_all(); };
  time_out();
  EXPECT_EQ(told, "S");
  EXPECT_FALSE(elsewhere);
}

TEST_F(LockTableTest, InHalfDuplexTheTimerMayAcquireNone) {
  half_duplex();
  ASSERT_TRUE(bring_up());
  with_dpc();
  adapter->request_timer(&on_timer, 1);
  run_for(kMillisecond);
  EXPECT_EQ(told, "DSI");
  EXPECT_FALSE(elsewhere);
}

}  // namespace
}  // namespace drydock::storport
