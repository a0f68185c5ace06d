#include "listening_socket.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace drydock {
namespace {

namespace fs = std::filesystem;

struct ListeningSocketTest : testing::Test {
  fs::path directory = fs::temp_directory_path() / fmt::format("drydock-socket-test-{}", getpid());
  std::string path = directory / "s";
  void SetUp() override { fs::create_directory(directory); }
  void TearDown() override { fs::remove_all(directory); }
};

TEST_F(ListeningSocketTest, exists_while_it_lives_and_not_longer) {
  {
    const auto socket = ListeningSocket::at(path);
    ASSERT_TRUE(socket) << socket.error().message;
    EXPECT_TRUE(fs::is_socket(path));
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(ListeningSocketTest, refuses_a_path_somebody_listens_at) {
  const auto first = ListeningSocket::at(path);
  const auto second = ListeningSocket::at(path);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, path + ": exists already");
  EXPECT_TRUE(fs::exists(path));
}

TEST_F(ListeningSocketTest, refuses_a_path_that_is_a_file_and_leaves_the_file) {
  std::ofstream(path) << "precious";
  EXPECT_FALSE(ListeningSocket::at(path));
  EXPECT_EQ(fs::file_size(path), 8u);
}

TEST_F(ListeningSocketTest, takes_over_what_a_killed_process_left) {
  {
    auto dead = ListeningSocket::at(path);
    fs::rename(path, path + ".kept");
  }
  fs::rename(path + ".kept", path);
  EXPECT_TRUE(ListeningSocket::at(path));
}

TEST_F(ListeningSocketTest, does_not_remove_another_socket_that_took_its_path) {
  auto first = ListeningSocket::at(path);
  fs::remove(path);
  auto second = ListeningSocket::at(path);
  { auto gone = std::move(first); }
  EXPECT_TRUE(fs::exists(path));
}

TEST_F(ListeningSocketTest, a_path_too_long_or_nowhere_is_refused_by_name) {
  EXPECT_NE(ListeningSocket::at(std::string(200, 'x')).error().message.find("characters"), std::string::npos);
  EXPECT_NE(ListeningSocket::at(directory / "no" / "s").error().message.find("No such file"), std::string::npos);
}

TEST_F(ListeningSocketTest, without_a_path_finds_one) {
  const auto socket = ListeningSocket::at("");
  ASSERT_TRUE(socket);
  EXPECT_TRUE(fs::is_socket(socket->path()));
}

TEST(NbdUri, escapes_what_a_uri_cannot_hold) {
  EXPECT_EQ(nbd_uri("/tmp/a-b.sock"), "nbd+unix:///?socket=/tmp/a-b.sock");
  EXPECT_EQ(nbd_uri("/a b&c"), "nbd+unix:///?socket=/a%20b%26c");
}

}  // namespace
}  // namespace drydock
