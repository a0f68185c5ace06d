#include "machine/trap_exception.h"

#include <gtest/gtest.h>

#include <csignal>

namespace drydock {
namespace {

constexpr std::uint64_t kUserEnd = 0x1808'0000'0000, kRip = 0x1'4000'1000;

TrapFrame page_fault(std::uint64_t address) {
  TrapFrame frame{};
  frame[Gpr::rip] = kRip;
  frame[Gpr::trap_number] = 14;
  frame.signal = SIGSEGV;
  frame.signal_code = SEGV_MAPERR;
  frame.fault_address = address;
  return frame;
}

TrapOutcome outcome(TrapVerdict verdict, std::uint64_t address = 0, bool write = false) {
  TrapOutcome result;
  result.verdict = verdict;
  result.address = address;
  result.size = 4;
  result.write = write;
  return result;
}

TEST(TrapException, user_address_below_dispatch_level_is_an_access_violation_that_says_how_and_where) {
  for (const bool write : {false, true}) {
    const auto record = exception_of(outcome(TrapVerdict::wild, 0x7000, write), page_fault(0x7000), {kPassiveLevel, kUserEnd, false});
    ASSERT_TRUE(record);
    EXPECT_EQ(record->ExceptionCode, STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(record->ExceptionAddress, reinterpret_cast<void*>(kRip));
    EXPECT_EQ(record->NumberParameters, 2u);
    EXPECT_EQ(record->ExceptionInformation[0], write ? 1u : 0u);
    EXPECT_EQ(record->ExceptionInformation[1], 0x7000u);
  }
}

// DOC: VER-131 VER-132
TEST(TrapException, page_faults_that_no_handler_is_asked_about) {
  const auto wild = [](std::uint64_t address, TrapCircumstances at) { return exception_of(outcome(TrapVerdict::wild, address), page_fault(address), at); };
  EXPECT_FALSE(wild(0x7000, {kDispatchLevel, kUserEnd, false}));
  EXPECT_FALSE(wild(kUserEnd, {kPassiveLevel, kUserEnd, false}));
  EXPECT_TRUE(wild(kUserEnd - 1, {kPassiveLevel, kUserEnd, false}));
  EXPECT_FALSE(wild(kRip, {kPassiveLevel, kUserEnd, true}));
}

TEST(TrapException, general_protection_faults_name_no_address) {
  TrapFrame frame = page_fault(0);
  frame.signal_code = SI_KERNEL;
  for (const TrapVerdict verdict : {TrapVerdict::wild, TrapVerdict::misaligned}) {
    const auto record = exception_of(outcome(verdict, 0xDEAD'0000'0000'0000), frame, {kDispatchLevel, kUserEnd, false});
    ASSERT_TRUE(record);
    EXPECT_EQ(record->ExceptionInformation[1], ~ULONG_PTR{0});
  }
}

TEST(TrapException, arithmetic_and_instructions_have_their_codes) {
  const TrapFrame frame = page_fault(0);
  TrapOutcome divide = outcome(TrapVerdict::divide_error);
  EXPECT_EQ(static_cast<std::uint32_t>(exception_of(divide, frame, {})->ExceptionCode), 0xC000'0095u);
  divide.divides_by_zero = true;
  EXPECT_EQ(exception_of(divide, frame, {})->ExceptionCode, STATUS_INTEGER_DIVIDE_BY_ZERO);
  EXPECT_EQ(exception_of(outcome(TrapVerdict::illegal), frame, {})->ExceptionCode, STATUS_ILLEGAL_INSTRUCTION);
  EXPECT_FALSE(exception_of(outcome(TrapVerdict::unsupported), frame, {}));
}

TEST(TrapException, the_x87_is_told_by_its_signal) {
  TrapFrame frame = page_fault(0);
  frame[Gpr::trap_number] = 16;
  const std::pair<int, NTSTATUS> rows[] = {{FPE_FLTDIV, STATUS_FLOAT_DIVIDE_BY_ZERO}, {FPE_FLTOVF, STATUS_FLOAT_OVERFLOW},
                                           {FPE_FLTUND, STATUS_FLOAT_UNDERFLOW}, {FPE_FLTRES, STATUS_FLOAT_INEXACT_RESULT},
                                           {FPE_FLTINV, STATUS_FLOAT_INVALID_OPERATION}};
  for (const auto& [signal_code, status] : rows) {
    frame.signal_code = signal_code;
    EXPECT_EQ(exception_of(outcome(TrapVerdict::float_error), frame, {})->ExceptionCode, status);
  }
}

}  // namespace
}  // namespace drydock
