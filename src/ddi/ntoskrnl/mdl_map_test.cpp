#include "ddi/ntoskrnl/mdl_for_tests.h"

namespace drydock::ddi {
namespace {

struct MdlMapTest : MdlRoutinesTest {
  MDL* locked(void* address, ULONG bytes, ULONG operation = IoWriteAccess) {
    MDL* mdl = mm.allocate(address, bytes, FALSE, FALSE, nullptr);
    mm.lock(mdl, 1, operation);
    return mdl;
  }
  void end(MDL* mdl) { mm.unlock(mdl), mm.free(mdl); }
};

TEST_F(MdlMapTest, TheSystemAddressKeepsTheOffsetAndStaysTheSame) {  // DOC: MDL-27 MDL-48
  run([&] {
    auto* at = static_cast<char*>(user(5000, {.offset = 0x345, .runs = PhysicalRuns::scattered}));
    MDL* mdl = locked(at, 5000);
    auto* mapped = static_cast<char*>(mm.system_address(mdl));
    EXPECT_EQ(reinterpret_cast<std::uint64_t>(mapped) & kPageMask, 0x345u);
    EXPECT_EQ(mm.system_address(mdl), mapped);
    EXPECT_TRUE(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA);
    mapped[4999] = 'z';
    EXPECT_EQ(*kernel.memory().alias(at + 4999), 'z');
    EXPECT_EQ(kernel.mappings().live(), 0u) << "pages in a row need no mapping";
    mm.unlock(mdl);  // DOC: MDL-21 MDL-30
    EXPECT_FALSE(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA);
    mm.free(mdl);
  });
  EXPECT_TRUE(kernel.findings.empty());
}

TEST_F(MdlMapTest, WatchedCloselyAMappingHasAClosedPageBehindAndDies) {  // DOC: BUF-48 MDL-20 MDL-21
  kernel.mdls().map_closely();
  run([&] {
    MDL* mdl = locked(user(4096), 4096);
    const auto at = reinterpret_cast<std::uint64_t>(mm.system_address(mdl));
    EXPECT_EQ(kernel.mappings().look(at)->state, ArenaPlace::State::live);
    EXPECT_EQ(kernel.mappings().look(at)->access, PageAccess::read_write);
    EXPECT_EQ(kernel.mappings().look(at + kPageSize)->state, ArenaPlace::State::guard);
    mm.unlock(mdl);
    EXPECT_EQ(kernel.mappings().look(at)->state, ArenaPlace::State::dead);
    mm.lock(mdl, 1, IoReadAccess);
    const auto second = reinterpret_cast<std::uint64_t>(mm.system_address(mdl));
    EXPECT_NE(second, at);
    EXPECT_EQ(kernel.mappings().look(second)->access, PageAccess::read);  // DOC: BUF-51
    end(mdl);
  });
  EXPECT_EQ(kernel.mappings().live(), 0u);
}

TEST(MdlMapWithoutChecks, AnAddressIsTheSameAndAMistakeIsNull) {  // DOC: MDL-27 MDL-29
  KernelForTests kernel(2, CheckLevel::off);
  const MdlRoutines mm;
  kernel.run([&] {
    auto* buffer = kernel.allocate(5 * 4096);
    MDL* mdl = mm.allocate(buffer + 0x123, 3 * 4096, FALSE, FALSE, nullptr);
    EXPECT_EQ(mm.system_address(mdl), nullptr) << "not locked";
    mm.lock(mdl, 0, IoWriteAccess);
    EXPECT_EQ(mm.system_address(mdl), buffer + 0x123);
    EXPECT_EQ(mm.map(mdl, 0, MmCached, nullptr, FALSE, NormalPagePriority), buffer + 0x123) << "mapped already";
    mm.unmap(buffer + 0x123, mdl);
    void* read_only = mm.map(mdl, 0, MmCached, nullptr, FALSE, NormalPagePriority | MdlMappingNoWrite);
    EXPECT_EQ(kernel.mappings().look(reinterpret_cast<std::uint64_t>(read_only))->access, PageAccess::read);
    mm.unmap(read_only, mdl);
    std::swap(reinterpret_cast<std::uint64_t*>(mdl + 1)[0], reinterpret_cast<std::uint64_t*>(mdl + 1)[2]);
    auto* spliced = static_cast<char*>(mm.system_address(mdl));
    buffer[8192 + 0x123] = 'x';
    EXPECT_EQ(spliced[0], 'x') << "the page numbers count";
    mm.unlock(mdl), mm.free(mdl);
    EXPECT_EQ(kernel.mappings().live(), 0u);
  });
  EXPECT_EQ(kernel.spaces().locked().held(), 0u);
}

TEST_F(MdlMapTest, AMappingThatMustNotBeWrittenIsProtected) {  // DOC: MDL-28
  run([&] {
    MDL* mdl = locked(user(4096), 4096);
    void* at = mm.map(mdl, 0, MmCached, nullptr, FALSE, NormalPagePriority | MdlMappingNoWrite | MdlMappingNoExecute);
    EXPECT_EQ(kernel.mappings().look(reinterpret_cast<std::uint64_t>(at))->access, PageAccess::read);
    mm.unmap(at, mdl);
    EXPECT_EQ(kernel.mappings().live(), 0u);
    end(mdl);
  });
  EXPECT_TRUE(kernel.findings.empty());
}

TEST_F(MdlMapTest, MistakesAboutSystemMappingsAreTold) {  // DOC: MDL-25 MDL-29 MDL-32 MDL-35 MDL-37 VER-56 VER-60 VER-61
  const ULONG priority = NormalPagePriority | MdlMappingNoExecute;
  run([&] {
    const auto expect_only = [&](std::string_view rule) {
      EXPECT_EQ(kernel.findings.size(), 1u);
      EXPECT_TRUE(found(rule)) << rule;
      kernel.findings.clear();
    };
    MDL* mdl = mm.allocate(user(100), 100, FALSE, FALSE, nullptr);
    EXPECT_EQ(mm.system_address(mdl), nullptr);
    expect_only("MDL-29");
    mm.lock(mdl, 1, IoWriteAccess);
    mm.unmap(mdl, mdl);
    expect_only("MDL-37");
    void* at = mm.map(mdl, 0, MmCached, nullptr, TRUE, priority);
    expect_only("MDL-32");
    EXPECT_EQ(mm.map(mdl, 0, MmCached, nullptr, FALSE, priority), at);
    expect_only("MDL-35");
    MDL* part = mm.allocate(static_cast<char*>(mdl->StartVa) + mdl->ByteOffset, 10, FALSE, FALSE, nullptr);
    mm.partial(mdl, part, static_cast<char*>(mdl->StartVa) + mdl->ByteOffset, 10);
    mm.unmap(part->MappedSystemVa, part);
    expect_only("MDL-37");
    mm.unmap(static_cast<char*>(at) + 1, mdl);
    expect_only("MDL-37");
    mm.map(mdl, 0, MmCached, nullptr, FALSE, NormalPagePriority);
    expect_only("VER-65");
    mm.unmap(mdl->MappedSystemVa, mdl);
    MDL* pool = mm.allocate(kernel.allocate(100), 100, FALSE, FALSE, nullptr);
    mm.build(pool);
    EXPECT_EQ(mm.map(pool, 0, MmCached, nullptr, FALSE, priority), pool->MappedSystemVa);
    expect_only("MDL-25");
    mm.unmap(pool->MappedSystemVa, pool);
    expect_only("MDL-25");
    EXPECT_NE(mm.map_obsolete(mdl, 0), nullptr);
    expect_only("MDL-52");
    mm.free(part), mm.free(pool), end(mdl);
    EXPECT_TRUE(kernel.findings.empty());
  });
}

// Both have found the MDL unmapped, as the macro looks; whoever comes second is told.
TEST_F(MdlMapTest, OfTwoThreadsThatAskAtOnceTheSecondIsTold) {  // DOC: MDL-31
  run([&] {
    MDL* mdl = locked(user(100), 100);
    void* first = mm.map(mdl, 0, MmCached, nullptr, FALSE, NormalPagePriority | MdlMappingNoExecute);
    EXPECT_EQ(mm.map(mdl, 0, MmCached, nullptr, FALSE, NormalPagePriority | MdlMappingNoExecute), first);
    EXPECT_TRUE(found("MDL-35"));
    end(mdl);
  });
}

TEST_F(MdlMapTest, TheCacheTypeOfThePagesWins) {  // DOC: MDL-34
  run([&] {
    MDL* mdl = locked(user(100), 100);
    for (const ULONG type : {MmNonCached, MmCached, MmWriteCombined}) {
      auto* at = static_cast<volatile char*>(mm.map(mdl, 0, type, nullptr, FALSE, NormalPagePriority | MdlMappingNoExecute));
      ASSERT_NE(at, nullptr);
      at[0] = static_cast<char>(type);
      EXPECT_EQ(*kernel.memory().alias(static_cast<char*>(mdl->StartVa) + mdl->ByteOffset), static_cast<char>(type));
      mm.unmap(const_cast<char*>(at), mdl);
    }
    end(mdl);
  });
  EXPECT_TRUE(kernel.findings.empty());
}

TEST_F(MdlMapTest, MappingHasItsIrql) {  // DOC: MDL-32 MDL-33 VER-52
  run([&] {
    MDL* mdl = locked(user(4096), 4096);
    kernel.scheduler().raise_irql(kDispatchLevel);
    void* at = mm.map(mdl, 1, MmCached, nullptr, FALSE, NormalPagePriority);
    EXPECT_TRUE(found("VER-52"));
    kernel.findings.clear();
    mm.unmap(at, mdl);
    EXPECT_TRUE(found("MDL-37"));
    kernel.findings.clear();
    mm.unmap(mm.system_address(mdl), mdl);
    EXPECT_TRUE(kernel.findings.empty());
    kernel.scheduler().raise_irql(kDeviceLevel);
    mm.unmap(mm.system_address(mdl), mdl);
    EXPECT_TRUE(found("MDL-32"));
    EXPECT_TRUE(found("MDL-37"));
    kernel.scheduler().lower_irql(kPassiveLevel);
    end(mdl);
  });
}

TEST_F(MdlMapTest, AnMdlMadeByHandNamesLockedMemoryOrIsToldSo) {  // DOC: VER-57 VER-58
  run([&] {
    MDL* mdl = mm.allocate(nullptr, 4096, FALSE, FALSE, nullptr);
    auto* pfns = reinterpret_cast<std::uint64_t*>(mdl + 1);
    pfns[0] = kernel.memory().pfn(kernel.memory().allocate(1)->first);
    mdl->MdlFlags = MDL_PAGES_LOCKED;
    kernel.mdls().seal(mdl);
    EXPECT_EQ(mm.system_address(mdl), nullptr);
    EXPECT_TRUE(found("MDL-29"));
    pfns[0] = 0xFFFF'FFFF;
    EXPECT_EQ(mm.system_address(mdl), nullptr);
    EXPECT_TRUE(found("VER-58"));
  });
}

TEST_F(MdlMapTest, AProcessSeesThePagesAtAnAddressOfItsOwn) {  // DOC: MDL-33 MDL-36
  run([&] {
    auto* buffer = kernel.allocate(2 * 4096);
    std::memset(buffer, 0, 2 * 4096);
    MDL* mdl = mm.allocate(buffer, 2 * 4096, FALSE, FALSE, nullptr);
    mm.build(mdl);
    auto* at = static_cast<char*>(mm.map(mdl, 1, MmCached, nullptr, FALSE, NormalPagePriority));
    const auto address = reinterpret_cast<std::uint64_t>(at);
    EXPECT_TRUE(kernel.spaces().is_user(address));
    ASSERT_TRUE(client->write(address + 4095, std::array{std::byte{1}, std::byte{2}}));
    EXPECT_EQ(buffer[4096], 2);
    EXPECT_EQ(kernel.spaces().judge({address, 8192, true, client.get(), 0}).verdict, TouchVerdict::ok);
    EXPECT_EQ(kernel.spaces().judge({address, 8193, true, client.get(), 0}).verdict, TouchVerdict::not_accessible);
    mm.unmap(at, mdl);
    EXPECT_FALSE(client->write(address, std::array{std::byte{1}}));
    auto* read_only = static_cast<char*>(mm.map(mdl, 1, MmCached, nullptr, FALSE, NormalPagePriority | MdlMappingNoWrite));
    EXPECT_FALSE(client->write(reinterpret_cast<std::uint64_t>(read_only), std::array{std::byte{1}}));
    mm.unmap(read_only, mdl), mm.free(mdl);
  });
  EXPECT_TRUE(kernel.findings.empty());
}

TEST_F(MdlMapTest, WhatAProcessSeesIsWholeAndClean) {  // DOC: MDL-36
  run([&] {
    for (const std::size_t bytes : {std::size_t{4096}, std::size_t{100}}) {
      auto* buffer = static_cast<char*>(export_named<void*(MSABI*)(ULONG, SIZE_T, ULONG)>("ntoskrnl.exe", "ExAllocatePoolWithTag")(0, bytes, 0x74736554));
      if (bytes == 100) std::memset(buffer, 0, bytes);
      MDL* mdl = mm.allocate(buffer, static_cast<ULONG>(bytes), FALSE, FALSE, nullptr);
      mm.build(mdl);
      kernel.findings.clear();
      void* at = mm.map(mdl, 1, MmCached, nullptr, FALSE, NormalPagePriority);
      EXPECT_TRUE(found("MDL-36")) << bytes;
      kernel.findings.clear();
      mm.free_pool(buffer);
      EXPECT_TRUE(found("MDL-36")) << "freed while it is mapped";
      mm.unmap(at, mdl), mm.free(mdl);
    }
  });
}

TEST_F(MdlMapTest, UserMappingsEndInTheirProcessAndOnce) {  // DOC: MDL-37 VER-53 VER-62
  const auto other = std::move(*kernel.spaces().create("other"));
  run([&] {
    auto* buffer = kernel.allocate(4096);
    std::memset(buffer, 0, 4096);
    MDL* mdl = mm.allocate(buffer, 4096, FALSE, FALSE, nullptr);
    mm.build(mdl);
    void* at = mm.map(mdl, 1, MmCached, nullptr, FALSE, NormalPagePriority);
    kernel.scheduler().thread()->process = other.get();
    mm.unmap(at, mdl);
    EXPECT_TRUE(found("MDL-37"));
    kernel.scheduler().thread()->process = client.get();
    kernel.findings.clear();
    mm.unmap(at, mdl);
    EXPECT_TRUE(kernel.findings.empty());
    mm.unmap(at, mdl);
    EXPECT_TRUE(found("MDL-37"));
    mm.free(mdl);
  });
}

TEST_F(MdlMapTest, ProtectionIsOfMappedMdlsAndOfKnownKinds) {  // DOC: MDL-43
  kernel.mdls().map_apart();
  run([&] {
    MDL* mdl = locked(user(4096), 4096);
    EXPECT_EQ(mm.protect(mdl, PAGE_READONLY), STATUS_NOT_MAPPED_VIEW);
    const auto at = reinterpret_cast<std::uint64_t>(mm.system_address(mdl));
    EXPECT_EQ(mm.protect(mdl, PAGE_WRITECOPY), STATUS_INVALID_PAGE_PROTECTION);
    EXPECT_EQ(mm.protect(mdl, 0), STATUS_INVALID_PAGE_PROTECTION);
    EXPECT_EQ(mm.protect(mdl, PAGE_READONLY), STATUS_SUCCESS);
    EXPECT_EQ(kernel.mappings().look(at)->access, PageAccess::read);
    EXPECT_EQ(mm.protect(mdl, PAGE_NOACCESS), STATUS_SUCCESS);
    EXPECT_EQ(kernel.mappings().look(at)->access, PageAccess::none);
    EXPECT_EQ(mm.protect(mdl, PAGE_READWRITE), STATUS_SUCCESS);
    *reinterpret_cast<volatile char*>(at) = 1;
    end(mdl);
    MDL* pool = mm.allocate(kernel.allocate(100), 100, FALSE, FALSE, nullptr);
    mm.build(pool);
    EXPECT_EQ(mm.protect(pool, PAGE_READONLY), STATUS_NOT_MAPPED_VIEW);
    mm.free(pool);
  });
  EXPECT_TRUE(kernel.findings.empty());
}

TEST_F(MdlMapTest, ReservedRoomIsMappedAgainAndAgain) {  // DOC: MDL-46
  constexpr ULONG kTag = 0x31323334;
  run([&] {
    void* room = mm.reserve(3 * 4096, kTag);
    ASSERT_NE(room, nullptr);
    for (int round = 0; round < 3; ++round) {
      auto* at = static_cast<char*>(user(8192 - 0x10, {.offset = 0x10}));
      MDL* mdl = locked(at, 8192 - 0x10);
      auto* mapped = static_cast<char*>(mm.map_reserved(room, kTag, mdl, MmCached));
      EXPECT_EQ(mapped, static_cast<char*>(room) + 0x10);
      EXPECT_EQ(mdl->MappedSystemVa, room) << "without the byte offset";
      mapped[5] = static_cast<char>('0' + round);
      EXPECT_EQ(*kernel.memory().alias(at + 5), '0' + round);
      mm.unmap_reserved(mapped, kTag, mdl);
      end(mdl);
    }
    EXPECT_TRUE(kernel.findings.empty());
    MDL* big = locked(user(4 * 4096), 4 * 4096);
    EXPECT_EQ(mm.map_reserved(room, kTag, big, MmCached), nullptr) << "too small";
    EXPECT_TRUE(kernel.findings.empty());
    EXPECT_EQ(mm.map_reserved(room, kTag + 1, big, MmCached), nullptr);
    EXPECT_TRUE(found("MDL-46"));
    kernel.findings.clear();
    mm.release(room, kTag + 1);
    EXPECT_TRUE(found("MDL-46"));
    kernel.findings.clear();
    mm.release(room, kTag);
    EXPECT_TRUE(kernel.findings.empty());
    mm.release(room, kTag);
    EXPECT_TRUE(found("MDL-46"));
    end(big);
  });
}

}  // namespace
}  // namespace drydock::ddi
