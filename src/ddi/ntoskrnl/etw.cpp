// ntoskrnl.exe: event tracing, and a few services of the executive. Nobody consumes events on the machine: a provider is
// registered, is never enabled, and what it writes goes nowhere, as on a system without a trace session.

#include "ddi/modules.h"
#include "ddi/ntoskrnl/kernel_object.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";

// --- event tracing. DOC: VER-170 ----------------------------------------------------------------------------------------------------

NTSTATUS register_provider(Call& call, const GUID* id, void*, void*, REGHANDLE* handle) {
  REGHANDLE* host = call.object(handle, "RegHandle");
  if (host == nullptr || call.object(id, "ProviderId") == nullptr) return STATUS_INVALID_PARAMETER;
  KernelObjects& objects = call.kernel().objects();
  const CodePlace where = call.place();
  *host = objects.next_event_provider++;
  objects.event_providers[*host] = {where.rip, 0, 0, where.is_return_address};
  return STATUS_SUCCESS;
}

bool is_registered(Call& call, REGHANDLE handle) { return call.kernel().objects().event_providers.contains(handle); }

NTSTATUS unregister_provider(Call& call, REGHANDLE handle) {
  if (call.kernel().objects().event_providers.erase(handle) != 0) return STATUS_SUCCESS;
  call.broken("VER-170", "0xC4/0xDC", fmt::format("EtwUnregister was given {:#x}, which EtwRegister did not give out", handle));
  return STATUS_INVALID_HANDLE;
}
BOOLEAN event_enabled(Call&, REGHANDLE, const EVENT_DESCRIPTOR*) { return FALSE; }
BOOLEAN provider_enabled(Call&, REGHANDLE, UCHAR, ULONGLONG) { return FALSE; }
// A handle of 0 is one whose registration failed: writing to it is what drivers do.
NTSTATUS written(Call& call, REGHANDLE handle) { return handle == 0 || is_registered(call, handle) ? STATUS_SUCCESS : STATUS_INVALID_HANDLE; }
NTSTATUS write(Call& call, REGHANDLE handle, const EVENT_DESCRIPTOR*, const GUID*, ULONG, EVENT_DATA_DESCRIPTOR*) { return written(call, handle); }
NTSTATUS write_transfer(Call& call, REGHANDLE handle, const EVENT_DESCRIPTOR*, const GUID*, const GUID*, ULONG, EVENT_DATA_DESCRIPTOR*) { return written(call, handle); }
NTSTATUS write_string(Call& call, REGHANDLE handle, UCHAR, ULONGLONG, const GUID*, const char16_t*) { return written(call, handle); }
NTSTATUS set_information(Call& call, REGHANDLE handle, ULONG, void*, ULONG) { return is_registered(call, handle) ? STATUS_SUCCESS : STATUS_INVALID_HANDLE; }

// --- services -----------------------------------------------------------------------------------------------------------------------

// Version 4, from the machine's seed.
NTSTATUS create_uuid(Call& call, GUID* uuid) {
  GUID* host = call.object(uuid, "Uuid");
  if (host == nullptr) return STATUS_INVALID_PARAMETER;
  Seeded& seeded = call.scheduler().choose();
  const auto bits = [&](std::uint64_t count) { return seeded.below(std::uint64_t{1} << count); };
  host->Data1 = static_cast<ULONG>(bits(32));
  host->Data2 = static_cast<USHORT>(bits(16));
  host->Data3 = static_cast<USHORT>(0x4000 | bits(12));
  for (UCHAR& byte : host->Data4) byte = static_cast<UCHAR>(bits(8));
  host->Data4[0] = static_cast<UCHAR>(0x80 | (host->Data4[0] & 0x3F));
  return STATUS_SUCCESS;
}

// What every x64 processor that runs Windows 10 has: PF_… numbers of the routine's page.
BOOLEAN has_feature(Call&, ULONG feature) {
  constexpr ULONG kCompareExchange = 2, kSse = 6, kRdtsc = 8, kPae = 9, kSse2 = 10, kNx = 12, kSse3 = 13, kCompareExchange128 = 14, kXsave = 17;
  for (const ULONG known : {kCompareExchange, kSse, kRdtsc, kPae, kSse2, kNx, kSse3, kCompareExchange128, kXsave})
    if (feature == known) return TRUE;
  return FALSE;
}

}  // namespace

std::vector<Row> etw_rows() {
  const char* nobody = "nobody consumes events";
  return {
      routine<"EtwRegister", kPassiveLevel, &register_provider>(kModule, "nf-wdm-etwregister", Coverage::full, nobody),
      routine<"EtwUnregister", kPassiveLevel, &unregister_provider>(kModule, "nf-wdm-etwunregister"),
      routine<"EtwEventEnabled", kAnyIrql, &event_enabled>(kModule, "nf-wdm-etweventenabled", Coverage::full, nobody),
      routine<"EtwProviderEnabled", kAnyIrql, &provider_enabled>(kModule, "nf-wdm-etwproviderenabled", Coverage::full, nobody),
      routine<"EtwWrite", kAnyIrql, &write>(kModule, "nf-wdm-etwwrite", Coverage::full, nobody),
      routine<"EtwWriteTransfer", kAnyIrql, &write_transfer>(kModule, "nf-wdm-etwwritetransfer", Coverage::full, nobody),
      routine<"EtwWriteString", kAnyIrql, &write_string>(kModule, "nf-wdm-etwwritestring", Coverage::full, nobody),
      routine<"EtwSetInformation", kPassiveLevel, &set_information>(kModule, "nf-wdm-etwsetinformation", Coverage::full, nobody),
      routine<"ExUuidCreate", kPassiveLevel, &create_uuid>(kModule, "nf-ntddk-exuuidcreate"),
      routine<"ExIsProcessorFeaturePresent", kPassiveLevel, &has_feature>(kModule, "nf-wdm-exisprocessorfeaturepresent"),
  };
}

}  // namespace drydock::ddi
