// Exceptions that pass from one driver to the one above it.

#include "workbench.h"

namespace drydock {

// DOC: DRY-20
TEST(Exceptions, of_a_lower_driver_pass_through_IoCallDriver_to_the_one_that_called_it) {
  Workbench bench;
  bench.with("exception_through_stack");
  {
    const auto device = bench.open("\\Device\\Conformance");
    for (int i = 0; i < 3; ++i) {
      const Answer answer = device->read(bench.buffer(16));
      EXPECT_EQ(answer.status, 0xC000009Cu);
      EXPECT_EQ(answer.information, 1u) << "the __finally block between them ran once";
    }
  }
  EXPECT_EQ(findings_of(bench.stop()), "");
}

}  // namespace drydock
