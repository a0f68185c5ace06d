#pragma once
// What the toolchain left in a driver image: for people who ask how it was built. Nothing here decides whether an image
// loads, and a damaged piece is simply not reported.

#include <cstdint>
#include <string>

#include "loader/pe_image.h"

namespace drydock {

struct PeFacts {
  std::uint16_t os_major = 0, os_minor = 0, subsystem_major = 0, subsystem_minor = 0;
  std::uint32_t checksum = 0;          // as recorded; 0: none
  std::uint32_t checksum_computed = 0;
  std::uint32_t signature_size = 0;    // bytes of the embedded Authenticode signature; 0: none

  bool rich_header = false;            // Microsoft's linker leaves one behind the DOS header
  bool reproducible = false;           // the time stamp is a hash of the contents (/Brepro)
  bool has_codeview = false;           // a PDB was written; PeImage::pdb_path is its name
  bool has_dwarf = false;
  std::uint32_t coff_symbols = 0;
  std::string pdb_id;                  // "{GUID}, age 1"

  bool dynamic_base = false, high_entropy = false, nx_compatible = false, force_integrity = false, wdm_driver = false;
  bool control_flow_guard = false;
  bool stack_cookie = false;           // /GS
};

PeFacts facts_of(const PeImage& image);

}  // namespace drydock
