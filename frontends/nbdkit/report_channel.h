#pragma once
// What the plugin tells whoever started it: to a file the report at the end; to an inherited descriptor one line of JSON
// when it begins to serve and the report, as one line, at the end. End of file without a report means that the server
// died.

#include <drydock/machine.h>

#include <string>

namespace drydock {

class ReportChannel {
 public:
  void to_file(std::string path) { path_ = std::move(path); }
  void to_descriptor(int descriptor) { descriptor_ = descriptor; }
  /// Somebody reads the descriptor and will print errors: nbdkit's log need not repeat them.
  bool has_reader() const { return descriptor_ >= 0; }

  void serving(std::size_t disks) const;
  /// False, with errno set, if it could not be written in full. The descriptor is closed.
  bool finished(const Report& report);

 private:
  std::string path_;
  int descriptor_ = -1;
};

}  // namespace drydock
