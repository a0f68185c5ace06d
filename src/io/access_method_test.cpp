#include "io/access_method.h"

#include <gtest/gtest.h>

namespace drydock {

// DOC: BUF-02
TEST(AccessMethod, flags_of_the_device_decide_and_buffered_wins_over_direct) {
  EXPECT_EQ(method_of_flags(0), AccessMethod::neither);
  EXPECT_EQ(method_of_flags(DO_DIRECT_IO), AccessMethod::direct);
  EXPECT_EQ(method_of_flags(DO_BUFFERED_IO), AccessMethod::buffered);
  EXPECT_EQ(method_of_flags(DO_BUFFERED_IO | DO_DIRECT_IO), AccessMethod::buffered);
  EXPECT_EQ(method_of_flags(DO_EXCLUSIVE | DO_DIRECT_IO), AccessMethod::direct);
}

// DOC: BUF-04 BUF-05
TEST(AccessMethod, a_control_code_is_taken_apart_bit_by_bit) {
  const ControlCode code = ControlCode::of(CTL_CODE(0x8123u, 0x9ABu, METHOD_OUT_DIRECT, FILE_WRITE_ACCESS));
  EXPECT_EQ(code.method, ControlCode::Method::out_direct);
  EXPECT_EQ(code.function, 0x9AB);
  EXPECT_EQ(code.access, FILE_WRITE_ACCESS);
  EXPECT_EQ(code.device_type, 0x8123u);
  EXPECT_EQ(ControlCode::of(0xFFFFFFFF).function, 0xFFF);
}

// DOC: BUF-06
TEST(AccessMethod, a_handle_needs_every_access_the_code_asks_for) {
  const auto code = [](std::uint32_t access) { return ControlCode::of(CTL_CODE(0x22u, 0x800u, METHOD_BUFFERED, access)); };
  EXPECT_TRUE(code(FILE_ANY_ACCESS).allowed_to(0));
  EXPECT_FALSE(code(FILE_READ_ACCESS).allowed_to(FILE_WRITE_ACCESS));
  EXPECT_TRUE(code(FILE_READ_ACCESS).allowed_to(FILE_READ_ACCESS));
  EXPECT_FALSE(code(FILE_READ_ACCESS | FILE_WRITE_ACCESS).allowed_to(FILE_READ_ACCESS));
  EXPECT_TRUE(code(FILE_READ_ACCESS | FILE_WRITE_ACCESS).allowed_to(FILE_READ_ACCESS | FILE_WRITE_ACCESS));
}

// DOC: BUF-81
TEST(AccessMethod, data_comes_back_for_success_information_and_warnings_and_not_for_errors) {
  EXPECT_TRUE(returns_data(STATUS_SUCCESS));
  EXPECT_TRUE(returns_data(static_cast<NTSTATUS>(0x40000000)));
  EXPECT_TRUE(returns_data(static_cast<NTSTATUS>(0x80000005)));
  EXPECT_FALSE(returns_data(static_cast<NTSTATUS>(0xC0000001)));
}

}  // namespace drydock
