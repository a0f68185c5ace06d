// Fast I/O: control codes that a driver answers without an IRP.

#include "workbench.h"

namespace drydock {

namespace {

// DOC: BUF-12
TEST(FastIo, a_control_code_is_offered_first_with_the_addresses_as_the_client_gave_them) {
  Workbench bench;
  bench.with("fast_control");
  {
    auto device = bench.open();
    const Buffer in = bench.holding("abc"), out = bench.buffer(10);
    const Answer fast = device->control(control_code(0, kBuffered), in, out);
    EXPECT_EQ(fast.status, 0u);
    EXPECT_EQ(fast.information, in.address ^ out.address);
    EXPECT_EQ(device->control(control_code(1, kBuffered), in, out).status, 0u);  // refused, and then by an IRP
    EXPECT_EQ(device->control(control_code(2, kBuffered), in, out).status, 0xC0000010u);
  }
  EXPECT_EQ(findings_of(bench.stop()), "");
}

}  // namespace

}  // namespace drydock
