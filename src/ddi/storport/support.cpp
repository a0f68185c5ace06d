#include "ddi/storport/support.h"

namespace drydock::ddi {

storport::Request* request_of(Call& call, storport::Adapter& adapter, const void* srb) {
  storport::Request* request = adapter.find_srb(srb);
  if (request == nullptr) {
    call.broken("ST-121", "", fmt::format("{} was given a pointer that is no SRB of this adapter", call.name()));
    return nullptr;
  }
  if (request->state != storport::Request::State::started && call.services().checking())
    call.broken("ST-121", "", fmt::format("{} was given SRB {} after its completion", call.name(), request->serial));
  return request;
}

}  // namespace drydock::ddi
