#include "io/prepared_buffer.h"

#include "base/check.h"

namespace drydock {

namespace {
constexpr std::uint32_t kMdlTag = 0x206C644D;  // 'Mdl '
}

PreparedBuffer::PreparedBuffer(PhysicalMemory& memory, LockedPages& ledger, SystemMappings& mappings, Pool& pool,
                               std::uint32_t length_max)
    : memory_(memory), ledger_(ledger), mappings_(mappings), pool_(pool), length_max_(length_max) {
  const std::size_t bytes = MdlView::size_of(kPageMask, length_max);  // the worst place in a page
  mdl_ = static_cast<MDL*>(pool_.allocate(bytes, PoolKind::nonpaged, kMdlTag));
  CHECK(mdl_ != nullptr, "no pool for an MDL of {} bytes", bytes);
}

PreparedBuffer::~PreparedBuffer() {
  if (prepared_) finish();
  (void)pool_.free(mdl_);
}

void PreparedBuffer::prepare(std::uint64_t address, std::uint32_t length, bool device_writes) {
  CHECK(!prepared_ && length != 0 && length <= length_max_, "a buffer of {} bytes cannot be prepared", length);
  const bool locked = MdlView::format(mdl_, address, length).lock(memory_, ledger_, device_writes, &mappings_);
  CHECK(locked, "a client's buffer is not in the machine's memory");
  address_ = address;
  length_ = length;
  prepared_ = true;
}

void PreparedBuffer::finish() {
  MdlView(mdl_).unmap(mappings_);
  // What was locked is what the address says, whatever a driver has written over the MDL.
  const std::uint32_t first = memory_.find(address_)->page(), count = static_cast<std::uint32_t>(pages_spanned(address_, length_));
  for (std::uint32_t page = first; page < first + count; ++page) ledger_.unlock(page);
  mdl_->MdlFlags = 0;
  prepared_ = false;
}

}  // namespace drydock
