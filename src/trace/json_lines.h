#pragma once
// JsonLines: writes every event as one line of JSON: {"t": virtual nanoseconds, "event": name, fields…}. Two runs with the
// same seed and inputs write the same bytes.

#include <cstdio>
#include <memory>
#include <string>

#include "base/result.h"
#include "trace/trace.h"

namespace drydock {

class JsonLines final : public TraceObserver {
 public:
  /// `now` is asked for the virtual time of each event.
  static Result<std::unique_ptr<JsonLines>> create(const std::string& path, std::uint64_t (*now)(void*), void* context);
  ~JsonLines();
  void observe(const TraceEvent& event) override;
  /// 0 when every line has reached the file, else an errno.
  int finish();

 private:
  JsonLines(std::FILE* file, std::uint64_t (*now)(void*), void* context) : file_(file), now_(now), context_(context) {}
  std::FILE* file_;
  std::uint64_t (*now_)(void*);
  void* context_;
};

}  // namespace drydock
