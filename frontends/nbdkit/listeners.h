#pragma once
// The sockets nbdkit listens on. Under `nbdkit --run` another process keeps them open for as long as its command runs, so
// the command would wait for ever on a server that could not start.

namespace drydock {

/// Nobody is served here: who waits is hung up on, who comes is refused, and a path in the file system is free again.
void turn_clients_away();

}  // namespace drydock
