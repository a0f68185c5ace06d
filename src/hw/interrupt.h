#pragma once
// How a device calls for attention. A function raises an MSI message, holds its INTx line, or is missed in its slot; the board
// passes all to one InterruptSink (the machine), which decides which virtual CPU takes it and when.

#include <cstdint>

namespace drydock {

class InterruptSink {
 public:
  /// An MSI/MSI-X message was written: `vector` is what the message data says. Called at any time; must only note it.
  virtual void message_arrived(std::uint32_t vector) = 0;
  /// The INTx line of the function changed.
  virtual void line_changed(bool asserted) = 0;
  /// The function is not on its bus any more, and whoever watches the slot has noticed. Called at any time; must only note it.
  virtual void departed() {}

 protected:
  ~InterruptSink() = default;
};

}  // namespace drydock
