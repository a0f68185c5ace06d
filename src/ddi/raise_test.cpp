#include "ddi/raise.h"

#include <gtest/gtest.h>

#include "ddi/rig_for_tests.h"

namespace drydock::ddi {
namespace {

using Copy = MSABI void* (*)(void*, const void*, std::uint64_t);

const Row& memcpy_row() { return *find_row("ntoskrnl.exe", "memcpy"); }
Copy entry(const void* address) { return reinterpret_cast<Copy>(reinterpret_cast<std::uintptr_t>(address)); }

class MemoryRoutines : public testing::Test {
 protected:
  MemoryRoutines() : process(std::move(*kernel.spaces().create("p"))), user(*process->allocate(8192)) { (void)process->protect(user + 4096, 1, PageAccess::none); }
  void* at(std::uint64_t offset) { return reinterpret_cast<void*>(user + offset); }
  /// How it ends: the kernel of the test stops at an exception.
  Driven run_in_process(std::function<void()> body) {
    return kernel.run_to_the_end([&] {
      kernel.scheduler().thread()->process = process.get();
      body();
      kernel.scheduler().thread()->process = nullptr;
    });
  }
  KernelForTests kernel;
  std::unique_ptr<AddressSpace> process;
  std::uint64_t user;
};

// DOC: BUF-67
TEST_F(MemoryRoutines, a_driver_that_meets_processes_gets_an_exception_of_its_own_for_memory_that_is_not_there) {
  const Copy copy = entry(memcpy_row().faulting);
  EXPECT_EQ(run_in_process([&] {
    char local[64] = "1234567";
    EXPECT_EQ(copy(at(0), local, 8), at(0));
    EXPECT_TRUE(kernel.raised.empty());
    copy(at(4090), local, 16);
  }), Driven::halted);
  EXPECT_EQ(kernel.raised, std::vector<NTSTATUS>{STATUS_ACCESS_VIOLATION});
  EXPECT_TRUE(kernel.findings.empty());
  EXPECT_TRUE(kernel.expected_faults.empty());
}

TEST_F(MemoryRoutines, an_address_of_user_space_where_nothing_is_raises_and_one_of_the_system_is_a_finding) {
  const Copy copy = entry(memcpy_row().faulting);
  EXPECT_EQ(kernel.run_to_the_end([&] {
    char local[8] = {};
    copy(local, reinterpret_cast<void*>(kernel.user_end() + (kArenaSize * 30)), 8);
    EXPECT_EQ(kernel.findings.size(), 1u);
    copy(local, reinterpret_cast<void*>(0x1234), 8);
  }), Driven::halted);
  EXPECT_EQ(kernel.raised, std::vector<NTSTATUS>{STATUS_ACCESS_VIOLATION});
  EXPECT_EQ(kernel.findings.size(), 1u);
}

TEST_F(MemoryRoutines, a_miniport_is_bound_to_the_plain_entry_which_tells) {
  const Copy copy = entry(memcpy_row().address);
  EXPECT_EQ(run_in_process([&] {
    char local[16] = {};
    copy(at(4090), local, 16);
  }), Driven::done);
  EXPECT_TRUE(kernel.raised.empty());
  ASSERT_EQ(kernel.findings.size(), 1u);
  EXPECT_TRUE(kernel.findings[0].starts_with("BUF-68: memcpy"));
}

TEST(MachineVariables, tell_where_user_space_ends) {
  KernelForTests kernel;
  const Row* end = find_row("ntoskrnl.exe", "MmUserProbeAddress");
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(*kernel.variable(end->variable), kernel.user_end());
  EXPECT_EQ(*kernel.variable(find_row("ntoskrnl.exe", "MmHighestUserAddress")->variable), kernel.user_end() - 1);
  EXPECT_TRUE(kernel.memory().find(kernel.user_end() - kViewStride)->view == View::user);
}

TEST(TransparentRows, are_those_that_call_drivers) {
  for (const char* name : {"IofCallDriver", "IoCallDriver"}) EXPECT_TRUE(find_row("ntoskrnl.exe", name)->transparent) << name;
  EXPECT_FALSE(find_row("ntoskrnl.exe", "memcpy")->transparent);
}

}  // namespace
}  // namespace drydock::ddi
