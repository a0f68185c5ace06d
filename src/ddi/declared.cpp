#include "ddi/declared.h"

namespace drydock::ddi {
namespace {

constexpr Declared kDeclared[] = {
#include "declared_imports.inc"  // made by the build
};

}  // namespace

std::span<const Declared> declared_imports() { return kDeclared; }

}  // namespace drydock::ddi
