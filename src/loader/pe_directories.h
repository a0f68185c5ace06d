#pragma once
// The data directories of a PE image: imports, exports, relocations, load configuration and the smaller ones. Called by
// PeImage::parse once headers and sections are known to be sound.

#include <array>

#include "base/result.h"
#include "loader/pe_format.h"
#include "loader/pe_image.h"

namespace drydock::pe {

using DirectoryTable = std::array<DataDirectory, kDirectories>;

Result<void> read_directories(const DirectoryTable& directories, PeImage& image);

}  // namespace drydock::pe
