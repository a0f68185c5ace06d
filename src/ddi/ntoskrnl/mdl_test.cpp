#include "ddi/ntoskrnl/mdl_for_tests.h"

namespace drydock::ddi {
namespace {

using MdlTest = MdlRoutinesTest;

TEST_F(MdlTest, AnAllocatedMdlSaysWhatItIsForAndNothingOfPages) {  // DOC: MDL-01 MDL-05 MDL-07 LAY-08
  run([&] {
    auto* buffer = kernel.allocate(8192);
    MDL* mdl = mm.allocate(buffer + 0x123, 5000, FALSE, FALSE, nullptr);
    ASSERT_NE(mdl, nullptr);
    EXPECT_EQ(static_cast<char*>(mdl->StartVa) + mdl->ByteOffset, buffer + 0x123);
    EXPECT_EQ(mdl->ByteCount, 5000u);
    EXPECT_EQ(mdl->MdlFlags, 0);
    EXPECT_EQ(mdl->Next, nullptr);
    EXPECT_EQ(mdl->Size, static_cast<CSHORT>(mm.size_of(buffer + 0x123, 5000)));
    mm.free(mdl);
  });
  EXPECT_TRUE(kernel.findings.empty());
}

TEST_F(MdlTest, AnMdlIsForLessThan4GiB) {  // DOC: MDL-08
  run([&] {
    EXPECT_EQ(mm.allocate(nullptr, ~0u, FALSE, FALSE, nullptr), nullptr);
    EXPECT_EQ(mm.allocate(nullptr, 0xFFFF'F001u, FALSE, FALSE, nullptr), nullptr);
    EXPECT_EQ(mm.size_of(reinterpret_cast<void*>(0xFFF), 2), 48u + 16);  // DOC: MDL-04
    MDL* most = mm.allocate(nullptr, 0xFFFF'F000u, FALSE, FALSE, nullptr);
    if (most != nullptr) mm.free(most);
  });
}

TEST_F(MdlTest, PagesAreCountedByWhatIsTouched) {  // DOC: MDL-03
  EXPECT_EQ(pages_spanned(0, 0), 0u);
  EXPECT_EQ(pages_spanned(0x1FFF, 1), 1u);
  EXPECT_EQ(pages_spanned(0x1FFF, 2), 2u);
  EXPECT_EQ(pages_spanned(0x1001, 4096), 2u);
  EXPECT_EQ(pages_spanned(0x1000, 4096), 1u);
}

TEST_F(MdlTest, AnMdlAtAUserAddressIsNoKernels) {  // DOC: VER-63
  run([&] {
    auto* address = static_cast<MDL*>(user(4096));
    *kernel.memory().alias(address) = {};
    mm.build(address);
    EXPECT_TRUE(found("VER-63"));
  });
}

TEST_F(MdlTest, WithAnIrpTheMdlIsItsOwnOrTheLastOfItsChain) {  // DOC: MDL-09 MDL-10
  run([&] {
    auto* irp = kernel.allocate<IRP>(sizeof(IRP));
    irp->MdlAddress = nullptr;
    MDL* first = mm.allocate(irp, 10, FALSE, FALSE, irp);
    MDL* second = mm.allocate(irp, 10, TRUE, FALSE, irp);
    MDL* third = mm.allocate(irp, 10, TRUE, FALSE, irp);
    EXPECT_EQ(irp->MdlAddress, first);
    EXPECT_EQ(first->Next, second);
    EXPECT_EQ(second->Next, third);
    EXPECT_EQ(third->Next, nullptr);
    EXPECT_TRUE(kernel.findings.empty());
    mm.free(first);  // DOC: MDL-11 one, not the chain
    EXPECT_EQ(second->Next, third);
    mm.free(second), mm.free(third);
    mm.free(mm.allocate(irp, 10, TRUE, FALSE, nullptr));
    EXPECT_TRUE(found("MDL-09"));
  });
}

TEST_F(MdlTest, NonpagedPoolIsItsOwnMapping) {  // DOC: MDL-23 MDL-26 MDL-47
  run([&] {
    auto* buffer = kernel.allocate(3 * 4096);
    MDL* mdl = mm.allocate(buffer + 4000, 200, FALSE, FALSE, nullptr);
    mm.build(mdl);
    EXPECT_EQ(mdl->MdlFlags, MDL_SOURCE_IS_NONPAGED_POOL);
    EXPECT_EQ(mm.system_address(mdl), buffer + 4000);
    const auto* pfns = reinterpret_cast<std::uint64_t*>(mdl + 1);  // DOC: MDL-02
    EXPECT_EQ(pfns[0] << 12, kernel.memory().physical(reinterpret_cast<std::uint64_t>(buffer))->value & ~kPageMask);
    EXPECT_EQ(held(), 0u);
    mm.free(mdl);
  });
  EXPECT_TRUE(kernel.findings.empty());
}

TEST_F(MdlTest, MemoryOfTheDriversOwnMayBeAnMdl) {  // DOC: MDL-06
  run([&] {
    auto* buffer = kernel.allocate(4096);
    auto* mdl = kernel.allocate<MDL>(sizeof(MDL) + 8);
    for (int round = 0; round < 2; ++round) {  // made anew over the same storage
      mdl->Next = nullptr, mdl->Size = sizeof(MDL) + 8, mdl->MdlFlags = 0;
      mdl->StartVa = buffer, mdl->ByteOffset = 0, mdl->ByteCount = 100u + static_cast<ULONG>(round);
      mm.build(mdl);
      EXPECT_EQ(mm.system_address(mdl), buffer);
    }
  });
  EXPECT_TRUE(kernel.findings.empty());
}

TEST_F(MdlTest, StacksAndUserMemoryAreNoNonpagedPool) {  // DOC: MDL-24 VER-55
  run([&] {
    char local[64] = {};
    MDL* mdl = mm.allocate(local, 64, FALSE, FALSE, nullptr);
    mm.build(mdl);
    EXPECT_TRUE(found("MDL-24"));
    EXPECT_EQ(mm.system_address(mdl), local);
    mm.free(mdl);
    kernel.findings.clear();
    mdl = mm.allocate(user(100), 100, FALSE, FALSE, nullptr);
    mm.build(mdl);
    EXPECT_TRUE(found("MDL-24"));
    mm.free(mdl);
  });
}

TEST_F(MdlTest, APartialMdlSharesTheMappingOfItsSourceOrGetsItsOwn) {  // DOC: MDL-38 MDL-40 MDL-41
  run([&] {
    void* buffer = user(3 * 4096, {.offset = 0x10});
    auto* at = static_cast<char*>(buffer);
    MDL* source = mm.allocate(buffer, 3 * 4096, FALSE, FALSE, nullptr);
    mm.lock(source, 1, IoWriteAccess);
    MDL* part = mm.allocate(at + 5000, 3 * 4096 - 5000, FALSE, FALSE, nullptr);
    mm.partial(source, part, at + 5000, 0);
    EXPECT_EQ(part->ByteCount, 3u * 4096 - 5000) << "0: to the end of the source";
    mm.partial(source, part, at + 5000, 100);
    auto* own = static_cast<char*>(mm.system_address(part));
    ASSERT_NE(own, nullptr);
    EXPECT_TRUE(part->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED);
    mm.unmap(part->MappedSystemVa, part);  // MmPrepareMdlForReuse
    EXPECT_FALSE(part->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED);
    auto* whole = static_cast<char*>(mm.system_address(source));
    mm.partial(source, part, at + 5000, 100);
    EXPECT_EQ(mm.system_address(part), whole + 5000);
    mm.free(part), mm.unlock(source), mm.free(source);
  });
  EXPECT_TRUE(kernel.findings.empty()) << kernel.findings.front();
  EXPECT_EQ(held(), 0u);
}

TEST_F(MdlTest, APartThatIsNoPartIsToldAndNotBuilt) {  // DOC: MDL-39
  run([&] {
    auto* at = static_cast<char*>(user(2 * 4096));
    MDL* source = mm.allocate(at, 4096, FALSE, FALSE, nullptr);
    MDL* part = mm.allocate(at, 100, FALSE, FALSE, nullptr);
    mm.partial(source, part, at, 100);
    EXPECT_TRUE(found("MDL-39")) << "not locked";
    mm.lock(source, 1, IoReadAccess);
    for (const auto& [offset, length] : {std::pair{4096, 1}, {4000, 100}, {0, 4097}}) {
      kernel.findings.clear();
      mm.partial(source, part, at + offset, static_cast<ULONG>(length));
      EXPECT_TRUE(found("MDL-39"));
      EXPECT_FALSE(part->MdlFlags & MDL_PARTIAL);
    }
    mm.free(part), mm.unlock(source), mm.free(source);
  });
}

TEST_F(MdlTest, APartialMdlThatKeepsItsMappingIsToldWhenItIsReused) {  // DOC: MDL-41
  run([&] {
    auto* at = static_cast<char*>(user(2 * 4096));
    MDL* source = mm.allocate(at, 8192, FALSE, FALSE, nullptr);
    MDL* part = mm.allocate(at, 100, FALSE, FALSE, nullptr);
    mm.lock(source, 1, IoReadAccess);
    mm.partial(source, part, at, 100);
    mm.system_address(part);
    mm.partial(source, part, at + 200, 100);
    EXPECT_TRUE(found("MDL-41"));
    EXPECT_EQ(part->ByteOffset, 200u);
    mm.free(part), mm.unlock(source), mm.free(source);
  });
}

TEST_F(MdlTest, AdvancingUnlocksWhatIsPassedAndMovesTheMapping) {  // DOC: MDL-42
  run([&] {
    auto* at = static_cast<char*>(user(3 * 4096));
    MDL* mdl = mm.allocate(at, 3 * 4096, FALSE, FALSE, nullptr);
    mm.lock(mdl, 1, IoWriteAccess);
    auto* mapped = static_cast<char*>(mm.system_address(mdl));
    const std::uint64_t second = reinterpret_cast<std::uint64_t*>(mdl + 1)[1];
    EXPECT_EQ(mm.advance(mdl, 3 * 4096 + 1), STATUS_INVALID_PARAMETER_2);
    EXPECT_EQ(mm.advance(mdl, 5000), STATUS_SUCCESS);
    EXPECT_EQ(static_cast<char*>(mdl->StartVa) + mdl->ByteOffset, at + 5000);
    EXPECT_EQ(mdl->ByteCount, 3u * 4096 - 5000);
    EXPECT_EQ(mm.system_address(mdl), mapped + 5000);
    EXPECT_EQ(reinterpret_cast<std::uint64_t*>(mdl + 1)[0], second);
    EXPECT_EQ(held(), 2u);
    mm.unlock(mdl), mm.free(mdl);
  });
  EXPECT_EQ(held(), 0u);
  EXPECT_TRUE(kernel.findings.empty());
}

TEST_F(MdlTest, AFreedMdlMayNeitherHoldPagesNorBeMapped) {  // DOC: MDL-12 VER-62
  run([&] {
    MDL* mdl = mm.allocate(user(100), 100, FALSE, FALSE, nullptr);
    mm.lock(mdl, 1, IoReadAccess);
    mm.free(mdl);
    EXPECT_TRUE(found("MDL-12"));
    EXPECT_EQ(held(), 0u);
  });
}

TEST_F(MdlTest, FieldsThatAreNotTheDriversAreComparedWithWhatWasLeftThere) {  // DOC: MDL-49
  run([&] {
    MDL* mdl = mm.allocate(user(3 * 4096), 8192, FALSE, FALSE, nullptr);
    mdl->Next = mdl, mdl->Next = nullptr;
    mm.lock(mdl, 1, IoReadAccess);
    EXPECT_TRUE(kernel.findings.empty());
    mdl->ByteCount = 4096;
    mm.unlock(mdl);
    ASSERT_TRUE(found("MDL-49"));
    EXPECT_NE(kernel.findings.front().find("ByteCount"), std::string::npos);
    EXPECT_EQ(held(), 0u) << "what was locked is in the book";
    kernel.findings.clear();
    mdl->MdlFlags = MDL_PAGES_LOCKED;
    mm.unlock(mdl);
    EXPECT_TRUE(found("MDL-49"));
    EXPECT_TRUE(found("MDL-22"));
    mm.free(mdl);
  });
}

TEST_F(MdlTest, PageNumbersThatADriverWroteOverDoNotMatter) {  // DOC: MDL-02
  run([&] {
    MDL* mdl = mm.allocate(user(2 * 4096), 8192, FALSE, FALSE, nullptr);
    mm.lock(mdl, 1, IoReadAccess);
    reinterpret_cast<std::uint64_t*>(mdl + 1)[0] = 12345;
    reinterpret_cast<std::uint64_t*>(mdl + 1)[1] = 0;
    mm.unlock(mdl), mm.free(mdl);
  });
  EXPECT_EQ(held(), 0u);
}

}  // namespace
}  // namespace drydock::ddi
