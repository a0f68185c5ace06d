#include "ddi/lists.h"

#include <gtest/gtest.h>

#include "ddi/rig_for_tests.h"

namespace drydock::ddi {
namespace {

using Insert = MSABI ListLink* (*)(ListLink*, ListLink*, ULONG_PTR*);
using Remove = MSABI ListLink* (*)(ListLink*, ULONG_PTR*);
using Push = MSABI SLIST_ENTRY* (*)(SLIST_HEADER*, SLIST_ENTRY*);
using Pop = MSABI SLIST_ENTRY* (*)(SLIST_HEADER*);

TEST(Lists, EntriesComeBackInTheOrderOfTheirInsertionAndAnEmptyListSaysSo) {
  KernelForTests kernel;
  const auto at_head = export_named<Insert>("ntoskrnl.exe", "ExInterlockedInsertHeadList");
  const auto at_tail = export_named<Insert>("ntoskrnl.exe", "ExInterlockedInsertTailList");
  const auto remove = export_named<Remove>("ntoskrnl.exe", "ExInterlockedRemoveHeadList");
  kernel.run([&] {
    ListLink head{&head, &head}, a{}, b{}, c{};
    ULONG_PTR lock = 0;
    EXPECT_EQ(at_tail(&head, &a, &lock), nullptr);
    EXPECT_EQ(at_tail(&head, &b, &lock), &a);
    EXPECT_EQ(at_head(&head, &c, &lock), &a);
    for (ListLink* expected : {&c, &a, &b}) EXPECT_EQ(remove(&head, &lock), expected);
    EXPECT_EQ(remove(&head, &lock), nullptr);
    EXPECT_EQ(head.next, &head);
    EXPECT_EQ(lock, 0u);
    EXPECT_EQ(kernel.scheduler().irql(), kPassiveLevel);
  });
  EXPECT_TRUE(kernel.findings.empty());
}

TEST(Lists, ABrokenLinkIsAFindingNotACrash) {
  KernelForTests kernel;
  kernel.run([&] {
    ListLink head{reinterpret_cast<ListLink*>(0x10), &head};
    ULONG_PTR lock = 0;
    EXPECT_EQ(export_named<Remove>("ntoskrnl.exe", "ExInterlockedRemoveHeadList")(&head, &lock), nullptr);
  });
  EXPECT_EQ(kernel.findings.size(), 1u);
}

TEST(Lists, AnSListIsAStackThatCountsAndFlushesAsAChain) {
  KernelForTests kernel;
  const auto push = export_named<Push>("ntoskrnl.exe", "ExpInterlockedPushEntrySList");
  const auto pop = export_named<Pop>("ntoskrnl.exe", "ExpInterlockedPopEntrySList");
  const auto flush = export_named<Pop>("ntoskrnl.exe", "ExpInterlockedFlushSList");
  const auto depth = export_named<MSABI USHORT (*)(SLIST_HEADER*)>("ntoskrnl.exe", "ExQueryDepthSList");
  kernel.run([&] {
    SLIST_HEADER head{};
    SLIST_ENTRY a{}, b{}, c{};
    EXPECT_EQ(pop(&head), nullptr);
    EXPECT_EQ(push(&head, &a), nullptr);
    EXPECT_EQ(push(&head, &b), &a);
    EXPECT_EQ(push(&head, &c), &b);
    EXPECT_EQ(depth(&head), 3u);
    EXPECT_EQ(pop(&head), &c);
    EXPECT_EQ(flush(&head), &b);
    EXPECT_EQ(b.Next, &a);
    EXPECT_EQ(a.Next, nullptr);
    EXPECT_EQ(depth(&head), 0u);
    EXPECT_EQ(pop(&head), nullptr);
  });
  EXPECT_TRUE(kernel.findings.empty());
}

}  // namespace
}  // namespace drydock::ddi
