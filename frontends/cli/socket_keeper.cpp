#include "socket_keeper.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

namespace drydock {
namespace {

std::optional<ino_t> inode_of_socket(const char* path) {
  struct stat status {};
  if (::lstat(path, &status) != 0 || !S_ISSOCK(status.st_mode)) return std::nullopt;
  return status.st_ino;
}

bool nobody_listens(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool refused = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno == ECONNREFUSED;
  ::close(probe);
  return refused;
}

/// The last word before the end of the owner counts. Without any, it died while it made the socket: one that nobody
/// listens at is then removed.
[[noreturn]] void keep(const char* path, int lifeline) {
  std::optional<ino_t> ours;
  ino_t word = 0;
  for (ssize_t got = 1; got != 0;) {
    got = ::read(lifeline, &word, sizeof word);
    if (got == sizeof word) ours = word;
    else if (got < 0 && errno != EINTR) break;
  }
  const auto there = inode_of_socket(path);
  if (there && (ours ? *ours == *there : nobody_listens(path))) ::unlink(path);
  ::_exit(0);
}

/// In the child, which is a copy of the owner: it lets go of everything that others wait to see closed, and no signal for
/// the owner's group ends it before its time.
[[noreturn]] void become_keeper(const std::string& path, int lifeline) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) ::signal(number, SIG_IGN);
  ::prctl(PR_SET_NAME, "drydock-socket");
  const int nothing = ::open("/dev/null", O_RDWR);
  for (int number = 0; number < 3; ++number) ::dup2(nothing, number);
  constexpr int kKept = 3;
  ::dup2(lifeline, kKept);
  ::close_range(kKept + 1, ~0u, 0);
  keep(path.c_str(), kKept);
}

}  // namespace

Result<SocketKeeper> SocketKeeper::of(const std::string& path) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return refuse("cannot make a pipe: {}", strerror(errno));
  const Descriptor read_end(ends[0]);
  Descriptor write_end(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return refuse("cannot start a process: {}", strerror(errno));
  if (pid == 0) {
    write_end.close();
    become_keeper(path, read_end.number());
  }
  return SocketKeeper(pid, std::move(write_end));
}

SocketKeeper::~SocketKeeper() {
  if (pid_ < 0) return;
  lifeline_.close();
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

bool SocketKeeper::died() {
  if (pid_ < 0 || ::waitpid(pid_, nullptr, WNOHANG) != pid_) return false;
  pid_ = -1;
  lifeline_.close();
  return true;
}

void SocketKeeper::made(ino_t inode) const {
  [[maybe_unused]] const auto told = ::write(lifeline_.number(), &inode, sizeof inode);
}

}  // namespace drydock
