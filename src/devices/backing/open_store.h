#pragma once
// From what a user types after --disk to a BlockStore.

#include <memory>
#include <string_view>

#include "base/result.h"
#include "devices/backing/block_store.h"
#include "devices/backing/file_seam.h"

namespace drydock {

/// Does `spec` name a file of the host, and not "mem:SIZE" or "null"?
bool is_file(std::string_view spec);

/// FILE (a regular file or block device), "mem:SIZE", or "null" ("null:SIZE"). `seam` is for files and outlives the store.
Result<std::unique_ptr<BlockStore>> open_store(std::string_view spec, bool read_only, FileSeam& seam = system_file_seam());

}  // namespace drydock
