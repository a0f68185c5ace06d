#pragma once
// BuiltLists: scatter/gather lists that a miniport builds itself, in memory of its own, for a buffer of its own. DOC: ST-47
// ST-48. From StorPortBuildScatterGatherList to StorPortPutScatterGatherList the device may reach the buffer.

#include <memory>
#include <vector>

#include "abi/wdk.h"
#include "hal/dma_adapter.h"
#include "port/storport/services.h"

namespace drydock::storport {

class BuiltLists {
 public:
  enum class Built : std::uint8_t { queued, no_registers, too_small, outside_buffer, in_use };
  enum class Put : std::uint8_t { done, unknown, other_direction };
  struct Wanted {
    DmaBuffer buffer;
    void* driver_list = nullptr;             ///< the address the miniport knows
    STOR_SCATTER_GATHER_LIST* host_list = nullptr;
    std::size_t list_bytes = 0;
    PpostScaterGatherExecute routine = nullptr;
    void* context = nullptr;
    CodePlace where;
  };

  explicit BuiltLists(const Services& services);
  ~BuiltLists();
  /// `queued`: the routine is called at DISPATCH_LEVEL, soon.
  Built build(DmaAdapter& dma, const Wanted& wanted);
  Put put(const void* driver_list, DmaDirection direction);
  /// Nothing is called any more.
  void stop();
  /// Where lists were built that were never put back.
  std::vector<CodePlace> leaks() const;

 private:
  struct Entry;
  std::vector<std::unique_ptr<Entry>>::iterator find(const void* driver_list);
  Services s_;
  std::vector<std::unique_ptr<Entry>> entries_;
};

}  // namespace drydock::storport
