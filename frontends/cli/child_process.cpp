#include "child_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "descriptor.h"

namespace drydock {
namespace {

constexpr int kFirstDescriptor = 3;
constexpr int kAboveAll = 64;  // where copies wait until 3, 4, … are free

/// Everything from here to exec happens in the child, which has one thread and nobody to return to.
void die_with(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(127);  // it died before we asked to be told
}

void place_descriptors(const std::vector<int>& descriptors) {
  std::vector<int> copies;
  for (const int descriptor : descriptors) copies.push_back(fcntl(descriptor, F_DUPFD_CLOEXEC, kAboveAll));
  int place = kFirstDescriptor;
  for (const int copy : copies) dup2(copy, place++);
}

void set_environment(const ChildProgram& program) {
  for (const auto& [name, value] : program.environment) setenv(name.c_str(), value.c_str(), 1);
  if (!program.socket_activated) return;
  setenv("LISTEN_FDS", "1", 1);
  setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
}

void unblock_signals() {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

void end_as(int wait_status) { _exit(shell_status(wait_status)); }

/// The guard's whole life: it ends as its child does; when drydock has died, so does all that the child started.
[[noreturn]] void guard(pid_t child, pid_t drydock, bool own_group, const sigset_t& signals) {
  close_range(kFirstDescriptor, ~0u, 0);  // it holds nothing that others wait to see closed
  for (bool orphaned = false;;) {
    int number = 0, status = 0;
    sigwait(&signals, &number);
    if (number == SIGCHLD && waitpid(child, &status, WNOHANG) == child) end_as(status);
    if (orphaned || getppid() == drydock) continue;
    orphaned = true;  // once: the signal comes back to us, we are of the group
    kill(own_group ? 0 : child, SIGTERM);
  }
}

/// Returns in the guard's child only.
void fork_under_guard(pid_t drydock, bool own_group) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  const pid_t self = getpid();
  const pid_t child = fork();
  if (child > 0) guard(child, drydock, own_group, signals);
  if (child == 0) die_with(self);
}

[[noreturn]] void become(const ChildProgram& program, pid_t parent, int failure_pipe) {
  die_with(parent);
  if (program.own_group) setpgid(0, 0);
  if (program.guarded) fork_under_guard(parent, program.own_group);
  const int failure = fcntl(failure_pipe, F_DUPFD_CLOEXEC, 2 * kAboveAll);
  place_descriptors(program.descriptors);
  set_environment(program);
  unblock_signals();
  std::vector<char*> words;
  for (const auto& word : program.words) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  execvp(words[0], words.data());
  const int error = errno;
  [[maybe_unused]] const auto told = write(failure, &error, sizeof error);
  _exit(127);
}

/// 0 once the child has executed its program, else why it could not.
int wait_for_exec(int pipe_end) {
  int error = 0;
  ssize_t got = 0;
  do got = read(pipe_end, &error, sizeof error);
  while (got < 0 && errno == EINTR);
  return got == sizeof error ? error : 0;
}

}  // namespace

Result<ChildProcess> ChildProcess::start(const ChildProgram& program) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return refuse("cannot make a pipe: {}", strerror(errno));
  const Descriptor read_end(ends[0]);
  Descriptor write_end(ends[1]);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return refuse("cannot start {}: {}", program.words[0], strerror(errno));
  if (pid == 0) become(program, parent, write_end.number());
  if (program.own_group) setpgid(pid, pid);  // both sides do it: whoever comes second finds it done
  write_end.close();
  const int error = wait_for_exec(read_end.number());
  if (error == 0) return ChildProcess(pid, program.own_group);
  waitpid(pid, nullptr, 0);
  return refuse("cannot start {}: {}", program.words[0], strerror(error));
}

void ChildProcess::signal(int number) const {
  if (!status_) kill(own_group_ ? -pid_ : pid_, number);
}

std::optional<int> ChildProcess::ended() {
  int status = 0;
  if (!status_ && waitpid(pid_, &status, WNOHANG) == pid_) status_ = status;
  return status_;
}

int shell_status(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

}  // namespace drydock
