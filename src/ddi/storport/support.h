#pragma once
// What Storport's routines have in common: from a driver's pointers to drydock's objects.

#include "ddi/call.h"

namespace drydock::ddi {

/// What is wrong with the SRB that was named; null: it is none of the adapter's.
[[gnu::cold, gnu::noinline]] MSABI void complain_of_srb(Call& call, const storport::Request* request) noexcept;

/// The request an SRB pointer names. Null and a finding when it is no SRB of the adapter; a finding, and the request all
/// the same, when the SRB has been completed. DOC: ST-121
inline storport::Request* request_of(Call& call, storport::Adapter& adapter, const void* srb) {
  storport::Request* request = adapter.find_srb(srb);
  if (request == nullptr || request->state != storport::Request::State::started) [[unlikely]] complain_of_srb(call, request);
  return request;
}

inline constexpr ULONG kSuccess = static_cast<ULONG>(STOR_STATUS_SUCCESS);
inline constexpr ULONG kUnsuccessful = static_cast<ULONG>(STOR_STATUS_UNSUCCESSFUL);
inline constexpr ULONG kNotImplemented = static_cast<ULONG>(STOR_STATUS_NOT_IMPLEMENTED);
inline constexpr ULONG kInvalidParameter = static_cast<ULONG>(STOR_STATUS_INVALID_PARAMETER);
inline constexpr ULONG kInvalidIrql = static_cast<ULONG>(STOR_STATUS_INVALID_IRQL);
inline constexpr ULONG kNoResources = static_cast<ULONG>(STOR_STATUS_INSUFFICIENT_RESOURCES);

inline constexpr ULONG kTimeIncrement = 156'250;  ///< 100 ns units between ticks of the system clock

inline bool too_high(const Call& call) { return call.scheduler().irql() > kDispatchLevel; }

inline ULONG_PTR all_processors(const Call& call) { return ~ULONG_PTR{0} >> (64 - call.scheduler().cpu_count()); }

/// A parameter of a service that wants a valid extension and a pointer it can use; null when either is missing.
template <class T>
T* out(const Call& call, const void* ext, T* to, const char* what) {
  return call.adapter(ext) == nullptr || to == nullptr ? nullptr : call.object(to, what);
}

/// nullptr-safe store through a driver's out-pointer.
template <class T>
void store(Call& call, T* to, T value, const char* what) {
  if (T* host = call.object(to, what)) *host = value;
}

}  // namespace drydock::ddi
