#pragma once
// GivenRanges: which of its memory a process has handed to drivers, by requests, and how. A driver that touches memory of
// another process than the current one kept an address that it was given before, or was told a wrong one by a client; this
// tells the two apart, and which method the request used.

#include <cstdint>
#include <vector>

namespace drydock {

enum class GivenAs : std::uint8_t { raw, buffered, direct };  // what the request did with the range: neither, buffered, direct

struct GivenRange {
  std::uint64_t address = 0;
  std::uint64_t length = 0;
  GivenAs as = GivenAs::raw;

  bool holds(std::uint64_t at) const { return at - address < length; }
  bool operator==(const GivenRange&) const = default;
};

class GivenRanges {
 public:
  static constexpr std::size_t kRememberedMax = 1024;  ///< of requests that have ended; the oldest are forgotten

  void begin(const GivenRange& range);
  void end(const GivenRange& range);
  /// The range of a request in flight that holds the address; a raw one where there are several.
  const GivenRange* in_flight(std::uint64_t address) const;
  /// The same of any request, the latest one.
  const GivenRange* ever(std::uint64_t address) const;

 private:
  struct Entry {
    GivenRange range;
    unsigned in_flight = 0;
  };
  std::vector<Entry> entries_;  ///< in the order in which they were given first
};

}  // namespace drydock
