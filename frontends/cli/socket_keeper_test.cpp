#include "socket_keeper.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "listening_socket.h"

namespace drydock {
namespace {

namespace fs = std::filesystem;

/// Its only one.
pid_t child_of(pid_t pid) {
  pid_t child = 0;
  std::ifstream(fmt::format("/proc/{0}/task/{0}/children", pid)) >> child;
  return child;
}

struct SocketKeeperTest : testing::Test {
  fs::path directory = fs::temp_directory_path() / fmt::format("drydock-keeper-test-{}", getpid());
  std::string path = directory / "s";
  void SetUp() override { fs::create_directory(directory); }
  void TearDown() override { fs::remove_all(directory); }

  /// A process that does `work`, says so, and is killed.
  void kill_after(const std::function<void()>& work) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t owner = fork();
    if (owner == 0) {
      work();
      [[maybe_unused]] const auto told = write(ends[1], "x", 1);
      for (;;) pause();
    }
    char byte = 0;
    ASSERT_EQ(read(ends[0], &byte, 1), 1);
    kill(owner, SIGKILL);
    waitpid(owner, nullptr, 0);
    close(ends[0]), close(ends[1]);
  }
  bool goes_away() const {
    for (int tries = 0; tries < 1000 && fs::exists(path); ++tries) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return !fs::exists(path);
  }
};

TEST_F(SocketKeeperTest, the_socket_of_a_killed_process_goes_away) {
  kill_after([&] { new Result<ListeningSocket>(ListeningSocket::at(path)); });
  EXPECT_TRUE(goes_away());
}

TEST_F(SocketKeeperTest, so_does_one_that_was_only_just_made) {
  kill_after([&] {
    new Result<SocketKeeper>(SocketKeeper::of(path));
    const auto made = ListeningSocket::at(path + "2");
    fs::rename(path + "2", path);  // nobody has told the keeper of it, and soon nobody listens
  });
  EXPECT_TRUE(goes_away());
}

TEST_F(SocketKeeperTest, a_killed_keeper_is_noticed_once_and_replaced) {
  kill_after([&] {
    const auto socket = new Result<ListeningSocket>(ListeningSocket::at(path));
    const bool before = (*socket)->lost_its_keeper();
    kill(child_of(getpid()), SIGKILL);
    while (!(*socket)->lost_its_keeper()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (before || (*socket)->lost_its_keeper()) std::ofstream(path + "-told-too-often");
  });
  EXPECT_FALSE(fs::exists(path + "-told-too-often"));
  EXPECT_TRUE(goes_away());
}

TEST_F(SocketKeeperTest, another_socket_at_the_path_stays) {
  std::optional<ListeningSocket> other;
  kill_after([&] {
    new Result<ListeningSocket>(ListeningSocket::at(path));
    fs::remove(path);
    new Result<ListeningSocket>(ListeningSocket::at(path + "2"));
    fs::rename(path + "2", path);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_TRUE(fs::exists(path));
}

TEST_F(SocketKeeperTest, a_refused_path_is_left_alone) {
  const auto first = ListeningSocket::at(path);
  { const auto second = ListeningSocket::at(path); }
  EXPECT_TRUE(fs::exists(path));
}

}  // namespace
}  // namespace drydock
