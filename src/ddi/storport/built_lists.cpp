// Scatter/gather lists that a miniport builds itself. DOC: ST-47 ST-48

#include "ddi/storport/bodies.h"
#include "ddi/storport/support.h"

namespace drydock::ddi {

namespace {

// drydock's alias of one MDL of a driver's chain; null, and a finding, unless all of it is memory and names pages that exist.
MDL* sound_mdl(Call& call, MDL* mdl) {
  MDL* host = call.object(mdl, "Mdl");
  if (host == nullptr || host->ByteCount == 0) return nullptr;
  const MdlView view(host);
  if (!view.resident() || call.range(mdl, MdlView::size_of(view.address(), view.length()), true, "Mdl") == nullptr) return nullptr;
  for (const std::uint64_t pfn : view.pfn_span())
    if (!call.memory().page_of_pfn(pfn)) return nullptr;
  return host;
}

// The chain is walked by the planner through its own links: every part is looked at before.
MDL* sound_chain(Call& call, void* mdl) {
  constexpr unsigned kPartsMax = 1024;
  MDL* first = sound_mdl(call, static_cast<MDL*>(mdl));
  unsigned parts = 1;
  for (MDL* at = first; at != nullptr && at->Next != nullptr; at = at->Next)
    if (++parts > kPartsMax || sound_mdl(call, at->Next) == nullptr) return nullptr;
  return first;
}

ULONG status_of(storport::BuiltLists::Built built) {
  using Built = storport::BuiltLists::Built;
  switch (built) {
    case Built::queued: return kSuccess;
    case Built::no_registers: return kNoResources;
    case Built::too_small: return static_cast<ULONG>(STOR_STATUS_BUFFER_TOO_SMALL);
    default: return kInvalidParameter;
  }
}

}  // namespace

ULONG build_scatter_gather_list(Call& call, void* ext, void* mdl, void* current_va, ULONG length, PpostScaterGatherExecute routine,
                                void* context, BOOLEAN write_to_device, void* list, ULONG list_length) {
  storport::Adapter* adapter = call.adapter(ext);
  if (adapter == nullptr || mdl == nullptr || routine == nullptr || list == nullptr) return kInvalidParameter;
  if (call.scheduler().irql() != kDispatchLevel) return kInvalidIrql;
  if (adapter->dma() == nullptr) return kUnsuccessful;
  MDL* host_mdl = sound_chain(call, mdl);
  auto* host_list = reinterpret_cast<STOR_SCATTER_GATHER_LIST*>(call.range(list, list_length, true, "ScatterGatherBuffer"));
  if (host_mdl == nullptr || host_list == nullptr) return kInvalidParameter;
  const MdlView view(host_mdl);
  const std::uint64_t offset = reinterpret_cast<std::uint64_t>(current_va) - view.address();
  const DmaDirection direction = write_to_device != FALSE ? DmaDirection::to_device : DmaDirection::from_device;
  const auto built = adapter->built_lists().build(*adapter->dma(), {{view, offset, length, direction}, list, host_list, list_length, routine, context, call.place()});
  if (built == storport::BuiltLists::Built::in_use)
    call.broken("ST-48", "", "StorPortBuildScatterGatherList was given a buffer whose list was not yet given to StorPortPutScatterGatherList");
  return status_of(built);
}

ULONG put_scatter_gather_list(Call& call, void* ext, STOR_SCATTER_GATHER_LIST* list, BOOLEAN write_to_device) {
  using Put = storport::BuiltLists::Put;
  storport::Adapter* adapter = call.adapter(ext);
  if (adapter == nullptr || list == nullptr) return kInvalidParameter;
  if (call.scheduler().irql() != kDispatchLevel) return kInvalidIrql;
  const Put put = adapter->built_lists().put(list, write_to_device != FALSE ? DmaDirection::to_device : DmaDirection::from_device);
  if (put == Put::unknown) call.broken("ST-48", "", "StorPortPutScatterGatherList was given a list that StorPortBuildScatterGatherList did not build");
  if (put == Put::other_direction) call.broken("ST-48", "", "StorPortPutScatterGatherList was given another WriteToDevice than StorPortBuildScatterGatherList");
  return put == Put::unknown ? kInvalidParameter : kSuccess;
}

}  // namespace drydock::ddi
