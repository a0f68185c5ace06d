#include "port/storport/shown_data.h"

#include <gtest/gtest.h>

#include "port/storport/request.h"

namespace drydock::storport {
namespace {

struct ShownDataTest : testing::Test {
  Request& request(std::uint32_t number, std::uint64_t from, std::uint32_t bytes) {
    requests.push_back(std::make_unique<Request>());
    requests.back()->number = number;
    requests.back()->data_address = memory->address(View::user, run.first) + from;
    requests.back()->data_length = bytes;
    return *requests.back();
  }
  bool dead(std::uint64_t at, std::uint64_t bytes = 1) const { return shown->is_dead(*memory->find(memory->address(View::lent, run.first) + at), bytes); }

  std::unique_ptr<PhysicalMemory> memory = *PhysicalMemory::create({.size = 16u << 20});
  PageRun run = *memory->allocate(4);
  std::unique_ptr<ShownData> shown = std::make_unique<ShownData>(*memory);
  std::vector<std::unique_ptr<Request>> requests;
};

TEST_F(ShownDataTest, IsOpenWhileTheRequestLivesAndDeadAfterwards) {  // ST-49
  Request& one = request(1, 100, 5000);
  auto* data = static_cast<volatile char*>(shown->show(one));
  data[0] = 'a';
  data[4999] = 'z';
  EXPECT_EQ(memory->in_view(View::lent, reinterpret_cast<void*>(one.data_address)), const_cast<char*>(data));
  EXPECT_FALSE(dead(100, 5000));
  shown->end(one);
  EXPECT_TRUE(dead(100) && dead(4096));
  EXPECT_FALSE(dead(8192, 4096)) << "a page that was never shown";
  EXPECT_TRUE(dead(0, 4096 + 1)) << "any byte of it";
  EXPECT_DEATH(data[0] = 'b', "");
}

TEST_F(ShownDataTest, APageOfTwoRequestsStaysOpenForTheOther) {
  Request &one = request(1, 0, 2048), &two = request(2, 2048, 4096);
  shown->show(one), shown->show(two);
  auto* of_two = static_cast<volatile char*>(shown->show(two));
  shown->end(one);
  of_two[0] = 'x';
  EXPECT_FALSE(dead(0, 8192));
  shown->end(two);
  shown->end(two);
  EXPECT_TRUE(dead(0) && dead(4096));
}

TEST_F(ShownDataTest, IsOpenAgainForTheNextRequestAndForTheNextOwnerOfThePage) {
  Request& one = request(1, 0, 4096);
  shown->show(one), shown->end(one);
  *static_cast<volatile char*>(shown->show(one)) = 'x';
  EXPECT_FALSE(dead(0));
  shown->end(one);
  shown.reset();
  *reinterpret_cast<volatile char*>(memory->address(View::lent, run.first)) = 'y';
}

}  // namespace
}  // namespace drydock::storport
