#include "ddi/storport/support.h"

namespace drydock::ddi {

MSABI void complain_of_srb(Call& call, const storport::Request* request) noexcept {
  if (request == nullptr)
    call.broken("ST-121", "", fmt::format("{} was given a pointer that is no SRB of this adapter", call.name()));
  else if (call.services().checking())
    call.broken("ST-121", "", fmt::format("{} was given SRB {} after its completion", call.name(), request->serial));
}

}  // namespace drydock::ddi
