// IRP_MJ_SHUTDOWN.

#include <algorithm>

#include "workbench.h"

namespace drydock {

TEST(Shutdown, each_device_is_told_once) {
  Workbench bench;
  bench.with("told_of_shutdown");
  const Report& report = bench.stop();
  EXPECT_EQ(findings_of(report), "");
  EXPECT_EQ(std::count(report.debug_output.begin(), report.debug_output.end(), "told of the shutdown"), 1);
}

}  // namespace drydock
