#include "io/access_method.h"

namespace drydock {

const char* name_of(AccessMethod method) {
  switch (method) {
    case AccessMethod::buffered: return "buffered";
    case AccessMethod::direct: return "direct";
    case AccessMethod::neither: break;
  }
  return "neither";
}

}  // namespace drydock
