#include "child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <thread>

#include "descriptor.h"

namespace drydock {
namespace {

int wait_for(ChildProcess& child) {
  std::optional<int> status;
  while (!(status = child.ended())) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return *status;
}

int run(const ChildProgram& program) {
  auto child = ChildProcess::start(program);
  EXPECT_TRUE(child) << child.error().message;
  return shell_status(wait_for(*child));
}

TEST(ChildProcess, gives_back_the_exit_status) {
  EXPECT_EQ(run({.words = {"true"}}), 0);
  EXPECT_EQ(run({.words = {"sh", "-c", "exit 77"}}), 77);
}

TEST(ChildProcess, a_signal_is_reported_as_a_shell_does) {
  EXPECT_EQ(run({.words = {"sh", "-c", "kill -9 $$"}}), 128 + SIGKILL);
}

TEST(ChildProcess, a_program_that_does_not_exist_is_refused_by_name) {
  const auto child = ChildProcess::start({.words = {"no-such-program-of-drydock"}});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().message, "cannot start no-such-program-of-drydock: No such file or directory");
}

TEST(ChildProcess, sees_the_environment_and_the_descriptors_in_order) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const Descriptor read_end(ends[0]);
  Descriptor write_end(ends[1]);
  const Descriptor other(open("/dev/null", O_RDWR | O_CLOEXEC));
  EXPECT_EQ(run({.words = {"sh", "-c", "printf %s \"$uri\" >&4; printf no >&3"},
                 .environment = {{"uri", "x y"}},
                 .descriptors = {other.number(), write_end.number()}}), 0);
  write_end.close();
  char text[16] = {};
  EXPECT_EQ(read(read_end.number(), text, sizeof text), 3);
  EXPECT_STREQ(text, "x y");
}

TEST(ChildProcess, is_told_which_descriptor_listens) {
  const Descriptor socket(open("/dev/null", O_RDWR | O_CLOEXEC));
  EXPECT_EQ(run({.words = {"sh", "-c", "test $LISTEN_PID = $$ && test $LISTEN_FDS = 1"},
                 .descriptors = {socket.number()}, .socket_activated = true}), 0);
}

TEST(ChildProcess, a_signal_reaches_its_descendants_too) {
  auto child = ChildProcess::start({.words = {"sh", "-c", "sleep 1000 & wait"}});
  ASSERT_TRUE(child);
  child->signal(SIGTERM);
  EXPECT_EQ(shell_status(wait_for(*child)), 128 + SIGTERM);
}

TEST(ChildProcess, under_a_guard_ends_and_fails_as_without) {
  EXPECT_EQ(run({.words = {"sh", "-c", "exit 77"}, .guarded = true}), 77);
  EXPECT_EQ(run({.words = {"sh", "-c", "kill -9 $$"}, .guarded = true}), 128 + SIGKILL);
  EXPECT_FALSE(ChildProcess::start({.words = {"no-such-program-of-drydock"}, .guarded = true}));
  auto child = ChildProcess::start({.words = {"sh", "-c", "sleep 1000; true"}, .guarded = true});
  ASSERT_TRUE(child);
  child->signal(SIGTERM);
  EXPECT_EQ(shell_status(wait_for(*child)), 128 + SIGTERM);
}

/// A process that starts `program` with the write end of a pipe as descriptor 3, and is killed once a byte has come
/// through it. Returns what is read after that: 0, end of file, when nobody holds the pipe any more.
ssize_t read_after_parent_was_killed(ChildProgram program) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t middle = fork();
  if (middle == 0) {
    close(ends[0]);
    program.descriptors = {ends[1]};
    auto child = ChildProcess::start(program);
    close(ends[1]);
    pause();
  }
  close(ends[1]);
  char byte = 0;
  EXPECT_EQ(read(ends[0], &byte, 1), 1);
  kill(middle, SIGKILL);
  waitpid(middle, nullptr, 0);
  const ssize_t got = read(ends[0], &byte, 1);
  close(ends[0]);
  return got;
}

TEST(ChildProcess, dies_with_its_parent_even_when_that_is_killed) {
  EXPECT_EQ(read_after_parent_was_killed({.words = {"sh", "-c", "echo >&3; exec sleep 1000"}}), 0);
}

TEST(ChildProcess, under_a_guard_its_own_children_die_as_well) {
  EXPECT_EQ(read_after_parent_was_killed({.words = {"sh", "-c", "(sleep 1000; true) & echo >&3; wait; true"}, .guarded = true}), 0);
}

}  // namespace
}  // namespace drydock
