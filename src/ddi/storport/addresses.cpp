// Addresses, scatter/gather lists and units. DOC: ST-43 ST-52 ST-53 ST-128

#include <cstring>

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

// How far physical contiguity reaches from a byte of machine memory, up to a limit that is enough for any extension.
ULONG contiguous_from(const PhysicalMemory& memory, PhysicalMemory::Place at) {
  constexpr std::uint32_t kPagesMax = 1024;
  std::uint32_t page = at.page(), pages = 1;
  const auto last = static_cast<std::uint32_t>(memory.size() >> kPageShift) - 1;
  while (page < last && pages < kPagesMax && memory.pfn(page + 1) == memory.pfn(page) + 1) ++page, ++pages;
  return static_cast<ULONG>((std::uint64_t{pages} << kPageShift) - (at.offset & kPageMask));
}

STOR_PHYSICAL_ADDRESS get_physical_address(Call& call, void* ext, SCSI_REQUEST_BLOCK* srb, void* virtual_address, ULONG* length) {
  STOR_PHYSICAL_ADDRESS none{};
  storport::Adapter* adapter = call.adapter(ext);
  ULONG* host_length = call.object(length, "Length");
  if (adapter == nullptr || host_length == nullptr) return none;
  *host_length = 0;
  const auto place = call.memory().find(virtual_address);
  if (!place) {  // DOC: H-39
    call.broken("VER-36", "", "StorPortGetPhysicalAddress was given an address that is in no memory of the adapter or its requests");
    return none;
  }
  if (srb != nullptr)
    if (storport::Request* request = request_of(call, *adapter, srb); request != nullptr && request->data_length != 0)
      if (const auto data = call.memory().find(request->data_address); data && place->offset - data->offset < request->data_length)
        return physical_in_list(*request, place->offset - data->offset, *host_length);
  *host_length = contiguous_from(call.memory(), *place);
  none.QuadPart = static_cast<LONGLONG>(call.memory().physical(reinterpret_cast<std::uint64_t>(virtual_address))->value);
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
  std::byte* target = call.range(to, length, true, "WriteBuffer");
  const std::byte* source = call.range(from, length, false, "ReadBuffer");
  if (target != nullptr && source != nullptr) std::memmove(target, source, length);
}

STOR_PHYSICAL_ADDRESS convert_ulong_to_physical_address(Call&, ULONG_PTR value) {
  STOR_PHYSICAL_ADDRESS address{};
  address.QuadPart = static_cast<LONGLONG>(value);
  return address;
}

ULONG convert_physical_address_to_ulong(Call&, STOR_PHYSICAL_ADDRESS address) { return static_cast<ULONG>(address.QuadPart); }

}  // namespace drydock::ddi
