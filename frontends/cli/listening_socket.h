#pragma once
// The Unix socket clients connect to. We bind it ourselves and hand it to nbdkit (socket activation), so that a bad path
// is reported before anything starts and a client may connect while the driver still initialises.

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "descriptor.h"
#include "socket_keeper.h"

namespace drydock {

class ListeningSocket {
 public:
  /// At `path`, which must not exist; empty: at a new path of its own in the directory for temporary files.
  static Result<ListeningSocket> at(const std::string& path);
  ListeningSocket(ListeningSocket&&) = default;
  ~ListeningSocket();  ///< removes the path if it still is this socket; so does the death of this process

  /// Whoever would remove the path after our death was killed, since this was last asked. Another does it now.
  bool lost_its_keeper();

  const std::string& path() const { return path_; }
  /// Of an export by name; none: the default one.
  std::string uri(const std::string& name = {}) const;
  int descriptor() const { return descriptor_.number(); }

 private:
  ListeningSocket(std::string path, SocketKeeper keeper, Descriptor descriptor, ino_t inode);
  std::string path_;
  SocketKeeper keeper_;
  Descriptor descriptor_;
  ino_t inode_;
};

/// "nbd+unix:///NAME?socket=PATH", with whatever a URI cannot hold escaped.
std::string nbd_uri(const std::string& path, const std::string& name = {});

}  // namespace drydock
