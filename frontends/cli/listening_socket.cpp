#include "listening_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace drydock {
namespace {

constexpr int kBacklog = 128;

std::string own_path() {
  std::error_code error;
  auto directory = std::filesystem::temp_directory_path(error);
  if (error) directory = "/tmp";
  return directory / fmt::format("drydock-{}.sock", getpid());
}

ino_t inode_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

bool is_plain(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::strchr("/-._~", c) != nullptr; }

/// A socket nobody listens at any more: what a killed process left behind. (A plain file refuses connections too.)
bool is_stale(const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(address.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(probe.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno == ECONNREFUSED;
}

int bind_fresh(int descriptor, const sockaddr_un& address) {
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(descriptor, generic, sizeof address) == 0) return 0;
  if (errno != EADDRINUSE) return errno;
  if (!is_stale(address)) return EADDRINUSE;
  ::unlink(address.sun_path);
  return ::bind(descriptor, generic, sizeof address) == 0 ? 0 : errno;
}

}  // namespace

Result<ListeningSocket> ListeningSocket::at(const std::string& wanted) {
  const std::string path = wanted.empty() ? own_path() : std::filesystem::absolute(wanted).string();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return refuse("{}: a socket's path has at most {} characters", path, sizeof address.sun_path - 1);
  path.copy(address.sun_path, path.size());
  TRY(SocketKeeper keeper, SocketKeeper::of(path));  // first: no descriptor of ours may live on in it
  Descriptor descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!descriptor) return refuse("cannot make a socket: {}", strerror(errno));
  if (const int error = bind_fresh(descriptor.number(), address); error != 0) {
    keeper.dismiss();
    return refuse("{}: {}", path, error == EADDRINUSE ? "exists already" : strerror(error));
  }
  const ino_t inode = inode_of(path);
  keeper.made(inode);
  if (::listen(descriptor.number(), kBacklog) != 0) return refuse("{}: {}", path, strerror(errno));
  return ListeningSocket(path, std::move(keeper), std::move(descriptor), inode);
}

ListeningSocket::ListeningSocket(std::string path, SocketKeeper keeper, Descriptor descriptor, ino_t inode)
    : path_(std::move(path)), keeper_(std::move(keeper)), descriptor_(std::move(descriptor)), inode_(inode) {}

ListeningSocket::~ListeningSocket() {
  if (descriptor_ && inode_ != 0 && inode_of(path_) == inode_) ::unlink(path_.c_str());
}

bool ListeningSocket::lost_its_keeper() {
  if (!keeper_.died()) return false;
  auto another = SocketKeeper::of(path_);
  if (!another) return true;
  another->made(inode_);
  keeper_ = std::move(*another);
  return true;
}

std::string ListeningSocket::uri(const std::string& name) const { return nbd_uri(path_, name); }

std::string nbd_uri(const std::string& path, const std::string& name) {
  std::string uri = "nbd+unix:///" + name + "?socket=";
  for (const char c : path) uri += is_plain(c) ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return uri;
}

}  // namespace drydock
