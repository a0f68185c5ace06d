// Mistakes of filters, of work items, timers and remove locks, and of plug and play drivers: each is found, at its place; the
// same driver without it is not accused.

#include "workbench.h"

namespace drydock {

namespace {

struct StackMistake {
  const char *lowest, *driver, *rule, *code, *message, *function;
};
void PrintTo(const StackMistake& mistake, std::ostream* out) { *out << mistake.driver; }
std::string name_of_mistake(const testing::TestParamInfo<StackMistake>& info) { return info.param.driver; }

void expect_found(const Report& report, const StackMistake& mistake) {
  const Finding* finding = finding_of(report, mistake.rule);
  ASSERT_NE(finding, nullptr) << findings_of(report);
  EXPECT_EQ(finding->code, mistake.code);
  EXPECT_NE(finding->message.find(mistake.message), std::string::npos) << finding->message;
  ASSERT_FALSE(finding->stack.empty());
  EXPECT_NE(finding->stack.front().find(mistake.function), std::string::npos) << finding->stack.front();
}

/// The driver, above the lowest one if there is any, with one read.
Report read_once(const char* lowest, const std::string& driver) {
  Workbench bench;
  if (lowest != nullptr) bench.with(lowest);
  bench.with(driver);
  bench.open()->read(bench.buffer(64));
  return bench.stop();
}

class StackMistakes : public testing::TestWithParam<StackMistake> {};

TEST_P(StackMistakes, are_found_where_they_are_made) { expect_found(read_once(GetParam().lowest, GetParam().driver), GetParam()); }
TEST_P(StackMistakes, are_not_seen_in_the_correct_twin) {
  EXPECT_EQ(findings_of(read_once(GetParam().lowest, std::string(GetParam().driver) + "_twin")), "");
}

// DOC: BUF-03 BUF-09 BUF-101 BUF-91 BUF-95 VER-71 VER-74 VER-76 VER-78 VER-79 VER-192
INSTANTIATE_TEST_SUITE_P(OfFilters, StackMistakes, testing::Values(
    StackMistake{"ramdisk_buffered", "direct_above_buffered", "BUF-09", "0xC9/0x244", "uses direct I/O", "DriverEntry"},
    StackMistake{"ramdisk_buffered", "alignment_is_no_mask", "BUF-101", "", "it is a mask", "DriverEntry"},
    StackMistake{"ramdisk_buffered", "both_methods", "BUF-03", "0xC9/0x245", "both DO_BUFFERED_IO and DO_DIRECT_IO", "DriverEntry"},
    StackMistake{"ramdisk_buffered_later", "pending_not_propagated", "VER-79", "0xC9/0x228", "did not mark it pending", "Back"},
    StackMistake{"ramdisk_buffered_later", "completes_what_is_below", "VER-192", "0xC9/0x209", "is completed while a driver below", "Transfer"},
    StackMistake{"ramdisk_buffered_later", "forwards_what_is_below", "VER-192", "0xC9/0x205", "is forwarded while a driver below", "Transfer"},
    StackMistake{"ramdisk_buffered", "marked_before_skipped", "VER-78", "0xC9/0x206", "is marked pending already", "Transfer"},
    StackMistake{"ramdisk_buffered", "cancel_routine_sent_along", "VER-78", "0xC9/0x203", "with a cancel routine set", "Transfer"},
    StackMistake{"ramdisk_buffered", "builds_from_nowhere", "VER-71", "0xC9/0x08", "is no memory of the driver", "Transfer"},
    StackMistake{"ramdisk_buffered", "controls_with_nothing", "VER-71", "0xC9/0x09", "is NULL", "Transfer"},
    StackMistake{"ramdisk_buffered", "builds_without_event", "BUF-91", "", "without an event", "Transfer"},
    StackMistake{"ramdisk_buffered", "detaches_twice", "VER-76", "0xC9/0x202", "nothing is attached to", "Transfer"},
    StackMistake{"ramdisk_buffered", "deletes_twice", "VER-76", "0xC9/0x240", "deleted already", "Transfer"},
    StackMistake{"ramdisk_buffered", "deletes_attached", "VER-76", "0xC9/0x201", "still attached", "Transfer"}), name_of_mistake);

// DOC: VER-115 VER-193 VER-194 VER-195
INSTANTIATE_TEST_SUITE_P(OfWhatRunsLater, StackMistakes, testing::Values(
    StackMistake{nullptr, "work_item_queued_twice", "VER-193", "", "that is queued", "Read"},
    StackMistake{nullptr, "work_item_freed_twice", "VER-193", "", "one that is freed", "Read"},
    StackMistake{nullptr, "timer_initialized_twice", "VER-194", "0xC9/0x0A", "initialised already", "Read"},
    StackMistake{nullptr, "lock_not_initialized", "VER-195", "", "never initialised", "Read"},
    StackMistake{nullptr, "lock_released_with_other_tag", "VER-195", "", "not acquired with tag", "Read"},
    StackMistake{nullptr, "lock_held_at_the_end", "VER-195", "", "whose remove lock is held", "Unload"},
    StackMistake{nullptr, "starts_next_in_start_io", "VER-115", "", "by the StartIo routine", "StartIo"}), name_of_mistake);

// --- plug and play --------------------------------------------------------------------------------------------------------

/// The whole life of a device: started, stopped, started, nearly removed, gone by surprise, removed.
Report live_once(const std::string& driver) {
  Workbench bench;
  const auto loaded = bench.machine().load(fixture(driver));
  EXPECT_TRUE(loaded);
  auto added = bench.machine().add_device({loaded.driver});
  EXPECT_TRUE(added) << std::hex << added.status;
  if (!added) return bench.stop();
  added.stack->start();
  added.stack->query_stop();
  added.stack->cancel_stop();
  added.stack->query_remove();
  added.stack->cancel_remove();
  added.stack->surprise_removal();
  added.stack->remove();
  added.stack.reset();
  return bench.stop();
}

class PnpMistakes : public testing::TestWithParam<StackMistake> {};

TEST_P(PnpMistakes, are_found_where_they_are_made) { expect_found(live_once(GetParam().driver), GetParam()); }
TEST_P(PnpMistakes, are_not_seen_in_the_correct_twin) { EXPECT_EQ(findings_of(live_once(std::string(GetParam().driver) + "_twin")), ""); }

// DOC: VER-76 VER-190 VER-191
INSTANTIATE_TEST_SUITE_P(Each, PnpMistakes, testing::Values(
    StackMistake{nullptr, "leaves_initializing", "VER-76", "0xC9/0x243", "DO_DEVICE_INITIALIZING", "AddDevice"},
    StackMistake{nullptr, "stays_attached", "VER-190", "0xC9/0x21D", "is still attached", "DispatchPnp"},
    StackMistake{nullptr, "stays_undeleted", "VER-190", "0xC9/0x21E", "has not been deleted", "DispatchPnp"},
    StackMistake{nullptr, "detaches_at_surprise", "VER-190", "0xC9/0x241", "was detached", "DispatchPnp"},
    StackMistake{nullptr, "completes_start", "VER-191", "0xC9/0x22E", "instead of being passed down", "Complete"},
    StackMistake{nullptr, "completes_unknown", "VER-191", "0xC9/0x22D", "does not know", "Complete"},
    StackMistake{nullptr, "fails_cancel", "VER-191", "0xC9/0x247", "may not fail", "Complete"},
    StackMistake{nullptr, "passes_failure_on", "VER-191", "0xC9/0x215", "what has failed is completed", "PassOn"}), name_of_mistake);

}  // namespace

}  // namespace drydock
