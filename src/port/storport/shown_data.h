#pragma once
// ShownData: with --checks all, where the miniport sees the data of a request: at addresses in the lent view, whose pages are
// open while a request that was shown them has them, and closed afterwards. So a use of the address after the completion is
// caught like one of the SRB. Requests may share a page: it stays open for the other. DOC: ST-42 ST-49

#include <cstdint>
#include <map>
#include <set>

#include "mem/physical_memory.h"

namespace drydock::storport {

class Request;

class ShownData {
 public:
  explicit ShownData(PhysicalMemory& memory) : memory_(memory) {}
  ~ShownData();
  ShownData(const ShownData&) = delete;
  ShownData& operator=(const ShownData&) = delete;

  /// The address of the request's data, good until end().
  void* show(const Request& request);
  /// The request is completed, or nobody's any more.
  void end(const Request& request);
  /// Was any of these bytes shown, and is no request's any more?
  bool is_dead(PhysicalMemory::Place found, std::uint64_t bytes) const;

 private:
  PageRun pages_of(const Request& request) const;

  PhysicalMemory& memory_;
  std::map<std::uint32_t, PageRun> shown_;      ///< by number of the request
  std::map<std::uint32_t, unsigned> users_;     ///< of a page
  std::set<std::uint32_t> closed_;              ///< to be opened for whoever gets the pages next
};

}  // namespace drydock::storport
