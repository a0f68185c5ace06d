// The kernel's routines answer a correct driver as their pages say, and accuse it of nothing.

#include "workbench.h"

namespace drydock {

TEST(KernelRoutines, answer_as_documented_whatever_the_seed) {
  for (const std::uint64_t seed : {1, 2, 3, 4, 5, 6, 7, 8}) {
    Options options;
    options.seed = seed;
    Workbench bench(options);
    bench.with("kernel_routines");
    {
      auto device = bench.open();
      const Buffer line = bench.buffer(4);
      EXPECT_EQ(device->read(line).status, 0u);
      EXPECT_EQ(bench.value_at<std::int32_t>(line), 0) << "the line in kernel_routines.c, seed " << seed;
    }
    EXPECT_EQ(findings_of(bench.stop()), "");
    EXPECT_EQ(bench.stop().outcome, Outcome::clean) << bench.stop().message;
  }
}

}  // namespace drydock
