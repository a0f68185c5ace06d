#pragma once
// SocketKeeper: a process that holds nothing but the name of a socket and removes it when this one has died, however it
// died. (What a server removes at its end stays when it is killed before it has read its options.) It ends with its owner.

#include <sys/types.h>

#include <string>
#include <utility>

#include "base/result.h"
#include "descriptor.h"

namespace drydock {

class SocketKeeper {
 public:
  /// Starts it, before the socket is made: from then on there is no moment at which the path could stay.
  static Result<SocketKeeper> of(const std::string& path);
  SocketKeeper(SocketKeeper&& other) noexcept : pid_(std::exchange(other.pid_, -1)), lifeline_(std::move(other.lifeline_)) {}
  SocketKeeper& operator=(SocketKeeper&& other) noexcept {
    std::swap(pid_, other.pid_), std::swap(lifeline_, other.lifeline_);
    return *this;
  }
  ~SocketKeeper();
  /// Somebody has killed it: the path would stay now.
  bool died();
  /// Which of the sockets that may lie at the path is ours.
  void made(ino_t inode) const;
  /// The path is somebody else's business: nothing is removed.
  void dismiss() const { made(0); }

 private:
  SocketKeeper(pid_t pid, Descriptor lifeline) : pid_(pid), lifeline_(std::move(lifeline)) {}
  pid_t pid_;
  Descriptor lifeline_;
};

}  // namespace drydock
