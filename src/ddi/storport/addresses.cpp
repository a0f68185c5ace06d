// Addresses, scatter/gather lists and units. DOC: ST-43 ST-52 ST-53 ST-128

#include <algorithm>
#include <cstring>
#include <optional>

#include "ddi/bytes.h"
#include "ddi/storport/rows.h"
#include "ddi/storport/support.h"

namespace drydock::ddi {

// The list was built when the request was mapped; it lies in the request's slot and dies with it.
STOR_SCATTER_GATHER_LIST* get_scatter_gather_list(Call& call, void* ext, SCSI_REQUEST_BLOCK* srb) {
  storport::Adapter* adapter = call.adapter(ext);
  storport::Request* request = adapter == nullptr ? nullptr : request_of(call, *adapter, srb);
  if (request == nullptr || request->direction == storport::Request::Direction::none) return nullptr;
  return static_cast<STOR_SCATTER_GATHER_LIST*>(request->list_driver);
}

// DOC: ST-52 with an SRB and its data buffer: the element of the list; else the page.
STOR_PHYSICAL_ADDRESS physical_in_list(const storport::Request& request, std::uint64_t offset, ULONG& length) {
  STOR_PHYSICAL_ADDRESS address{};
  const STOR_SCATTER_GATHER_LIST& list = *request.list_host;
  for (ULONG i = 0; i < list.NumberOfElements; ++i) {
    if (offset < list.List[i].Length) {
      address.QuadPart = list.List[i].PhysicalAddress.QuadPart + static_cast<LONGLONG>(offset);
      length = list.List[i].Length - static_cast<ULONG>(offset);
      return address;
    }
    offset -= list.List[i].Length;
  }
  length = 0;
  return address;
}

// How far physical contiguity reaches from a byte of machine memory.
ULONG contiguous_from(const PhysicalMemory& memory, PhysicalMemory::Place at) {
  constexpr std::uint64_t kPagesMax = 1u << 19;
  const std::uint64_t pages = std::min<std::uint64_t>(memory.consecutive_pages(at.page()), kPagesMax);
  return static_cast<ULONG>((pages << kPageShift) - (at.offset & kPageMask));
}

// Where in the request's data an address lies; none when it does not. The same byte has an address in every view.
std::optional<std::uint64_t> offset_in_data(const PhysicalMemory& memory, const storport::Request& request, std::uint64_t address) {
  const auto place = memory.find(address), data = memory.find(request.data_address);
  const std::uint64_t offset = place && data ? place->offset - data->offset : address - request.data_address;
  return offset < request.data_length ? std::optional(offset) : std::nullopt;
}

STOR_PHYSICAL_ADDRESS get_physical_address(Call& call, void* ext, SCSI_REQUEST_BLOCK* srb, void* virtual_address, ULONG* length) {
  STOR_PHYSICAL_ADDRESS none{};
  storport::Adapter* adapter = call.adapter(ext);
  ULONG* host_length = call.object(length, "Length");
  if (adapter == nullptr || host_length == nullptr) return none;
  *host_length = 0;
  const auto physical = call.physical(virtual_address);
  if (!physical) {  // DOC: H-39
    call.broken("VER-36", "", "StorPortGetPhysicalAddress was given an address that is in no memory of the adapter or its requests");
    return none;
  }
  const auto address = reinterpret_cast<std::uint64_t>(virtual_address);
  if (srb != nullptr)
    if (storport::Request* request = request_of(call, *adapter, srb); request != nullptr && request->direction != storport::Request::Direction::none)
      if (const auto offset = offset_in_data(call.memory(), *request, address)) return physical_in_list(*request, *offset, *host_length);
  const auto place = call.memory().find(address);
  *host_length = place ? contiguous_from(call.memory(), *place) : static_cast<ULONG>(kPageSize - (address & kPageMask));
  none.QuadPart = static_cast<LONGLONG>(physical->value);
  return none;
}

// DOC: ST-53 only what can be inverted: the uncached extension and SRB extensions.
void* get_virtual_address(Call& call, void* ext, STOR_PHYSICAL_ADDRESS address) {
  storport::Adapter* adapter = call.adapter(ext);
  if (adapter == nullptr) return nullptr;
  const auto page = call.memory().page_of_pfn(static_cast<std::uint64_t>(address.QuadPart) >> kPageShift);
  void* found = page ? adapter->invert(*page, static_cast<std::uint64_t>(address.QuadPart) & kPageMask) : nullptr;
  if (found == nullptr)
    call.broken("ST-53", "", "StorPortGetVirtualAddress was given an address that StorPortGetPhysicalAddress did not return for an extension");
  return found;
}

void* get_logical_unit(Call& call, void* ext, UCHAR path, UCHAR target, UCHAR lun) {
  storport::Adapter* adapter = call.adapter(ext);
  if (adapter == nullptr) return nullptr;
  storport::LogicalUnit* unit = adapter->find_unit(path, target, lun);
  return unit == nullptr ? nullptr : unit->extension;
}

SCSI_REQUEST_BLOCK* get_srb(Call& call, void* ext, UCHAR path, UCHAR target, UCHAR lun, LONG tag) {
  storport::Adapter* adapter = call.adapter(ext);
  storport::Request* request = adapter == nullptr ? nullptr : adapter->find_tagged(path, target, lun, tag);
  return request == nullptr ? nullptr : static_cast<SCSI_REQUEST_BLOCK*>(request->srb_driver);
}

void move_memory(Call& call, void* to, void* from, ULONG length) {
  move_bytes(call, to, from, length, "WriteBuffer", "ReadBuffer");
}

STOR_PHYSICAL_ADDRESS convert_ulong_to_physical_address(Call&, ULONG_PTR value) {
  STOR_PHYSICAL_ADDRESS address{};
  address.QuadPart = static_cast<LONGLONG>(value);
  return address;
}

ULONG convert_physical_address_to_ulong(Call&, STOR_PHYSICAL_ADDRESS address) { return static_cast<ULONG>(address.QuadPart); }

}  // namespace drydock::ddi
