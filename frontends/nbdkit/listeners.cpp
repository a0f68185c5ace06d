#include "nbdkit/listeners.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace drydock {
namespace {

constexpr int kDescriptorsMax = 64;  // nbdkit opens its sockets first, among the lowest

bool listens(int descriptor) {
  int answer = 0;
  socklen_t size = sizeof(answer);
  return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &answer, &size) == 0 && answer != 0;
}

/// nbdkit removes its Unix socket when it ends well, and this is not that.
void remove_path(int descriptor) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0 || address.sun_family != AF_UNIX) return;
  if (size < sizeof address && address.sun_path[0] != '\0') unlink(address.sun_path);
}

void close_socket(int descriptor) {
  remove_path(descriptor);
  shutdown(descriptor, SHUT_RDWR);
  fcntl(descriptor, F_SETFL, O_NONBLOCK);
  for (int client; (client = accept(descriptor, nullptr, nullptr)) >= 0;) ::close(client);
}

}  // namespace

void turn_clients_away() {
  for (int descriptor = 0; descriptor < kDescriptorsMax; ++descriptor)
    if (listens(descriptor)) close_socket(descriptor);
}

}  // namespace drydock
