#pragma once
// What can be said about a driver without running it, and what drydock has to offer it: the table of exports.

#include <cstdint>
#include <string>
#include <vector>

namespace drydock {

enum class Coverage {
  missing,   ///< no such routine here: a call of it ends the run and says who called
  partial,   ///< the documented behaviour except for what the note says
  complete,  ///< every documented behaviour that a storage driver can see
};
const char* name_of(Coverage coverage);

struct ExportedRoutine {
  std::string name, module;  ///< "StorPortInitialize", "storport.sys"
  bool is_data = false;
  Coverage coverage = Coverage::complete;
  std::string highest_irql;  ///< "PASSIVE", "APC", "DISPATCH", "any"; empty for data
  bool raises = false;       ///< may raise an exception
  std::string page, note;    ///< Microsoft's page by its file name; what a partial one lacks
};
/// Sorted by module and name.
std::vector<ExportedRoutine> exported_routines();

struct MissingRoutine {
  std::string name, module, header;  ///< the header of include/wdk that declares it
};
/// What drydock's WDK headers declare as an import and drydock does not have.
std::vector<MissingRoutine> missing_routines();

struct SectionFacts {
  std::string name;
  std::uint32_t rva = 0, size = 0, file_size = 0;
  bool readable = false, writable = false, executable = false, discardable = false;
};

struct ImportFacts {
  std::string module, name;  ///< as the image spells them; "#12" by ordinal
  Coverage coverage = Coverage::missing;
  std::string page, note;    ///< of the export; empty for a missing one
};

struct DriverFacts {
  std::string file;
  std::uint64_t bytes = 0;
  std::string port;    ///< "storport", "scsiport"; empty: it imports neither
  std::string device;  ///< what its hardware IDs name among drydock's devices; empty: none
  std::uint64_t image_base = 0;
  std::uint32_t image_size = 0, entry_rva = 0;
  std::string entry_section;
  std::vector<SectionFacts> sections;
  std::vector<ImportFacts> imports;
  std::vector<std::string> exports;
  std::vector<std::string> notes;  ///< oddities worth a look

  std::string linker_version, os_version, subsystem_version;  ///< "14.29"
  std::uint32_t timestamp = 0;      ///< seconds since 1970; 0: none
  bool reproducible = false;        ///< then the time stamp is a hash
  std::uint32_t checksum = 0;       ///< 0: none
  bool checksum_is_right = false;
  std::uint32_t signature_bytes = 0;
  bool rich_header = false, dwarf = false, pdb = false;
  std::uint32_t coff_symbols = 0, unwind_entries = 0, relocations = 0;
  std::string pdb_path, pdb_id;
  bool pdb_is_there = false;        ///< at its recorded path, or beside the driver
  bool stack_cookie = false, control_flow_guard = false;
  bool dynamic_base = false, high_entropy = false, nx_compatible = false, force_integrity = false;
};

struct Inspected {
  DriverFacts facts;
  std::string error;  ///< why it cannot be a driver drydock loads; empty: facts are good
  explicit operator bool() const { return error.empty(); }
};
Inspected inspect_driver(const std::string& path);

}  // namespace drydock
