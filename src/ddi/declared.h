#pragma once
// What include/wdk declares as imports, whether or not drydock has a row for it: the list that says what is missing.
// Written out of the headers at build time by tools/exports/declared.py.

#include <span>

namespace drydock::ddi {

struct Declared {
  const char* name;
  const char* module;  ///< "storport.sys"
  const char* header;  ///< "wdm.h"
};

/// Sorted by module and name.
std::span<const Declared> declared_imports();

}  // namespace drydock::ddi
