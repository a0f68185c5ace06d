#include "ddi/ntoskrnl/mdl_for_tests.h"

namespace drydock::ddi {
namespace {

struct MdlLockTest : MdlRoutinesTest {
  /// What locking raised; 0: nothing.
  NTSTATUS raised_by(void* address, ULONG bytes, UCHAR mode, ULONG operation) {
    kernel.raised.clear();
    const std::uint32_t before = held();
    run_raising([&] {
      MDL* mdl = mm.allocate(address, bytes, FALSE, FALSE, nullptr);
      mm.lock(mdl, mode, operation);
      mm.unlock(mdl), mm.free(mdl);
    });
    EXPECT_EQ(held(), before) << "all or none";
    return kernel.raised.empty() ? 0 : kernel.raised.front();
  }
  /// A raised exception ends the body, and with it this kernel's run.
  void run_raising(std::function<void()> body) {
    if (raised_once) GTEST_FAIL() << "one exception a kernel";
    kernel.run_to_the_end([&, body = std::move(body)] {
      kernel.scheduler().thread()->process = client.get();
      body();
    });
    raised_once = !kernel.raised.empty();
  }
  bool raised_once = false;
};

TEST_F(MdlLockTest, LockedPagesAreNamedAndHeld) {  // DOC: MDL-13 MDL-15 MDL-47
  run([&] {
    auto* at = static_cast<char*>(user(2 * 4096));
    MDL* mdl = mm.allocate(at + 4095, 2, FALSE, FALSE, nullptr);
    mm.lock(mdl, 1, IoModifyAccess);
    EXPECT_TRUE(mdl->MdlFlags & MDL_PAGES_LOCKED);
    EXPECT_TRUE(mdl->MdlFlags & MDL_WRITE_OPERATION);
    const auto* pfns = reinterpret_cast<std::uint64_t*>(mdl + 1);
    EXPECT_EQ(pfns[1] << 12, kernel.memory().physical(reinterpret_cast<std::uint64_t>(at) + 4096)->value);
    EXPECT_EQ(held(), 2u);
    mm.unlock(mdl);
    EXPECT_EQ(mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_WRITE_OPERATION), 0);
    mm.lock(mdl, 1, IoReadAccess);
    EXPECT_FALSE(mdl->MdlFlags & MDL_WRITE_OPERATION);
    mm.unlock(mdl), mm.free(mdl);
  });
  EXPECT_TRUE(kernel.findings.empty());
}

TEST_F(MdlLockTest, TwoMdlsOfAPageHoldItUntilTheSecondLetsGo) {  // DOC: MDL-18
  run([&] {
    void* at = user(100);
    MDL *a = mm.allocate(at, 50, FALSE, FALSE, nullptr), *b = mm.allocate(at, 100, FALSE, FALSE, nullptr);
    mm.lock(a, 1, IoReadAccess), mm.lock(b, 1, IoWriteAccess);
    mm.unlock(a);
    EXPECT_EQ(held(), 1u);
    mm.unlock(b);
    EXPECT_EQ(held(), 0u);
    mm.free(a), mm.free(b);
  });
}

TEST_F(MdlLockTest, KernelMemoryIsLockedTooAndSoAreStacks) {  // DOC: MDL-24 the right way for a stack
  run([&] {
    char local[64] = {};
    for (void* address : {static_cast<void*>(kernel.allocate(64)), static_cast<void*>(local)}) {
      MDL* mdl = mm.allocate(address, 64, FALSE, FALSE, nullptr);
      mm.lock(mdl, 0, IoWriteAccess);
      auto* mapped = static_cast<char*>(mm.system_address(mdl));
      mapped[3] = 'x';
      EXPECT_EQ(static_cast<char*>(address)[3], 'x');
      mm.unlock(mdl), mm.free(mdl);
    }
  });
  EXPECT_TRUE(kernel.findings.empty());
}

TEST_F(MdlLockTest, ReadOnlyPagesMayBeReadButWritingThemRaises) {  // DOC: MDL-14 MDL-15
  void* at = user(8192);
  ASSERT_TRUE(client->protect(reinterpret_cast<std::uint64_t>(at) + 4096, 1, PageAccess::read));
  EXPECT_EQ(raised_by(at, 8192, 1, IoReadAccess), 0);
  EXPECT_EQ(raised_by(at, 4096, 1, IoWriteAccess), 0);
  EXPECT_EQ(raised_by(at, 8192, 1, IoWriteAccess), STATUS_ACCESS_VIOLATION);
}

TEST_F(MdlLockTest, WhatIsNotThereRaises) { EXPECT_EQ(raised_by(reinterpret_cast<void*>(0x10000), 10, 1, IoReadAccess), STATUS_ACCESS_VIOLATION); }
TEST_F(MdlLockTest, AKernelAddressIsNoUsers) { EXPECT_EQ(raised_by(kernel.allocate(100), 100, 1, IoReadAccess), STATUS_ACCESS_VIOLATION); }
TEST_F(MdlLockTest, ABufferThatWrapsRaises) { EXPECT_EQ(raised_by(reinterpret_cast<void*>(~0ull - 99), 200, 0, IoReadAccess), STATUS_ACCESS_VIOLATION); }
TEST_F(MdlLockTest, RegistersAreNoMemory) {  // DOC: VER-50
  EXPECT_EQ(raised_by(reinterpret_cast<void*>(kernel.memory().slot() + kMmioArena + 0x1000), 16, 0, IoReadAccess), STATUS_ACCESS_VIOLATION);
  EXPECT_TRUE(found("VER-50"));
}
TEST_F(MdlLockTest, AnUnmappedPageRaises) {
  void* at = user(8192);
  ASSERT_TRUE(client->unmap(reinterpret_cast<std::uint64_t>(at) + 4096, 1));
  EXPECT_EQ(raised_by(at, 8192, 0, IoReadAccess), STATUS_ACCESS_VIOLATION);
}
TEST_F(MdlLockTest, AnotherProcesssBufferIsToldAndRaises) {
  const auto other = std::move(*kernel.spaces().create("other"));
  EXPECT_EQ(raised_by(reinterpret_cast<void*>(*other->allocate(10)), 10, 1, IoReadAccess), STATUS_ACCESS_VIOLATION);
  EXPECT_TRUE(found("BUF-62"));
}

TEST_F(MdlLockTest, AMistakeAboutTheMdlIsToldAndChangesNothing) {  // DOC: MDL-17 MDL-19 MDL-22 VER-54 VER-59 VER-61
  run([&] {
    void* at = user(100);
    MDL* mdl = mm.allocate(at, 100, FALSE, FALSE, nullptr);
    mm.unlock(mdl);
    EXPECT_TRUE(found("MDL-22"));
    mm.lock(mdl, 1, IoReadAccess), mm.lock(mdl, 1, IoReadAccess);
    EXPECT_TRUE(found("MDL-17"));
    MDL* part = mm.allocate(at, 10, FALSE, FALSE, nullptr);
    mm.partial(mdl, part, at, 10);
    mm.lock(part, 1, IoReadAccess);
    EXPECT_TRUE(found("MDL-19"));
    kernel.findings.clear();
    mm.unlock(part);
    EXPECT_TRUE(found("MDL-19"));
    MDL* pool = mm.allocate(kernel.allocate(100), 100, FALSE, FALSE, nullptr);
    mm.build(pool);
    kernel.findings.clear();
    mm.lock(pool, 0, IoReadAccess), mm.unlock(pool);
    EXPECT_EQ(kernel.findings.size(), 2u);
    EXPECT_TRUE(found("MDL-19"));
    EXPECT_EQ(held(), 1u);
    mm.unlock(mdl), mm.unlock(mdl);
    EXPECT_TRUE(found("MDL-22"));
    EXPECT_EQ(held(), 0u);
    mm.free(mdl), mm.free(part), mm.free(pool);
  });
}

TEST_F(MdlLockTest, PageableMemoryIsNotForDispatchLevel) {  // DOC: MDL-16 VER-51
  run([&] {
    MDL* users = mm.allocate(user(10), 10, FALSE, FALSE, nullptr);
    MDL* pool = mm.allocate(kernel.allocate(10), 10, FALSE, FALSE, nullptr);
    kernel.scheduler().raise_irql(kDispatchLevel);
    mm.lock(pool, 0, IoReadAccess), mm.unlock(pool);
    EXPECT_TRUE(kernel.findings.empty());
    mm.lock(users, 1, IoReadAccess);
    EXPECT_TRUE(found("MDL-16"));
    mm.unlock(users);
    kernel.findings.clear();
    kernel.scheduler().raise_irql(kDeviceLevel);
    mm.lock(pool, 0, IoReadAccess);
    EXPECT_TRUE(found("MDL-16"));
    mm.unlock(pool);
    EXPECT_TRUE(found("VER-53"));
    kernel.scheduler().lower_irql(kPassiveLevel);
    mm.free(pool), mm.free(users);
  });
}

TEST_F(MdlLockTest, SelectedPagesAreThoseOfTheSegments) {  // DOC: MDL-51
  run([&] {
    auto* at = static_cast<char*>(user(4 * 4096));
    FILE_SEGMENT_ELEMENT segments[2];
    segments[0].Alignment = reinterpret_cast<std::uint64_t>(at + 3 * 4096);
    segments[1].Alignment = reinterpret_cast<std::uint64_t>(at);
    MDL* mdl = mm.allocate(nullptr, 8192, FALSE, FALSE, nullptr);
    mm.lock_selected(mdl, segments, 1, IoWriteAccess);
    at = kernel.memory().alias(at);
    at[3 * 4096 + 5] = 'x', at[6] = 'y';
    auto* mapped = static_cast<char*>(mm.system_address(mdl));
    EXPECT_EQ(mapped[5], 'x');
    EXPECT_EQ(mapped[4096 + 6], 'y');
    EXPECT_EQ(held(), 2u);
    mm.unlock(mdl), mm.free(mdl);
  });
  EXPECT_TRUE(kernel.findings.empty());
}

TEST_F(MdlLockTest, WhatTheIoManagerLockedItUnlocks) {  // DOC: VER-150
  run([&] {
    MDL* mdl = mm.allocate(user(10), 10, FALSE, FALSE, nullptr);
    ASSERT_TRUE(kernel.mdls().lock(mdl, {.for_write = true, .of_user = true, .current = client.get(), .owner = LockOwner::io_manager}));
    mm.unlock(mdl);
    EXPECT_TRUE(found("VER-150"));
    EXPECT_EQ(held(), 1u);
    EXPECT_TRUE(kernel.mdls().unlock(mdl, LockOwner::io_manager, {}));
    EXPECT_EQ(held(), 0u);
    mm.free(mdl);
  });
}

}  // namespace
}  // namespace drydock::ddi
