#include "hal/map_registers.h"

#include <gtest/gtest.h>

#include <set>

#include "base/seeded.h"

namespace drydock {
namespace {

using Lease = MapRegisterPool::Lease;

struct Recorder final : TraceObserver {
  std::vector<std::string> broken;
  void observe(const TraceEvent& event) override {
    if (const auto* rule = std::get_if<RuleBroken>(&event)) broken.push_back(std::string(rule->rule) + " " + std::string(rule->code));
  }
};

struct Waiting final : MapRegisterPool::Waiter {
  Lease lease;
  int granted = 0;
  std::vector<int>* order = nullptr;
  int name = 0;
  void registers_granted(Lease got) override {
    lease = std::move(got);
    ++granted;
    if (order != nullptr) order->push_back(name);
  }
};

struct MapRegistersTest : testing::Test {
  std::unique_ptr<PhysicalMemory> memory = *PhysicalMemory::create({32u << 20, PhysProfile::mixed, 1});
  Trace trace;
  Recorder recorder;
  RegisterAccount account, other;

  std::unique_ptr<MapRegisterPool> pool(std::uint32_t count, bool checks = false) {
    trace.add(recorder, false);
    return *MapRegisterPool::create(*memory, trace, {count, 0xFFFF'FFFF, checks});
  }
};

TEST_F(MapRegistersTest, RegistersLieBelowTheLimitAndAreConsecutive) {
  const auto registers = *MapRegisterPool::create(*memory, trace, {64, 0xFF'FFFF, false});
  EXPECT_LE(registers->last_address().value, 0xFF'FFFFu);
  const Lease lease = registers->lease(account, 64);
  EXPECT_EQ(lease.run().first_page, registers->first_page());
  for (std::uint32_t i = 0; i < 64; ++i)
    EXPECT_EQ(registers->host({(lease.run().first_page + i) << kPageShift}), memory->host({(registers->first_page() + i) << kPageShift}));
}

TEST_F(MapRegistersTest, TooManyRegistersForTheMemoryAreRefused) {
  EXPECT_FALSE(MapRegisterPool::create(*memory, trace, {1u << 20, 0xFF'FFFF, false}));
  EXPECT_FALSE(MapRegisterPool::create(*memory, trace, {0, 0xFF'FFFF, false}));
}

TEST_F(MapRegistersTest, LeasesNeverOverlapAndAllComeBack) {
  const auto registers = pool(300);
  Seeded choose(5);
  std::vector<Lease> live;
  for (int i = 0; i < 20'000; ++i) {
    if (choose.below(2) == 0) {
      if (Lease lease = registers->lease(account, static_cast<std::uint32_t>(1 + choose.below(40)))) live.push_back(std::move(lease));
    } else if (!live.empty()) {
      std::swap(live[choose.below(live.size())], live.back());
      live.pop_back();
    }
    std::set<std::uint64_t> taken;
    std::uint32_t held = 0;
    if (i % 100 != 0) continue;
    for (const Lease& lease : live) {
      held += lease.count();
      for (std::uint32_t r = 0; r < lease.count(); ++r) ASSERT_TRUE(taken.insert(lease.run().first_page + r).second);
    }
    ASSERT_EQ(held, account.held);
    ASSERT_EQ(registers->free_count(), 300 - held);
  }
  live.clear();
  EXPECT_EQ(registers->free_count(), 300u);
  EXPECT_TRUE(registers->lease(account, 300));
}

TEST_F(MapRegistersTest, ALeaseThatMustNotCrossABoundaryDoesNot) {
  const auto registers = pool(100);
  std::vector<Lease> live;
  while (Lease lease = registers->lease(account, 5, 0x10000)) {
    const RegisterRun run = lease.run();
    EXPECT_EQ(run.first_page / 16, (run.first_page + run.count - 1) / 16);
    live.push_back(std::move(lease));
  }
  EXPECT_GE(live.size(), 15u);
  EXPECT_FALSE(registers->lease(account, 17, 0x10000));
  EXPECT_FALSE(registers->ever(account, 17, 0x10000));
  live.clear();
  for (std::uint32_t count = 1; count <= 100; ++count)
    for (const std::uint64_t boundary : {0x1000u, 0x4000u, 0x10000u, 0x20000u, 0x40000u})
      EXPECT_EQ(registers->ever(account, count, boundary), static_cast<bool>(registers->lease(account, count, boundary)));
}

TEST_F(MapRegistersTest, AnAdapterGetsNoMoreThanItsLimits) {
  const auto registers = pool(100);
  account.at_once = 10;
  account.in_total = 15;
  EXPECT_FALSE(registers->lease(account, 11));
  EXPECT_FALSE(registers->ever(account, 11));
  const Lease ten = registers->lease(account, 10);
  EXPECT_TRUE(ten);
  EXPECT_FALSE(registers->lease(account, 6));
  EXPECT_TRUE(registers->lease(other, 80));
}

TEST_F(MapRegistersTest, WaitersAreServedInOrder) {
  const auto registers = pool(10);
  std::vector<int> order;
  Waiting a, b, c;
  a.order = b.order = c.order = &order;
  a.name = 1, b.name = 2, c.name = 3;
  Lease all = registers->lease(account, 10);
  registers->wait(a, account, 8);
  registers->wait(b, other, 1);
  registers->wait(c, account, 1);
  EXPECT_TRUE(order.empty());
  all = Lease();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST_F(MapRegistersTest, NobodyOvertakesAWaiter) {
  const auto registers = pool(10);
  Lease most = registers->lease(account, 8);
  Waiting big;
  registers->wait(big, other, 5);
  EXPECT_FALSE(registers->lease(account, 1)) << "two are free, but somebody waits for five";
  most = Lease();
  EXPECT_EQ(big.granted, 1);
  EXPECT_TRUE(registers->lease(account, 1));
}

TEST_F(MapRegistersTest, AWaiterHeldUpByItsOwnAdapterHoldsUpNobodyElse) {
  const auto registers = pool(10);
  account.in_total = 4;
  Lease own = registers->lease(account, 4);
  Waiting same, foreign;
  registers->wait(same, account, 2);
  registers->wait(foreign, other, 3);
  EXPECT_EQ(foreign.granted, 1);
  EXPECT_EQ(same.granted, 0);
  EXPECT_TRUE(registers->lease(other, 1));
  EXPECT_FALSE(registers->lease(account, 0));
  own = Lease();
  EXPECT_EQ(same.granted, 1);
}

TEST_F(MapRegistersTest, TheSecondWaiterOfAnAdapterDoesNotPassTheFirst) {
  const auto registers = pool(10);
  account.in_total = 4;
  Lease own = registers->lease(account, 2);
  Waiting first, second;
  registers->wait(first, account, 3);
  registers->wait(second, account, 1);
  EXPECT_EQ(second.granted, 0);
  EXPECT_FALSE(registers->lease(account, 1));
  own = Lease();
  EXPECT_EQ(first.granted + second.granted, 2);
}

TEST_F(MapRegistersTest, WhoLeavesTheLineMakesWay) {
  const auto registers = pool(10);
  const Lease most = registers->lease(account, 8);
  Waiting big, small;
  registers->wait(big, other, 5);
  registers->wait(small, account, 2);
  EXPECT_EQ(small.granted, 0);
  EXPECT_TRUE(registers->stop_waiting(big));
  EXPECT_EQ(small.granted, 1);
  EXPECT_FALSE(registers->stop_waiting(big));
}

TEST_F(MapRegistersTest, EverybodyIsServedInTheEnd) {  // exhaustion and fairness
  const auto registers = pool(32);
  Seeded choose(9);
  std::vector<RegisterAccount> accounts(4);
  for (RegisterAccount& a : accounts) a.in_total = 20;
  std::deque<Waiting> waiters(400);
  std::vector<int> order;
  std::vector<std::pair<std::uint32_t, std::size_t>> asked;
  std::size_t done = 0;
  for (int i = 0; i < 400; ++i) {
    waiters[static_cast<std::size_t>(i)].order = &order;
    waiters[static_cast<std::size_t>(i)].name = i;
    registers->wait(waiters[static_cast<std::size_t>(i)], accounts[choose.below(4)], static_cast<std::uint32_t>(1 + choose.below(17)));
    while (order.size() - done > 3) waiters[static_cast<std::size_t>(order[done++])].lease = Lease();
  }
  while (done < order.size()) waiters[static_cast<std::size_t>(order[done++])].lease = Lease();
  EXPECT_EQ(done, 400u);
  EXPECT_EQ(registers->waiting(), 0u);
  EXPECT_EQ(registers->free_count(), 32u);
}

TEST_F(MapRegistersTest, AWriteToAFreeRegisterIsFoundOnce) {  // DOC: VER-10
  const auto registers = pool(8, true);
  EXPECT_EQ(registers->verify_free(), 0u);
  *registers->host({(registers->first_page() << kPageShift) + 5000}) = std::byte{1};
  EXPECT_EQ(registers->verify_free(), 1u);
  EXPECT_EQ(registers->verify_free(), 0u);
  *registers->host({registers->first_page() << kPageShift}) = std::byte{1};
  EXPECT_TRUE(registers->lease(account, 8));
  EXPECT_EQ(recorder.broken, (std::vector<std::string>{"VER-10 0xE6/0x0F", "VER-10 0xE6/0x0F"}));
}

TEST_F(MapRegistersTest, AReturnedRegisterIsFilledAgain) {
  const auto registers = pool(2, true);
  { const Lease lease = registers->lease(account, 2); *registers->host({lease.run().first_page << kPageShift}) = std::byte{1}; }
  EXPECT_EQ(registers->verify_free(), 0u);
  EXPECT_TRUE(recorder.broken.empty());
}

}  // namespace
}  // namespace drydock
