#include "sched/timeline.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/seeded.h"

namespace drydock {
namespace {

struct Note : Event {
  Note(std::vector<int>& log, int id) : log_(log), id_(id) {}
  ~Note() override = default;
  void fire() override { log_.push_back(id_); }
  std::vector<int>& log_;
  int id_;
};

TEST(Timeline, EventsOfOneInstantFireInTheOrderTheyWereScheduled) {
  Timeline timeline;
  std::vector<int> log;
  Note a(log, 1), b(log, 2), c(log, 3);
  timeline.schedule(b, 10);
  timeline.schedule(a, 10);
  timeline.schedule(c, 5);
  EXPECT_TRUE(timeline.jump_to_next());
  EXPECT_EQ(timeline.now(), 5u);
  EXPECT_TRUE(timeline.jump_to_next());
  EXPECT_EQ(log, (std::vector<int>{3, 2, 1}));
  EXPECT_FALSE(timeline.jump_to_next());
}

TEST(Timeline, AnEventThatIsDestroyedOrCancelledNeverFires) {
  Timeline timeline;
  std::vector<int> log;
  Note kept(log, 1);
  {
    Note gone(log, 2);
    timeline.schedule(gone, 1);
  }
  timeline.schedule(kept, 2);
  timeline.cancel(kept);
  EXPECT_FALSE(timeline.jump_to_next());
  EXPECT_TRUE(log.empty());
}

TEST(Timeline, AThousandRandomEventsComeOutSorted) {
  Timeline timeline;
  Seeded choose(7);
  struct Stamp : Event {
    ~Stamp() override = default;
    void fire() override { fired->push_back(at); }
    std::vector<Nanoseconds>* fired;
    Nanoseconds at = 0;
  };
  std::vector<Stamp> events(1000);
  std::vector<Nanoseconds> fired;
  for (auto& e : events) {
    e.fired = &fired;
    e.at = choose.below(500);
    timeline.schedule(e, e.at);
  }
  for (int i = 0; i < 300; ++i) timeline.cancel(events[choose.below(1000)]);
  while (timeline.jump_to_next()) {
  }
  EXPECT_GT(fired.size(), 600u);
  EXPECT_TRUE(std::is_sorted(fired.begin(), fired.end()));
}

}  // namespace
}  // namespace drydock
