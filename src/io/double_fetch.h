#pragma once
// DoubleFetch: does the outcome of a request depend on user memory that its driver reads twice? A driver that does may be
// deceived by a process that changes the bytes in between. The request is made again with the bytes changed in front of the
// second read; when status, Information or the data returned are others than before, that is the proof (VER-110). Reading
// twice alone is no mistake.
//
// The request is made once more unchanged at first: if that does not have the same outcome, the driver has a state of its own
// and nothing can be concluded. docs/decisions/0011.

#include <functional>
#include <optional>
#include <vector>

#include "io/client_request.h"

namespace drydock {

class DoubleFetch {
 public:
  DoubleFetch(const IoServices& services, AddressSpaces& spaces, AddressSpace& process, const RequestParameters& parameters)
      : services_(services), watch_(*spaces.fetches()), memory_(spaces.memory()), process_(process), parameters_(parameters) {}

  /// Before the request is made for the first time.
  void begin();
  /// After it, with its answer. `again` makes it anew. Leaves the client's memory as the first time left it.
  void judge(const RequestAnswer& answer, const std::function<RequestAnswer()>& again);

 private:
  struct Memory {
    std::vector<std::byte> in, out;
  };
  struct Outcome {
    NTSTATUS status;
    std::uint64_t information;
    std::vector<std::byte> data;  ///< of the output buffer, without the bytes that the trial itself changes
  };
  std::optional<Memory> load() const;
  void restore(const Memory& memory);
  Outcome outcome(const RequestAnswer& answer, const FetchPair& pair) const;
  bool depends_on(const FetchPair& pair, const RequestAnswer& answer, const std::function<RequestAnswer()>& again);
  void tell(const FetchPair& pair, const Outcome& before, const Outcome& after) const;

  const IoServices& services_;
  FetchWatch& watch_;
  PhysicalMemory& memory_;
  AddressSpace& process_;
  const RequestParameters& parameters_;
  std::optional<Memory> before_;
};

}  // namespace drydock
