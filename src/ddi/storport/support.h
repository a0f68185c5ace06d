#pragma once
// What Storport's routines have in common: from a driver's pointers to drydock's objects.

#include "ddi/call.h"

namespace drydock::ddi {

/// The request an SRB pointer names. Null and a finding when it is no SRB of the adapter; a finding, and the request all
/// the same, when the SRB has been completed. DOC: ST-121
storport::Request* request_of(Call& call, storport::Adapter& adapter, const void* srb);

/// nullptr-safe store through a driver's out-pointer.
template <class T>
void store(Call& call, T* to, T value, const char* what) {
  if (T* host = call.object(to, what)) *host = value;
}

}  // namespace drydock::ddi
